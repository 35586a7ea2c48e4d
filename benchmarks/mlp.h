/* The networks that the benchmarks train: layers with ReLU between them, cross-entropy, SGD with momentum, on random
 * numbers. */
#ifndef MLP_H
#define MLP_H

#include <trireme/trireme.h>
#include "bench.h"

enum { PIXELS = 784,
       WIDTH = 512,
       CLASSES = 10,
       MOST_LAYERS = 3 };

typedef struct {
    const char *name;
    int layers;
    int width[MOST_LAYERS + 1];
} mlp_network;

static const mlp_network mlp_usual = {"mlp", 3, {PIXELS, WIDTH, WIDTH, CLASSES}};

/* 2 for a multiply-add; forward, the weights' gradients, and the inputs' of all layers but the first. */
static inline double mlp_flop_per_sample(const mlp_network *n)
{
    double products = 0;
    for (int k = 0; k < n->layers; k++) products += 3.0 * n->width[k] * n->width[k + 1];
    return 2 * (products - n->width[0] * n->width[1]);
}

typedef struct {
    const mlp_network *network;
    tr_module *model;
    tr_optim *sgd;
    tr_tensor *x, *y; /* (batch, width[0]), (batch) */
    tr_dtype narrow;  /* what products are made in; TR_DEFAULT_DTYPE: float32 */
} mlp;

static inline tr_module *mlp_model(const mlp_network *n)
{
    tr_module *module[2 * MOST_LAYERS];
    int count = 0;
    for (int k = 0; k < n->layers; k++) {
        if (k) module[count++] = tr_relu_layer();
        module[count++] = tr_linear_layer(n->width[k], n->width[k + 1]);
    }
    return tr_sequential_of(module, count);
}

/* The same network and the same data each time, on whatever device; it belongs to the open scope. */
static inline mlp mlp_new_on(const mlp_network *n, int64_t batch, tr_dtype narrow, tr_device device)
{
    mlp m = {.network = n, .x = tr_empty(TR_SHAPE(batch, n->width[0])), .narrow = narrow};
    tr_manual_seed(1);
    m.model = mlp_model(n);
    if (tr_module_to(m.model, device) < 0) return m;
    m.sgd = tr_sgd(tr_parameters(m.model), .lr = 0.01, .momentum = 0.9);
    m.y = tr_to_device(tr_randint(0, n->width[n->layers], TR_SHAPE(batch)), device);
    if (m.x) bench_fill(tr_data(m.x), tr_numel(m.x), 1);
    m.x = tr_to_device(m.x, device);
    return m;
}

static inline mlp mlp_new(int64_t batch) { return mlp_new_on(&mlp_usual, batch, TR_DEFAULT_DTYPE, tr_cpu()); }

/* One step.  0, or -1 with an error standing. */
static inline int mlp_step(mlp *m)
{
    TR_SCOPE;
    tr_tensor *loss;
    {
        TR_AUTOCAST(m->narrow);
        loss = tr_cross_entropy(tr_forward(m->model, m->x), m->y);
    }
    if (tr_backward(loss) < 0 || tr_step(m->sgd) < 0) return -1;
    tr_zero_grad(m->sgd);
    return 0;
}

#endif
