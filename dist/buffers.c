/* The reducer for a program's own buffers: no tensors, no graph. */
#include "dist/check.h"
#include "dist/ranks.h"
#include "dist/reducer.h"
#include "dist/sum.h"
#include "dist/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>

struct tr_reducer {
    dist_reducer reducer;
    tr_buffer *buffer; /* owned; their data are the program's */
    dist_item *item;   /* owned */
    int64_t buffers;
    int64_t ledger_steps; /* that had ended when its last step began; -1: none has begun */
    bool sum;
};

static bool serves(tr_dtype dtype)
{
    return dtype == TR_FLOAT32 || dtype == TR_FLOAT64 || dtype == TR_COMPLEX64 || dtype == TR_COMPLEX128;
}

static int full(void *owner, int64_t bucket)
{
    tr_reducer *r = owner;
    dist_bucket *b = &r->reducer.plan.bucket[bucket];
    double weight = dist_reducer_weight(&r->reducer);
    if (isnan(weight)) return -1;
    for (int64_t s = 0; s < b->slots; s++) {
        int64_t i = b->slot[s].item;
        bool used = r->reducer.ready[i];
        dist_scale(b->dtype, b->slot[s].place, r->buffer[i].data, b->slot[s].n, !used ? 0 : r->sum ? 1
                                                                                                   : weight);
        dist_bucket_set_used(b, s, used);
    }
    return dist_reducer_send(&r->reducer, bucket, 1);
}

static int take_buffers(tr_reducer *r, const tr_buffer *buffers)
{
    r->buffer = calloc((size_t)r->buffers, sizeof *r->buffer);
    r->item = calloc((size_t)r->buffers, sizeof *r->item);
    if (!r->buffer || !r->item) {
        tr_fail("out of memory: tr_reducer_new over %lld buffers", (long long)r->buffers);
        return -1;
    }
    for (int64_t i = 0; i < r->buffers; i++) {
        tr_buffer b = buffers[i];
        if (b.count < 0 || (b.count > 0 && !b.data) || !serves(b.dtype)) {
            tr_fail("tr_reducer_new: buffer %lld: %lld numbers of %s at %p; expected float32, float64, complex64 or complex128",
                    (long long)i, (long long)b.count, tr_dtype_name(b.dtype), b.data);
            return -1;
        }
        r->buffer[i] = b;
        r->item[i] = (dist_item){b.count, b.dtype};
    }
    return 0;
}

/* What every rank has to say, one after the other; NULL with an error standing. */
static int64_t *of_all(dist_transport *way, const int64_t *mine, int64_t n)
{
    int64_t *all = calloc((size_t)(way->world * n), sizeof *all);
    if (!all) return tr_fail("tr_reducer_new: the ranks' buffers differ (out of memory for more)");
    if (dist_done(dist_all_gather(way, mine, all, n * (int64_t)sizeof *all)) == 0) return all;
    free(all);
    return NULL;
}

/* True if that is told, or an error stands. */
static bool numbers_differ(const tr_reducer *r, dist_transport *way)
{
    int64_t *all = of_all(way, &r->buffers, 1), i = 1;
    while (all && i < way->world && all[i] == all[0]) i++;
    bool differ = !all || i < way->world;
    if (all && differ)
        tr_fail("tr_reducer_new: the ranks' buffers differ: rank 0 has %lld of them, rank %lld has %lld", (long long)all[0], (long long)i, (long long)all[i]);
    free(all);
    return differ;
}

/* The first that is another than rank 0's. */
static void name_buffer(const tr_reducer *r, dist_transport *way)
{
    int64_t n = r->buffers, *mine = calloc((size_t)(2 * n), sizeof *mine);
    if (!mine) {
        tr_fail("tr_reducer_new: the ranks' buffers differ (out of memory for more)");
        return;
    }
    for (int64_t i = 0; i < n; i++) mine[2 * i] = r->item[i].n, mine[2 * i + 1] = r->item[i].dtype;
    int64_t *all = of_all(way, mine, 2 * n);
    for (int64_t i = 0; i < n * way->world && all; i++) {
        int64_t buffer = i / way->world, rank = i % way->world;
        const int64_t *one = all + 2 * buffer, *other = one + 2 * n * rank;
        if (one[0] == other[0] && one[1] == other[1]) continue;
        tr_fail("tr_reducer_new: buffer %lld differs: rank 0 has %lld %s, rank %lld has %lld %s", (long long)buffer, (long long)one[0],
                tr_dtype_name((tr_dtype)one[1]), (long long)rank, (long long)other[0], tr_dtype_name((tr_dtype)other[1]));
        break;
    }
    free(mine);
    free(all);
}

