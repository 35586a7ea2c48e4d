/* exp, log, sin, cos, tanh, expm1, log1p and erf of float32: polynomials without branches, tables or libm, which gcc and
 * clang turn into vector code and nvcc into device code.
 *
 * Why not the vector libm: there the vector body and the scalar remainder of a loop differ in the last bit, so that a
 * value would depend on where it stands, and cutting an array differently (threads, blocks, strides) would change
 * results.  Here an element's bits depend on the element alone, and x86-64-v3, v4 and GPUs agree.
 *
 * Errors in ulp, over all bit patterns (tests/test_long_functions.c, docs/accuracy.md): below 2.5.  NaN stays NaN,
 * infinities, zeros of both signs and denormals are right.  sin and cos give NaN beyond SIN_LIMIT: whoever runs them
 * looks for NaN afterwards and asks the careful version, sin_any_f32, for these rare elements.
 *
 * see  Cephes (Moshier), single precision, for the polynomials; Cody & Waite 1980 for the reductions */
#ifndef TRIREME_KERNELS_FUNCTIONS_F32_H
#define TRIREME_KERNELS_FUNCTIONS_F32_H

#include "kernels/both.h"

/* e^t = 2^n e^r with n whole and |r| <= ln 2 / 2 (a little more after rounding).  In `shifted` the low bits are n: added
 * to a number so large, t / ln 2 loses what is behind the point. */
typedef struct {
    float shifted, r;
} power_of_two;

static inline TR_BOTH power_of_two split_exp_f32(float t)
{
    power_of_two e;
    e.shifted = fma_f32(t, 1.44269504f, 12582912.0f); /* 1.5 2^23 */
    float n = e.shifted - 12582912.0f;
    e.r = fma_f32(n, 2.12194440e-4f, fma_f32(n, -0.693359375f, t)); /* the first part of ln 2 is short: exact */
    return e;
}

/* (e^r - 1 - r) / r^2 there, to a twentieth of an ulp of e^r. */
static inline TR_BOTH float exp_tail_f32(float r)
{
    float p = 1.381422160e-3f;
    p = fma_f32(p, r, 8.368899114e-3f);
    p = fma_f32(p, r, 4.166840389e-2f);
    p = fma_f32(p, r, 1.666651964e-1f);
    return fma_f32(p, r, 4.999999404e-1f);
}

/* e^r */
static inline TR_BOTH float exp_rest_f32(float r) { return fma_f32(fma_f32(exp_tail_f32(r), r, 1.0f), r, 1.0f); }

/* 2^n as two factors, one of them added to the exponent of e^r, so that a product rounds once even where the result is
 * denormal.  What is 0 or infinity in the end takes a detour over exp(0): products that underflow cost processors a
 * hundred cycles, and masked softmaxes are full of them. */
static inline TR_BOTH float exp_f32(float x)
{
    bool inside = (x >= -104.0f) & (x <= 88.7228317f);
    float t = inside ? x : 0.0f;
    power_of_two e = split_exp_f32(t);
    float p = exp_rest_f32(e.r);
    uint32_t n = bits_of_f32(e.shifted), half = n >> 1;
    float y = f32_of_bits(bits_of_f32(p) + (half << 23)) * f32_of_bits((n - half + 127u) << 23);
    float outside = x < 0 ? 0.0f : x + INFINITY; /* NaN stays NaN */
    return inside ? y : outside;
}

/* The same bits for |x| <= 87, where n can be added to the exponent: the result is a normal number. */
static inline TR_BOTH float exp_normal_f32(float x)
{
    power_of_two e = split_exp_f32(x);
    return f32_of_bits(bits_of_f32(exp_rest_f32(e.r)) + (bits_of_f32(e.shifted) << 23));
}

/* The same bits for x <= 0, as softmax has it, at two thirds of the price: one power of two is enough if it stays 2^63
 * above the result's until the last product.  NaN goes through everything. */
static inline TR_BOTH float exp_below_f32(float x)
{
    float t = x < -104.0f ? 0.0f : x;
    float shifted = fma_f32(t, 1.44269504f, 12583102.0f); /* its low bits are n + 63 + 127 */
    float n = shifted - 12583102.0f;
    float r = fma_f32(n, 2.12194440e-4f, fma_f32(n, -0.693359375f, t));
    float y = exp_rest_f32(r) * f32_of_bits(bits_of_f32(shifted) << 23) * 0x1p-63f;
    return x < -104.0f ? 0.0f : y;
}

/* log(2^-less x) = e ln 2 + log(1 + f) with 1 + f in [sqrt 1/2, sqrt 2), from the bits of a normal x above 0. */
static inline TR_BOTH float log_of_bits_f32(uint32_t bits, float less)
{
    bits -= 0x3f3504f3u;
    float e = (float)((int32_t)bits >> 23) - less;
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
    return fma_f32(e, 0.693359375f, f + tail);
}

static inline TR_BOTH float log_f32(float x)
{
    bool denormal = x < 0x1p-126f;
    float y = log_of_bits_f32(bits_of_f32(denormal ? x * 0x1p23f : x), denormal ? 23.0f : 0.0f);
    y = x > 0 ? y : NAN;
    y = x == 0 ? -INFINITY : y;
    y = x == INFINITY ? x : y;
    return x != x ? x : y;
}

/* The same bits where x is a normal number above 0. */
static inline TR_BOTH float log_normal_f32(float x) { return log_of_bits_f32(bits_of_f32(x), 0.0f); }

