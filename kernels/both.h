/* What scalar code that the CPU's and the GPU's compiler both read has in common. */
#ifndef TRIREME_KERNELS_BOTH_H
#define TRIREME_KERNELS_BOTH_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__CUDACC__)
# define TR_BOTH __host__ __device__
#elif defined(__GNUC__)
# define TR_BOTH __attribute__((always_inline)) /* a loop that calls one of these is no vector code */
#else
# define TR_BOTH
#endif

static inline TR_BOTH uint32_t bits_of_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline TR_BOTH float f32_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline TR_BOTH uint64_t bits_of_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

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

#endif
