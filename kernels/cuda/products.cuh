/* Sums of products, as gemm_plain.cu and matvec.cu make them: S in memory, W summed.
 *   integers   modulo their size, in an unsigned type
 *   halves     in float, rounded once, at the end
 *   others     in their own type, or a wider one
 * A product and the addition behind it are rounded once (fma), and a complex number's four in this order:
 * re += a.re b.re, re -= a.im b.im;  im += a.re b.im, im += a.im b.re. */
#ifndef TRIREME_KERNELS_CUDA_PRODUCTS_CUH
#define TRIREME_KERNELS_CUDA_PRODUCTS_CUH

#include "kernels/cuda/elements.cuh"

template <class W, class S>
static __device__ inline W summand(S x)
{
    return (W)widened(x);
}

static __device__ inline void add_product(uint32_t &sum, uint32_t a, uint32_t b) { sum += a * b; }
static __device__ inline void add_product(uint64_t &sum, uint64_t a, uint64_t b) { sum += a * b; }
static __device__ inline void add_product(float &sum, float a, float b) { sum = fmaf(a, b, sum); }
static __device__ inline void add_product(double &sum, double a, double b) { sum = fma(a, b, sum); }

template <class Z>
static __device__ inline void add_product(Z &sum, Z a, Z b)
{
    add_product(sum.re, a.re, b.re);
    add_product(sum.re, -a.im, b.im);
    add_product(sum.im, a.re, b.im);
    add_product(sum.im, a.im, b.re);
}

static __device__ inline void add_to(uint32_t &sum, uint32_t x) { sum += x; }
static __device__ inline void add_to(uint64_t &sum, uint64_t x) { sum += x; }
static __device__ inline void add_to(float &sum, float x) { sum += x; }
static __device__ inline void add_to(double &sum, double x) { sum += x; }
template <class Z>
static __device__ inline void add_to(Z &sum, Z x)
{
    sum.re += x.re;
    sum.im += x.im;
}

/* alpha and beta are whole where integers are summed. */
static __device__ inline uint32_t scaled(uint32_t x, double by) { return (uint32_t)(int64_t)by * x; }
static __device__ inline uint64_t scaled(uint64_t x, double by) { return (uint64_t)(int64_t)by * x; }
static __device__ inline float scaled(float x, double by) { return (float)by * x; }
static __device__ inline double scaled(double x, double by) { return by * x; }
static __device__ inline float rounded(float product) { return rounded_float(product); }
static __device__ inline double rounded(double product) { return rounded_double(product); }
template <class Z>
static __device__ inline Z scaled(Z z, double by)
{
    z.re = rounded(scaled(z.re, by));
    z.im = rounded(scaled(z.im, by));
    return z;
}

template <class S>
struct stored {
    template <class W>
    static __device__ S of(W x) { return (S)x; }
};
template <>
struct stored<f16> : narrowed<f16> {
};
template <>
struct stored<bf16> : narrowed<bf16> {
};

/* As the row of pointwise.def has it: NaN stays, and no zero is negative.  Complex numbers have none. */
template <class S>
static __device__ inline S relu_of(S x)
{
    return widened(x) <= 0 ? S() : x;
}
static __device__ inline complex64 relu_of(complex64 x) { return x; }
static __device__ inline complex128 relu_of(complex128 x) { return x; }

/* c = alpha sum + beta c; beta 0: c is not read.  A bias is added to what has been rounded, an addition of its own, and relu
 * is of that. */
template <class S, class W>
static __device__ inline void finish(S *c, W sum, double alpha, double beta, const S *bias, bool relu)
{
    W result = scaled(sum, alpha);
    if (beta != 0) add_to(result, scaled(summand<W>(*c), beta));
    S rounded = stored<S>::of(result);
    if (bias) {
        W biased = summand<W>(rounded);
        add_to(biased, summand<W>(*bias));
        rounded = stored<S>::of(biased);
    }
    *c = relu ? relu_of(rounded) : rounded;
}

#endif
