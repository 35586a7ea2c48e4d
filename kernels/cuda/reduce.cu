/* Sums and products.  Those of floats run in double, of complex numbers in double parts, of whole numbers in 64 bits that
 * wrap around, as on the CPU; they have its bits where they have its order (reduce.cuh), and elsewhere differ by what
 * double rounds otherwise. */
#include "kernels/cuda/sums.cuh"

static inline TR_BOTH double times(double a, double b) { return a * b; }
static inline TR_BOTH uint64_t times(uint64_t a, uint64_t b) { return a * b; }
static inline TR_BOTH complex128 times(complex128 a, complex128 b) { return mul_c128(a, b); }

template <class IN, class SUM, class OUT>
struct prod_reduction : sum_reduction<IN, SUM, OUT> {
    static __device__ SUM start() { return converted<SUM>::of(1.0); }
    static __device__ SUM with(SUM s, IN x, int64_t) { return times(s, converted<SUM>::of(widened(x))); }
    static __device__ SUM join(SUM a, SUM b) { return times(a, b); }
};

/* Bytes of bool are 0 and 1. */
template <template <class, class, class> class REDUCTION>
static int reduce_whole(const kernel_call *call)
{
    switch (call->from ? call->from : call->type) {
    case TR_BOOL:
    case TR_UINT8: return reduce<REDUCTION<uint8_t, uint64_t, int64_t>>(call);
    case TR_INT32: return reduce<REDUCTION<int32_t, uint64_t, int64_t>>(call);
    case TR_INT64: return reduce<REDUCTION<int64_t, uint64_t, int64_t>>(call);
    default: return cuda_fail(call, "the source's elements are no whole numbers");
    }
}

void kernels_cuda_reduce(kernel_table table)
{
#define PUT(TYPE, S, SUM)                                    \
 table[KERNEL_SUM][TYPE] = reduce<sum_reduction<S, SUM, S>>; \
 table[KERNEL_PROD][TYPE] = reduce<prod_reduction<S, SUM, S>>;
    PUT(TR_FLOAT32, float, double)
    PUT(TR_FLOAT64, double, double)
    PUT(TR_FLOAT16, f16, double)
    PUT(TR_BFLOAT16, bf16, double)
    PUT(TR_COMPLEX64, complex64, complex128)
    PUT(TR_COMPLEX128, complex128, complex128)
    table[KERNEL_SUM][TR_INT64] = reduce_whole<sum_reduction>;
    table[KERNEL_PROD][TR_INT64] = reduce_whole<prod_reduction>;
}
