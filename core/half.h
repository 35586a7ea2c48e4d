/* float16 and bfloat16 as bits, to and from float32: rounded to nearest even; the only NaN that comes out is the quiet one.
 * Written without branches, so that compilers vectorise the loops around them. */
#ifndef TRIREME_CORE_HALF_H
#define TRIREME_CORE_HALF_H

#include "core/both.h"

static inline TR_BOTH float core_half_to_float(uint16_t h)
{
    uint32_t magnitude = (h & 0x7fffu) << 13;
    uint32_t bits = bits_of_f32(f32_of_bits(magnitude) * 0x1p112f); /* moves the exponent, makes denormals normal */
    bits = magnitude >= 0x0f800000u ? bits | 0x7f800000u : bits;    /* infinity and NaN */
    return f32_of_bits(bits | (h & 0x8000u) << 16);
}

static inline TR_BOTH uint16_t core_half_from_float(float x)
{
    uint32_t bits = bits_of_f32(x), sign = bits & 0x80000000u;
    bits ^= sign;
    uint32_t special = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t denormal = bits_of_f32(f32_of_bits(bits) + 0.5f) - 0x3f000000u; /* the addition rounds at the right place */
    uint32_t normal = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
    uint32_t half = bits < 0x38800000u ? denormal : normal;
    half = bits >= 0x47800000u ? special : half;
    return (uint16_t)(half | sign >> 16);
}

static inline TR_BOTH float core_bfloat_to_float(uint16_t h) { return f32_of_bits((uint32_t)h << 16); }

static inline TR_BOTH uint16_t core_bfloat_from_float(float x)
{
    uint32_t bits = bits_of_f32(x);
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? (bits >> 16 & 0x8000u) | 0x7fc0u : rounded);
}

#endif
