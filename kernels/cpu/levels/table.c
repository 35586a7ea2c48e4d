/* All that this level serves. */
#include "kernels/cpu/levels/level.h"

void kernels_level(kernel_table table)
{
    kernels_pointwise(table);
    kernels_usual(table);
    kernels_binary(table);
    kernels_power(table);
    kernels_complex(table);
    kernels_compare(table);
    kernels_copy(table);
    kernels_fill(table);
    kernels_reduce(table);
    kernels_arg(table);
    kernels_softmax(table);
    kernels_matvec(table);
    kernels_gemm_f32(table);
    kernels_philox(table);
    kernels_sgd(table);
    kernels_adam(table);
    kernels_rmsprop(table);
    kernels_adagrad(table);
    kernels_clip(table);
    kernels_scaler(table);
}
