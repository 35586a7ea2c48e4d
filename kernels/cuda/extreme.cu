/* The largest and smallest.  NaN wins over every number; which zero is found where zeros of both signs are the largest is
 * not said. */
#include "kernels/cuda/reduce.cuh"

static inline TR_BOTH bool is_nan(float x) { return x != x; }
static inline TR_BOTH bool is_nan(double x) { return x != x; }
static inline TR_BOTH bool is_nan(int64_t) { return false; }

template <class W>
struct ends {
    static TR_BOTH W least() { return -INFINITY; }
    static TR_BOTH W most() { return INFINITY; }
};
template <>
struct ends<int64_t> {
    static TR_BOTH int64_t least() { return INT64_MIN; }
    static TR_BOTH int64_t most() { return INT64_MAX; }
};

/* W compared. */
template <class IN, class W, bool largest>
struct extreme_reduction {
    typedef IN in, out;
    typedef W sum;
    static __device__ W start() { return largest ? ends<W>::least() : ends<W>::most(); }
    static __device__ W join(W m, W x) { return (largest ? x > m : x < m) || is_nan(x) ? x : m; }
    static __device__ W with(W m, in x, int64_t) { return join(m, converted<W>::of(widened(x))); }
    static __device__ out finish(W m, double) { return converted<out>::of(m); }
};

void kernels_cuda_extreme(kernel_table table)
{
#define PUT(TYPE, S, W)                                           \
 table[KERNEL_MAX][TYPE] = reduce<extreme_reduction<S, W, true>>; \
 table[KERNEL_MIN][TYPE] = reduce<extreme_reduction<S, W, false>>;
    PUT(TR_FLOAT32, float, float)
    PUT(TR_FLOAT64, double, double)
    PUT(TR_FLOAT16, f16, float)
    PUT(TR_BFLOAT16, bf16, float)
    PUT(TR_UINT8, uint8_t, int64_t)
    PUT(TR_INT32, int32_t, int64_t)
    PUT(TR_INT64, int64_t, int64_t)
    table[KERNEL_MAX][TR_BOOL] = table[KERNEL_MAX][TR_UINT8]; /* of bytes 0 and 1 */
    table[KERNEL_MIN][TR_BOOL] = table[KERNEL_MIN][TR_UINT8];
}
