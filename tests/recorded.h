/* A training step to record, and what is the same of two: for tests of recordings.  Steps run on the device under test (test.h). */
#ifndef TEST_RECORDED_H
#define TEST_RECORDED_H

#include <math.h>
#include <trireme/trireme.h>
#include "test.h"

typedef struct {
    tr_module *model;
    tr_optim *optim;
    tr_tensor *x, *y, *loss;
} problem;

/* The same parameters, data and optimiser each time it is made. */
static inline problem make_problem(int optimiser, int64_t batch)
{
    tr_manual_seed(3);
    problem p = {0};
    p.model = tr_sequential(tr_linear_layer(20, 32), tr_relu_layer(), tr_linear_layer(32, 5));
    assert_int_equal(tr_module_to(p.model, harness_device()), 0);
    tr_tensors parameters = tr_parameters(p.model);
    switch (optimiser) {
    case 0: p.optim = tr_sgd(parameters, .lr = 0.1); break;
    case 1: p.optim = tr_sgd(parameters, .lr = 0.1, .momentum = 0.9, .nesterov = true); break;
    case 2: p.optim = tr_adam(parameters, .lr = 0.01, .weight_decay = 0.1); break;
    case 3: p.optim = tr_adamw(parameters, .lr = 0.01, .amsgrad = true); break;
    case 4: p.optim = tr_rmsprop(parameters, .lr = 0.01, .momentum = 0.5, .centered = true); break;
    default: p.optim = tr_adagrad(parameters, .lr = 0.05, .lr_decay = 0.1);
    }
    p.x = harness_there(tr_randn(TR_SHAPE(batch, 20)));
    p.y = harness_there(tr_randn(TR_SHAPE(batch, 5)));
    return p;
}

static inline void step(problem *p)
{
    TR_SCOPE;
    tr_tensor *loss = tr_mse_loss(tr_forward(p->model, p->x), p->y);
    tr_zero_grad(p->optim);
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_step(p->optim), 0);
    p->loss = tr_pass_up(tr_detach(loss));
}

static inline void assert_same_bits(tr_tensor *a, tr_tensor *b)
{
    assert_int_equal(tr_numel(a), tr_numel(b));
    a = tr_to_device(a, tr_cpu()), b = tr_to_device(b, tr_cpu());
    assert_memory_equal(tr_data(a), tr_data(b), (size_t)(tr_numel(a) * tr_dtype_size(tr_dtype_of(a))));
}

static inline void assert_same_models(const problem *a, const problem *b)
{
    tr_tensors p = tr_parameters(a->model), q = tr_parameters(b->model);
    for (int64_t i = 0; i < p.count; i++) assert_same_bits(p.tensor[i], q.tensor[i]);
}

/* The step, run once and recorded. */
static inline tr_recording *recorded(problem *p)
{
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    step(p);
    assert_int_equal(tr_record_end(), 0);
    return recording;
}

static inline int64_t calls_of(const tr_recording *r) { return tr_recording_info_of(r).calls; }

#endif
