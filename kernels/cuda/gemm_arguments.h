/* A matrix product in cuBLASLt's words:  D = alpha op(A) op(B) + beta D,  all three column-major.
 *
 * Row-major memory of r x c is column-major memory of c x r, so that c = a b of ours is its c' = b' a': our b is its A, our
 * a its B, and a side whose columns are dense, not its rows, is the one to transpose.  Where c's own columns are dense, it
 * is c = a b as it stands.  Nothing here calls the library: a plain struct comes out, which a triple loop can read. */
#ifndef TRIREME_KERNELS_CUDA_GEMM_ARGUMENTS_H
#define TRIREME_KERNELS_CUDA_GEMM_ARGUMENTS_H

#include "kernels/kernels.h"

/* A matrix in memory: rows x columns of which a column is dense, `leading` elements from one to the next. */
typedef struct {
    int64_t rows, columns, leading;
    int64_t step; /* to the next of a batch; 0: the same again, and always where there is one alone */
    int32_t transposed;
    int32_t alignment; /* bytes that its address is a multiple of: 256, or 16 and less */
} gemm_matrix;

/* What tells one plan from another; every byte is set, so that it can be compared as memory. */
typedef struct {
    gemm_matrix a, b, d;
    int32_t type, scale_type, compute_type;
    int32_t batch;
    int32_t epilogue;
    int32_t bias_alignment; /* 0 without */
} gemm_shape;

typedef struct {
    gemm_shape shape;
    const void *a, *b;
    void *d;
    const void *bias;   /* as many as D has rows: c's columns */
    double alpha, beta; /* real, also where the scale is complex */
} gemm_arguments;

/* What is done with the sums before they are stored: c[i,j] + bias[j], and 0 for what is less. */
typedef enum { GEMM_ALONE,
               GEMM_BIAS,
               GEMM_BIAS_RELU } gemm_epilogue;

/* True, or false for what the library does not take: integers, matrices of which neither rows nor columns are dense, sizes
 * beyond 31 bits, nothing to add up, and a bias where c's columns are dense or numbers complex. */
bool gemm_arguments_of(const kernel_call *call, gemm_epilogue epilogue, const void *bias, gemm_arguments *found);

#endif
