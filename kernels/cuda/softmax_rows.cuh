/* Softmax and its logarithm along rows that a team holds in registers, and their derivatives from y: dx = y (dy - sum dy y), and
 * dx = dy - exp(y) sum dy.  The largest of a row is taken off first, so that no exp overflows; sums run in double.
 *
 * What block `block` of so many does; S in memory, W computed. */
#ifndef TRIREME_KERNELS_CUDA_SOFTMAX_ROWS_CUH
#define TRIREME_KERNELS_CUDA_SOFTMAX_ROWS_CUH

#include "kernels/cuda/softmax.cuh"

template <class S, class W, int HELD>
static __device__ inline void softmax_of_block(const softmax_call &s, int64_t block, int64_t blocks)
{
    typedef softmax_words<W> words;
    enum { FOURS = sizeof(W) == sizeof(float) }; /* what is not negative loses little by that */
    SHARED(W, most, [WARPS]);
    SHARED(double, sums, [WARPS]);
    const int lane = (int)threadIdx.x % s.team, rows = THREADS / s.team, n = (int)s.n;
    for (int64_t b = block; b * rows < s.outer; b += blocks) {
        int64_t row = b * rows + (int)threadIdx.x / s.team;
        const bool mine = row < s.outer; /* behind the last row stands the last */
        if (!mine) row = s.outer - 1;
        const S *x = (const S *)s.a + row * s.n;
        S *y = (S *)s.out + row * s.n;
        W held[HELD], m = -INFINITY;
        UNROLLED
        for (int j = 0; j < HELD; j++) {
            int i = lane + j * s.team;
            held[j] = i < n ? widened(x[i]) : (W)-INFINITY;
        }
        UNROLLED
        for (int j = 0; j < HELD; j++) m = larger_join::join(m, held[j]);
        m = joined<larger_join>(m, s.team, most);

        W shift;
        if (s.logarithm) {
            auto term = [&](int j) { return words::below(held[j] - m); };
            auto at = [&](int i) { return words::below(widened(x[i]) - m); };
            shift = words::log((W)sum_of_row<HELD, FOURS>(s, lane, true, sums, term, at));
        } else {
            UNROLLED
            for (int j = 0; j < HELD; j++)
                if (lane + j * s.team < n) held[j] = words::below(held[j] - m);
            auto term = [&](int j) { return held[j]; };
            shift = (W)(1 / sum_of_row<HELD, FOURS>(s, lane, false, sums, term, term));
        }
        UNROLLED
        for (int j = 0; j < HELD; j++) {
            int i = lane + j * s.team;
            if (i < n && mine) y[i] = narrowed<S>::of(s.logarithm ? held[j] - m - shift : held[j] * shift);
        }
    }
}

template <class W>
static __device__ inline W term_of(const softmax_call &s, W dy, W y) { return s.logarithm ? dy : dy * y; }
template <class W>
static __device__ inline W slope_of(const softmax_call &s, W dy, W y, W sum)
{
    return s.logarithm ? dy - softmax_words<W>::exp(y) * sum : y * (dy - sum);
}

template <class S, class W, int HELD>
static __device__ inline void softmax_backward_of_block(const softmax_call &s, int64_t block, int64_t blocks)
{
    SHARED(double, sums, [WARPS]);
    const int lane = (int)threadIdx.x % s.team, rows = THREADS / s.team, n = (int)s.n;
    for (int64_t b = block; b * rows < s.outer; b += blocks) {
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
        const W sum = (W)sum_of_row<HELD, false>(s, lane, true, sums, term, at);
        UNROLLED
        for (int j = 0; j < HELD; j++) {
            int i = lane + j * s.team;
            if (i < n && mine) dx[i] = narrowed<S>::of(slope_of<W>(s, dy_held[j], y_held[j], sum));
        }
    }
}

#endif
