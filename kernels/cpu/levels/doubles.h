/* Floats added up in double, as vectors: left to itself, gcc 12 converts half of a vector, then moves the other half
 * down to convert it, and the moves take longer than the sums. */
#ifndef TRIREME_KERNELS_DOUBLES_H
#define TRIREME_KERNELS_DOUBLES_H

#include "kernels/cpu/levels/level.h"

#if defined(__AVX512F__)
# include <immintrin.h>
# define WIDTH 8
#elif defined(__AVX2__)
# include <immintrin.h>
# define WIDTH 4
#else
# define WIDTH 2
#endif

typedef double doubles __attribute__((vector_size(WIDTH * 8)));
typedef float floats __attribute__((vector_size(WIDTH * 4)));

static INLINE floats load_floats(const float *x)
{
    floats f;
    memcpy(&f, x, sizeof f);
    return f;
}

static INLINE doubles doubles_of(floats f)
{
#if defined(__AVX512F__)
    return (doubles)_mm512_cvtps_pd((__m256)f);
#elif defined(__AVX2__)
    return (doubles)_mm256_cvtps_pd((__m128)f);
#else
    return __builtin_convertvector(f, doubles);
#endif
}

static INLINE doubles load_doubles(const float *x) { return doubles_of(load_floats(x)); }

#endif
