/* A module whose gradients are averaged over all ranks.
 *
 * With n_r samples on rank r, N in all, and losses that are means over samples, the global batch's gradient is
 *
 *     g = sum_r (n_r / N) g_r
 *
 * so each rank's gradients lie in buckets weighted by n_r / N, and the buckets are summed.  The weights add up to 1, which
 * settles accumulation too: what a gradient held before this backward was the same on all ranks (an average already), and
 * the average of equal things is that thing, not scaled twice.
 *
 * One backward, on every rank:
 *
 *     forward         note n_r
 *     gradient done   the first one: post n_r, and ask to be called when this backward ends
 *                     each: buckets that are full leave, weighted, while backward goes on     (reducer.h)
 *     backward ends   the others leave: what was not used here is zero; wait; show gradients; leave alone what nobody used
 *
 * While a step is recorded, whatever is no tensor's operation is a call that replays repeat. */
#include "dist/data_parallel.h"

#include "dist/check.h"
#include "dist/ranks.h"
#include "dist/replicas.h"
#include "dist/same_module.h"

#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>

typedef dist_data_parallel data_parallel;

/* ---- forward ---- */

static void drop_anchor(data_parallel *d)
{
    if (d->anchor) tr_remove_hook(d->anchor, d->anchor_hook);
    tr_drop(d->anchor);
    d->anchor = NULL;
}

static bool same_device(tr_device a, tr_device b) { return a.type == b.type && a.index == b.index; }

static int make_anchor(data_parallel *d, tr_dtype dtype, tr_device at)
{
    if (d->anchor && tr_dtype_of(d->anchor) == dtype && same_device(tr_device_of(d->anchor), at)) return 0;
    drop_anchor(d);
    d->anchor = tr_keep((tr_zeros)(tr_shape_of(0, NULL), (tr_tensor_options){.dtype = dtype, .device = at, .requires_grad = true}));
    if (!d->anchor) return -1;
    d->anchor_hook = (tr_on_grad)(d->anchor, dist_backward_came, d);
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
    return make_anchor(d, dtype, tr_device_of(y)) < 0 ? NULL : (tr_add)(y, d->anchor);
}

static tr_tensor *forward(tr_module *m, tr_tensor *input)
{
    data_parallel *d = tr_module_self(m);
    if (!tr_grad_enabled()) return (tr_forward)(d->module, input);
    if (d->reproducible && !dist_plan_is_over(&d->reducer.plan)) {
        if (!d->shards.open) return tr_fail("a reproducible data-parallel module's forward belongs into a loop over tr_next_shard()");
        return (tr_forward)(d->module, input);
    }
    if (tr_dist_world() == 1 && (!d->reducer.on || dist_plan_is_over(&d->reducer.plan))) return (tr_forward)(d->module, input);
    if (dist_plan_is_over(&d->reducer.plan))
        return tr_fail("a data-parallel module was made for other ranks than these, or for one; give its module to tr_data_parallel() again");
    d->samples = tr_ndim(input) > 0 ? tr_size(input, 0) : 1;
    d->waiting = false;
    for (int64_t i = 0; i < d->items; i++)
        if (dist_gradient_mark(&d->gradient[i]) < 0) return NULL;
    return anchored(d, (tr_forward)(d->module, input), tr_requires_grad(input));
}

int(tr_data_parallel_count)(tr_module *m, int64_t count)
{
    data_parallel *d = dist_data_parallel_of(m);
    if (!d || count < 0) {
        tr_fail("tr_data_parallel_count: %lld of %s; expected 0 or more, and a module of tr_data_parallel", (long long)count, m ? tr_module_kind(m) : "NULL");
        return -1;
    }
    if (d->reproducible) {
        tr_fail("tr_data_parallel_count: a .reproducible module's shards count their samples");
        return -1;
    }
    d->samples = count;
    return 0;
}

/* ---- making and freeing ---- */

