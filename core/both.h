/* What scalar code that the CPU's and the GPU's compiler both read is marked with, and the bits of its numbers. */
#ifndef TRIREME_CORE_BOTH_H
#define TRIREME_CORE_BOTH_H

#include <stdint.h>
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

#endif
