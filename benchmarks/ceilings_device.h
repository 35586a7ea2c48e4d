/* What a CUDA device can do at best, measured through the runtime and the cuBLASLt that the library itself uses, found where
 * it found them: nothing of CUDA is needed to build this.  0 stands for "unknown", such as where there is no cuBLASLt. */
#ifndef CEILINGS_DEVICE_H
#define CEILINGS_DEVICE_H

#include <trireme/trireme.h>

/* 1e9 bytes a second, read and written, of cudaMemcpyAsync from one array of so many bytes to another: a median, as those
 * it is held against. */
double ceiling_device_copy(tr_device device, int64_t bytes);

/* 1e9 operations (2 m k n for a product) a second of cublasLtMatmul called directly for c = a b, by the first algorithm
 * that it offers for a workspace of 32 MiB: what a program without the library would get.  float32 is TF32 in a block of
 * TR_MATMUL_PRECISION(TR_PRECISION_HIGH).  *fastest is that of the fastest of four.  a and b are matrices with dense rows, or
 * seen through tr_t; c (m, n) gets the product, of the same type. */
double ceiling_device_product(tr_tensor *a, tr_tensor *b, tr_tensor *c, double *fastest);

#endif
