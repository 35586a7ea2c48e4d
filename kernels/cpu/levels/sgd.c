/* Stochastic gradient descent as PyTorch has it, all parameters in one call:
 *   g = gradient (negated to maximize) + weight_decay p;  v = momentum v + (1 - dampening) g, at first g;
 *   p = p - lr (nesterov ? g + momentum v : v), or p - lr g without momentum */
#include "kernels/cpu/levels/level.h"

typedef struct {
    const kernel_call *call;
    const kernel_sgd_item *item;
} sgd_job;

#define T     float
#define OF(n) n##_f32
#include "kernels/cpu/levels/sgd_of.h"
#undef T
#undef OF

#define T     double
#define OF(n) n##_f64
#include "kernels/cpu/levels/sgd_of.h"
#undef T
#undef OF

static int sgd(const kernel_call *call)
{
    const kernel_sgd_item *items = call->at[0];
    for (int64_t i = 0; i < call->n; i++) {
        sgd_job job = {call, &items[i]};
        kernels_split(items[i].n, 64, items[i].n * 2, call->type == TR_FLOAT64 ? sgd_part_f64 : sgd_part_f32, &job);
    }
    return 0;
}

void kernels_sgd(kernel_table table)
{
    table[KERNEL_SGD][TR_FLOAT32] = sgd;
    table[KERNEL_SGD][TR_FLOAT64] = sgd;
}
