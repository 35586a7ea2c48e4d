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
#include "dist/check.h"
#include "dist/gradients.h"
#include "dist/ranks.h"
#include "dist/reducer.h"
#include "dist/same_module.h"
#include "dist/shards.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/record.h>

typedef struct data_parallel data_parallel;

/* What a recorded call must know, also after other steps have run. */
typedef struct call {
    struct call *next;
    data_parallel *owner;
    int64_t samples, bucket;
    struct {
        dist_load how;
        const void *from;
        bool used;
    } slot[];
} call;

struct data_parallel {
    data_parallel *next_alive;
    tr_module *module; /* borrowed: our child, which keeps it */
    dist_reducer reducer;
    dist_item *item;         /* owned */
    dist_gradient *gradient; /* owned: item i's */
    int64_t items;
    char *unused;    /* owned: 1 for an item that this rank, 2 for one that no rank used, in some backward */
    int64_t samples; /* of the last forward */
    bool waiting;    /* backward will call us at its end */
    bool stays;      /* TR_NO_SYNC: in this backward gradients stay here */
    call *recorded;  /* owned: a list */
    bool reproducible;
    dist_shards shards; /* if reproducible */
    int64_t *owner;     /* owned: item i's rank; NULL until asked for */
    tr_tensor **mine;   /* owned: parameters that are this rank's to step */
    int64_t mine_count;

    tr_tensor *anchor; /* kept: a leaf that outputs hang on which no parameter reached */
    int anchor_hook;
};

/* ---- TR_NO_SYNC ---- */

static _Thread_local bool no_sync;

bool tr_set_gradient_sync(bool on)
{
    bool before = !no_sync;
    no_sync = !on;
    return before;
}

void tr_gradient_sync_restore_(const bool *before) { no_sync = !*before; }

/* ---- calls that replays repeat ---- */

static call *new_call(data_parallel *d, int64_t slots)
{
    call *c = calloc(1, sizeof *c + (size_t)slots * sizeof c->slot[0]);
    if (!c) return tr_fail("out of memory: data parallel");
    c->owner = d;
    c->samples = d->samples;
    return c;
}

static int make(int (*f)(void *call), call *c)
{
    int status = (tr_record_call)(f, c);
    if (tr_is_recording()) {
        c->next = c->owner->recorded;
        c->owner->recorded = c;
    } else {
        free(c);
    }
    return status;
}

static int begin(void *data)
{
    call *c = data;
    if (dist_plan_is_over(&c->owner->reducer.plan)) {
        tr_fail("a step was recorded with other ranks than these");
        return -1;
    }
    dist_stop_if_failed();
    return dist_done(dist_reducer_begin(&c->owner->reducer, c->samples));
}

static int load_and_send(void *data)
{
    call *c = data;
    data_parallel *d = c->owner;
    dist_bucket *b = &d->reducer.plan.bucket[c->bucket];
    double weight = dist_reducer_weight(&d->reducer);
    if (isnan(weight)) return dist_done(-1);
    for (int64_t s = 0; s < b->slots; s++) {
        dist_gradient_load(&d->item[b->slot[s].item], b->slot[s].place, c->slot[s].how, c->slot[s].from, weight);
        dist_bucket_set_used(b, s, c->slot[s].used);
    }
    return dist_done(dist_reducer_send(&d->reducer, c->bucket));
}

static int wait_for_all(void *data)
{
    call *c = data;
    return dist_done(dist_reducer_wait(&c->owner->reducer));
}

/* ---- during a backward ---- */

static int full(void *owner, int64_t bucket)
{
    data_parallel *d = owner;
    const dist_bucket *b = &d->reducer.plan.bucket[bucket];
    call *c = new_call(d, b->slots);
    if (!c) return -1;
    c->bucket = bucket;
    for (int64_t s = 0; s < b->slots; s++) {
        int64_t item = b->slot[s].item;
        bool used = d->reducer.ready[item];
        if (dist_gradient_look(&d->gradient[item], used, &c->slot[s].how, &c->slot[s].from) < 0) {
            free(c);
            return -1;
        }
        c->slot[s].used = used || c->slot[s].how == DIST_LOAD_KEEP;
    }
    return make(load_and_send, c);
}

