/* A matrix times a vector: y[i] = alpha sum over l of a[i,l] x[l] + beta y[i], of every type; float32 in double, as the CPU
 * does for small ones.
 *
 * A row's term l is added in lane l mod LANES, in ascending l, and the lanes are folded in halves.  With 8 lanes these are
 * the CPU's bits (kernels/cpu/levels/matvec.c).  Few long rows take a block each, of 256 lanes: how many follows from shape
 * and strides alone. */
#ifndef TRIREME_KERNELS_CUDA_MATVEC_CUH
#define TRIREME_KERNELS_CUDA_MATVEC_CUH

#include "kernels/cuda/gemm.h"
#include "kernels/cuda/products.cuh"

enum { FEW_LANES = 8,
       LONG = 1024 /* terms, from which on a row may have a block's lanes */ };

struct vector_product {
    int64_t rows, m, k; /* rows of all batches; of one */
    double alpha, beta;
    void *y;
    const void *a, *x, *bias; /* bias NULL: without */
    int64_t y_step, y_row, a_step, a_row, a_column, x_step, x_row, bias_row;
    bool relu;
    bool along_row; /* neighbours in memory are neighbours in a row of a */
};

/* What block `block` of so many does. */
template <class S, class W, int LANES>
static __device__ inline void vector_of_block(const vector_product &p, int64_t block, int64_t blocks)
{
    enum { ROWS = THREADS / LANES };
    SHARED(W, part, [LANES][ROWS]);
    const int t = threadIdx.x, lane = p.along_row ? t % LANES : t / ROWS, row = p.along_row ? t / LANES : t % ROWS;
    for (int64_t first = block * ROWS; first < p.rows; first += blocks * ROWS) {
        const int64_t r = first + row, step = r / p.m, i = r - step * p.m;
        W sum = W();
        if (r < p.rows) {
            const S *a = (const S *)p.a + step * p.a_step + i * p.a_row, *x = (const S *)p.x + step * p.x_step;
            for (int64_t l = lane; l < p.k; l += LANES) add_product(sum, summand<W>(a[l * p.a_column]), summand<W>(x[l * p.x_row]));
        }
        part[lane][row] = sum;
        for (int half = LANES / 2; half > 0; half /= 2) {
            __syncthreads();
            if (lane < half) add_to(part[lane][row], part[lane + half][row]);
        }
        if (lane == 0 && r < p.rows) finish((S *)p.y + step * p.y_step + i * p.y_row, part[0][row], p.alpha, p.beta, p.bias ? (const S *)p.bias + i * p.bias_row : NULL, p.relu);
        __syncthreads();
    }
}

/* Does a row take a block's lanes? */
static inline bool takes_blocks(const vector_product &p) { return p.k > LONG && (p.along_row || p.rows < LONG); }

/* The vector is b, or, of c' = b' a', a. */
static inline vector_product vector_product_of(const kernel_call *call)
{
    const int matrix = call->size[2] == 1 ? 1 : 2, vector = 3 - matrix, row = matrix, column = 3 - row;
    vector_product p;
    p.m = call->size[matrix], p.k = call->size[3], p.rows = p.m * (call->size[0] > 0 ? call->size[0] : 0);
    p.alpha = call->number[0], p.beta = call->number[1];
    p.y = call->at[0], p.a = call->at[matrix], p.x = call->at[vector], p.bias = cuda_gemm_bias_of(call), p.relu = cuda_gemm_has_relu(call);
    p.y_step = call->stride[0][0], p.y_row = call->stride[0][row];
    p.a_step = call->stride[matrix][0], p.a_row = call->stride[matrix][row], p.a_column = call->stride[matrix][column];
    p.x_step = call->stride[vector][0], p.x_row = call->stride[vector][row];
    p.bias_row = matrix == 2; /* y is a row of c; a column has one bias */
    p.along_row = p.a_column == 1 || p.a_row != 1;
    return p;
}

#endif
