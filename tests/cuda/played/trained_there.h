/* A small training on the first CUDA device, to run, record and compare. */
#ifndef TRAINED_THERE_H
#define TRAINED_THERE_H

#include "on_played.h"

static inline tr_tensor *there(tr_tensor *t) { return tr_to_device(t, tr_cuda(0)); }

typedef struct {
    tr_module *model;
    tr_optim *optim;
    tr_tensor *x, *y;
} training;

enum { ROWS = 10 };

static inline training made(void)
{
    tr_manual_seed(5);
    training t = {.model = tr_sequential(tr_linear_layer(6, 8), tr_tanh_layer(), tr_dropout_layer(0.3), tr_linear_layer(8, 2))};
    assert_int_equal(tr_module_to(t.model, tr_cuda(0)), 0);
    t.optim = tr_adam(tr_parameters(t.model), .lr = 0.01);
    t.x = there(tr_randn(TR_SHAPE(ROWS, 6)));
    t.y = there(tr_randn(TR_SHAPE(ROWS, 2)));
    return t;
}

static inline void step(training *t)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(t->model, t->x), t->y)), 0);
    assert_int_equal(tr_step(t->optim), 0);
    tr_zero_grad(t->optim);
}

static inline tr_recording *recorded(training *t)
{
    tr_recording *r;
    assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(t->x, t->y)), 0);
    step(t);
    assert_int_equal(tr_record_end(), 0);
    return r;
}

static inline void assert_same_parameters(const training *a, const training *b)
{
    tr_tensors p = tr_parameters(a->model), q = tr_parameters(b->model);
    for (int64_t i = 0; i < p.count; i++) assert_close(p.tensor[i], q.tensor[i], 0);
}

#endif