/* TR_NO_SYNC: only the numbers of samples travel. */
static int gather(data_parallel *d, dist_gradient *g)
{
    if (tr_is_recording()) {
        tr_fail("a step with TR_NO_SYNC cannot be recorded");
        return -1;
    }
    dist_load how;
    const void *from;
    double weight = dist_reducer_weight(&d->reducer);
    if (isnan(weight) || dist_gradient_look(g, true, &how, &from) < 0) return -1;
    dist_gradient_load(&d->item[g->item], tr_data(g->place), how, from, weight);
    g->gathers = true;
    tr_drop(g->aside);
    g->aside = NULL;
    return dist_gradient_show(g);
}

static void backward_ended(void *data);

/* True if this backward is one of ours. */
static bool take_part(data_parallel *d)
{
    char words[DIST_WORDS];
    if (dist_plan_is_over(&d->reducer.plan)) return false;
    if (d->waiting) return true;
    d->stays = no_sync;
    dist_stop_if_failed();
    snprintf(words, sizeof words, "%s the gradients of %lld parameters", d->stays ? "gather" : "average", (long long)d->items);
    if (dist_check("tr_backward", words) < 0) return false;
    call *c = new_call(d, 0);
    d->waiting = c && make(begin, c) == 0 && tr_on_backward_end(backward_ended, d) == 0;
    return d->waiting;
}

static void gradient_done(tr_tensor *parameter, void *data)
{
    (void)parameter;
    dist_gradient *g = data;
    data_parallel *d = g->owner;
    if (!take_part(d)) return;
    if (d->stays ? gather(d, g) : dist_reducer_ready(&d->reducer, g->item)) dist_done(-1);
}

static void anchor_done(tr_tensor *anchor, void *data)
{
    (void)anchor;
    take_part(data);
}

/* ---- at its end ---- */

static int end_of_gathering(data_parallel *d)
{
    if (isnan(dist_reducer_weight(&d->reducer))) return -1;
    d->reducer.running = false;
    for (int64_t i = 0; i < d->items; i++) {
        dist_gradient *g = &d->gradient[i];
        bool marked = g->gathers && g->marker && tr_grad(g->parameter) == g->marker; /* not used this time */
        if (marked && dist_gradient_show(g) < 0) return -1;
    }
    return 0;
}

static int store_all(data_parallel *d)
{
    for (int64_t i = 0; i < d->items; i++) {
        bool used = dist_reducer_used(&d->reducer, i);
        if (!d->reducer.ready[i]) d->unused[i] |= used ? 1 : 2;
        if (dist_gradient_store(&d->gradient[i], used) < 0) return -1;
    }
    return 0;
}

/* The buckets follow the order of the first backward, unless a recording has noted where they lie. */
static int settle(data_parallel *d)
{
    bool moved = false;
    if (d->reducer.settled || tr_is_recording()) {
        d->reducer.settled = true;
        return 0;
    }
    if (dist_reducer_settle(&d->reducer, &moved) < 0) return -1;
    for (int64_t i = 0; i < d->items && moved; i++)
        if (dist_gradient_place(&d->gradient[i], d->reducer.plan.home[i]->place) < 0) return -1;
    return 0;
}

static int average(data_parallel *d)
{
    call *c = new_call(d, 0);
    if (!c) return -1;
    if (dist_reducer_flush(&d->reducer) < 0) {
        free(c);
        return -1;
    }
    if (make(wait_for_all, c) < 0 || store_all(d) < 0) return -1;
    return settle(d);
}

