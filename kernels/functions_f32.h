/* exp, log, sin, cos and tanh of float32: polynomials without branches, tables or libm, which gcc and clang turn into
 * vector code and nvcc into device code.
 *
 * Why not the vector libm: there the vector body and the scalar remainder of a loop differ in the last bit, so that a
 * value would depend on where it stands, and cutting an array differently (threads, blocks, strides) would change
 * results.  Here an element's bits depend on the element alone, and x86-64-v3, v4 and GPUs agree.
 *
 * Errors in ulp, over a sample of all bit patterns (tests/test_kernels_pointwise.c): all below 2.5.  NaN stays NaN,
 * infinities, zeros of both signs and denormals are right.  sin and cos give NaN beyond SIN_LIMIT: whoever runs them
 * looks for NaN afterwards and asks the careful version, sin_any_f32, for these rare elements.
 *
 * see  Cephes (Moshier), single precision, for the polynomials; Cody & Waite 1980 for the reductions */
#ifndef TRIREME_KERNELS_FUNCTIONS_F32_H
#define TRIREME_KERNELS_FUNCTIONS_F32_H

#include "kernels/both.h"

/* exp(x) = 2^n exp(r) for x = n ln 2 + r, as two factors whose product rounds once even where the result is denormal.
 * What is 0 in the end takes a detour over exp(0): products that underflow cost processors a hundred cycles, and masked
 * softmaxes are full of them. */
static inline TR_BOTH float exp_f32(float x)
{
    float t = x > 89.0f ? 89.0f : x;
    t = t < -104.0f ? 0.0f : t;
    float shifted = fma_f32(t, 1.44269504f, 12582912.0f); /* 1.5 2^23: the low bits of the sum are n */
    float n = shifted - 12582912.0f;
    float r = fma_f32(n, -0.693359375f, t);
    r = fma_f32(n, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = fma_f32(p, r, 1.3981999507e-3f);
    p = fma_f32(p, r, 8.3334519073e-3f);
    p = fma_f32(p, r, 4.1665795894e-2f);
    p = fma_f32(p, r, 1.6666665459e-1f);
    p = fma_f32(p, r, 5.0000001201e-1f);
    p = fma_f32(p, r * r, r) + 1.0f;
    int32_t exponent = (int32_t)(bits_of_f32(shifted) - 0x4b400000u);
    int32_t half = exponent >> 1;
    float y = p * f32_of_bits((uint32_t)(half + 127) << 23) * f32_of_bits((uint32_t)(exponent - half + 127) << 23);
    y = x < -104.0f ? 0.0f : y;
    return x != x ? x : y;
}

/* log(x) = e ln 2 + log(1 + f) with 1 + f in [sqrt 1/2, sqrt 2). */
static inline TR_BOTH float log_f32(float x)
{
    bool denormal = x < 0x1p-126f;
    uint32_t bits = bits_of_f32(denormal ? x * 0x1p23f : x) - 0x3f3504f3u;
    float e = (float)((int32_t)bits >> 23) - (denormal ? 23.0f : 0.0f);
    float f = f32_of_bits((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float z = f * f;
    float p = 7.0376836292e-2f;
    p = fma_f32(p, f, -1.1514610310e-1f);
    p = fma_f32(p, f, 1.1676998740e-1f);
    p = fma_f32(p, f, -1.2420140846e-1f);
    p = fma_f32(p, f, 1.4249322787e-1f);
    p = fma_f32(p, f, -1.6668057665e-1f);
    p = fma_f32(p, f, 2.0000714765e-1f);
    p = fma_f32(p, f, -2.4999993993e-1f);
    p = fma_f32(p, f, 3.3333331174e-1f);
    float tail = fma_f32(e, -2.12194440e-4f, f * z * p);
    tail = fma_f32(-0.5f, z, tail);
    float y = fma_f32(e, 0.693359375f, f + tail);
    y = x > 0 ? y : NAN;
    y = x == 0 ? -INFINITY : y;
    y = x == INFINITY ? x : y;
    return x != x ? x : y;
}

#define SIN_LIMIT 1048576.0f

/* sin(x + quarters pi/2).  The reduction runs in double: x - n pi/2 is then right to the last bit of a float, with and
 * without fma, while n stays below 2^20 (the first part of pi/2 has 33 bits: its product with n is exact). */
static inline TR_BOTH float sin_quarters_f32(float x, uint32_t quarters)
{
    double t = (double)x;
    double shifted = t * 0.63661977236758134308 + 6755399441055744.0; /* 1.5 2^52: the low bits of the sum are n */
    double n = shifted - 6755399441055744.0;
    float r = (float)(t - n * 1.57079632673412561417 - n * 6.07710050650619224932e-11);
    uint32_t quadrant = (uint32_t)bits_of_f64(shifted) + quarters;
    float z = r * r;
    float s = fma_f32(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fma_f32(s, z, -1.6666654611e-1f);
    s = fma_f32(s * z, r, r);
    float c = fma_f32(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fma_f32(c, z, 4.166664568298827e-2f);
    c = fma_f32(c * z, z, fma_f32(-0.5f, z, 1.0f));
    float y = (quadrant & 1u) ? c : s;
    y = (quadrant & 2u) ? -y : y;
    return fabsf(x) <= SIN_LIMIT ? y : NAN;
}

static inline TR_BOTH float sin_f32(float x)
{
    float y = sin_quarters_f32(x, 0);
    return x == 0 ? x : y; /* the polynomial makes +0 of -0 */
}

static inline TR_BOTH float cos_f32(float x) { return sin_quarters_f32(x, 1); }

/* The same bits within SIN_LIMIT, right beyond it, slower. */
static inline TR_BOTH float sin_any_f32(float x) { return fabsf(x) <= SIN_LIMIT ? sin_f32(x) : sinf(x); }
static inline TR_BOTH float cos_any_f32(float x) { return fabsf(x) <= SIN_LIMIT ? cos_f32(x) : cosf(x); }

/* x + x^3 P(x^2) near 0, where the other branch cancels; 1 - 2 / (exp(2|x|) + 1) elsewhere. */
static inline TR_BOTH float tanh_f32(float x)
{
    float a = fabsf(x), z = a * a;
    float p = -5.70498872745e-3f;
    p = fma_f32(p, z, 2.06390887954e-2f);
    p = fma_f32(p, z, -5.37397155531e-2f);
    p = fma_f32(p, z, 1.33314422036e-1f);
    p = fma_f32(p, z, -3.33332819422e-1f);
    float near = fma_f32(p * z, a, a);
    float far = 1.0f - 2.0f / (exp_f32(2.0f * a) + 1.0f);
    float y = copysignf(a < 0.625f ? near : far, x);
    return x != x ? x : y;
}

#endif
