/* What formulas that the CPU's and the GPU's compiler both read begin with. */
#ifndef TRIREME_KERNELS_BOTH_H
#define TRIREME_KERNELS_BOTH_H

#include "core/both.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* a b + c, rounded once wherever the processor can: x86-64-v3 and up and GPUs, which so give the same bits. */
#if defined(__FMA__) || defined(__CUDACC__) || defined(__ARM_FEATURE_FMA)
# define HAVE_FMA 1
#else
# define HAVE_FMA 0
#endif
static inline TR_BOTH float fma_f32(float a, float b, float c)
{
#if HAVE_FMA
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

/* A product that is to be rounded before it is added to another: gcc 12.1 and 12.2 fuse pairs of them, as complex numbers
 * have, in spite of -ffp-contract=off (its bug 107647), and do not see through an asm. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__) && __GNUC__ == 12 && __GNUC_MINOR__ < 3 && defined(__x86_64__)
static inline TR_BOTH float rounded_float(float product)
{
    __asm__(""
            : "+x"(product));
    return product;
}
static inline TR_BOTH double rounded_double(double product)
{
    __asm__(""
            : "+x"(product));
    return product;
}
#else
static inline TR_BOTH float rounded_float(float product)
{
    return product;
}
static inline TR_BOTH double rounded_double(double product) { return product; }
#endif

/* Complex numbers as memory has them.  C's own type would check every product for infinities by a call. */
typedef struct {
    float re, im;
} complex64;

typedef struct {
    double re, im;
} complex128;

/* What of a number is whole; INT64_MIN where that does not fit, and for NaN. */
static inline TR_BOTH int64_t integer_of(double x) { return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN; }

#endif
