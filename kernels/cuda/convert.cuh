/* A number of one element type as another, as C converts and as kernels/cpu/levels/convert.c does: half types by way of
 * float, complex numbers by way of their real parts, what does not fit an integer as its smallest. */
#ifndef TRIREME_KERNELS_CUDA_CONVERT_CUH
#define TRIREME_KERNELS_CUDA_CONVERT_CUH

#include "kernels/cuda/elements.cuh"

template <class T>
static inline TR_BOTH T real_part(T x) { return x; }
static inline TR_BOTH float real_part(complex64 x) { return x.re; }
static inline TR_BOTH double real_part(complex128 x) { return x.re; }

template <class T>
static inline TR_BOTH double imaginary_part(T) { return 0; }
static inline TR_BOTH float imaginary_part(complex64 x) { return x.im; }
static inline TR_BOTH double imaginary_part(complex128 x) { return x.im; }

template <class T>
static inline TR_BOTH int64_t whole_part(T x) { return (int64_t)x; }
static inline TR_BOTH int64_t whole_part(float x) { return integer_of((double)x); }
static inline TR_BOTH int64_t whole_part(double x) { return integer_of(x); }

/* converted<TO>::of(x), x of any type but the halves (widened first). */
template <class TO>
struct converted {
    template <class T>
    static TR_BOTH TO of(T x) { return (TO)whole_part(real_part(x)); }
};
template <>
struct converted<float> {
    template <class T>
    static TR_BOTH float of(T x) { return (float)real_part(x); }
};
template <>
struct converted<double> {
    template <class T>
    static TR_BOTH double of(T x) { return (double)real_part(x); }
};
template <>
struct converted<truth> {
    template <class T>
    static TR_BOTH truth of(T x)
    {
        truth t;
        t.bits = real_part(x) != 0 || imaginary_part(x) != 0;
        return t;
    }
};
template <>
struct converted<f16> {
    template <class T>
    static TR_BOTH f16 of(T x) { return narrowed<f16>::of((float)real_part(x)); }
};
template <>
struct converted<bf16> {
    template <class T>
    static TR_BOTH bf16 of(T x) { return narrowed<bf16>::of((float)real_part(x)); }
};
template <>
struct converted<complex64> {
    template <class T>
    static TR_BOTH complex64 of(T x)
    {
        complex64 z;
        z.re = (float)real_part(x), z.im = (float)imaginary_part(x);
        return z;
    }
};
template <>
struct converted<complex128> {
    template <class T>
    static TR_BOTH complex128 of(T x)
    {
        complex128 z;
        z.re = (double)real_part(x), z.im = (double)imaginary_part(x);
        return z;
    }
};

/* Every element type: its struct here, its tr_dtype. */
#define ELEMENT_TYPES(K)    \
 K(truth, TR_BOOL)          \
 K(uint8_t, TR_UINT8)       \
 K(int32_t, TR_INT32)       \
 K(int64_t, TR_INT64)       \
 K(f16, TR_FLOAT16)         \
 K(bf16, TR_BFLOAT16)       \
 K(float, TR_FLOAT32)       \
 K(double, TR_FLOAT64)      \
 K(complex64, TR_COMPLEX64) \
 K(complex128, TR_COMPLEX128)

#endif