/* Sizes and types are the same on every rank, or no rank goes on. */
static int compare(const tr_reducer *r, dist_transport *way)
{
    uint64_t h = (uint64_t)r->buffers;
    for (int64_t i = 0; i < r->buffers; i++) h = ((h ^ (uint64_t)r->item[i].n) * 0x100000001b3u ^ (uint64_t)r->item[i].dtype) * 0x100000001b3u;
    uint64_t agreed[2] = {h, ~h};
    if (dist_done(dist_largest(way, agreed, 2, -1)) < 0) return -1;
    if (agreed[0] == ~agreed[1]) return 0;
    if (!numbers_differ(r, way)) name_buffer(r, way);
    return -1;
}

tr_reducer *(tr_reducer_new)(const tr_buffer *buffers, int64_t count, tr_reducer_options options)
{
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way) return NULL;
    if (!buffers || count < 1) return tr_fail("tr_reducer_new: %lld buffers", (long long)count);
    if (options.bucket_bytes < 0 || options.first_bucket_bytes < 0)
        return tr_fail("tr_reducer_new: bucket_bytes %lld, first_bucket_bytes %lld", (long long)options.bucket_bytes, (long long)options.first_bucket_bytes);
    if (dist_check("tr_reducer_new", "reducer_new") < 0) return NULL;
    tr_reducer *r = calloc(1, sizeof *r);
    if (!r) return tr_fail("out of memory: a reducer");
    r->buffers = count;
    r->sum = options.sum;
    r->ledger_steps = -1;
    r->reducer.full = full;
    r->reducer.owner = r;
    int64_t agreed[3] = {options.first_bucket_bytes, options.bucket_bytes, options.overlap};
    bool thread;
    if (take_buffers(r, buffers) == 0 && compare(r, way) == 0 && dist_done(dist_broadcast(way, agreed, sizeof agreed, 0)) == 0 &&
        dist_reducer_choose(&r->reducer, way, agreed, &thread) == 0 && dist_reducer_open(&r->reducer, way, r->item, count, thread) == 0)
        return r;
    tr_reducer_free(r);
    return NULL;
}

void tr_reducer_free(tr_reducer *r)
{
    if (!r) return;
    if (r->ledger_steps >= 0) tr_ledger_turn_(r->ledger_steps);
    if (r->reducer.plan.memory) dist_reducer_close(&r->reducer);
    free(r->buffer);
    free(r->item);
    free(r);
}

static bool lives(const char *function, const tr_reducer *r)
{
    if (!r) return tr_fail("%s: NULL instead of a reducer", function);
    if (dist_plan_is_over(&r->reducer.plan)) return tr_fail("%s: the ranks it was made for have finished", function);
    dist_stop_if_failed();
    return true;
}

int(tr_reducer_begin)(tr_reducer *r, int64_t samples)
{
    if (!lives("tr_reducer_begin", r)) return -1;
    if (samples < 0) {
        tr_fail("tr_reducer_begin: %lld samples", (long long)samples);
        return -1;
    }
    char words[DIST_WORDS];
    snprintf(words, sizeof words, "average %lld buffers", (long long)r->buffers);
    r->ledger_steps = tr_ledger_turn_(r->ledger_steps);
    if (dist_check("tr_reducer_begin", words) < 0) return -1;
    return dist_done(dist_reducer_begin(&r->reducer, samples, NULL, 0));
}

int(tr_reducer_ready)(tr_reducer *r, int64_t buffer)
{
    if (!lives("tr_reducer_ready", r)) return -1;
    if (buffer < 0 || buffer >= r->buffers || !r->reducer.running) {
        tr_fail(r->reducer.running ? "tr_reducer_ready: buffer %lld of %lld" : "tr_reducer_ready: buffer %lld of %lld before tr_reducer_begin", (long long)buffer, (long long)r->buffers);
        return -1;
    }
    return dist_done(dist_reducer_ready(&r->reducer, buffer));
}

static int finish(tr_reducer *r)
{
    bool moved;
    if (dist_reducer_flush(&r->reducer) < 0 || dist_reducer_wait(&r->reducer) < 0) return -1;
    for (int64_t i = 0; i < r->buffers; i++)
        if (dist_reducer_used(&r->reducer, i)) memcpy(r->buffer[i].data, r->reducer.plan.home[i]->place, (size_t)(r->item[i].n * tr_dtype_size(r->item[i].dtype)));
    if (!r->reducer.settled && dist_reducer_settle(&r->reducer, &moved) < 0) return -1;
    return dist_ledger_averaged(r->reducer.plan.way);
}

/* Not compared (check.h): by now each rank has sent other buckets, and a comparison would come between them. */
int(tr_reducer_wait)(tr_reducer *r)
{
    if (!lives("tr_reducer_wait", r)) return -1;
    if (!r->reducer.running) {
        tr_fail("tr_reducer_wait: before tr_reducer_begin");
        return -1;
    }
    return dist_done(finish(r));
}
