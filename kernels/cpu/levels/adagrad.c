/* Adagrad, all parameters in one call. */
#include "kernels/cpu/levels/optim.h"
#include "kernels/formulas.h"

#define LOOPS "kernels/cpu/levels/adagrad_of.h"
#include "kernels/cpu/levels/floats.h"

static int adagrad(const kernel_call *call) { return optim_each(call, 4, adagrad_part_f32, adagrad_part_f64); }

void kernels_adagrad(kernel_table table)
{
    table[KERNEL_ADAGRAD][TR_FLOAT32] = adagrad;
    table[KERNEL_ADAGRAD][TR_FLOAT64] = adagrad;
}
