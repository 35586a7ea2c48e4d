/* Who computes a matrix product, c = alpha a b + beta c of KERNEL_GEMM and KERNEL_GEMM_BIAS, on a CUDA device. */
#ifndef TRIREME_KERNELS_CUDA_GEMM_H
#define TRIREME_KERNELS_CUDA_GEMM_H

#ifdef __cplusplus
extern "C" {
#endif

#include "kernels/kernels.h"

/* Any type, any strides: by gemm_plain.cu, or by matvec.cu where one side is a vector. */
int cuda_gemm_plain(const kernel_call *call);
int cuda_gemm_vector(const kernel_call *call);

/* So large that the library computes it, where it is there: below 64^3 a launch costs more than the sums. */
static inline bool cuda_gemm_is_large(const kernel_call *call)
{
    const double products = (double)call->size[0] * (double)call->size[1] * (double)call->size[2] * (double)call->size[3];
    return call->size[1] > 1 && call->size[2] > 1 && products > 64. * 64 * 64;
}

/* What is added to the columns of a call's c; NULL: nothing. */
static inline const void *cuda_gemm_bias_of(const kernel_call *call) { return call->kernel == KERNEL_GEMM_BIAS ? call->at[3] : NULL; }

/* Is what is less than 0 stored as 0? */
static inline bool cuda_gemm_has_relu(const kernel_call *call) { return call->kernel == KERNEL_GEMM_BIAS && (call->flags & KERNEL_GEMM_RELU) != 0; }

#ifdef __cplusplus
}
#endif

#endif
