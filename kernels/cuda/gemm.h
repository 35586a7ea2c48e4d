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

/* What is added to the columns of a call's c; NULL: nothing. */
static inline const void *cuda_gemm_bias_of(const kernel_call *call) { return call->kernel == KERNEL_GEMM_BIAS ? call->at[3] : NULL; }

#ifdef __cplusplus
}
#endif

#endif
