/* A recorded step as one graph, the sums of gradients in it.
 *
 *     host     how many samples, and: a graph?   launch
 *     device                                     forward, backward -----*------*---- step
 *     ranks                                                   bucket 0 ------ bucket 1
 *
 * All ranks launch one, or none does: NCCL wants it so.  And they capture it in one step, since buffers may be made known to
 * other ranks then.  So each says with its samples which graph it could launch, or would capture next; all count those that
 * they captured together alike.  A rank that runs a step as usual, or watches its parts, says none, and nobody has one that
 * time.  (Then the host asks NCCL between smaller graphs.)
 *
 * Nobody has one either in a backward that compares the ranks' parameters, which is done where it begins: by then a step may
 * have changed them.
 *
 * So ranks' shares of the samples are the same in all launches of a graph, and stand in it.  Nobody counts there which ranks
 * used a parameter: a recorded step has decided that. */
#include "dist/data_parallel.h"
#include "dist/ranks.h"
#include "dist/watch.h"
#include "dist/watchdog.h"

#include <math.h>
#include <trireme/dist.h>

typedef dist_data_parallel data_parallel;
typedef dist_call call;

/* ---- capturing ---- */

/* Of every rank?  The host asks, so that none is left alone in NCCL. */
static bool all_say(data_parallel *d, bool yes)
{
    dist_transport *way = d->reducer.courier.way;
    int64_t no = !yes;
    dist_watchdog_label("a graph of the step");
    return dist_done(dist_all_reduce(way, &no, 1, TR_INT64)) == 0 && no == 0;
}

/* Nobody asks NCCL before all have tried the rest. */
static int ask_begin(void *data, bool tries)
{
    call *c = data;
    if (tries) return 0;
    c->meets = true;
    c->all_tried = all_say(c->owner, true);
    return c->all_tried ? 0 : -1;
}

/* 1: all ranks have one more graph; 0: this step will have none; -1: nobody knows what NCCL holds of it. */
static int capture(call *c, tr_whole_step_ *step)
{
    data_parallel *d = c->owner;
    c->meets = c->all_tried = false;
    if (step->capture(step) == 0) {
        step->number = ++d->reducer.on->graphs;
        return 1;
    }
    if (c->all_tried) return -1;
    tr_error_clear();
    if (!c->meets) (void)all_say(d, false); /* which others ask meanwhile */
    step->refused = true;
    return tr_error_stands() ? -1 : 0;
}

/* ---- launching ---- */

/* For those who look from outside it is one collective, which begins with the graph. */
static int launch(data_parallel *d, tr_whole_step_ *step)
{
    dist_device *on = d->reducer.on;
    dist_transport *way = d->reducer.courier.way;
    const tr_device at = on->at;
    const dist_plan *plan = &d->reducer.plan;
    dist_work w = {.operation = DIST_ALL_REDUCE, .dtype = plan->bucket[0].dtype, .label = "gradients, in a graph"};
    for (int64_t i = 0; i < plan->buckets; i++) w.n += plan->bucket[i].n - plan->bucket[i].slots;
    dist_watchdog_called(way, &w);
    dist_watchdog_arrived(way, &w);
    void *begins = on->lanes->timed(at.index, TR_LANE_OWN_);
    if (!begins || step->launch(step) < 0) return on->lanes->forget(begins), -1;
    void *ends = on->lanes->timed(at.index, TR_LANE_OWN_);
    if (!ends) return on->lanes->forget(begins), -1;
    dist_underway_add(&on->underway, &w, begins, ends);
    dist_watchdog_done(way, &w);
    return 0;
}

static int lead(void *data, tr_whole_step_ *step)
{
    call *c = data;
    data_parallel *d = c->owner;
    if (step->refused || dist_data_parallel_checks_next(d)) return 0;
    if (dist_call_count(c, step->number ? step->number : d->reducer.on->graphs + 1) < 0) return -1;
    if (isnan(dist_call_weight(d))) return dist_done(-1);
    int has = dist_reducer_agrees(&d->reducer);
    if (has && !step->number) has = capture(c, step);
    if (has < 0 || (has > 0 && launch(d, step) < 0)) return dist_done(-1);
    if (!has) {
        dist_underway_backward_begins(&d->reducer.on->underway);
        c->begun = true;
        return 0;
    }
    dist_reducer_launched(&d->reducer);
    return dist_done(dist_ledger_averaged(d->reducer.courier.way)) < 0 ? -1 : 1;
}

/* ---- a bucket ---- */

static int ask_send(void *data, bool tries)
{
    call *c = data;
    data_parallel *d = c->owner;
    const dist_bucket *b = &d->reducer.plan.bucket[c->bucket];
    for (int64_t s = 0; s < b->slots; s++)
        if (dist_gradient_load_there(&d->gradient[b->slot[s].item], c->slot[s].how, 1) < 0) return -1;
    const double weight = dist_call_weight(d);
    if (isnan(weight)) return -1;
    return tries ? 0 : dist_reducer_note(&d->reducer, c->bucket, weight);
}

static int ask_wait(void *data, bool tries)
{
    call *c = data;
    return tries ? 0 : dist_device_join_noted(c->owner->reducer.on);
}

/* ---- which calls ---- */

bool dist_graph_serves(const data_parallel *d) { return d->reducer.on && d->reducer.on->note && d->samples > 0; }

/* In a graph, and not. */
typedef const tr_graph_call_ ways[2];

const tr_graph_call_ *dist_graph_begin(const data_parallel *d)
{
    static ways begins = {{dist_call_begin, lead, ask_begin, dist_call_dropped}, {.call = dist_call_begin, .dropped = dist_call_dropped}};
    return &begins[!dist_graph_serves(d)];
}

/* What is gathered, or kept, is weighted by itself. */
const tr_graph_call_ *dist_graph_send(const call *c)
{
    static ways sends = {{dist_call_send, NULL, ask_send, dist_call_dropped}, {.call = dist_call_send, .dropped = dist_call_dropped}};
    const data_parallel *d = c->owner;
    bool whole = dist_graph_serves(d);
    for (int64_t s = 0; s < d->reducer.plan.bucket[c->bucket].slots; s++) whole = whole && (c->slot[s].how == DIST_LOAD_ZERO || c->slot[s].how == DIST_LOAD_SCALE);
    return &sends[!whole];
}

const tr_graph_call_ *dist_graph_wait(const data_parallel *d)
{
    static ways waits = {{dist_call_wait, NULL, ask_wait, dist_call_dropped}, {.call = dist_call_wait, .dropped = dist_call_dropped}};
    return &waits[!dist_graph_serves(d)];
}
