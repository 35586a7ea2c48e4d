/* Schedulers: the learning rate as a function of how often tr_scheduler_step was called.
 *
 *     tr_scheduler *s = tr_cosine_annealing_lr(adam, 100);
 *     for (epoch ...) {
 *         ... tr_step(adam) ...
 *         tr_scheduler_step(s);                        after tr_step, once an epoch (or a step, if it counts those)
 *     }
 *
 * A scheduler keeps its optimiser, takes the rate that the first of them found as `base`, and sets the rate for step t = 0 at once.
 * Names and values are those of torch.optim.lr_scheduler; each is computed from t alone, so that t is all there is to
 * save (tr_training_save also saves what the rates began with and who else changed them).  Two on one optimiser multiply (a linear warm-up and a decay), and from a rate set by hand they go on, as in
 * PyTorch; warm restarts, one cycle and lambdas set their own at every step.  Schedulers belong to the open scope;
 * NULL with an error standing for numbers that make no sense.  TR_ZERO is a zero where 0 stands for a default. */
#ifndef TRIREME_SCHEDULER_H
#define TRIREME_SCHEDULER_H

#include <trireme/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_scheduler tr_scheduler;

/* On to the next rate.  0, or -1 with an error standing and the rate as it was. */
TR_API int(tr_scheduler_step)(tr_scheduler *s);

/* For checkpoints: how many steps were made (-1 for NULL), and going to where that many were: 0, or -1 as above. */
TR_API int64_t tr_scheduler_state(const tr_scheduler *s);
TR_API int(tr_scheduler_set_state)(tr_scheduler *s, int64_t steps);

TR_API tr_scheduler *tr_scheduler_keep(tr_scheduler *s);
TR_API void tr_scheduler_drop(tr_scheduler *s);

/* base gamma^(t / step_size), rounded down:  tr_step_lr(o, 30, .gamma = 0.5) */
typedef struct {
    double gamma; /* default 0.1 */
    char reserved_;
} tr_step_lr_options;
TR_API tr_scheduler *(tr_step_lr)(tr_optim *o, int64_t step_size, tr_step_lr_options options);

/* base gamma^(milestones reached):  tr_multi_step_lr(o, TR_MILESTONES(30, 80), .gamma = 0.5) */
typedef struct {
    const int64_t *step; /* copied */
    int64_t count;
} tr_milestones;
TR_API tr_scheduler *(tr_multi_step_lr)(tr_optim *o, tr_milestones milestones, tr_step_lr_options options);

/* base gamma^t */
TR_API tr_scheduler *(tr_exponential_lr)(tr_optim *o, double gamma);

/* eta_min + (base - eta_min) (1 + cos(pi t / T_max)) / 2; rises again after T_max */
typedef struct {
    double eta_min;
    char reserved_;
} tr_cosine_annealing_lr_options;
TR_API tr_scheduler *(tr_cosine_annealing_lr)(tr_optim *o, int64_t T_max, tr_cosine_annealing_lr_options options);

/* The same down to eta_min and then again from base, over T_0 steps, T_0 T_mult, T_0 T_mult^2 ...
 * see  Loshchilov & Hutter, SGDR, arXiv:1608.03983 */
typedef struct {
    int64_t T_mult; /* default 1 */
    double eta_min;
    char reserved_;
} tr_cosine_warm_restarts_options;
TR_API tr_scheduler *(tr_cosine_warm_restarts)(tr_optim *o, int64_t T_0, tr_cosine_warm_restarts_options options);

/* base times a factor from start_factor to end_factor, in a straight line over total_iters steps */
typedef struct {
    double start_factor, end_factor; /* default 1/3 and 1, both in [0, 1] */
    int64_t total_iters;             /* default 5 */
    char reserved_;
} tr_linear_lr_options;
TR_API tr_scheduler *(tr_linear_lr)(tr_optim *o, tr_linear_lr_options options);

/* base factor for total_iters steps, then base */
typedef struct {
    double factor;       /* default 1/3, in [0, 1] */
    int64_t total_iters; /* default 5 */
    char reserved_;
} tr_constant_lr_options;
TR_API tr_scheduler *(tr_constant_lr)(tr_optim *o, tr_constant_lr_options options);

/* base (1 - t / total_iters)^power, then 0 */
typedef struct {
    int64_t total_iters; /* default 5 */
    double power;        /* default 1 */
    char reserved_;
} tr_polynomial_lr_options;
TR_API tr_scheduler *(tr_polynomial_lr)(tr_optim *o, tr_polynomial_lr_options options);

