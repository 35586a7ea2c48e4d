/* How cuBLASLt is to compute a product: its descriptors, and the algorithm that its heuristic chose for the shape, kept, as
 * asking takes longer than a small product.
 *
 * A handle belongs to a device and a workspace to a stream, so that plans are of a stream.  The same shape gives the same
 * algorithm, and so the same bits, as long as library and device are the same. */
#ifndef TRIREME_KERNELS_CUDA_GEMM_PLANS_H
#define TRIREME_KERNELS_CUDA_GEMM_PLANS_H

#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/gemm_arguments.h"

typedef struct {
    gemm_shape shape; /* of batch 0 where there is no plan */
    void *desc, *a, *b, *d;
    lt_algo algo;
    size_t workspace;
    bool usable; /* false: the library does not do this one */
} gemm_plan;

typedef struct gemm_plans gemm_plans;

/* The plans of a stream, made at the first call; NULL where the library has no handle for it. */
gemm_plans *gemm_plans_of(const cublaslt *lt, void *stream);
void *gemm_plans_handle(const gemm_plans *plans);

/* The plan of such a product, good until the next call; NULL where the library has none. */
gemm_plan *gemm_plan_of(const cublaslt *lt, gemm_plans *plans, const gemm_arguments *g);

#endif
