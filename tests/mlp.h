/* A little network and something to learn, for tests of training. */
#ifndef TEST_MLP_H
#define TEST_MLP_H

#include <math.h>
#include <trireme/nn.h>
#include <trireme/optim.h>
#include "test.h"

enum { INPUTS = 4,
       HIDDEN = 8,
       CLASSES = 3 };

static inline tr_module *mlp(void)
{
    return tr_sequential(tr_linear_layer(INPUTS, HIDDEN), tr_tanh_layer(), tr_linear_layer(HIDDEN, CLASSES));
}

/* n samples and the classes they belong to. */
static inline tr_tensor *inputs(int64_t n) { return tr_randn(TR_SHAPE(n, INPUTS), .generator = tr_generator_new(TR_MT19937, 1)); }
static inline tr_tensor *classes(int64_t n) { return tr_randint(0, CLASSES, TR_SHAPE(n), .generator = tr_generator_new(TR_MT19937, 2)); }

static inline tr_optim *sgd_of(tr_module *m) { return tr_sgd(tr_parameters(m), .lr = 0.1, .momentum = 0.9, .weight_decay = 1e-3); }

/* One step; its loss, or NaN with an error standing and nothing stepped. */
static inline double train(tr_module *m, tr_optim *o, tr_tensor *x, tr_tensor *y)
{
    TR_SCOPE;
    tr_tensor *loss = tr_cross_entropy(tr_forward(m, x), y);
    bool stepped = tr_backward(loss) == 0 && tr_step(o) == 0;
    tr_zero_grad(o);
    return stepped ? tr_item(loss) : NAN;
}

/* Are the parameters of both the same, bit for bit? */
static inline bool same_parameters(tr_module *a, tr_module *b)
{
    tr_tensors p = tr_parameters(a), q = tr_parameters(b);
    bool same = p.count == q.count;
    for (int64_t i = 0; same && i < p.count; i++)
        same = memcmp(tr_data(p.tensor[i]), tr_data(q.tensor[i]), (size_t)(tr_numel(p.tensor[i]) * tr_dtype_size(tr_dtype_of(p.tensor[i])))) == 0;
    return same;
}

#endif
