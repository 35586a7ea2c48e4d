/* A small perceptron whose batch is shared out over the ranks, and what one rank gets of the whole. */
#ifndef DATA_PARALLEL_H
#define DATA_PARALLEL_H

#include "test.h"

#include <trireme/dist.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

enum { SAMPLES = 11,
       IN = 4,
       OUT = 3 };

/* How the samples are shared out over ranks. */
typedef struct {
    int64_t of[9][8];
} shares;
static const shares uneven = {
    .of = {[1] = {11}, [2] = {3, 8}, [3] = {5, 3, 3}, [4] = {5, 3, 1, 2}, [8] = {3, 2, 1, 1, 1, 1, 1, 1}}};
static const shares some_empty = {
    .of = {[1] = {11}, [2] = {0, 11}, [3] = {0, 11, 0}, [4] = {5, 0, 6, 0}, [8] = {5, 0, 2, 0, 1, 0, 3, 0}}};
static const shares even = {
    .of = {[1] = {4}, [2] = {2, 2}, [3] = {1, 1, 2}, [4] = {1, 1, 1, 1}, [8] = {1, 1, 1, 1, 1, 1, 1, 1}}};

static inline tr_tensor *part(tr_tensor *t, shares s)
{
    const int64_t *of = s.of[tr_dist_world()];
    int64_t start = 0;
    for (int64_t r = 0; r < tr_dist_rank(); r++) start += of[r];
    return tr_narrow(t, 0, start, of[tr_dist_rank()]);
}

static inline tr_module *perceptron(uint64_t seed)
{
    tr_manual_seed(seed);
    return tr_sequential(tr_linear_layer(IN, 8, .dtype = TR_FLOAT64), tr_tanh_layer(), tr_linear_layer(8, OUT, .dtype = TR_FLOAT64));
}

static inline void batch(uint64_t seed, tr_tensor **x, tr_tensor **y)
{
    tr_manual_seed(seed);
    *x = tr_randn(TR_SHAPE(SAMPLES, IN), .dtype = TR_FLOAT64);
    *y = tr_randn(TR_SHAPE(SAMPLES, OUT), .dtype = TR_FLOAT64);
}

static inline void backward(tr_module *m, tr_tensor *x, tr_tensor *y)
{
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(m, x), y)), 0);
}

static inline void assert_same_gradients(tr_module *got, tr_module *want)
{
    tr_tensors a = tr_parameters(got), b = tr_parameters(want);
    assert_int_equal(a.count, b.count);
    for (int64_t i = 0; i < a.count; i++) assert_close(tr_grad(a.tensor[i]), tr_grad(b.tensor[i]), 1e-12);
}

static inline void assert_gradient_of_all_samples(shares s, tr_module *ranks, tr_module *model, tr_module *alone)
{
    tr_tensor *x, *y;
    batch(7, &x, &y);
    int64_t n = 0;
    for (int64_t r = 0; r < tr_dist_world(); r++) n += s.of[tr_dist_world()][r];
    backward(alone, tr_narrow(x, 0, 0, n), tr_narrow(y, 0, 0, n));
    backward(ranks, part(x, s), part(y, s));
    assert_same_gradients(model, alone);
}

#endif