/* From max_lr / div_factor up to max_lr in the first pct_start of total_steps, then down to a final_div_factor'th of
 * where it began (.three_phase: first down to that beginning, as slowly as it rose); whatever base is.  The momentum, or
 * Adam's first beta, goes the other way between max_momentum and base_momentum, if the optimiser was made with one.
 * More than total_steps steps are an error.
 * see  Smith & Topin, arXiv:1708.07120 */
typedef struct {
    double pct_start;                   /* default 0.3, in [0, 1] */
    double div_factor;                  /* default 25 */
    double final_div_factor;            /* default 1e4 */
    double base_momentum, max_momentum; /* default 0.85 and 0.95 */
    bool cycle_momentum_off;            /* the momentum stays */
    bool linear;                        /* straight lines, not cosines */
    bool three_phase;
    char reserved_;
} tr_one_cycle_lr_options;
TR_API tr_scheduler *(tr_one_cycle_lr)(tr_optim *o, double max_lr, int64_t total_steps, tr_one_cycle_lr_options options);

/* base f(t, data); anything but a finite number from 0 up is an error */
typedef double tr_lr_lambda(int64_t t, void *data);
TR_API tr_scheduler *(tr_lambda_lr)(tr_optim *o, tr_lr_lambda *f, void *data);

#ifdef __cplusplus
}
#endif

TR_LOOK_AT_RESULT_(scheduler)
#define TR_SCHEDULER_(call) tr_scheduler_at_(call, __FILE__, __LINE__)

#ifndef __cplusplus
# define tr_scheduler_step(s)                          TR_STATUS_((tr_scheduler_step)(s))
# define tr_scheduler_set_state(s, steps)              TR_STATUS_((tr_scheduler_set_state)(s, steps))
# define TR_MILESTONES(...)                            ((tr_milestones){(const int64_t[]){__VA_ARGS__}, (int64_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))})
# define tr_step_lr(o, ...)                            TR_STEP_LR_(o, __VA_ARGS__, )
# define TR_STEP_LR_(o, step_size, ...)                TR_SCHEDULER_((tr_step_lr)(o, step_size, (tr_step_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_multi_step_lr(o, ...)                      TR_MULTI_STEP_LR_(o, __VA_ARGS__, )
# define TR_MULTI_STEP_LR_(o, milestones, ...)         TR_SCHEDULER_((tr_multi_step_lr)(o, milestones, (tr_step_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_exponential_lr(o, gamma)                   TR_SCHEDULER_((tr_exponential_lr)(o, gamma))
# define tr_cosine_annealing_lr(o, ...)                TR_COSINE_ANNEALING_LR_(o, __VA_ARGS__, )
# define TR_COSINE_ANNEALING_LR_(o, T_max, ...)        TR_SCHEDULER_((tr_cosine_annealing_lr)(o, T_max, (tr_cosine_annealing_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_cosine_warm_restarts(o, ...)               TR_COSINE_WARM_RESTARTS_(o, __VA_ARGS__, )
# define TR_COSINE_WARM_RESTARTS_(o, T_0, ...)         TR_SCHEDULER_((tr_cosine_warm_restarts)(o, T_0, (tr_cosine_warm_restarts_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_linear_lr(...)                             TR_LINEAR_LR_(__VA_ARGS__, )
# define TR_LINEAR_LR_(o, ...)                         TR_SCHEDULER_((tr_linear_lr)(o, (tr_linear_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_constant_lr(...)                           TR_CONSTANT_LR_(__VA_ARGS__, )
# define TR_CONSTANT_LR_(o, ...)                       TR_SCHEDULER_((tr_constant_lr)(o, (tr_constant_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_polynomial_lr(...)                         TR_POLYNOMIAL_LR_(__VA_ARGS__, )
# define TR_POLYNOMIAL_LR_(o, ...)                     TR_SCHEDULER_((tr_polynomial_lr)(o, (tr_polynomial_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_one_cycle_lr(o, max_lr, ...)               TR_ONE_CYCLE_LR_(o, max_lr, __VA_ARGS__, )
# define TR_ONE_CYCLE_LR_(o, max_lr, total_steps, ...) TR_SCHEDULER_((tr_one_cycle_lr)(o, max_lr, total_steps, (tr_one_cycle_lr_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_lambda_lr(o, f, data)                      TR_SCHEDULER_((tr_lambda_lr)(o, f, data))
#endif

#endif
