/* A module whose gradients are averaged over all ranks.
 *
 * With n_r samples on rank r, N in all, and losses that are means over samples, the global batch's gradient is
 *
 *     g = sum_r (n_r / N) g_r
 *
 * so each rank loads its gradients into buckets weighted by n_r / N, the buckets are summed, and the sums are stored
 * back.  The weights add up to 1, which settles accumulation too: what a gradient held before this backward was the same
 * on all ranks (an average already), and the average of equal things is that thing, not scaled twice.
 *
 * One backward, on every rank:
 *
 *     forward         note n_r, forget what was used
 *     gradient done   note the parameter as used; the first one asks to be called when this backward ends
 *     backward ends   head:    all-reduce { samples, how many ranks used parameter 0, 1, ... }
 *                     buckets: in the plan's order: load, all-reduce, store; one that nobody used is left out
 *
 * The head comes first, so that the weight is known before anything is loaded (a float16 gradient times n_r could
 * overflow), and so that all ranks know which parameters nobody used: these are left as they are.  To start a bucket
 * while backward goes on, send the samples at forward, count each bucket's missing gradients in gradient_done, and load
 * and start it there; the order stays the plan's. */
#include "dist/bucket.h"
#include "dist/check.h"
#include "dist/ranks.h"
#include "dist/same_module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>

enum { FIRST_LIMIT = 1 << 20,
       LIMIT = 25 << 20 };

typedef struct data_parallel data_parallel;

/* What a parameter's hook is told. */
typedef struct {
    data_parallel *owner;
    int64_t number; /* of its slot */
    int hook;
} watch;

struct data_parallel {
    tr_module *module; /* borrowed: our child, which keeps it */
    dist_plan plan;
    watch *watch;    /* owned: slot i's */
    int64_t *head;   /* owned: samples, then 1 for each slot whose parameter was used */
    int64_t samples; /* of the last forward */
    bool waiting;    /* backward will call us at its end */

    tr_tensor *anchor; /* kept: a leaf that outputs hang on which no parameter reached */
    int anchor_hook;
};

static int64_t *used(data_parallel *d) { return d->head + 1; }

/* ---- at the end of a backward ---- */

static int reduce_head(data_parallel *d, dist_transport *way)
{
    d->head[0] = d->samples;
    return dist_all_reduce(way, d->head, d->plan.slots + 1, TR_INT64);
}

static int reduce_bucket(data_parallel *d, dist_transport *way, dist_bucket *b, double weight)
{
    if (!dist_bucket_used(b, used(d))) return 0;
    if (dist_bucket_load(b, weight) < 0) return -1;
    if (dist_all_reduce(way, tr_data(b->memory), tr_numel(b->memory), tr_dtype_of(b->memory)) < 0) return -1;
    return dist_bucket_store(b, used(d));
}

static void forget(data_parallel *d)
{
    memset(d->head, 0, (size_t)(d->plan.slots + 1) * sizeof *d->head);
    d->waiting = false;
}

static void backward_ended(void *data)
{
    data_parallel *d = data;
    char words[DIST_WORDS];
    if (dist_plan_is_over(&d->plan)) {
        forget(d);
        return;
    }
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    snprintf(words, sizeof words, "average the gradients of %lld parameters", (long long)d->plan.slots);
    if (!way || dist_check("tr_backward", words) < 0) return;

    int status = reduce_head(d, way);
    double weight = d->head[0] > 0 ? (double)d->samples / (double)d->head[0] : 0;
    for (int64_t i = 0; i < d->plan.buckets && status == 0; i++) status = reduce_bucket(d, way, &d->plan.bucket[i], weight);
    dist_done(status);
    if (d->anchor) (tr_set_grad)(d->anchor, NULL);
    forget(d);
}

/* ---- during a backward ---- */

static void wait_for_the_end(data_parallel *d)
{
    if (!d->waiting) d->waiting = tr_on_backward_end(backward_ended, d) == 0;
}

static void gradient_done(tr_tensor *parameter, void *data)
{
    (void)parameter;
    watch *w = data;
    used(w->owner)[w->number] = 1;
    wait_for_the_end(w->owner);
}

static void anchor_done(tr_tensor *anchor, void *data)
{
    (void)anchor;
    wait_for_the_end(data);
}

/* ---- forward ---- */

static void drop_anchor(data_parallel *d)
{
    if (d->anchor) tr_remove_hook(d->anchor, d->anchor_hook);
    tr_drop(d->anchor);
    d->anchor = NULL;
}

