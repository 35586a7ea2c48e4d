/* Where the largest and smallest stand: the first place in row-major order of the reduced dims.  NaN counts as the largest
 * and as the smallest.  The same places as on the CPU, whatever the order. */
#include "kernels/cuda/reduce.cuh"

static inline TR_BOTH bool beats(int64_t x, int64_t best, bool largest) { return largest ? x > best : x < best; }
static inline TR_BOTH bool beats(double x, double best, bool largest)
{
    if (best != best) return false;
    return x != x || (largest ? x > best : x < best);
}

template <class W>
struct finding {
    W value;
    int64_t at; /* -1: nothing yet */
};

template <class IN, class W, bool largest>
struct arg_reduction {
    typedef IN in;
    typedef finding<W> sum;
    typedef int64_t out;
    static __device__ sum start()
    {
        sum nothing_yet;
        nothing_yet.value = 0, nothing_yet.at = -1;
        return nothing_yet;
    }
    static __device__ sum with(sum f, in x, int64_t i) /* i is beyond f.at */
    {
        W value = converted<W>::of(widened(x));
        if (f.at >= 0 && !beats(value, f.value, largest)) return f;
        f.value = value, f.at = i;
        return f;
    }
    static __device__ sum join(sum a, sum b)
    {
        if (a.at < 0 || b.at < 0) return a.at < 0 ? b : a;
        if (beats(a.value, b.value, largest)) return a;
        if (beats(b.value, a.value, largest)) return b;
        return a.at < b.at ? a : b;
    }
    static __device__ out finish(sum f, double) { return f.at; }
};

void kernels_cuda_arg(kernel_table table)
{
#define PUT(TYPE, S, W)                                          \
 table[KERNEL_ARGMAX][TYPE] = reduce<arg_reduction<S, W, true>>; \
 table[KERNEL_ARGMIN][TYPE] = reduce<arg_reduction<S, W, false>>;
    PUT(TR_FLOAT32, float, double)
    PUT(TR_FLOAT64, double, double)
    PUT(TR_FLOAT16, f16, double)
    PUT(TR_BFLOAT16, bf16, double)
    PUT(TR_UINT8, uint8_t, int64_t)
    PUT(TR_INT32, int32_t, int64_t)
    PUT(TR_INT64, int64_t, int64_t)
    table[KERNEL_ARGMAX][TR_BOOL] = table[KERNEL_ARGMAX][TR_UINT8];
    table[KERNEL_ARGMIN][TR_BOOL] = table[KERNEL_ARGMIN][TR_UINT8];
}
