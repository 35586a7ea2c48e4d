/* RMSprop as PyTorch 2 has it, all parameters in one call, rounded in its order:
 *   g = gradient (negated to maximize) + weight_decay p
 *   s = alpha s + (1 - alpha) g g;  centered: a = a + (1 - alpha) (g - a), r = sqrt(s - a a) + eps, else r = sqrt(s) + eps
 *   v = momentum v + g / r, p = p - lr v, or without momentum p = p - lr g / r */
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
