/* Adam and AdamW, all parameters in one call. */
#include "kernels/cpu/levels/optim.h"
#include "kernels/formulas.h"

#define LOOPS "kernels/cpu/levels/adam_of.h"
#include "kernels/cpu/levels/floats.h"

static int adam(const kernel_call *call) { return optim_each(call, 8, adam_part_f32, adam_part_f64); }

void kernels_adam(kernel_table table)
{
    table[KERNEL_ADAM][TR_FLOAT32] = adam;
    table[KERNEL_ADAM][TR_FLOAT64] = adam;
}
