/* Sharded optimiser state: which parameters are whose, and how they come back together. */
#include "dist/check.h"
#include "dist/data_parallel.h"
#include "dist/ranks.h"

#include <stdlib.h>
#include <trireme/dist.h>
#include <trireme/record.h>

/* The largest parameters first, each to the rank that has least. */
static void share_out(dist_data_parallel *d, int64_t *load, bool *given)
{
    for (int64_t k = 0; k < d->items; k++) {
        int64_t most = -1, least = 0;
        for (int64_t i = 0; i < d->items; i++)
            if (!given[i] && (most < 0 || d->item[i].n > d->item[most].n)) most = i;
        for (int64_t r = 1; r < tr_dist_world(); r++)
            if (load[r] < load[least]) least = r;
        given[most] = true;
        d->owner[most] = least;
        load[least] += d->item[most].n;
    }
    for (int64_t i = 0; i < d->items; i++)
        if (d->owner[i] == tr_dist_rank()) d->mine[d->mine_count++] = d->gradient[i].parameter;
}

static dist_data_parallel *with_owners(tr_module *m, const char *function)
{
    dist_data_parallel *d = dist_data_parallel_of(m);
    if (!d) return tr_fail("%s: expected a module of tr_data_parallel()", function);
    if (d->owner) return d;
    if (dist_data_parallel_collect(d) < 0) return NULL;
    if (d->items < tr_dist_world()) return tr_fail("%s: %lld parameters for %lld ranks; every rank needs one", function, (long long)d->items, (long long)tr_dist_world());
    int64_t *load = calloc((size_t)tr_dist_world(), sizeof *load);
    bool *given = calloc((size_t)d->items, sizeof *given);
    d->owner = calloc((size_t)d->items, sizeof *d->owner);
    d->mine = calloc((size_t)d->items, sizeof(tr_tensor *));
    bool served = load && given && d->owner && d->mine;
    if (served) share_out(d, load, given);
    free(load);
    free(given);
    return served ? d : tr_fail("out of memory: %s", function);
}

tr_tensors(tr_shard_parameters)(tr_module *m)
{
    dist_data_parallel *d = with_owners(m, "tr_shard_parameters");
    return d ? (tr_tensors){d->mine, d->mine_count} : (tr_tensors){NULL, 0};
}

/* All started, then all waited for: many are small. */
static int gather_all(void *data)
{
    dist_data_parallel *d = data;
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way || dist_check("tr_gather_parameters", "gather parameters") < 0) return -1;
    dist_work *work = calloc((size_t)d->items, sizeof *work);
    if (!work) {
        tr_fail("out of memory: tr_gather_parameters");
        return dist_done(-1);
    }
    int status = 0;
    for (int64_t i = 0; i < d->items && status == 0; i++) {
        void *at = tr_data(d->gradient[i].parameter);
        int64_t bytes = d->item[i].n * tr_dtype_size(d->item[i].dtype);
        work[i] = (dist_work){.operation = DIST_BROADCAST, .from = at, .into = at, .n = bytes, .peer = d->owner[i]};
        status = dist_start(way, &work[i]);
    }
    for (int64_t i = 0; i < d->items && status == 0; i++) status = dist_wait(way, &work[i]);
    if (status == 0) free(work); /* else the transport may still look at it */
    return dist_done(status);
}

int(tr_gather_parameters)(tr_module *m)
{
    dist_data_parallel *d = with_owners(m, "tr_gather_parameters");
    if (!d) return -1;
    return tr_dist_world() == 1 ? 0 : (tr_record_call)(gather_all, d);
}
