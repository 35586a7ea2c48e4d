/* RMSprop, all parameters in one call. */
#include "kernels/cpu/levels/optim.h"
#include "kernels/formulas.h"

#define LOOPS "kernels/cpu/levels/rmsprop_of.h"
#include "kernels/cpu/levels/floats.h"

static int rmsprop(const kernel_call *call) { return optim_each(call, 8, rmsprop_part_f32, rmsprop_part_f64); }

void kernels_rmsprop(kernel_table table)
{
    table[KERNEL_RMSPROP][TR_FLOAT32] = rmsprop;
    table[KERNEL_RMSPROP][TR_FLOAT64] = rmsprop;
}
