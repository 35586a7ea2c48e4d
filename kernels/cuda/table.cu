/* All that CUDA devices serve so far. */
#include "kernels/cuda/gpu.h"

void kernels_cuda(kernel_table table)
{
    kernels_cuda_rows(table);
    kernels_cuda_rows_backward(table);
    kernels_cuda_binary(table);
    kernels_cuda_power(table);
    kernels_cuda_complex(table);
    kernels_cuda_compare(table);
    kernels_cuda_where(table);
    kernels_cuda_copy(table);
    kernels_cuda_fill(table);
    kernels_cuda_philox(table);
    kernels_cuda_optim(table);
    kernels_cuda_sort(table);
    kernels_cuda_index(table);
    kernels_cuda_index_add(table);
    kernels_cuda_mask(table);
    kernels_cuda_reduce(table);
    kernels_cuda_extreme(table);
    kernels_cuda_arg(table);
    kernels_cuda_gemm(table);
    kernels_cuda_matvec(table);
    kernels_cuda_softmax(table);
    kernels_cuda_softmax_backward(table);
    kernels_cuda_nll(table);
    kernels_cuda_cumsum(table);
    kernels_cuda_clip(table);
    kernels_cuda_scaler(table);
    kernels_cuda_linalg(table);
    kernels_cuda_together(table);
}
