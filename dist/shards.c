#include "dist/shards.h"

#include "dist/check.h"
#include "dist/ranks.h"
#include "dist/sum.h"
#include "dist/watch.h"

#include <stdio.h>
#include <stdlib.h>

int dist_shards_open(dist_shards *s, dist_transport *way, const dist_plan *plan, tr_module *module, dist_gradient *gradient, int64_t items, int64_t shards)
{
    *s = (dist_shards){.tree = {.way = way, .plan = plan, .shards = shards}, .module = module, .gradient = gradient, .items = items};
    s->before = calloc((size_t)items + 1, sizeof(tr_tensor *));
    if (s->before) return 0;
    tr_fail("out of memory: shards");
    return -1;
}

void dist_shards_close(dist_shards *s)
{
    for (int64_t i = 0; i < s->items && s->before; i++) tr_drop(s->before[i]);
    free(s->before);
    tr_drop(s->input);
    tr_drop(s->target);
    dist_tree_free(&s->tree);
    *s = (dist_shards){0};
}

/* ---- one shard ---- */

static int64_t first_of(const dist_shards *s, int64_t rank) { return dist_share(s->tree.shards, rank, s->tree.way->world); }
static int64_t begin_of(const dist_shards *s, const tr_batch *b, int64_t shard) { return dist_share(b->global_size, shard, s->tree.shards); }

static tr_tensor *cut(tr_tensor *t, int64_t start, int64_t n)
{
    return (tr_clone)((tr_narrow)(t, 0, start, n)); /* its own memory: kernels see the same alignment on any number of ranks */
}

static bool hand_out(dist_shards *s, const tr_batch *b, tr_batch *shard)
{
    TR_SCOPE;
    TR_NO_GRAD;
    int64_t mine = begin_of(s, b, first_of(s, s->tree.way->rank));
    int64_t start = begin_of(s, b, s->shard), n = begin_of(s, b, s->shard + 1) - start;
    tr_set_sample_place(true, s->step, (uint64_t)start);
    s->input = tr_keep(cut(b->input, start - mine, n));
    s->target = tr_keep(cut(b->target, start - mine, n));
    *shard = (tr_batch){.input = s->input, .target = s->target, .index = s->shard, .size = n, .global_size = b->global_size};
    return s->input && s->target;
}

/* A gradient that backward has left, weighted with the shard's part of the batch, into its slot of a sum. */
static int weigh(dist_gradient *g, const dist_slot *slot, void *place, double weight)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *gradient = (tr_to_device)((tr_contiguous)((tr_to)(tr_grad(g->parameter), tr_dtype_of(g->place))), tr_cpu());
    if (!gradient) return -1;
    dist_scale(tr_dtype_of(gradient), place, tr_data(gradient), slot->n, weight);
    return (tr_set_grad)(g->parameter, NULL);
}

static int take_in(dist_shards *s, const tr_batch *shard)
{
    double weight = (double)shard->size / (double)shard->global_size;
    const dist_plan *plan = s->tree.plan;
    char *sum = dist_tree_push(&s->tree, s->shard);
    if (!sum) return -1;
    for (int64_t i = 0; i < plan->buckets; i++) {
        dist_bucket b = plan->bucket[i];
        b.memory = sum + ((char *)b.memory - (char *)plan->memory);
        for (int64_t k = 0; k < b.slots; k++) {
            dist_gradient *g = &s->gradient[b.slot[k].item];
            void *place = (char *)b.memory + ((char *)b.slot[k].place - (char *)plan->bucket[i].memory);
            bool used = tr_grad(g->parameter);
            dist_bucket_set_used(&b, k, used);
            if (used && weigh(g, &b.slot[k], place, weight) < 0) return -1;
        }
    }
    dist_tree_carry(&s->tree);
    return 0;
}

/* ---- a batch ---- */

/* What gradients hold is put aside, so that each shard's are new; the sum is added to it in the end. */
static int put_aside(dist_shards *s, int64_t i)
{
    TR_SCOPE;
    TR_NO_GRAD;
    dist_gradient *g = &s->gradient[i];
    tr_tensor *gradient = tr_grad(g->parameter);
    tr_drop(s->before[i]);
    s->before[i] = tr_keep(gradient && gradient == g->place ? (tr_clone)(gradient) : gradient);
    return gradient ? (tr_set_grad)(g->parameter, NULL) : 0;
}

static int begin(dist_shards *s, const tr_batch *b)
{
    int64_t rank = s->tree.way->rank, first = first_of(s, rank), end = first_of(s, rank + 1);
    int64_t size = begin_of(s, b, end) - begin_of(s, b, first);
    if (!b->input || !b->target || b->size != size) {
        tr_fail("tr_next_shard: this rank has %lld of a batch's %lld samples, its virtual shards have %lld; give the loader .virtual_shards = %lld",
                (long long)b->size, (long long)b->global_size, (long long)size, (long long)s->tree.shards);
        return -1;
    }
    for (int64_t i = 0; i < s->items; i++)
        if (put_aside(s, i) < 0) return -1;
    s->open = true;
    s->step = tr_count_batch(s->module);
    s->shard = first - 1;
    return 0;
}

static int give_back(dist_shards *s, int64_t i, bool used)
{
    TR_SCOPE;
    TR_NO_GRAD;
    dist_gradient *g = &s->gradient[i];
    tr_tensor *before = s->before[i];
    int status = 0;
    if (!used)
        status = before ? (tr_set_grad)(g->parameter, before) : 0;
    else if (before && !(tr_add_)(g->place, (tr_to_device)(before, tr_cpu())))
        status = -1;
    else
        status = dist_gradient_show(g);
    tr_drop(before);
    s->before[i] = NULL;
    return status;
}

static int finish(dist_shards *s)
{
    char words[DIST_WORDS];
    const dist_plan *plan = s->tree.plan;
    s->open = false;
    dist_stop_if_failed();
    snprintf(words, sizeof words, "average the gradients of %lld parameters over shards", (long long)s->items);
    if (dist_check("tr_next_shard", words) < 0) return -1;
    if (dist_done(dist_tree_sum(&s->tree)) < 0) return -1;
    for (int64_t i = 0; i < plan->buckets; i++)
        for (int64_t k = 0; k < plan->bucket[i].slots; k++)
            if (give_back(s, plan->bucket[i].slot[k].item, dist_bucket_used(&plan->bucket[i], k)) < 0) return -1;
    return dist_done(dist_ledger_averaged(s->tree.way));
}

/* A shard without samples is a leaf of zeros, whoever holds it. */
static int skip_empty(dist_shards *s, const tr_batch *b, int64_t end)
{
    for (; s->shard < end && begin_of(s, b, s->shard) == begin_of(s, b, s->shard + 1); s->shard++) {
        if (!dist_tree_push(&s->tree, s->shard)) return -1;
        dist_tree_carry(&s->tree);
    }
    return 0;
}

bool dist_shards_next(dist_shards *s, const tr_batch *b, tr_batch *shard)
{
    int64_t end = first_of(s, s->tree.way->rank + 1);
    bool failed = shard->input ? !s->open || take_in(s, shard) < 0 : begin(s, b) < 0;
    tr_drop(s->input);
    tr_drop(s->target);
    s->input = s->target = NULL;
    tr_set_sample_place(false, 0, 0);
    *shard = (tr_batch){0};
    s->shard++;
    if (failed || tr_error_stands() || skip_empty(s, b, end) < 0) {
        s->open = false;
        dist_stop_if_failed();
        return false;
    }
    if (s->shard < end) return hand_out(s, b, shard);
    finish(s);
    return false;
}
