/* Stochastic gradient descent as PyTorch has it, all parameters in one call:
 *   g = gradient (negated to maximize) + weight_decay p;  v = momentum v + (1 - dampening) g, at first g;
 *   p = p - lr (nesterov ? g + momentum v : v), or p - lr g without momentum */
#include "kernels/cpu/levels/optim.h"

#define LOOPS "kernels/cpu/levels/sgd_of.h"
#include "kernels/cpu/levels/floats.h"

static int sgd(const kernel_call *call) { return optim_each(call, 2, sgd_part_f32, sgd_part_f64); }

void kernels_sgd(kernel_table table)
{
    table[KERNEL_SGD][TR_FLOAT32] = sgd;
    table[KERNEL_SGD][TR_FLOAT64] = sgd;
}