static _Thread_local data_parallel *alive; /* all that take part */

static void leave_memory(data_parallel *d)
{
    for (int64_t i = 0; i < d->items; i++) dist_gradient_leave(&d->gradient[i]);
    for (int64_t i = 0; i < d->items && d->mine; i++) dist_owned_leave(&d->mine[i]);
}

void dist_leave_memory(void)
{
    for (data_parallel *d = alive; d; d = d->next_alive) leave_memory(d);
}

static void forget_alive(const data_parallel *d)
{
    for (data_parallel **at = &alive; *at; at = &(*at)->next_alive)
        if (*at == d) {
            *at = d->next_alive;
            return;
        }
}

static void release(tr_module *m)
{
    data_parallel *d = tr_module_self(m);
    forget_alive(d);
    if (d->reducer.plan.memory && !dist_plan_is_over(&d->reducer.plan)) leave_memory(d); /* the module goes, its parameters may not */
    for (int64_t i = 0; i < d->items && d->mine; i++) dist_owned_drop(&d->mine[i]);
    for (int64_t i = 0; i < d->items && d->gradient; i++) dist_gradient_drop(&d->gradient[i]);
    drop_anchor(d);
    dist_shards_close(&d->shards);
    if (d->reducer.plan.memory) dist_reducer_close(&d->reducer);
    free(d->gradient);
    free(d->item);
    free(d->unused);
    free(d->mine);
    free(d->list);
    free(d->gather);
    memset(d, 0, sizeof *d);
}

int dist_data_parallel_collect(data_parallel *d)
{
    if (d->items) return 0;
    tr_tensors all = tr_parameters(d->module);
    d->item = calloc((size_t)all.count + 1, sizeof *d->item);
    d->gradient = calloc((size_t)all.count + 1, sizeof *d->gradient);
    d->unused = calloc((size_t)all.count + 1, 1);
    if (!d->item || !d->gradient || !d->unused) {
        tr_fail("out of memory: tr_data_parallel over %lld parameters", (long long)all.count);
        return -1;
    }
    for (int64_t i = 0; i < all.count; i++) {
        tr_tensor *p = all.tensor[i];
        if (!tr_requires_grad(p)) continue;
        d->item[d->items] = (dist_item){tr_numel(p), tr_dtype_of(p)};
        d->gradient[d->items] = (dist_gradient){.owner = d, .parameter = tr_keep(p), .item = d->items, .direct = !d->reproducible};
        d->items++;
    }
    if (d->items > 0) return 0;
    tr_fail("tr_data_parallel: no parameter requires a gradient");
    return -1;
}

/* Parameters are on one device, or none is. */
static int find_device(data_parallel *d, dist_transport *way)
{
    tr_tensor *first = d->gradient[0].parameter;
    tr_device at = tr_device_of(first);
    for (int64_t i = 1; i < d->items; i++) {
        tr_tensor *p = d->gradient[i].parameter;
        if (same_device(tr_device_of(p), at)) continue;
        tr_fail("tr_data_parallel: parameters on two devices: %s on %s, %s on %s", dist_data_parallel_name(d, first), tr_device_name(at),
                dist_data_parallel_name(d, p), tr_device_name(tr_device_of(p)));
        return -1;
    }
    if (at.type == TR_CPU) return 0;
    if (!dist_device_travels(way) || d->reproducible) return 0; /* shards' gradients come to the host, and add up there */
    d->reducer.on = dist_device_of(way, at);
    return d->reducer.on ? 0 : -1;
}

static const char *name_of_item(void *owner, int64_t item)
{
    data_parallel *d = owner;
    return dist_data_parallel_name(d, d->gradient[item].parameter);
}

enum { AGREED = 7 };

