/* An optimiser as the room sees it: a rule, the tensors it changes, and its own tensors beside them. */
#ifndef TRIREME_NN_OPTIM_H
#define TRIREME_NN_OPTIM_H

#include <math.h>
#include <trireme/optim.h>
#include "autograd/record.h"
#include "core/memory.h"
#include "core/object.h"
#include "core/tensor.h"
#include "kernels/kernels.h"

/* The tensors beside a parameter: those of the kernel, in its order, and the count of its steps, an int64 on the CPU; or, once
 * a step may have been skipped, where the parameter is. */
enum { NN_OPTIM_STEP = KERNEL_OPTIM_STATES,
       NN_OPTIM_STATES };

/* What makes one optimiser another: the call that it becomes, all but its list, and the names of its tensors. */
typedef struct {
    const char *name, *function; /* "Adam", "tr_adam" */
    kernel_id kernel;
    uint32_t flags;
    double number[5];                   /* number[0] is the learning rate */
    const char *state[NN_OPTIM_STATES]; /* "exp_avg"; NULL where the options need none */
    double start;                       /* what the kernel's tensors begin with */
    bool has_momentum;                  /* number[1] is a momentum or a beta, which a scheduler may change */
} nn_optim_rule;

struct tr_optim {
    core_object object;
    nn_optim_rule rule;
    int64_t count;
    tr_tensor **parameter;    /* owns one count of each */
    tr_tensor **state;        /* [NN_OPTIM_STATES][count]: owns one count of each that was made, at a parameter's first step */
    tr_tensor **made;         /* the same, of a step under way: the open scope's */
    kernel_optim_item *items; /* the kernel's list, with room for every parameter */
    bool has_states;          /* the rule names one */
    bool skips;               /* it has taken steps that the device may skip */
    char name[48];
    double initial;       /* the rate that its first scheduler found; NaN before */
    const tr_optim *like; /* made by tr_optim_like of this one; compared, never looked at, for it may be gone */
};

/* An optimiser by this rule, belonging to the open scope; NULL with an error noted, of rule->function. */
tr_optim *nn_optim_new(tr_tensors parameters, const nn_optim_rule *rule);

/* tr_step, unless skip's first number (float64) is not 0, wherever that lies: for which nobody waits.  NULL: a step. */
int nn_step_unless(tr_optim *o, tr_tensor *skip);

/* An option whose 0 stands for something else, and whose TR_ZERO for 0. */
double nn_option(double given, double normally);

static inline bool nn_not_negative(double x) { return x >= 0 && isfinite(x); }

/* Which of o->state this name ("momentum.0") means; -1 with an error noted for none. */
int64_t nn_optim_state_at(const tr_optim *o, const char *name);

/* Has a step been through o->state[at]?  Not if all were skipped, and a formula that asks whether it is the first counts on it:
 * as in PyTorch there is no such state yet.  Waits for who knows.  1, 0, or -1 with an error noted. */
int nn_optim_began(const tr_optim *o, int64_t at);

/* t as it can become o->state[at]: itself, or a copy where it lies elsewhere; NULL with an error noted, beginning with
 * `what`, for another shape or type, or a step that is none. */
tr_tensor *nn_optim_fit(const tr_optim *o, int64_t at, tr_tensor *t, const char *what, const char *name);

void nn_optim_put(tr_optim *o, int64_t at, tr_tensor *t); /* kept; NULL: as before a first step */

/* Lists of tensors go to kernels by type and device: has none before tensor[i] a gradient of its kind? */
bool nn_first_alike(tr_tensor *const *tensor, int64_t i);
static inline bool nn_alike(const tr_tensor *a, const tr_tensor *b) { return a->dtype == b->dtype && core_same_device(a, b); }

/* Make t's gradient row-major if the program set another one.  0, or -1 with an error noted. */
int nn_dense_gradient(tr_tensor *t);

/* The sums of squares of gradients alike, float64, as many as there are such groups, on the first gradient's device.  NULL with
 * an error noted. */
tr_tensor *nn_gradient_squares(tr_tensors parameters);

/* All gradients times the second number of `factor` (float64), wherever that lies.  0, or -1 with an error noted. */
int nn_scale_gradients(tr_tensors parameters, tr_tensor *factor);

#endif
