/* The derivatives of softmax and of its logarithm along a dim, from y: dx = y (dy - sum dy y), and dx = dy - exp(y) sum dy. */
#include "kernels/cuda/softmax_rows.cuh"

/* S in memory, W computed. */
template <class S, class W, int HELD>
__global__ void __launch_bounds__(THREADS, 1) softmax_backward_rows(const softmax_call s)
{
    softmax_backward_of_block<S, W, HELD>(s, blockIdx.x, gridDim.x);
}

template <class S, class W>
__global__ void __launch_bounds__(THREADS, 1) softmax_backward_columns(const softmax_call s)
{
    SHARED(double, sums, [THREADS]);
    const int lane = (int)threadIdx.x / s.team, lanes = THREADS / s.team;
    for (int64_t t = blockIdx.x; t * s.team < s.outer * s.inner; t += gridDim.x) {
        bool mine;
        const int64_t at = column_at(s, t, &mine);
        const S *dy = (const S *)s.a + at, *y = (const S *)s.b + at;
        S *dx = (S *)s.out + at;
        double part = 0;
        each(dy, y, lane, s.n, lanes, s.inner, [&](W g, W value, int64_t) { part += (double)term_of<W>(s, g, value); });
        const W sum = (W)joined_columns<sum_join>(part, s.team, sums);
        if (!mine) continue;
        each(dy, y, lane, s.n, lanes, s.inner, [&](W g, W value, int64_t i) { dx[i * s.inner] = narrowed<S>::of(slope_of<W>(s, g, value, sum)); });
    }
}

template <class S, class W>
struct backward {
    template <int HELD>
    static void rows(unsigned grid, const softmax_call &s)
    {
        LAUNCH((softmax_backward_rows<S, W, HELD>), grid, THREADS, s);
    }
    static void columns(unsigned grid, const softmax_call &s) { LAUNCH((softmax_backward_columns<S, W>), grid, THREADS, s); }
};

void kernels_cuda_softmax_backward(kernel_table table)
{
    PUT_SOFTMAX(KERNEL_SOFTMAX_BACKWARD, backward)
    PUT_SOFTMAX(KERNEL_LOG_SOFTMAX_BACKWARD, backward)
}
