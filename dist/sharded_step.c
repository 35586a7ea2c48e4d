/* A step with shared-out state: the norm of all gradients, and the parameters back on every rank. */
#include "dist/check.h"
#include "dist/data_parallel.h"
#include "dist/ranks.h"
#include "dist/sum.h"

#include <math.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/record.h>

typedef dist_data_parallel data_parallel;

/* ---- gathering ---- */

/* Numbers [first, end) of parameter and place, which lie in the same order in the host's memory. */
static void copy_in(data_parallel *d, const dist_slot *s, int64_t first, int64_t end)
{
    int64_t size = tr_dtype_size(d->item[s->item].dtype);
    memcpy((char *)s->place + first * size, (char *)tr_data(d->gradient[s->item].parameter) + first * size, (size_t)((end - first) * size));
}

static void copy_out(data_parallel *d, const dist_slot *s, int64_t first, int64_t end)
{
    int64_t size = tr_dtype_size(d->item[s->item].dtype);
    memcpy((char *)tr_data(d->gradient[s->item].parameter) + first * size, (char *)s->place + first * size, (size_t)((end - first) * size));
}

/* What is ours goes into the bucket. */
static int lay_in(data_parallel *d, const dist_slot *s)
{
    const dist_owned *o = &d->mine[s->item];
    if (d->reducer.on) return o->n == 0 || (tr_copy_)(o->gradient, o->part) ? 0 : -1;
    copy_in(d, s, o->first, o->first + o->n);
    return 0;
}

/* What is others' comes out of it. */
static int take_out(data_parallel *d, const dist_slot *s)
{
    const dist_owned *o = &d->mine[s->item];
    if (d->reducer.on) return (tr_copy_)(d->gradient[s->item].parameter, d->gradient[s->item].place) ? 0 : -1;
    copy_out(d, s, 0, o->first);
    copy_out(d, s, o->first + o->n, s->n);
    return 0;
}

static int64_t part_bytes(const dist_bucket *b) { return b->part * tr_dtype_size(b->dtype); }

static int prepare(data_parallel *d, int64_t bucket)
{
    const dist_bucket *b = &d->reducer.plan.bucket[bucket];
    for (const dist_slot *s = b->slot; s < b->slot + b->slots; s++)
        if (lay_in(d, s) < 0) return -1;
    void *mine = dist_reducer_part(&d->reducer, b), *all = dist_reducer_memory(&d->reducer, b);
    d->gather[bucket] = (dist_work){.operation = DIST_ALL_GATHER, .from = mine, .into = all, .n = part_bytes(b), .on = d->reducer.on, .label = "gather parameters"};
    return 0;
}

/* As many buckets from the first on as travel together, which is how many; -1.  What came of a large one is copied out
 * while the next travels. */
static int64_t prepare_some(data_parallel *d, int64_t first)
{
    enum { TOGETHER = 8 << 20 }; /* bytes of all ranks; the host has nothing to launch */
    const dist_plan *plan = &d->reducer.plan;
    const int64_t most = d->reducer.on ? TOGETHER : 0, world = d->reducer.courier.way->world;
    int64_t n = 0, bytes = 0;
    while (first + n < plan->buckets && (n == 0 || bytes + world * part_bytes(&plan->bucket[first + n]) <= most)) {
        bytes += world * part_bytes(&plan->bucket[first + n]);
        if (prepare(d, first + n++) < 0) return -1;
    }
    return n;
}

static int64_t send(data_parallel *d, dist_transport *way, int64_t first)
{
    int64_t n = prepare_some(d, first);
    return n < 0 || dist_start_together(way, &d->gather[first], n) < 0 ? -1 : n;
}

static int take_bucket_out(data_parallel *d, int64_t bucket)
{
    const dist_bucket *b = &d->reducer.plan.bucket[bucket];
    for (const dist_slot *s = b->slot; s < b->slot + b->slots; s++)
        if (take_out(d, s) < 0) return -1;
    return 0;
}

static int receive(data_parallel *d, dist_transport *way, int64_t bucket) { return dist_wait(way, &d->gather[bucket]) < 0 ? -1 : take_bucket_out(d, bucket); }