static int make_anchor(data_parallel *d, tr_dtype dtype)
{
    if (d->anchor && tr_dtype_of(d->anchor) == dtype) return 0;
    drop_anchor(d);
    d->anchor = tr_keep((tr_zeros)(tr_shape_of(0, NULL), (tr_tensor_options){.dtype = dtype, .requires_grad = true}));
    if (!d->anchor) return -1;
    d->anchor_hook = (tr_on_grad)(d->anchor, anchor_done, d);
    return d->anchor_hook > 0 ? 0 : -1;
}

/* A rank whose output came past all parameters (a branch not taken, perhaps on this rank alone) must still meet the
 * others at the end of backward.  So its output is given one leaf of ours: y + 0.  Where input asks for gradients nobody
 * can tell whether y came from it or from parameters, so it is done there too. */
static tr_tensor *anchored(data_parallel *d, tr_tensor *y, bool input_has_graph)
{
    tr_dtype dtype = tr_dtype_of(y);
    if (!y || !(tr_dtype_is_floating(dtype) || tr_dtype_is_complex(dtype))) return y;
    if (tr_requires_grad(y) && !input_has_graph) return y;
    return make_anchor(d, dtype) < 0 ? NULL : (tr_add)(y, d->anchor);
}

static tr_tensor *forward(tr_module *m, tr_tensor *input)
{
    data_parallel *d = tr_module_self(m);
    if (tr_dist_world() == 1 || !tr_grad_enabled()) return (tr_forward)(d->module, input);
    if (dist_plan_is_over(&d->plan))
        return tr_fail("a data-parallel module was made for other ranks than these, or for one; give its module to tr_data_parallel() again");
    d->samples = tr_ndim(input) > 0 ? tr_size(input, 0) : 1;
    forget(d);
    return anchored(d, (tr_forward)(d->module, input), tr_requires_grad(input));
}

/* ---- making and freeing ---- */

static void release(tr_module *m)
{
    data_parallel *d = tr_module_self(m);
    for (int64_t i = 0; i < d->plan.slots && d->watch; i++)
        if (d->watch[i].hook > 0) tr_remove_hook(d->plan.slot[i].parameter, d->watch[i].hook);
    drop_anchor(d);
    dist_plan_free(&d->plan);
    free(d->watch);
    free(d->head);
    d->watch = NULL;
    d->head = NULL;
}

static int watch_gradients(data_parallel *d)
{
    d->watch = calloc((size_t)d->plan.slots, sizeof *d->watch);
    d->head = calloc((size_t)d->plan.slots + 1, sizeof *d->head);
    if (!d->watch || !d->head) {
        tr_fail("out of memory: tr_data_parallel over %lld parameters", (long long)d->plan.slots);
        return -1;
    }
    for (int64_t i = 0; i < d->plan.slots; i++) {
        d->watch[i] = (watch){.owner = d, .number = i};
        d->watch[i].hook = (tr_on_grad)(d->plan.slot[i].parameter, gradient_done, &d->watch[i]);
        if (d->watch[i].hook < 0) return -1;
    }
    return 0;
}

/* With others: one module and one plan on all ranks, and the hooks that meet them. */
static int join_ranks(data_parallel *d, dist_transport *way, int64_t limits[2])
{
    if (dist_same_module(d->module) < 0) return -1;
    if (dist_done(dist_same_values(d->module)) < 0) return -1;
    if (dist_done(dist_broadcast(way, limits, 2 * sizeof *limits, 0)) < 0) return -1;
    if (dist_plan_make(&d->plan, way, tr_parameters(d->module), limits[0], limits[1]) < 0) return -1;
    if (d->plan.slots > 0) return watch_gradients(d);
    tr_fail("tr_data_parallel: no parameter requires a gradient");
    return -1;
}

tr_module *(tr_data_parallel)(tr_module *module, tr_data_parallel_options options)
{
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way) return NULL;
    if (!module) return tr_fail("tr_data_parallel: NULL instead of a module");
    if (options.bucket_bytes < 0 || options.first_bucket_bytes < 0)
        return tr_fail("tr_data_parallel: bucket_bytes %lld, first_bucket_bytes %lld; a bucket holds at least one byte",
                       (long long)options.bucket_bytes, (long long)options.first_bucket_bytes);
    if (dist_check("tr_data_parallel", "data_parallel") < 0) return NULL;
    int64_t limits[2] = {options.first_bucket_bytes ? options.first_bucket_bytes : FIRST_LIMIT,
                         options.bucket_bytes ? options.bucket_bytes : LIMIT};

    tr_module *m = (tr_module_new)("DataParallel", forward, sizeof(data_parallel));
    if (!m) return NULL;
    data_parallel *d = tr_module_self(m);
    d->module = (tr_module_child)(m, "module", module);
    if (!d->module) return NULL;
    tr_module_on_free(m, release);
    if (way->world == 1 || join_ranks(d, way, limits) == 0) return m;
    release(m); /* now, not when the scope closes: hooks of a half-made module must not run */
    return NULL;
}
