/* The sum, as an operation of reduce.cuh: of floats in double, of complex numbers in double parts, of whole numbers in 64 bits
 * that wrap around. */
#ifndef TRIREME_KERNELS_CUDA_SUMS_CUH
#define TRIREME_KERNELS_CUDA_SUMS_CUH

#include "kernels/cuda/reduce.cuh"
#include "kernels/formulas_complex.h"

static inline TR_BOTH double plus(double a, double b) { return a + b; }
static inline TR_BOTH uint64_t plus(uint64_t a, uint64_t b) { return a + b; }
static inline TR_BOTH complex128 plus(complex128 a, complex128 b) { return add_c128(a, b); }

static inline TR_BOTH double divided(double a, double by) { return a / by; }
static inline TR_BOTH uint64_t divided(uint64_t a, double) { return a; }
static inline TR_BOTH complex128 divided(complex128 a, double by) { return complex_of_c128(a.re / by, a.im / by); }

template <class IN, class SUM, class OUT>
struct sum_reduction {
    typedef IN in;
    typedef SUM sum;
    typedef OUT out;
    static __device__ sum start() { return converted<sum>::of(0.0); }
    static __device__ sum with(sum s, in x, int64_t) { return plus(s, converted<sum>::of(widened(x))); }
    static __device__ sum join(sum a, sum b) { return plus(a, b); }
    static __device__ out finish(sum s, double below) { return converted<out>::of(divided(s, below)); }
};

#endif
