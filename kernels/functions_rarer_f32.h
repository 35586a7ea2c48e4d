/* exp2, sinh, cosh, asin, acos and atan of float32, made like those of functions_f32.h: polynomials without branches or
 * libm, the same bits on x86-64-v3, v4 and GPUs, errors below 2.5 ulp (docs/accuracy.md).
 *
 * see  Cephes (Moshier), single precision, for the reductions */
#ifndef TRIREME_KERNELS_FUNCTIONS_RARER_F32_H
#define TRIREME_KERNELS_FUNCTIONS_RARER_F32_H

#include "kernels/functions_f32.h"

/* p 2^n, p near 1, rounded once even where that is denormal; -252 <= n <= 254, the low bits of `shifted`. */
static inline TR_BOTH float times_power_f32(float p, uint32_t n)
{
    uint32_t half = (uint32_t)((int32_t)n >> 1);
    return f32_of_bits(bits_of_f32(p) + (half << 23)) * f32_of_bits((n - half + 127u) << 23);
}

/* 2^x = 2^n e^(r ln 2), r exact. */
static inline TR_BOTH float exp2_f32(float x)
{
    bool inside = (x >= -150.0f) & (x < 128.0f);
    float t = inside ? x : 0.0f;
    float shifted = t + 12582912.0f; /* 1.5 2^23: its low bits are n */
    float r = (t - (shifted - 12582912.0f)) * 0.693147182f;
    float p = exp_rest_f32(r);
    float outside = x < 0 ? 0.0f : x + INFINITY; /* NaN stays NaN */
    return inside ? times_power_f32(p, bits_of_f32(shifted) - bits_of_f32(12582912.0f)) : outside;
}

/* e^a / 2 for 0 <= a <= 89.5: e^a may be no float any more. */
static inline TR_BOTH float half_exp_f32(float a)
{
    power_of_two e = split_exp_f32(a);
    float p = exp_rest_f32(e.r);
    return times_power_f32(p, bits_of_f32(e.shifted) - bits_of_f32(12582912.0f) - 1u);
}

/* x + x^3 P(x^2) near 0, where the other way cancels; elsewhere e^a / 2 - e^-a / 2. */
static inline TR_BOTH float sinh_f32(float x)
{
    float a = fabsf(x), z = a * a;
    float near = fma_f32(2.03721912945e-4f, z, 8.33028376239e-3f);
    near = fma_f32(near, z, 1.66667160211e-1f);
    near = fma_f32(near * z, a, a);
    float h = half_exp_f32(a > 89.5f ? 0.0f : a);
    float far = a > 89.5f ? INFINITY : h - 0.25f / h;
    return copysignf(a > 1.0f ? far : near, x); /* NaN goes near */
}

static inline TR_BOTH float cosh_f32(float x)
{
    float a = fabsf(x);
    bool inside = a <= 89.5f;
    float h = half_exp_f32(inside ? a : 0.0f);
    return inside ? h + 0.25f / h : a + INFINITY; /* NaN stays NaN */
}

/* (asin(sqrt z) / sqrt z - 1) / z for z <= 1/4. */
static inline TR_BOTH float asin_tail_f32(float z)
{
    float p = 4.2163199048e-2f;
    p = fma_f32(p, z, 2.4181311049e-2f);
    p = fma_f32(p, z, 4.5470025998e-2f);
    p = fma_f32(p, z, 7.4953002686e-2f);
    return fma_f32(p, z, 1.6666752422e-1f);
}

/* asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)) beyond 1/2. */
static inline TR_BOTH float asin_f32(float x)
{
    float a = fabsf(x);
    bool large = a > 0.5f;
    float z = large ? 0.5f - 0.5f * a : a * a, s = large ? sqrtf(z) : a; /* NaN beyond 1 */
    float y = fma_f32(asin_tail_f32(z) * z, s, s);
    y = large ? 1.57079637f - (y + y) - 4.37113883e-8f : y;
    return copysignf(y, x);
}

static inline TR_BOTH float acos_f32(float x)
{
    float a = fabsf(x);
    bool large = a > 0.5f;
    float z = large ? 0.5f - 0.5f * a : a * a, s = large ? sqrtf(z) : x;
    float y = fma_f32(asin_tail_f32(z) * z, s, s);
    float twice = y + y;
    return large ? (x > 0 ? twice : 3.14159274f - (twice + 8.74227766e-8f)) : 1.57079637f - (y + 4.37113883e-8f);
}

/* atan(a) = pi/2 - atan(1 / a) beyond 1. */
static inline TR_BOTH float atan_f32(float x)
{
    float a = fabsf(x);
    bool large = a > 1.0f;
    float t = large ? 1.0f / a : a, z = t * t;
    float p = 2.919722814e-03f;
    p = fma_f32(p, z, -1.636413299e-02f);
    p = fma_f32(p, z, 4.320585728e-02f);
    p = fma_f32(p, z, -7.551723719e-02f);
    p = fma_f32(p, z, 1.066578552e-01f);
    p = fma_f32(p, z, -1.421100348e-01f);
    p = fma_f32(p, z, 1.999376714e-01f);
    p = fma_f32(p, z, -3.333315253e-01f);
    float y = fma_f32(p * z, t, t);
    y = large ? 1.57079637f - (y + 4.37113883e-8f) : y;
    return copysignf(y, x);
}

#endif
