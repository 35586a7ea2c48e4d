/* What of cuBLASLt we call, in words of our own, so that no part of CUDA is needed to build and test the callers, and a
 * program that multiplies nothing large never loads the library (80 ms, 220 MB).  Values and layouts are those of
 * cublasLt.h of CUDA 12 and 13; tests/cuda/cublaslt_agrees.c compares them where that header is. */
#ifndef TRIREME_KERNELS_CUDA_CUBLASLT_H
#define TRIREME_KERNELS_CUDA_CUBLASLT_H

#include <stddef.h>
#include <stdint.h>

enum { LT_SUCCESS = 0,
       LT_NOT_SUPPORTED = 15 };

enum { LT_R_32F = 0,
       LT_R_64F = 1,
       LT_R_16F = 2,
       LT_C_32F = 4,
       LT_C_64F = 5,
       LT_R_16BF = 14 };

enum { LT_COMPUTE_32F = 68, /* float32 as it is */
       LT_COMPUTE_64F = 70,
       LT_COMPUTE_32F_FAST_TF32 = 77 };

enum { LT_OP_N = 0,
       LT_OP_T = 1 };

enum { LT_EPILOGUE_DEFAULT = 1,
       LT_EPILOGUE_BIAS = 4,
       LT_EPILOGUE_RELU_BIAS = 6 };

enum { LT_DESC_TRANSA = 3,
       LT_DESC_TRANSB = 4,
       LT_DESC_EPILOGUE = 7,
       LT_DESC_BIAS_POINTER = 8,
       LT_DESC_BIAS_DATA_TYPE = 26 };

enum { LT_LAYOUT_BATCH_COUNT = 5,
       LT_LAYOUT_BATCH_STEP = 6 };

enum { LT_PREFER_MAX_WORKSPACE = 1,
       LT_PREFER_REDUCTION_SCHEMES = 3,
       LT_PREFER_ALIGNMENT_A = 5,
       LT_PREFER_ALIGNMENT_B = 6,
       LT_PREFER_ALIGNMENT_C = 7,
       LT_PREFER_ALIGNMENT_D = 8 };

/* How partial sums along k may be put together, as bits; none of them is 0. */
enum { LT_REDUCTION_IN_COMPUTE_TYPE = 2 };

typedef struct {
    uint64_t data[8];
} lt_algo;

typedef struct {
    lt_algo algo;
    size_t workspace;
    int status;
    float waves;
    int reserved[4];
} lt_choice;

/* The library's functions; handles, descriptors and preferences are pointers of its own. */
typedef struct {
    int (*create)(void **handle);
    const char *(*status_string)(int status);
    int (*desc_create)(void **desc, int compute_type, int scale_type);
    int (*desc_set)(void *desc, int attribute, const void *value, size_t bytes);
    int (*desc_destroy)(void *desc);
    int (*layout_create)(void **layout, int type, uint64_t rows, uint64_t columns, int64_t leading);
    int (*layout_set)(void *layout, int attribute, const void *value, size_t bytes);
    int (*layout_destroy)(void *layout);
    int (*preference_create)(void **preference);
    int (*preference_set)(void *preference, int attribute, const void *value, size_t bytes);
    int (*preference_destroy)(void *preference);
    int (*choose)(void *handle, void *desc, void *a, void *b, void *c, void *d, void *preference, int wanted, lt_choice *choices, int *found);
    int (*matmul)(void *handle, void *desc, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout, const void *beta, const void *c, void *c_layout, void *d, void *d_layout, const lt_algo *algo, void *workspace, size_t bytes, void *stream);
} cublaslt;

/* The library, loaded at the first call; NULL where there is none. */
const cublaslt *cublaslt_here(void);

#endif