static int gather_all(void *data)
{
    TR_SCOPE;
    TR_NO_GRAD;
    data_parallel *d = data;
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way || dist_check("tr_gather_parameters", "gather parameters") < 0) return -1;
    int status = 0;
    for (int64_t i = 0, n; i < d->reducer.plan.buckets && status == 0; i += n)
        if ((n = send(d, way, i)) < 0) status = -1;
    for (int64_t i = 0; i < d->reducer.plan.buckets && status == 0; i++) status = receive(d, way, i);
    return dist_done(status);
}

/* The same in a graph. */
static int ask_gather(void *data, bool tries)
{
    TR_SCOPE;
    TR_NO_GRAD;
    data_parallel *d = data;
    const int64_t buckets = d->reducer.plan.buckets;
    for (int64_t i = 0, n; i < buckets; i += n) {
        if ((n = prepare_some(d, i)) < 0) return -1;
        if (!tries && dist_device_note(d->reducer.on, &d->gather[i], n) < 0) return -1;
    }
    if (!tries && dist_device_join_noted(d->reducer.on) < 0) return -1;
    for (int64_t i = 0; i < buckets; i++)
        if (take_bucket_out(d, i) < 0) return -1;
    return 0;
}

static void drop_module(void *data) { tr_module_drop(((data_parallel *)data)->outer); }

/* The bucket's memory is wanted; and one rank forgets as many do. */
static int forget_gradients(data_parallel *d)
{
    for (int64_t i = 0; i < d->items; i++) {
        const dist_gradient *g = &d->gradient[i];
        if (g->gathers && tr_grad(g->parameter) == g->shown) {
            tr_fail("tr_gather_parameters: gradients were gathered under TR_NO_SYNC, and no backward has summed them; "
                    "tr_module_zero_grad() forgets them");
            return -1;
        }
        if ((tr_set_grad)(d->mine ? d->mine[i].part : g->parameter, NULL) < 0) return -1;
    }
    return 0;
}

int(tr_gather_parameters)(tr_module *m)
{
    data_parallel *d = dist_own_sharded(m, "tr_gather_parameters");
    if (!d || forget_gradients(d) < 0) return -1;
    if (!d->mine) return 0;
    static const tr_graph_call_ in_graph = {gather_all, NULL, ask_gather, drop_module}, gathers = {.call = gather_all, .dropped = drop_module};
    tr_module_keep(d->outer);
    return tr_record_graph_call_(dist_graph_serves(d) ? &in_graph : &gathers, d);
}

/* ---- clipping ---- */

/* The square of the norm of all ranks' gradients from that of ours. */
static double add_up(double norm)
{
    double squares = norm * norm;
    dist_transport *way = dist_way();
    if (!way || dist_check("tr_clip_sharded_grad_norm", "norm of gradients") < 0) return NAN;
    return dist_done(dist_all_reduce(way, &squares, 1, TR_FLOAT64)) < 0 ? NAN : squares;
}

static void scale(const data_parallel *d, double factor)
{
    TR_SCOPE;
    TR_NO_GRAD;
    for (int64_t i = 0; i < d->items; i++) {
        tr_tensor *g = tr_grad(d->mine[i].part);
        if (g && d->reducer.on)
            tr_mul_(g, factor);
        else if (g)
            dist_scale(tr_dtype_of(g), tr_data(g), tr_data(g), tr_numel(g), factor);
    }
}

double(tr_clip_sharded_grad_norm)(tr_module *m, double max_norm, tr_clip_grad_norm_options options)
{
    data_parallel *d = dist_own_sharded(m, "tr_clip_sharded_grad_norm");
    if (!d) return NAN;
    tr_tensors mine = (tr_shard_parameters)(m);
    if (!d->mine) return (tr_clip_grad_norm)(mine, max_norm, options);
    if (!(max_norm >= 0)) return tr_fail("tr_clip_sharded_grad_norm: max_norm %g", max_norm), NAN;
    if (tr_is_recording()) return tr_fail("tr_clip_sharded_grad_norm: a norm decides what is done, which cannot be recorded"), NAN;
    double norm = (tr_clip_grad_norm)(mine, INFINITY, (tr_clip_grad_norm_options){0});
    dist_stop_if_failed();
    double total = sqrt(add_up(norm)), factor = max_norm / (total + 1e-6);
    if (tr_error_stands()) return NAN;
    if (options.error_if_nonfinite && !isfinite(total)) return tr_fail("tr_clip_sharded_grad_norm: the total norm is %g", total), NAN;
    if (!(factor >= 1 || isinf(max_norm))) scale(d, factor); /* NaN is neither: it goes into every gradient, as in PyTorch */
    return total;
}