#define SIN_LIMIT 1048576.0f

/* x less its n-th multiple of pi/2, n the nearest; its low bits stand in *quadrant.  With fma, pi/2 is three floats: what
 * remains of the first product is exact, and n stays below 2^20.  Without, it runs in double, where the first part of pi/2
 * has 33 bits and its product with n is exact. */
static inline TR_BOTH float reduce_quarters_f32(float x, uint32_t *quadrant)
{
#if HAVE_FMA
    float shifted = fma_f32(x, 0.636619747f, 12582912.0f); /* 1.5 2^23: the low bits of the sum are n */
    float n = shifted - 12582912.0f;
    *quadrant = bits_of_f32(shifted);
    return fma_f32(n, 1.71512489e-15f, fma_f32(n, 4.37113883e-8f, fma_f32(n, -1.57079637f, x)));
#else
    double t = (double)x;
    double shifted = t * 0.63661977236758134308 + 6755399441055744.0; /* 1.5 2^52 */
    double n = shifted - 6755399441055744.0;
    *quadrant = (uint32_t)bits_of_f64(shifted);
    return (float)(t - n * 1.57079632673412561417 - n * 6.07710050650619224932e-11);
#endif
}

/* sin(x + quarters pi/2) */
static inline TR_BOTH float sin_quarters_f32(float x, uint32_t quarters)
{
    uint32_t quadrant;
    float r = reduce_quarters_f32(x, &quadrant);
    quadrant += quarters;
    float z = r * r;
    float s = fma_f32(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fma_f32(s, z, -1.6666654611e-1f);
    s = fma_f32(s * z, r, r);
    float c = fma_f32(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fma_f32(c, z, 4.166664568298827e-2f);
    c = fma_f32(c * z, z, fma_f32(-0.5f, z, 1.0f));
    float y = (quadrant & 1u) ? c : s;
    y = f32_of_bits(bits_of_f32(y) ^ (quadrant & 2u) << 30);
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

/* x + x^3 P(x^2) near 0, where the other way cancels; elsewhere 1 - 2 / (exp(2|x|) + 1).  (e / (e + 2) with
 * e = exp(2|x|) - 1 would do for all, a little faster, with errors up to 2.6 ulp.) */
static inline TR_BOTH float tanh_f32(float x)
{
    float a = fabsf(x), z = a * a;
    float near = fma_f32(-5.70498872745e-3f, z, 2.06390887954e-2f);
    near = fma_f32(near, z, -5.37397155531e-2f);
    near = fma_f32(near, z, 1.33314422036e-1f);
    near = fma_f32(near, z, -3.33332819422e-1f);
    near = fma_f32(near * z, a, a);
    uint32_t bits = bits_of_f32(a), ten = 0x41200000u;
    float b = f32_of_bits(bits < ten ? bits : ten); /* beyond it is 1; of whole numbers AVX2 takes the smaller in one step */
    power_of_two d = split_exp_f32(b + b);
    float q = fma_f32(d.r * d.r, exp_tail_f32(d.r), d.r);
    float scale = f32_of_bits((bits_of_f32(d.shifted) + 127u) << 23);
    float far = 1.0f - 2.0f / (fma_f32(scale, q, scale) + 1.0f);
    return copysignf(a > 0.625f ? far : near, x); /* NaN goes near */
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), which does not cancel near 0; large results are made at half their size, where 2^n is still a float. */
static inline TR_BOTH float expm1_f32(float x)
{
    power_of_two d = split_exp_f32(x < -20.0f ? -20.0f : x); /* below it is -1 */
    float q = fma_f32(d.r * d.r, exp_tail_f32(d.r), d.r);
    bool large = x > 64.0f;
    float scale = f32_of_bits((bits_of_f32(d.shifted) + (large ? 126u : 127u)) << 23);
    float y = fma_f32(scale, q, scale - 1.0f) * (large ? 2.0f : 1.0f);
    return copysignf(x > 88.7228317f ? INFINITY : y, x);
}

/* log(u) + (x - (u - 1)) / u for u = 1 + x as it was rounded. */
static inline TR_BOTH float log1p_f32(float x)
{
    float u = 1.0f + x, y = log_f32(u), rest = (x - (u - 1.0f)) / u;
    y += fabsf(y) < INFINITY ? rest : 0.0f;
    return copysignf(y, x);
}

/* Near 0 a polynomial of x^2; elsewhere 1 - exp(-P(|x|)).  After N. Juffa's, with an error below 1 ulp. */
static inline TR_BOTH float erf_f32(float x)
{
    float a = fabsf(x), z = x * x;
    float far = fma_f32(fma_f32(-1.72853470e-5f, a, 3.83197126e-4f), z, fma_f32(-3.88396438e-3f, a, 2.42546219e-2f));
    far = fma_f32(far, a, -1.06777877e-1f);
    far = fma_f32(far, a, -6.34846687e-1f);
    far = fma_f32(far, a, -1.28717512e-1f);
    far = 1.0f - exp_f32(fma_f32(far, a, -a));
    float near = fma_f32(-5.96761703e-4f, z, 4.99119423e-3f);
    near = fma_f32(near, z, -2.67681349e-2f);
    near = fma_f32(near, z, 1.12819925e-1f);
    near = fma_f32(near, z, -3.76125336e-1f);
    near = fma_f32(near, z, 1.28379166e-1f);
    near = fma_f32(near, a, a);
    return copysignf(a > 0.921875f ? (a > 4.0f ? 1.0f : far) : near, x);
}

#endif
