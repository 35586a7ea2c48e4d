/* The derivatives of softmax and of its logarithm along a dim, from y: dx = y (dy - sum dy y), and dx = dy - exp(y) sum dy. */
#include "kernels/cuda/softmax.cuh"

template <class W>
static __device__ inline W term_of(const softmax_call &s, W dy, W y) { return s.logarithm ? dy : dy * y; }
template <class W>
static __device__ inline W slope_of(const softmax_call &s, W dy, W y, W sum)
{
    return s.logarithm ? dy - softmax_words<W>::exp(y) * sum : y * (dy - sum);
}

/* S in memory, W computed. */
template <class S, class W, int HELD>
__global__ void __launch_bounds__(THREADS, 1) softmax_backward_rows(const softmax_call s)
{
    SHARED(double, sums, [WARPS]);
    const int lane = (int)threadIdx.x % s.team, rows = THREADS / s.team, n = (int)s.n;
    for (int64_t b = blockIdx.x; b * rows < s.outer; b += gridDim.x) {
        int64_t row = b * rows + (int)threadIdx.x / s.team;
        const bool mine = row < s.outer; /* behind the last row stands the last */
        if (!mine) row = s.outer - 1;
        const S *dy = (const S *)s.a + row * s.n, *y = (const S *)s.b + row * s.n;
        S *dx = (S *)s.out + row * s.n;
        W dy_held[HELD], y_held[HELD];
        UNROLLED
        for (int j = 0; j < HELD; j++) {
            int i = lane + j * s.team;
            dy_held[j] = i < n ? widened(dy[i]) : (W)0;
            y_held[j] = i < n ? widened(y[i]) : (W)0;
        }
        auto term = [&](int j) { return term_of<W>(s, dy_held[j], y_held[j]); };
        auto at = [&](int i) { return term_of<W>(s, widened(dy[i]), widened(y[i])); };
        const W sum = (W)sum_of_row<HELD>(s, lane, true, sums, term, at);
        UNROLLED
        for (int j = 0; j < HELD; j++) {
            int i = lane + j * s.team;
            if (i < n && mine) dx[i] = narrowed<S>::of(slope_of<W>(s, dy_held[j], y_held[j], sum));
        }
    }
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
