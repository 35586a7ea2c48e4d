/* What data parallel does in a step beside tensors' operations: calls that a recorded step notes, and replays repeat. */
#include "dist/check.h"
#include "dist/data_parallel.h"
#include "dist/ranks.h"
#include "dist/replicas.h"
#include "dist/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/dist.h>
#include <trireme/record.h>

typedef dist_data_parallel data_parallel;
typedef dist_call call;

dist_call *dist_call_new(data_parallel *d, int64_t slots)
{
    call *c = calloc(1, sizeof *c + (size_t)slots * sizeof c->slot[0]);
    if (!c) return tr_fail("out of memory: data parallel");
    c->owner = d;
    c->samples = d->samples;
    c->stays = d->stays;
    return c;
}

/* The module is kept meanwhile: replays want it. */
int dist_call_make(const tr_graph_call_ *how, call *c)
{
    tr_module_keep(c->owner->outer);
    return tr_record_graph_call_(how, c);
}

void dist_call_dropped(void *data)
{
    call *c = data;
    tr_module *outer = c->owner->outer;
    free(c);
    tr_module_drop(outer);
}

bool dist_data_parallel_checks_next(const data_parallel *d) { return d->check_every > 0 && (d->backwards + 1) % d->check_every == 0; }

bool dist_data_parallel_checks(data_parallel *d)
{
    const bool checks = dist_data_parallel_checks_next(d);
    d->backwards++;
    return checks;
}

int dist_call_count(call *c, int64_t graph)
{
    data_parallel *d = c->owner;
    if (dist_plan_is_over(&d->reducer.plan)) {
        tr_fail("a step was recorded with other ranks than these");
        return -1;
    }
    dist_stop_if_failed();
    char words[DIST_WORDS];
    snprintf(words, sizeof words, "%s the gradients of %lld parameters", c->stays ? "gather" : "average", (long long)d->items);
    if (dist_check("tr_backward", words) < 0) return -1;
    uint64_t digest;
    bool checks = dist_data_parallel_checks(d);
    if (checks && dist_replicas_digest(d->module, &digest) < 0) return dist_done(-1);
    return dist_done(dist_reducer_begin(&d->reducer, c->samples, checks ? &digest : NULL, graph));
}

int dist_call_begin(void *data)
{
    call *c = data;
    bool begun = c->begun;
    c->begun = false;
    return begun ? 0 : dist_call_count(c, 0);
}

/* All ranks hear here that parameters differ, and together look which. */
double dist_call_weight(data_parallel *d)
{
    double weight = dist_reducer_weight(&d->reducer);
    return d->reducer.differs && dist_replicas_compare("tr_backward", d->module) < 0 ? NAN : weight;
}

/* A gradient into its place: the host's memory, or the device's. */
static int load(data_parallel *d, const call *c, int64_t slot, int64_t item, double weight)
{
    if (d->reducer.on) return dist_gradient_load_there(&d->gradient[item], c->slot[slot].how, weight);
    dist_gradient_load(&d->item[item], d->reducer.plan.home[item]->place, c->slot[slot].how, c->slot[slot].from, weight);
    return 0;
}

int dist_call_send(void *data)
{
    call *c = data;
    data_parallel *d = c->owner;
    dist_bucket *b = &d->reducer.plan.bucket[c->bucket];
    double weight = dist_call_weight(d);
    if (isnan(weight)) return dist_done(-1);
    bool whole = weight > 0; /* the bucket can be weighted as a whole, on its way */
    for (int64_t s = 0; s < b->slots; s++) whole = whole && c->slot[s].how != DIST_LOAD_GATHER && c->slot[s].how != DIST_LOAD_KEEP;
    for (int64_t s = 0; s < b->slots; s++) {
        if (load(d, c, s, b->slot[s].item, whole ? 1 : weight) < 0) return dist_done(-1);
        dist_bucket_set_used(b, s, c->slot[s].used);
    }
    return dist_done(dist_reducer_send(&d->reducer, c->bucket, whole ? weight : 1));
}

int dist_call_wait(void *data)
{
    call *c = data;
    if (dist_done(dist_reducer_wait(&c->owner->reducer)) < 0) return -1;
    return dist_done(dist_ledger_averaged(c->owner->reducer.plan.way));
}

int dist_call_gather(void *data)
{
    call *c = data;
    data_parallel *d = c->owner;
    double weight = dist_call_weight(d);
    if (isnan(weight)) return dist_done(-1);
    return dist_done(load(d, c, 0, c->item, weight));
}

int dist_call_gathered(void *data)
{
    call *c = data;
    if (isnan(dist_call_weight(c->owner))) return dist_done(-1);
    c->owner->reducer.running = false;
    return 0;
}
