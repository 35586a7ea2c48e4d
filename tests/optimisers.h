/* Every optimiser, with options at their defaults and with all of them at once, and a slope to walk down. */
#ifndef TEST_OPTIMISERS_H
#define TEST_OPTIMISERS_H

#include <trireme/optim.h>
#include "test.h"

static inline tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }
static inline tr_tensor *pair(tr_dtype dtype, double a, double b) { return tr_from_data(((double[]){a, b}), TR_FLOAT64, TR_SHAPE(2), .dtype = dtype); }

/* The gradient of f = sum([1, 3] x^2 - 3 x + 1), by backward. */
static inline int descend(tr_tensor *x)
{
    TR_SCOPE;
    tr_tensor *scale = pair(tr_dtype_of(x), 1, 3);
    return tr_backward(tr_sum(tr_add(tr_sub(tr_mul(scale, tr_square(x)), tr_mul(x, 3)), 1)));
}

static inline tr_optim *sgd(tr_tensors p) { return tr_sgd(p, .lr = 0.1); }
static inline tr_optim *sgd_all(tr_tensors p) { return tr_sgd(p, .lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true); }
static inline tr_optim *adam(tr_tensors p) { return tr_adam(p, .lr = 0.1); }
static inline tr_optim *adam_all(tr_tensors p) { return tr_adam(p, .lr = 0.1, .betas = {0.8, 0.99}, .eps = 1e-6, .weight_decay = 0.1, .amsgrad = true, .maximize = true); }
static inline tr_optim *adamw(tr_tensors p) { return tr_adamw(p, .lr = 0.1); }
static inline tr_optim *adamw_all(tr_tensors p) { return tr_adamw(p, .lr = 0.1, .betas = {0.3, 0.6}, .eps = 1e-4, .weight_decay = 0.2, .amsgrad = true); }
static inline tr_optim *rmsprop(tr_tensors p) { return tr_rmsprop(p, .lr = 0.1); }
static inline tr_optim *rmsprop_all(tr_tensors p) { return tr_rmsprop(p, .lr = 0.1, .alpha = 0.9, .eps = 1e-4, .weight_decay = 0.1, .momentum = 0.8, .centered = true, .maximize = true); }
static inline tr_optim *adagrad(tr_tensors p) { return tr_adagrad(p, .lr = 0.1); }
static inline tr_optim *adagrad_all(tr_tensors p) { return tr_adagrad(p, .lr = 0.1, .lr_decay = 0.3, .weight_decay = 0.1, .initial_accumulator_value = 0.5, .eps = 1e-3, .maximize = true); }

typedef struct {
    tr_optim *(*make)(tr_tensors parameters);
    const char *name;
    int states; /* tensors beside a parameter */
} optimiser;

static const optimiser optimisers[] = {
    {sgd, "SGD", 0},
    {sgd_all, "SGD", 1},
    {adam, "Adam", 3},
    {adam_all, "Adam", 4},
    {adamw, "AdamW", 3},
    {adamw_all, "AdamW", 4},
    {rmsprop, "RMSprop", 1},
    {rmsprop_all, "RMSprop", 3},
    {adagrad, "Adagrad", 2},
    {adagrad_all, "Adagrad", 2},
};
enum { OPTIMISERS = sizeof optimisers / sizeof *optimisers };

#endif
