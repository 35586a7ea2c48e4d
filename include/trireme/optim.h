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

/* All make one kernel call a step for all parameters alike.  The parameters are kept: leaves, contiguous, float32 or
 * float64, each once.  An optimiser belongs to the open scope; NULL with an error standing for what cannot be optimised
 * and for numbers that make no sense.  In the formulas g = grad (negated if .maximize) and t counts a parameter's steps.
 *
 * SGD    g = g + weight_decay p;  v = g at the first step, momentum v + (1 - dampening) g later
 *        p = p - lr (nesterov ? g + momentum v : v) */
typedef struct {
    double lr; /* default 1e-3 */
    double momentum, dampening, weight_decay;
    bool nesterov, maximize;
    char reserved_;
} tr_sgd_options;
TR_API tr_optim *(tr_sgd)(tr_tensors parameters, tr_sgd_options options);

/* Adam   g = g + weight_decay p                                      AdamW  p = p - lr weight_decay p instead
 *        m = m + (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g g;  amsgrad: V = the largest v so far, else v
 *        p = p - lr / (1 - beta1^t) m / (sqrt(V / (1 - beta2^t)) + eps)
 * see    Kingma & Ba, arXiv:1412.6980;  AdamW: Loshchilov & Hutter, 1711.05101;  amsgrad: Reddi et al., 1904.09237 */
typedef struct {
    double lr;           /* default 1e-3 */
    double betas[2];     /* default {0.9, 0.999} */
    double eps;          /* default 1e-8 */
    double weight_decay; /* default 0; of AdamW 1e-2 (TR_ZERO for none) */
    bool amsgrad, maximize;
    char reserved_;
} tr_adam_options;
TR_API tr_optim *(tr_adam)(tr_tensors parameters, tr_adam_options options);
TR_API tr_optim *(tr_adamw)(tr_tensors parameters, tr_adam_options options);

/* RMSprop  g = g + weight_decay p;  s = alpha s + (1 - alpha) g g
 *          centered: a = a + (1 - alpha) (g - a), r = sqrt(s - a a) + eps;  else r = sqrt(s) + eps
 *          p = p - lr g / r;  with momentum v = momentum v + g / r, p = p - lr v
 * see      Hinton's lecture 6e;  centered: Graves, arXiv:1308.0850 */
typedef struct {
    double lr;    /* default 1e-2 */
    double alpha; /* default 0.99 */
    double eps;   /* default 1e-8 */
    double weight_decay, momentum;
    bool centered, maximize;
    char reserved_;
} tr_rmsprop_options;
TR_API tr_optim *(tr_rmsprop)(tr_tensors parameters, tr_rmsprop_options options);

/* Adagrad  g = g + weight_decay p;  s = s + g g, from initial_accumulator_value on
 *          p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
 * see      Duchi, Hazan & Singer, JMLR 12 (2011) */
typedef struct {
    double lr; /* default 1e-2 */
    double lr_decay, weight_decay, initial_accumulator_value;
    double eps; /* default 1e-10 */
    bool maximize;
    char reserved_;
} tr_adagrad_options;
TR_API tr_optim *(tr_adagrad)(tr_tensors parameters, tr_adagrad_options options);

/* An optimiser with o's formula, options and learning rate for other tensors, without state.  In a tr_training (checkpoint.h)
 * o's schedulers may stand beside it. */
TR_API tr_optim *(tr_optim_like)(tr_optim *o, tr_tensors parameters);

TR_API tr_optim *tr_optim_keep(tr_optim *o);
TR_API void tr_optim_drop(tr_optim *o);

/* One step.  0, or -1 with an error standing (nothing is changed then). */
TR_API int(tr_step)(tr_optim *o);

/* Forget the gradients of the optimiser's tensors (they become NULL, as PyTorch does). */
TR_API void tr_zero_grad(tr_optim *o);

