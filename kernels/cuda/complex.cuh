/* Complex numbers with C++'s operators, of double parts: what rows of pointwise.def are written over.  complex64 is
 * computed in it too, and rounded once at the end: whatever single precision has no room for on the way, this has. */
#ifndef TRIREME_KERNELS_CUDA_COMPLEX_CUH
#define TRIREME_KERNELS_CUDA_COMPLEX_CUH

#include "kernels/cuda/walk.cuh"
#include "kernels/functions_complex.h"

struct wide : complex128 {
    TR_BOTH wide(double x = 0, double y = 0) { re = x, im = y; }
    TR_BOTH wide(complex128 z) { re = z.re, im = z.im; }
    TR_BOTH wide(complex64 z) { re = z.re, im = z.im; }
};

static inline TR_BOTH wide operator-(wide a) { return wide(-a.re, -a.im); }
static inline TR_BOTH wide operator+(wide a, wide b) { return add_c128(a, b); }
static inline TR_BOTH wide operator-(wide a, wide b) { return sub_c128(a, b); }
static inline TR_BOTH wide operator*(wide a, wide b) { return product_c128(a, b); }
static inline TR_BOTH wide operator/(wide a, wide b) { return quotient_c128(a, b); }
static inline TR_BOTH wide operator+(double a, wide b) { return wide(a + b.re, b.im); }
static inline TR_BOTH wide operator-(wide a, double b) { return wide(a.re - b, a.im); }
static inline TR_BOTH wide operator*(wide a, double b) { return wide(a.re * b, a.im * b); }
static inline TR_BOTH wide operator/(wide a, double b) { return wide(a.re / b, a.im / b); }
static inline TR_BOTH bool operator==(wide a, wide b) { return a.re == b.re && a.im == b.im; }

template <class S>
struct rounded;
template <>
struct rounded<complex128> {
    static TR_BOTH complex128 of(wide z) { return z; }
};
template <>
struct rounded<complex64> {
    static TR_BOTH complex64 of(wide z) { return complex_of_c64((float)z.re, (float)z.im); }
};

#endif