/* With others: one module and one plan on all ranks, and the hooks that meet them. */
static int join_ranks(data_parallel *d, dist_transport *way, int64_t agreed[AGREED])
{
    if (dist_same_module(d->module) < 0) return -1;
    if (dist_done(dist_same_values(d->module)) < 0) return -1;
    if (dist_done(dist_broadcast(way, agreed, AGREED * sizeof *agreed, 0)) < 0) return -1;
    d->reproducible = agreed[3];
    d->sharded = agreed[5];
    d->reducer.scatter = d->sharded && way->world > 1;
    d->check_every = agreed[6];
    if (dist_data_parallel_collect(d) < 0 || dist_done(find_device(d, way)) < 0) return -1;
    bool thread;
    d->reducer.full = dist_backward_full;
    d->reducer.name = name_of_item;
    d->reducer.owner = d;
    if (dist_reducer_choose(&d->reducer, way, agreed, &thread) < 0) return -1;
    if (dist_reducer_open(&d->reducer, way, d->item, d->items, thread) < 0) return -1;
    if (d->reproducible && dist_shards_open(&d->shards, way, &d->reducer.plan, d->module, d->gradient, d->items, agreed[4]) < 0) return -1;
    d->next_alive = alive;
    alive = d;
    if (dist_backward_watch(d) < 0) return -1;
    return d->sharded && way->world > 1 ? dist_own_parts(d) : 0;
}

/* A rank alone has nothing to average, but what is to travel all the same: a device's gradients. */
static bool meets_ranks(const dist_transport *way, tr_module *module, bool reproducible)
{
    bool meets = way->world > 1 || reproducible;
    tr_tensors all = meets || !dist_device_travels(way) ? (tr_tensors){0} : tr_parameters(module);
    for (int64_t i = 0; i < all.count; i++) meets = meets || tr_device_of(all.tensor[i]).type != TR_CPU;
    return meets;
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
    if (options.virtual_shards < 0) return tr_fail("tr_data_parallel: virtual_shards %lld", (long long)options.virtual_shards);
    if (options.check_every < 0) return tr_fail("tr_data_parallel: check_every %lld; 0 for never", (long long)options.check_every);
    if (options.reproducible && options.shard_state)
        return tr_fail("tr_data_parallel: .shard_state does not go with .reproducible, which has all sums on every rank");
    int64_t shards = options.virtual_shards ? options.virtual_shards : TR_VIRTUAL_SHARDS;
    int64_t agreed[AGREED] = {options.first_bucket_bytes, options.bucket_bytes, options.overlap, options.reproducible, shards, options.shard_state, options.check_every};

    tr_module *m = (tr_module_new)("DataParallel", forward, sizeof(data_parallel));
    if (!m) return NULL;
    data_parallel *d = tr_module_self(m);
    d->outer = m;
    d->module = (tr_module_child)(m, "module", module);
    if (!d->module) return NULL;
    d->sharded = options.shard_state;
    tr_module_on_free(m, release);
    if (!meets_ranks(way, module, options.reproducible) || join_ranks(d, way, agreed) == 0) return m;
    release(m); /* now, not when the scope closes: hooks of a half-made module must not run */
    return NULL;
}

dist_data_parallel *dist_data_parallel_of(const tr_module *m)
{
    bool ours = m && strcmp(tr_module_kind(m), "DataParallel") == 0;
    return ours ? tr_module_self(m) : NULL;
}

/* ---- virtual shards ---- */

bool(tr_next_shard)(tr_module *m, const tr_batch *batch, tr_batch *shard)
{
    if (!m || !batch || !shard) return tr_fail("tr_next_shard: NULL");
    data_parallel *d = dist_data_parallel_of(m);
    if (d && d->reproducible && !dist_plan_is_over(&d->reducer.plan)) {
        bool more = dist_shards_next(&d->shards, batch, shard);
        if (!more && !tr_error_stands() && dist_data_parallel_checks(d)) dist_done(dist_replicas_compare("tr_next_shard", d->module));
        return more;
    }
    bool first = !shard->input && batch->input;
    *shard = first ? *batch : (tr_batch){0};
    return first;
}