/* Scale all gradients of these tensors together, by max_norm / (norm + 1e-6), if their norm (of all their elements) is
 * larger than max_norm; between tr_backward and tr_step.  With ranks every one has the summed gradients by then, and so
 * the same norm.
 * returns  the norm before; 0 if no tensor has a gradient; NaN or infinity if a gradient has it, NaN with an error standing
 *          otherwise, and nothing is scaled then.  max_norm INFINITY only measures
 * A recorded step measures and scales anew in every replay; what is returned is the norm of the step that was recorded. */
typedef struct {
    bool error_if_nonfinite; /* a norm that is no number is an error, instead of going into every gradient */
    char reserved_;
} tr_clip_grad_norm_options;
TR_API double(tr_clip_grad_norm)(tr_tensors parameters, double max_norm, tr_clip_grad_norm_options options);

/* The same, for which nobody waits: a number waits until a device has computed it, a tensor does not.
 * returns  the norm before, a float64 scalar on the first gradient's device; after a replay it is the norm of that step
 * With .error_if_nonfinite it does wait. */
TR_API tr_tensor *(tr_clip_grad_norm_)(tr_tensors parameters, double max_norm, tr_clip_grad_norm_options options);

TR_API double tr_learning_rate(const tr_optim *o);
TR_API int(tr_set_learning_rate)(tr_optim *o, double lr);

/* The optimiser's own tensors, for checkpoints: "momentum.0", "exp_avg.3" ...  i from 0 until false.  They are made at a
 * parameter's first step.  "step.3", an int64, counts the steps of parameter 3 where the formula asks for it. */
TR_API bool tr_optim_state(tr_optim *o, int64_t i, const char **name, tr_tensor **t);

/* What its tensors' names begin with, "exp_avg", "exp_avg_sq" ..., made or not; i from 0 until NULL. */
TR_API const char *tr_optim_state_kind(const tr_optim *o, int64_t i);

/* Take t (kept, or a copy where its memory is not contiguous or on another device) as the state of this name, from a
 * checkpoint.  0, or -1 for a name, shape or type that does not fit; with t NULL it only says whether there is such a
 * state. */
TR_API int(tr_optim_set_state)(tr_optim *o, const char *name, tr_tensor *t);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_sgd(...)                                   TR_SGD_(__VA_ARGS__, )
# define TR_SGD_(parameters, ...)                      TR_OPTIM_((tr_sgd)(parameters, (tr_sgd_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_adam(...)                                  TR_ADAM_(tr_adam, __VA_ARGS__, )
# define tr_adamw(...)                                 TR_ADAM_(tr_adamw, __VA_ARGS__, )
# define TR_ADAM_(f, parameters, ...)                  TR_OPTIM_((f)(parameters, (tr_adam_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_rmsprop(...)                               TR_RMSPROP_(__VA_ARGS__, )
# define TR_RMSPROP_(parameters, ...)                  TR_OPTIM_((tr_rmsprop)(parameters, (tr_rmsprop_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_adagrad(...)                               TR_ADAGRAD_(__VA_ARGS__, )
# define TR_ADAGRAD_(parameters, ...)                  TR_OPTIM_((tr_adagrad)(parameters, (tr_adagrad_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_optim_like(o, parameters)                  TR_OPTIM_((tr_optim_like)(o, parameters))
# define tr_step(o)                                    TR_STATUS_((tr_step)(o))
# define tr_clip_grad_norm(parameters, ...)            TR_CLIP_GRAD_NORM_(parameters, __VA_ARGS__, )
# define TR_CLIP_GRAD_NORM_(parameters, max_norm, ...) TR_NUMBER_((tr_clip_grad_norm)(parameters, max_norm, (tr_clip_grad_norm_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_clip_grad_norm_(parameters, ...)           TR_CLIP_GRAD_NORM__(parameters, __VA_ARGS__, )
# define TR_CLIP_GRAD_NORM__(parameters, max_norm, ...) \
  TR_TENSOR_((tr_clip_grad_norm_)(parameters, max_norm, (tr_clip_grad_norm_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_set_learning_rate(o, lr)    TR_STATUS_((tr_set_learning_rate)(o, lr))
# define tr_optim_set_state(o, name, t) TR_STATUS_((tr_optim_set_state)(o, name, t))
#endif

#endif
