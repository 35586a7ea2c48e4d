/* Who computes a matrix product, c = alpha a b + beta c of KERNEL_GEMM, on a CUDA device. */
#ifndef TRIREME_KERNELS_CUDA_GEMM_H
#define TRIREME_KERNELS_CUDA_GEMM_H

#ifdef __cplusplus
extern "C" {
#endif

#include "kernels/kernels.h"

/* Any type, any strides: by gemm_plain.cu, or by matvec.cu where one side is a vector. */
int cuda_gemm_plain(const kernel_call *call);
int cuda_gemm_vector(const kernel_call *call);

#ifdef __cplusplus
}
#endif

#endif
