/* All that this level serves. */
#include "kernels/cpu/levels/level.h"

void LEVEL(kernels_level)(kernel_table table)
{
    LEVEL(kernels_pointwise)
    (table);
    LEVEL(kernels_binary)
    (table);
    LEVEL(kernels_compare)
    (table);
    LEVEL(kernels_copy)
    (table);
    LEVEL(kernels_fill)
    (table);
    LEVEL(kernels_reduce)
    (table);
    LEVEL(kernels_arg)
    (table);
    LEVEL(kernels_softmax)
    (table);
    LEVEL(kernels_philox)
    (table);
    LEVEL(kernels_sgd)
    (table);
}