static void backward_ended(void *data)
{
    data_parallel *d = data;
    d->waiting = false;
    dist_done(d->stays ? end_of_gathering(d) : average(d));
    if (d->anchor) (tr_set_grad)(d->anchor, NULL);
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
    if (!tr_grad_enabled()) return (tr_forward)(d->module, input);
    if (d->reproducible && !dist_plan_is_over(&d->reducer.plan)) {
        if (!d->shards.open) return tr_fail("a reproducible data-parallel module's forward belongs into a loop over tr_next_shard()");
        return (tr_forward)(d->module, input);
    }
    if (tr_dist_world() == 1) return (tr_forward)(d->module, input);
    if (dist_plan_is_over(&d->reducer.plan))
        return tr_fail("a data-parallel module was made for other ranks than these, or for one; give its module to tr_data_parallel() again");
    d->samples = tr_ndim(input) > 0 ? tr_size(input, 0) : 1;
    d->waiting = false;
    for (int64_t i = 0; i < d->items; i++)
        if (dist_gradient_mark(&d->gradient[i]) < 0) return NULL;
    return anchored(d, (tr_forward)(d->module, input), tr_requires_grad(input));
}

/* ---- making and freeing ---- */

static _Thread_local data_parallel *alive; /* all that take part */

void dist_leave_memory(void)
{
    for (data_parallel *d = alive; d; d = d->next_alive)
        for (int64_t i = 0; i < d->items; i++) dist_gradient_leave(&d->gradient[i]);
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
    if (d->reducer.plan.memory && !dist_plan_is_over(&d->reducer.plan)) /* the module goes, its parameters may not */
        for (int64_t i = 0; i < d->items; i++) dist_gradient_leave(&d->gradient[i]);
    for (int64_t i = 0; i < d->items && d->gradient; i++) dist_gradient_drop(&d->gradient[i]);
    drop_anchor(d);
    dist_shards_close(&d->shards);
    if (d->reducer.plan.memory) dist_reducer_close(&d->reducer);
    for (call *c = d->recorded, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(d->gradient);
    free(d->item);
    free(d->unused);
    free(d->owner);
    free(d->mine);
    memset(d, 0, sizeof *d);
}

/* Parameters that train become items. */
static int collect(data_parallel *d)
{
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
        d->gradient[d->items] = (dist_gradient){.owner = d, .parameter = tr_keep(p), .item = d->items};
        d->items++;
    }
    if (d->items > 0) return 0;
    tr_fail("tr_data_parallel: no parameter requires a gradient");
    return -1;
}

static int watch(data_parallel *d)
{
    for (int64_t i = 0; i < d->items; i++) {
        dist_gradient *g = &d->gradient[i];
        if (dist_gradient_place(g, d->reducer.plan.home[i]->place) < 0) return -1;
        if (d->reproducible) continue; /* sums when a batch's last shard is done */
        g->hook = (tr_on_grad)(g->parameter, gradient_done, g);
        if (g->hook < 0) return -1;
    }
    return 0;
}

/* With others: one module and one plan on all ranks, and the hooks that meet them. */
static int join_ranks(data_parallel *d, dist_transport *way, int64_t agreed[5])
{
    if (dist_same_module(d->module) < 0) return -1;
    if (dist_done(dist_same_values(d->module)) < 0) return -1;
    if (dist_done(dist_broadcast(way, agreed, 5 * sizeof *agreed, 0)) < 0) return -1;
    if (collect(d) < 0) return -1;
    d->reproducible = agreed[3];
    bool thread;
    d->reducer.full = full;
    d->reducer.owner = d;
    if (dist_reducer_choose(&d->reducer, way, agreed, &thread) < 0) return -1;
    if (dist_reducer_open(&d->reducer, way, d->item, d->items, thread) < 0) return -1;
    if (d->reproducible && dist_shards_open(&d->shards, way, &d->reducer.plan, d->gradient, d->items, agreed[4]) < 0) return -1;
    d->next_alive = alive;
    alive = d;
    return watch(d);
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
    int64_t agreed[5] = {options.first_bucket_bytes, options.bucket_bytes, options.overlap, options.reproducible,
                         options.virtual_shards ? options.virtual_shards : TR_VIRTUAL_SHARDS};

    tr_module *m = (tr_module_new)("DataParallel", forward, sizeof(data_parallel));
    if (!m) return NULL;
    data_parallel *d = tr_module_self(m);
    d->module = (tr_module_child)(m, "module", module);
    if (!d->module) return NULL;
    tr_module_on_free(m, release);
    if ((way->world == 1 && !options.reproducible) || join_ranks(d, way, agreed) == 0) return m;
    release(m); /* now, not when the scope closes: hooks of a half-made module must not run */
    return NULL;
}

