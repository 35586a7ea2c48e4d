/* Optimiser state shared out: which numbers are whose. */
#include "dist/data_parallel.h"
#include "dist/ranks.h"

#include <stdlib.h>
#include <trireme/dist.h>

typedef dist_data_parallel data_parallel;

/* ---- whose ---- */

static bool serves(data_parallel *d, int64_t i)
{
    const tr_tensor *p = d->gradient[i].parameter;
    tr_dtype dtype = tr_dtype_of(p);
    if (tr_is_contiguous(p) && (dtype == TR_FLOAT32 || dtype == TR_FLOAT64)) return true;
    return tr_fail("tr_data_parallel: .shard_state wants row-major float32 or float64; parameter %s is %s%s", dist_data_parallel_name(d, p),
                   tr_dtype_name(dtype), tr_is_contiguous(p) ? "" : ", not row-major");
}

static int64_t limited(int64_t x, int64_t most) { return x < 0 ? 0 : x > most ? most
                                                                              : x; }

/* The rank's part of the bucket, as far as it lies in this slot. */
static int own(data_parallel *d, const dist_bucket *b, const dist_slot *s)
{
    int64_t begin = ((char *)s->place - (char *)b->memory) / tr_dtype_size(b->dtype), part = tr_dist_rank() * b->part;
    int64_t first = limited(part - begin, s->n), end = limited(part + b->part - begin, s->n);
    return dist_owned_make(&d->mine[s->item], &d->gradient[s->item], first, end - first);
}

int dist_own_parts(data_parallel *d)
{
    const dist_plan *plan = &d->reducer.plan;
    d->mine = calloc((size_t)d->items, sizeof *d->mine);
    d->gather = calloc((size_t)plan->buckets, sizeof *d->gather);
    if (!d->mine || !d->gather) {
        tr_fail("out of memory: tr_data_parallel with .shard_state");
        return -1;
    }
    for (int64_t i = 0; i < d->items; i++)
        if (!serves(d, i)) return -1;
    for (int64_t i = 0; i < plan->buckets; i++)
        for (int64_t s = 0; s < plan->bucket[i].slots; s++)
            if (own(d, &plan->bucket[i], &plan->bucket[i].slot[s]) < 0) return -1;
    return 0;
}

int dist_own_check(data_parallel *d)
{
    for (int64_t i = 0; i < d->items; i++) {
        if (!tr_grad(d->mine[i].part)) continue;
        tr_fail("the gradients of the last backward still stand in the parts of tr_shard_parameters(): call tr_zero_grad() of their optimiser, "
                "or tr_gather_parameters(), before the next one; over several backwards gradients gather under TR_NO_SYNC");
        return -1;
    }
    return 0;
}

/* ---- the list ---- */

dist_data_parallel *dist_own_sharded(tr_module *m, const char *function)
{
    data_parallel *d = dist_data_parallel_of(m);
    if (!d) return tr_fail("%s: expected a module of tr_data_parallel()", function);
    if (!d->sharded) return tr_fail("%s: the module was made without .shard_state; tr_data_parallel(module, .shard_state = true)", function);
    if (d->mine && dist_plan_is_over(&d->reducer.plan)) return tr_fail("%s: the module was made for other ranks than these", function);
    return dist_data_parallel_collect(d) < 0 ? NULL : d;
}

/* For a rank that owns nothing a part without numbers, since optimisers want a tensor. */
static int make_list(data_parallel *d)
{
    d->list = calloc((size_t)d->items + 1, sizeof(tr_tensor *));
    if (!d->list) {
        tr_fail("out of memory: tr_shard_parameters");
        return -1;
    }
    for (int64_t i = 0; i < d->items; i++) {
        if (!d->mine || d->mine[i].n > 0) d->list[d->list_count++] = d->mine ? d->mine[i].part : d->gradient[i].parameter;
    }
    if (d->list_count == 0 && d->mine) d->list[d->list_count++] = d->mine[0].part;
    return 0;
}

tr_tensors(tr_shard_parameters)(tr_module *m)
{
    data_parallel *d = dist_own_sharded(m, "tr_shard_parameters");
    if (!d || (!d->list && make_list(d) < 0)) return (tr_tensors){NULL, 0};
    return (tr_tensors){d->list, d->list_count};
}
