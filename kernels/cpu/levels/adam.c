/* Adam and AdamW as PyTorch 2 has them, all parameters in one call, rounded in its order:
 *   g = gradient (negated to maximize) + weight_decay p, or where it is decoupled p = (1 - lr weight_decay) p
 *   m = m + (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g g;  amsgrad: V = max(V, v), else V = v
 *   p = p - lr / (1 - beta1^t) m / (sqrt(V) / sqrt(1 - beta2^t) + eps) */
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
