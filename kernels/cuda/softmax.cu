/* Softmax along a dim, and its logarithm: y = exp(x - m) / sum, and x - m - log(sum).  The largest of a row is taken off
 * first, so that no exp overflows; sums run in double.  A row with NaN, or with nothing but -infinity, is NaN. */
#include "kernels/cuda/softmax_rows.cuh"

/* S in memory, W computed. */
template <class S, class W, int HELD>
__global__ void __launch_bounds__(THREADS, 1) softmax_rows(const softmax_call s)
{
    softmax_of_block<S, W, HELD>(s, blockIdx.x, gridDim.x);
}

template <class S, class W>
__global__ void __launch_bounds__(THREADS, 1) softmax_columns(const softmax_call s)
{
    typedef softmax_words<W> words;
    SHARED(W, most, [THREADS]);
    SHARED(double, sums, [THREADS]);
    const int lane = (int)threadIdx.x / s.team, lanes = THREADS / s.team;
    for (int64_t t = blockIdx.x; t * s.team < s.outer * s.inner; t += gridDim.x) {
        bool mine;
        const int64_t at = column_at(s, t, &mine);
        const S *x = (const S *)s.a + at;
        S *y = (S *)s.out + at;
        W m = -INFINITY;
        each(x, lane, s.n, lanes, s.inner, [&](W element, int64_t) { m = larger_join::join(m, element); });
        m = joined_columns<larger_join>(m, s.team, most);
        double sum = 0;
        each(x, lane, s.n, lanes, s.inner, [&](W element, int64_t) { sum += (double)words::below(element - m); });
        sum = joined_columns<sum_join>(sum, s.team, sums);
        const W shift = s.logarithm ? words::log((W)sum) : (W)(1 / sum);
        if (!mine) continue;
        each(x, lane, s.n, lanes, s.inner, [&](W element, int64_t i) {
            W value = s.logarithm ? element - m - shift : words::below(element - m) * shift;
            y[i * s.inner] = narrowed<S>::of(value);
        });
    }
}

template <class S, class W>
struct forward {
    template <int HELD>
    static void rows(unsigned grid, const softmax_call &s)
    {
        LAUNCH((softmax_rows<S, W, HELD>), grid, THREADS, s);
    }
    static void columns(unsigned grid, const softmax_call &s) { LAUNCH((softmax_columns<S, W>), grid, THREADS, s); }
};

void kernels_cuda_softmax(kernel_table table)
{
    PUT_SOFTMAX(KERNEL_SOFTMAX, forward)
    PUT_SOFTMAX(KERNEL_LOG_SOFTMAX, forward)
}
