/* The network that bench_train, bench_memory and bench_startup train: 784-512-512-10, ReLU, cross-entropy, SGD with
 * momentum, on random numbers. */
#ifndef MLP_H
#define MLP_H

#include <trireme/trireme.h>
#include "bench.h"

enum { PIXELS = 784,
       WIDTH = 512,
       CLASSES = 10 };

/* 2 for a multiply-add; forward, the weights' gradients, and the inputs' of all layers but the first. */
#define MLP_FLOP_PER_SAMPLE (2.0 * (3.0 * (PIXELS * WIDTH + WIDTH * WIDTH + WIDTH * CLASSES) - PIXELS * WIDTH))

typedef struct {
    tr_module *model;
    tr_optim *sgd;
    tr_tensor *x, *y; /* (batch, PIXELS), (batch) */
} mlp;

static inline tr_module *mlp_model(void)
{
    return tr_sequential(tr_linear_layer(PIXELS, WIDTH), tr_relu_layer(), tr_linear_layer(WIDTH, WIDTH), tr_relu_layer(), tr_linear_layer(WIDTH, CLASSES));
}

/* The same network and the same data each time; it belongs to the open scope. */
static inline mlp mlp_new(int64_t batch)
{
    mlp m = {.x = tr_empty(TR_SHAPE(batch, PIXELS))};
    tr_manual_seed(1);
    m.model = mlp_model();
    m.sgd = tr_sgd(tr_parameters(m.model), .lr = 0.01, .momentum = 0.9);
    m.y = tr_randint(0, CLASSES, TR_SHAPE(batch));
    if (m.x) bench_fill(tr_data(m.x), batch * PIXELS, 1);
    return m;
}

/* One step.  0, or -1 with an error standing. */
static inline int mlp_step(mlp *m)
{
    TR_SCOPE;
    tr_tensor *loss = tr_cross_entropy(tr_forward(m->model, m->x), m->y);
    if (tr_backward(loss) < 0 || tr_step(m->sgd) < 0) return -1;
    tr_zero_grad(m->sgd);
    return 0;
}

#endif
