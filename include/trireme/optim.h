/* Optimisers: an optimiser keeps the tensors it is given and changes them in place, from their gradients, at each step.
 * Tensors without a gradient are left alone. */
#ifndef TRIREME_OPTIM_H
#define TRIREME_OPTIM_H

#include <trireme/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A zero that is meant, for options whose 0 stands for PyTorch's default: tr_adamw(p, .weight_decay = TR_ZERO). */
#define TR_ZERO 1e-300

/* g = grad (negated if .maximize) + weight_decay p
 * v = g at the first step, momentum v + (1 - dampening) g later;  g = g + momentum v (nesterov) or v
 * p = p - lr g                                                       as torch.optim.SGD; one kernel for all tensors */
typedef struct {
    double lr; /* default 1e-3 */
    double momentum, dampening, weight_decay;
    bool nesterov, maximize;
    char reserved_;
} tr_sgd_options;
TR_API tr_optim *(tr_sgd)(tr_tensors parameters, tr_sgd_options options);

TR_API tr_optim *tr_optim_keep(tr_optim *o);
TR_API void tr_optim_drop(tr_optim *o);

/* One step.  0, or -1 with an error standing (nothing is changed then). */
TR_API int(tr_step)(tr_optim *o);

/* Forget the gradients of the optimiser's tensors (they become NULL, as PyTorch does). */
TR_API void tr_zero_grad(tr_optim *o);

TR_API double tr_learning_rate(const tr_optim *o);
TR_API int(tr_set_learning_rate)(tr_optim *o, double lr);

/* The optimiser's own tensors, for checkpoints: "momentum.0", "exp_avg.3" ...  i from 0 until false.  They are made at a
 * parameter's first step.  "step.3", an int64, counts the steps of parameter 3 where the formula asks for it. */
TR_API bool tr_optim_state(tr_optim *o, int64_t i, const char **name, tr_tensor **t);

/* Take t (kept, or a copy where its memory is not contiguous or on another device) as the state of this name, from a
 * checkpoint.  0, or -1 for a name, shape or type that does not fit; with t NULL it only says whether there is such a
 * state. */
TR_API int(tr_optim_set_state)(tr_optim *o, const char *name, tr_tensor *t);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_sgd(...)                 TR_SGD_(__VA_ARGS__, )
# define TR_SGD_(parameters, ...)    TR_OPTIM_((tr_sgd)(parameters, (tr_sgd_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_step(o)                  TR_STATUS_((tr_step)(o))
# define tr_set_learning_rate(o, lr) TR_STATUS_((tr_set_learning_rate)(o, lr))
#endif

#endif
