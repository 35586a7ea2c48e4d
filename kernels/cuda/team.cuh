/* Threads that make one thing of what each of them has.  A team is `lanes` neighbours in a block: 8, a warp, or the whole
 * block; or, of a block that is `width` columns of threads side by side, all threads of a column.  What they have is joined
 * in a tree that depends on these numbers alone, and all of them get the result: its bits are the same in every run.
 *
 *     struct op { static __device__ A join(A a, A b); };     commutative: join(a, b) is join(b, a), bit for bit
 *
 * Kernels that divide in double are __launch_bounds__(THREADS, 1): a division may become a call, and without the 1 ptxas
 * keeps to so few registers that some spill around it. */
#ifndef TRIREME_KERNELS_CUDA_TEAM_CUH
#define TRIREME_KERNELS_CUDA_TEAM_CUH

#include "kernels/cuda/elements.cuh"

enum { WARP = 32,
       WARPS = THREADS / WARP };

/* What the lane has whose number differs by the bits of `distance`; every lane of the warp asks. */
template <class A>
__device__ inline A beside(const A &mine, int distance)
{
    typedef typename word_of<sizeof(A) % 8 ? 4 : 8>::type word;
    word words[sizeof(A) / sizeof(word)];
    memcpy(words, &mine, sizeof words);
    for (unsigned w = 0; w < sizeof words / sizeof *words; w++) words[w] = __shfl_xor_sync(0xffffffffu, words[w], distance);
    A theirs;
    memcpy(&theirs, words, sizeof theirs);
    return theirs;
}

/* Halves of a team are folded onto each other, as kernels/cpu/levels/reduce_of.h folds its lanes.  Every thread of the
 * block calls it. */
template <class OP, class A>
__device__ inline A joined(A a, int lanes, A (&of_warp)[WARPS])
{
    for (int half = (lanes < WARP ? lanes : (int)WARP) / 2; half > 0; half /= 2) a = OP::join(a, beside(a, half));
    if (lanes <= WARP) return a;
    __syncthreads(); /* of_warp may still be read */
    if (threadIdx.x % WARP == 0) of_warp[threadIdx.x / WARP] = a;
    __syncthreads();
    a = of_warp[0];
    for (int w = 1; w < WARPS; w++) a = OP::join(a, of_warp[w]);
    return a;
}

template <class OP, class A>
__device__ inline A joined_columns(A a, int width, A (&all)[THREADS])
{
    const int me = (int)threadIdx.x;
    if (width == THREADS) return a;
    __syncthreads(); /* `all` may still be read */
    all[me] = a;
    for (int half = THREADS / 2; half >= width; half /= 2) {
        __syncthreads();
        if (me < half) all[me] = OP::join(all[me], all[me + half]);
    }
    __syncthreads();
    return all[me % width];
}

/* ---- what is joined ---- */
struct sum_join {
    template <class A>
    static __device__ A join(A a, A b) { return a + b; }
};

struct larger_join {
    template <class A>
    static __device__ A join(A a, A b) { return b > a ? b : a; }
};

#endif
