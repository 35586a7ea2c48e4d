/* A scheduler as the room sees it: a formula of t, its numbers, and where it stands. */
#ifndef TRIREME_NN_SCHEDULER_H
#define TRIREME_NN_SCHEDULER_H

#include <trireme/scheduler.h>
#include "nn/optim.h"

/* A stretch of one cycle, up to step `end`. */
typedef struct {
    double end, lr_from, lr_to, momentum_from, momentum_to;
} nn_phase;

typedef struct {
    double lr, momentum; /* momentum NaN: it stays */
} nn_setting;

struct tr_scheduler {
    core_object object;
    const char *function; /* "tr_step_lr" */
    nn_setting (*at)(const tr_scheduler *s, int64_t t);
    tr_optim *optim; /* owns one count */
    int64_t t, last; /* last: the most steps that can be made */
    double base;
    bool chains; /* goes on from the rate that stands, if another changed it; else sets its own */
    bool shared; /* another did change it */
    double set;  /* the rate it set last; NaN: none yet */

    /* What the formulas are made of, each of those that it needs. */
    int64_t period, mult;
    double gamma, eta_min, start, end, power;
    tr_milestones milestones; /* owned */
    nn_phase phase[3];
    int phases;
    bool linear, cycles_momentum;
    tr_lr_lambda *f;
    void *data;
};

/* A copy of `made` for o, at t = 0, belonging to the open scope; NULL with an error noted. */
tr_scheduler *nn_scheduler_new(tr_optim *o, const tr_scheduler *made);

/* Where a scheduler stands, for checkpoints.  What its formula is made of is the program's. */
typedef struct {
    int64_t t;
    double base, set;
    bool shared;
} nn_scheduler_place;

/* "tr_step_lr 12 1e-1 1e-3 0": short-lived (core_text). */
const char *nn_scheduler_text(const tr_scheduler *s);

/* The place that such a text names; false if it is none for s. */
bool nn_scheduler_read(const tr_scheduler *s, const char *text, nn_scheduler_place *place);

/* There, and its optimiser's momentum with it; the learning rate is restored for itself. */
void nn_scheduler_put(tr_scheduler *s, const nn_scheduler_place *place);

#endif