/* ---- virtual shards ---- */

bool(tr_next_shard)(tr_module *m, const tr_batch *batch, tr_batch *shard)
{
    if (!m || !batch || !shard) return tr_fail("tr_next_shard: NULL");
    bool ours = strcmp(tr_module_kind(m), "DataParallel") == 0;
    data_parallel *d = ours ? tr_module_self(m) : NULL;
    if (d && d->reproducible && !dist_plan_is_over(&d->reducer.plan)) return dist_shards_next(&d->shards, batch, shard);
    bool first = !shard->input && batch->input;
    *shard = first ? *batch : (tr_batch){0};
    return first;
}

/* ---- sharded optimiser state ---- */

/* The largest parameters first, each to the rank that has least. */
static void share_out(data_parallel *d, int64_t *load, bool *given)
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

static data_parallel *with_owners(tr_module *m, const char *function)
{
    if (!m || strcmp(tr_module_kind(m), "DataParallel") != 0) return tr_fail("%s: expected a module of tr_data_parallel()", function);
    data_parallel *d = tr_module_self(m);
    if (d->owner) return d;
    if (!d->items && collect(d) < 0) return NULL; /* one rank */
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
    data_parallel *d = with_owners(m, "tr_shard_parameters");
    return d ? (tr_tensors){d->mine, d->mine_count} : (tr_tensors){NULL, 0};
}

/* All started, then all waited for: many are small. */
static int gather_all(void *data)
{
    data_parallel *d = data;
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
    data_parallel *d = with_owners(m, "tr_gather_parameters");
    if (!d) return -1;
    return tr_dist_world() == 1 ? 0 : (tr_record_call)(gather_all, d);
}

/* ---- telling ---- */

static const char *name_of(data_parallel *d, const tr_tensor *parameter)
{
    const char *name;
    tr_tensor *t;
    for (int64_t i = 0; tr_named_parameter(d->module, i, &name, &t); i++)
        if (t == parameter) return name;
    return "?";
}

static size_t list_unused(data_parallel *d, char which, const char *words, char *text, size_t used, size_t room)
{
    const char *before = words;
    for (int64_t i = 0; i < d->items && used < room; i++) {
        if (!(d->unused[i] & which)) continue;
        used += (size_t)snprintf(text + used, room - used, "%s%s", before, name_of(d, d->gradient[i].parameter));
        before = ", ";
    }
    return used;
}

tr_data_parallel_report tr_data_parallel_report_of(tr_module *m)
{
    tr_data_parallel_report report = {0};
    if (!m || strcmp(tr_module_kind(m), "DataParallel") != 0) return report;
    data_parallel *d = tr_module_self(m);
    const dist_reducer *r = &d->reducer;
    if (!r->plan.memory) return report;
    report.buckets = r->plan.buckets;
    report.early = r->early;
    report.by_thread = r->courier.has_thread;
    report.ordered = r->settled;
    report.exposed_seconds = r->wait_s;
    size_t room = sizeof report.words, used = (size_t)snprintf(report.words, room, "%lld gradients in %lld buckets, the first of %lld KiB; summed by %s; %lld of them left while backward went on, %.3f ms waited at its end",
                                                               (long long)d->items, (long long)r->plan.buckets, (long long)(r->plan.bucket[0].n * tr_dtype_size(r->plan.bucket[0].dtype) >> 10),
                                                               r->courier.has_thread ? "a thread of its own" : "the calling thread", (long long)r->early, 1e3 * r->wait_s);
    used = list_unused(d, 1, "; not used by this rank: ", report.words, used, room);
    list_unused(d, 2, "; not used by any rank: ", report.words, used, room);
    return report;
}
