/* float16 and bfloat16 as bits, to and from float32; rounding to nearest, ties to even. */
#ifndef TRIREME_DIST_HALF_H
#define TRIREME_DIST_HALF_H

#include <stdint.h>
#include <string.h>

static inline float dist_float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t dist_bits_of_float(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float dist_from_bfloat16(uint16_t h) { return dist_float_of_bits((uint32_t)h << 16); }

static inline uint16_t dist_to_bfloat16(float x)
{
    uint32_t bits = dist_bits_of_float(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline float dist_from_float16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 31u, fraction = h & 0x3ffu;
    if (exponent == 31) return dist_float_of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent > 0) return dist_float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float subnormal = (float)fraction * 0x1p-24f;
    return sign ? -subnormal : subnormal;
}

static inline uint16_t dist_to_float16(float x)
{
    uint32_t bits = dist_bits_of_float(x), sign = (bits >> 16) & 0x8000u;
    bits &= 0x7fffffffu;
    if (bits > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (bits >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* 65520 and above round to infinity */
    if (bits < 0x38800000u)                                     /* subnormal: between 0.5 and 1 an ulp is 2^-24, float16's own */
        return (uint16_t)(sign | (dist_bits_of_float(dist_float_of_bits(bits) + 0.5f) - 0x3f000000u));
    return (uint16_t)(sign | (bits - 0x38000000u + 0xfffu + ((bits >> 13) & 1u)) >> 13);
}

#endif
