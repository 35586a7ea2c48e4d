/* Data parallel with a bucket for each of its four parameters. */
#ifndef TEST_LEARNER_H
#define TEST_LEARNER_H

#include <trireme/dist.h>
#include <trireme/nn.h>
#include <trireme/optim.h>
#include "test.h"

typedef struct {
    tr_module *model, *ranks;
    tr_optim *sgd;
    tr_tensor *x, *y;
} learner;

/* On the rank's device, of the same weights everywhere; and what it learns, which is the caller's to seed. */
static inline learner learner_of(int64_t in, int64_t hidden, int64_t out, tr_dtype dtype, tr_overlap overlap)
{
    tr_manual_seed(3);
    learner l = {.model = tr_sequential(tr_linear_layer(in, hidden, .dtype = dtype), tr_tanh_layer(), tr_linear_layer(hidden, out, .dtype = dtype))};
    assert_int_equal(tr_module_to(l.model, tr_dist_device()), 0);
    l.ranks = tr_data_parallel(l.model, .bucket_bytes = 1, .first_bucket_bytes = 1, .overlap = overlap);
    l.sgd = tr_sgd(tr_parameters(l.model), .lr = 0.1, .momentum = 0.9);
    return l;
}

static inline void learn_from(learner *l, int64_t samples, int64_t in, int64_t out, tr_dtype dtype)
{
    l->x = tr_to_device(tr_randn(TR_SHAPE(samples, in), .dtype = dtype), tr_dist_device());
    l->y = tr_to_device(tr_randn(TR_SHAPE(samples, out), .dtype = dtype), tr_dist_device());
}

static inline void step(learner *l)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(l->ranks, l->x), l->y)), 0);
    assert_int_equal(tr_step(l->sgd), 0);
    tr_zero_grad(l->sgd);
}

#endif
