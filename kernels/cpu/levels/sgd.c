/* Stochastic gradient descent, all parameters in one call. */
#include "kernels/cpu/levels/optim.h"

#define LOOPS "kernels/cpu/levels/sgd_of.h"
#include "kernels/cpu/levels/floats.h"

static int sgd(const kernel_call *call) { return optim_each(call, 2, sgd_part_f32, sgd_part_f64); }

void kernels_sgd(kernel_table table)
{
    table[KERNEL_SGD][TR_FLOAT32] = sgd;
    table[KERNEL_SGD][TR_FLOAT64] = sgd;
}
