/* What data parallel does in a backward: it hears of each gradient that is finished, sends buckets off as they fill, and
 * shows the sums when all have come. */
#include "dist/data_parallel.h"
#include "dist/ranks.h"

#include <stdlib.h>
#include <trireme/dist.h>
#include <trireme/record.h>

typedef dist_data_parallel data_parallel;
typedef dist_call call;

/* ---- TR_NO_SYNC ---- */

static _Thread_local bool no_sync;

bool tr_set_gradient_sync(bool on)
{
    bool before = !no_sync;
    no_sync = !on;
    return before;
}

void tr_gradient_sync_restore_(const bool *before) { no_sync = !*before; }

/* ---- during a backward ---- */

int dist_backward_full(void *owner, int64_t bucket)
{
    data_parallel *d = owner;
    const dist_bucket *b = &d->reducer.plan.bucket[bucket];
    call *c = dist_call_new(d, b->slots);
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
    return dist_call_make(dist_graph_send(c), c);
}

/* TR_NO_SYNC: only the numbers of samples travel. */
static int gather(data_parallel *d, dist_gradient *g)
{
    if (tr_is_recording() && tr_dtype_of(g->place) != tr_dtype_of(g->parameter)) {
        tr_fail("a step with TR_NO_SYNC and %s gradients cannot be recorded", tr_dtype_name(tr_dtype_of(g->parameter)));
        return -1;
    }
    call *c = dist_call_new(d, 1);
    if (!c) return -1;
    c->item = g->item;
    if (dist_gradient_look(g, true, &c->slot[0].how, &c->slot[0].from) < 0) {
        free(c);
        return -1;
    }
    static const tr_graph_call_ gathers = {.call = dist_call_gather, .dropped = dist_call_dropped};
    if (dist_call_make(&gathers, c) < 0) return -1;
    tr_drop(g->aside);
    g->aside = NULL;
    return dist_gradient_gather(g, true) < 0 ? -1 : dist_gradient_show(g);
}

static void backward_ended(void *data);

/* True if this backward is one of ours. */
static bool take_part(data_parallel *d)
{
    if (dist_plan_is_over(&d->reducer.plan)) return false;
    if (d->waiting) return true;
    if (d->mine && dist_own_check(d) < 0) return false;
    d->stays = no_sync;
    dist_stop_if_failed();
    call *c = dist_call_new(d, 0);
    d->waiting = c && dist_call_make(dist_graph_begin(d), c) == 0 && (tr_on_backward_end)(backward_ended, d) == 0;
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

void dist_backward_came(tr_tensor *anchor, void *data)
{
    (void)anchor;
    take_part(data);
}

/* ---- at its end ---- */

static int end_of_gathering(data_parallel *d)
{
    call *c = dist_call_new(d, 0);
    static const tr_graph_call_ gathered = {.call = dist_call_gathered, .dropped = dist_call_dropped};
    if (!c || dist_call_make(&gathered, c) < 0) return -1;
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
        if (!d->reducer.ready[i]) d->unused[i] |= used ? DIST_UNUSED_HERE : DIST_UNUSED;
        if (d->mine ? dist_owned_store(&d->mine[i], &d->gradient[i], used) : dist_gradient_store(&d->gradient[i], used)) return -1;
    }
    dist_data_parallel_say_unused(d);
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
        if (dist_gradient_place(&d->gradient[i], dist_reducer_place(&d->reducer, i), d->reducer.there) < 0) return -1;
    return 0;
}

static int average(data_parallel *d)
{
    call *c = dist_call_new(d, 0);
    if (!c) return -1;
    if (dist_reducer_flush(&d->reducer) < 0) {
        free(c);
        return -1;
    }
    if (dist_call_make(dist_graph_wait(d), c) < 0 || store_all(d) < 0) return -1;
    return settle(d);
}

static void backward_ended(void *data)
{
    data_parallel *d = data;
    d->waiting = false;
    dist_done(d->stays ? end_of_gathering(d) : average(d));
    if (d->anchor) (tr_set_grad)(d->anchor, NULL);
}

/* ---- hooks ---- */

int dist_backward_watch(data_parallel *d)
{
    for (int64_t i = 0; i < d->items; i++) {
        dist_gradient *g = &d->gradient[i];
        if (dist_gradient_place(g, dist_reducer_place(&d->reducer, i), d->reducer.there) < 0) return -1;
        if (d->reproducible) continue; /* sums when a batch's last shard is done */
        g->hook = (tr_on_grad)(g->parameter, gradient_done, g);
        if (g->hook < 0) return -1;
    }
    return 0;
}
