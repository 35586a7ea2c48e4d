/* Matrix products as they are defined, of every type and any strides.
 *
 * A block of 16 x 16 threads computes a square tile of c, each thread PER x PER of its elements, 16 rows and columns apart.
 * Through shared memory pass 16 columns of a and 16 rows of b at a time, read along whichever direction is denser.
 *
 *        b  [ 16 x tile ]               c[i,j] = alpha sum + beta c[i,j],
 *     a     .           .               sum = fma(a[i,k-1], b[k-1,j], ... fma(a[i,0], b[0,j], 0)):
 *   [tile   [  tile of  ]
 *    x 16]  [     c     ]               one sum in ascending l, of the same bits whatever the tile, grid and strides. */
#ifndef TRIREME_KERNELS_CUDA_GEMM_PLAIN_CUH
#define TRIREME_KERNELS_CUDA_GEMM_PLAIN_CUH

#include "kernels/cuda/gemm.h"
#include "kernels/cuda/products.cuh"

enum { SIDE = 16, /* of the threads' square, and of a step along k */
       LARGE = 128 /* rows and columns from which on tiles of 64 x 64 are many enough */ };
static_assert(SIDE * SIDE == THREADS, "a block is a square of threads");

struct product {
    int64_t batch, m, n, k;
    double alpha, beta;
    void *c;
    const void *a, *b, *bias; /* bias NULL: without */
    int64_t c_step, c_row, c_column, a_step, a_row, a_column, b_step, b_row, b_column;
    int64_t tiles_down, tiles_across;
    bool relu;
    bool a_along_row, b_along_row; /* neighbours in memory are neighbours in a row */
};

/* A part of a matrix, `high` x `wide` of it at most, into shared memory, from whose every row it is read along. */
template <class W, class S, int ROWS, int COLUMNS, int WIDTH>
static __device__ inline void fetch(W (&to)[ROWS][WIDTH], const S *from, int64_t row, int64_t column, bool along_row, int64_t high, int64_t wide)
{
    for (int t = threadIdx.x; t < ROWS * COLUMNS; t += THREADS) {
        int i = along_row ? t / COLUMNS : t % ROWS, j = along_row ? t % COLUMNS : t / ROWS;
        to[i][j] = i < high && j < wide ? summand<W>(from[i * row + j * column]) : W();
    }
}

template <class W, int PER, int HEIGHT, int WIDTH>
static __device__ inline void add_step(W (&sum)[PER][PER], const W (&a)[HEIGHT][SIDE + 1], const W (&b)[SIDE][WIDTH], int l)
{
    const int x = threadIdx.x % SIDE, y = threadIdx.x / SIDE;
    W left[PER], right[PER];
    for (int r = 0; r < PER; r++) left[r] = a[y + r * SIDE][l];
    for (int s = 0; s < PER; s++) right[s] = b[l][x + s * SIDE];
    for (int r = 0; r < PER; r++)
        for (int s = 0; s < PER; s++) add_product(sum[r][s], left[r], right[s]);
}

/* What block `block` of so many does. */
template <class S, class W, int PER>
static __device__ inline void tiles_of_block(const product &p, int64_t block, int64_t blocks)
{
    enum { TILE = PER * SIDE };
    SHARED(W, left, [TILE][SIDE + 1]);
    SHARED(W, right, [SIDE][TILE + 1]);
    const int x = threadIdx.x % SIDE, y = threadIdx.x / SIDE;
    for (int64_t tile = block; tile < p.batch * p.tiles_down * p.tiles_across; tile += blocks) {
        const int64_t down = tile / p.tiles_across, step = down / p.tiles_down;
        const int64_t i = (down - step * p.tiles_down) * TILE, j = (tile - down * p.tiles_across) * TILE;
        const S *a = (const S *)p.a + step * p.a_step + i * p.a_row, *b = (const S *)p.b + step * p.b_step + j * p.b_column;
        W sum[PER][PER];
        for (int r = 0; r < PER; r++)
            for (int s = 0; s < PER; s++) sum[r][s] = W();

        for (int64_t l = 0; l < p.k; l += SIDE) {
            const int64_t rest = p.k - l;
            fetch<W, S, TILE, SIDE>(left, a + l * p.a_column, p.a_row, p.a_column, p.a_along_row, p.m - i, rest);
            fetch<W, S, SIDE, TILE>(right, b + l * p.b_row, p.b_row, p.b_column, p.b_along_row, rest, p.n - j);
            __syncthreads();
            if (rest >= SIDE)
                for (int t = 0; t < SIDE; t++) add_step(sum, left, right, t);
            else
                for (int t = 0; t < (int)rest; t++) add_step(sum, left, right, t);
            __syncthreads();
        }

        S *c = (S *)p.c + step * p.c_step;
        const S *bias = (const S *)p.bias;
        UNROLLED
        for (int r = 0; r < PER; r++) {
            UNROLLED
            for (int s = 0; s < PER; s++) {
                const int64_t row = i + y + r * SIDE, column = j + x + s * SIDE;
                if (row < p.m && column < p.n) finish(c + row * p.c_row + column * p.c_column, sum[r][s], p.alpha, p.beta, bias ? bias + column : bias, p.relu);
            }
        }
    }
}

/* Threads compute 4 x 4 elements each, or 2 x 2. */
static inline bool in_large_tiles(const product &p) { return p.m >= LARGE && p.n >= LARGE; }

static inline product product_of(const kernel_call *call)
{
    product p;
    p.batch = call->size[0], p.m = call->size[1], p.n = call->size[2], p.k = call->size[3];
    p.alpha = call->number[0], p.beta = call->number[1];
    p.c = call->at[0], p.a = call->at[1], p.b = call->at[2], p.bias = cuda_gemm_bias_of(call), p.relu = cuda_gemm_has_relu(call);
    p.c_step = call->stride[0][0], p.c_row = call->stride[0][1], p.c_column = call->stride[0][2];
    p.a_step = call->stride[1][0], p.a_row = call->stride[1][1], p.a_column = call->stride[1][2];
    p.b_step = call->stride[2][0], p.b_row = call->stride[2][1], p.b_column = call->stride[2][2];
    p.a_along_row = llabs(p.a_column) <= llabs(p.a_row), p.b_along_row = llabs(p.b_column) <= llabs(p.b_row);
    const int64_t tile = (in_large_tiles(p) ? 4 : 2) * SIDE;
    p.tiles_down = (p.m + tile - 1) / tile, p.tiles_across = (p.n + tile - 1) / tile;
    return p;
}

#endif
