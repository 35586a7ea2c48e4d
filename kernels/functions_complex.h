/* Functions of complex numbers over those of real ones, for compilers whose C++ has none: exp_c128, sqrt_c128 ...  What
 * they are of infinities, NaN, signed zeros and along their cuts is C's (annex G); elsewhere a few of double's last bits,
 * as a part of the larger one's size, go to rounding.
 *
 * see  Kahan, Branch Cuts for Complex Elementary Functions, or Much Ado About Nothing's Sign Bit, 1987 */
#ifndef TRIREME_KERNELS_FUNCTIONS_COMPLEX_H
#define TRIREME_KERNELS_FUNCTIONS_COMPLEX_H

#include "kernels/formulas_complex.h"

static inline TR_BOTH complex128 of_c128(double re, double im) { return complex_of_c128(re, im); }

/* i z and -i z, which no product would leave infinities in peace for. */
static inline TR_BOTH complex128 turned_left_c128(complex128 z) { return of_c128(-z.im, z.re); }
static inline TR_BOTH complex128 turned_right_c128(complex128 z) { return of_c128(z.im, -z.re); }

/* ---- products and quotients, of which an infinity stays one ---- */

/* 1 or 0 with x's sign: an infinity beside what is finite; and 0 for NaN. */
static inline TR_BOTH double boxed_f64(double x) { return copysign(isinf(x) ? 1.0 : 0.0, x); }
static inline TR_BOTH double zero_for_nan_f64(double x) { return isnan(x) ? copysign(0.0, x) : x; }

static inline TR_BOTH complex128 product_c128(complex128 a, complex128 b)
{
    complex128 z = mul_c128(a, b);
    if (!isnan(z.re) || !isnan(z.im)) return z;
    const double ac = a.re * b.re, bd = a.im * b.im, ad = a.re * b.im, bc = a.im * b.re;
    const bool infinite_a = isinf(a.re) || isinf(a.im), infinite_b = isinf(b.re) || isinf(b.im);
    if (!infinite_a && !infinite_b && !isinf(ac) && !isinf(bd) && !isinf(ad) && !isinf(bc)) return z;
    if (infinite_a) a = of_c128(boxed_f64(a.re), boxed_f64(a.im));
    if (infinite_b) b = of_c128(boxed_f64(b.re), boxed_f64(b.im));
    a = of_c128(zero_for_nan_f64(a.re), zero_for_nan_f64(a.im));
    b = of_c128(zero_for_nan_f64(b.re), zero_for_nan_f64(b.im));
    return of_c128(INFINITY * (a.re * b.re - a.im * b.im), INFINITY * (a.re * b.im + a.im * b.re));
}

static inline TR_BOTH complex128 quotient_c128(complex128 a, complex128 b)
{
    complex128 z = div_c128(a, b);
    if (!isnan(z.re) || !isnan(z.im)) return z;
    if (b.re == 0 && b.im == 0 && (!isnan(a.re) || !isnan(a.im))) {
        const double infinity = copysign(INFINITY, b.re);
        return of_c128(infinity * a.re, infinity * a.im);
    }
    if ((isinf(a.re) || isinf(a.im)) && isfinite(b.re) && isfinite(b.im)) {
        a = of_c128(boxed_f64(a.re), boxed_f64(a.im));
        return of_c128(INFINITY * (a.re * b.re + a.im * b.im), INFINITY * (a.im * b.re - a.re * b.im));
    }
    if ((isinf(b.re) || isinf(b.im)) && isfinite(a.re) && isfinite(a.im)) {
        b = of_c128(boxed_f64(b.re), boxed_f64(b.im));
        return of_c128(0 * (a.re * b.re + a.im * b.im), 0 * (a.im * b.re - a.re * b.im));
    }
    return z;
}

/* ---- lengths, logarithms and roots ---- */

static inline TR_BOTH double abs_c128(complex128 z) { return hypot(z.re, z.im); }

/* A float's squares are exact in double, and so is this but for two roundings; glibc's has the same bits. */
static inline TR_BOTH float abs_c64(complex64 z)
{
    if (isinf(z.re) || isinf(z.im)) return INFINITY;
    return (float)sqrt((double)z.re * z.re + (double)z.im * z.im);
}

/* log|z|.  Near 1 it is log1p(|z|^2 - 1) / 2, the squares with what rounding takes from them; squares of very large and
 * very small numbers are not made. */
static inline TR_BOTH double log_abs_f64(complex128 z)
{
    const double a = fabs(z.re), b = fabs(z.im), x = b > a ? b : a, y = b > a ? a : b;
    if (!(x > 0x1p-500 && x < 0x1p500)) {
        if (x == 0 || isinf(x) || isnan(x) || isnan(y)) return log(hypot(x, y));
        const double up = x < 1 ? 0x1p600 : 0x1p-600, log_up = 415.88830833596718565; /* 600 log 2 */
        return log(hypot(x * up, y * up)) + (x < 1 ? -log_up : log_up);
    }
    const double xx = x * x, yy = y * y;
    if (!(xx + yy > 0.5 && xx + yy < 2)) return log(hypot(x, y));
    const double less = xx - 1, sum = less + yy;
    const double taken = (fabs(less) > yy ? (less - sum) + yy : (yy - sum) + less) + fma(x, x, -xx) + fma(y, y, -yy);
    return log1p(sum + taken) / 2;
}

static inline TR_BOTH complex128 log_c128(complex128 z) { return of_c128(log_abs_f64(z), atan2(z.im, z.re)); }

static inline TR_BOTH complex128 sqrt_c128(complex128 z)
{
    double re = z.re, im = z.im, scale = 1;
    if (re == 0 && im == 0) return of_c128(0, im);
    if (isinf(im)) return of_c128(INFINITY, im);
    if (isinf(re)) {
        const double other = isnan(im) ? im : copysign(0.0, im);
        return re > 0 ? of_c128(re, other) : of_c128(isnan(im) ? im : 0, copysign(INFINITY, im));
    }
    if (fabs(re) > 0x1p1000 || fabs(im) > 0x1p1000) re *= 0x1p-100, im *= 0x1p-100, scale = 0x1p50;
    if (fabs(re) < 0x1p-900 && fabs(im) < 0x1p-900) re *= 0x1p200, im *= 0x1p200, scale = 0x1p-100;
    const double root = sqrt((fabs(re) + hypot(re, im)) / 2), rest = fabs(im) / (2 * root);
    return re >= 0 ? of_c128(root * scale, copysign(rest * scale, im)) : of_c128(rest * scale, copysign(root * scale, im));
}

/* ---- powers of e ---- */

/* e^x (cos y + i sin y) / 2^halves.  e^x alone may be no number where the product is one. */
static inline TR_BOTH complex128 turned_exp_c128(double x, double y, int halves)
{
    const double half = halves ? 0.5 : 1;
    if (fabs(x) <= 700) return of_c128(exp(x) * half * cos(y), exp(x) * half * sin(y));
    const double rest = exp(x > 0 ? x - 700 : x + 700) * half, most = x > 0 ? 1.0142320547350045e304 : 9.859676543759770e-305;
    return of_c128(rest * cos(y) * most, rest * sin(y) * most);
}

static inline TR_BOTH complex128 exp_c128(complex128 z)
{
    if (z.im == 0) return of_c128(exp(z.re), z.im);
    if (isinf(z.re) && !isfinite(z.im)) return z.re > 0 ? of_c128(z.re, z.im - z.im) : of_c128(0, copysign(0.0, z.im));
    return turned_exp_c128(z.re, z.im, 0);
}

/* sinh x cos y + i cosh x sin y */
static inline TR_BOTH complex128 sinh_c128(complex128 z)
{
    const double x = z.re, y = z.im;
    if (y == 0) return of_c128(sinh(x), y);
    if (!isfinite(y)) return of_c128(x == 0 || isinf(x) ? x : y - y, y - y);
    if (x == 0) return of_c128(copysign(0.0, x * cos(y)), sin(y));
    if (fabs(x) <= 700) return of_c128(sinh(x) * cos(y), cosh(x) * sin(y));
    complex128 half = turned_exp_c128(fabs(x), y, 1);
    return of_c128(copysign(1.0, x) * half.re, half.im);
}

/* cosh x cos y + i sinh x sin y */
static inline TR_BOTH complex128 cosh_c128(complex128 z)
{
    const double x = z.re, y = z.im;
    if (y == 0) return of_c128(cosh(x), isnan(x) ? y : y * copysign(1.0, x));
    if (!isfinite(y)) return of_c128(isinf(x) ? INFINITY : y - y, x == 0 ? x : y - y);
    if (fabs(x) <= 700 || isnan(x)) return of_c128(cosh(x) * cos(y), sinh(x) * sin(y));
    complex128 half = turned_exp_c128(fabs(x), y, 1);
    return of_c128(half.re, copysign(1.0, x) * half.im);
}

static inline TR_BOTH complex128 sin_c128(complex128 z) { return turned_right_c128(sinh_c128(turned_left_c128(z))); }
static inline TR_BOTH complex128 cos_c128(complex128 z) { return cosh_c128(turned_left_c128(z)); }

/* With t = tan y and s = sinh x:  (s sqrt(1 + s^2) (1 + t^2) + i t) / (1 + s^2 (1 + t^2)) */
static inline TR_BOTH complex128 tanh_c128(complex128 z)
{
    const double x = z.re, y = z.im;
    if (isnan(x)) return of_c128(x, y == 0 ? y : x);
    if (isinf(x)) return of_c128(copysign(1.0, x), copysign(0.0, isfinite(y) ? sin(y) * cos(y) : y));
    if (!isfinite(y)) return of_c128(x == 0 ? x : y - y, y - y);
    if (fabs(x) > 22) return of_c128(copysign(1.0, x), 4 * sin(y) * cos(y) * exp(-2 * fabs(x)));
    const double t = tan(y), s = sinh(x), slope = 1 + t * t, below = 1 + slope * s * s;
    return of_c128(slope * sqrt(1 + s * s) * s / below, t / below);
}

static inline TR_BOTH complex128 tan_c128(complex128 z) { return turned_right_c128(tanh_c128(turned_left_c128(z))); }

/* ---- inverses ---- */

/* So large that 1 is nothing beside z's square. */
static inline TR_BOTH bool is_far_c128(complex128 z) { return fabs(z.re) > 0x1p60 || fabs(z.im) > 0x1p60; }
static inline TR_BOTH double log_twice_f64(complex128 z) { return log_abs_f64(z) + 0.69314718055994531; }

static inline TR_BOTH complex128 asin_c128(complex128 z)
{
    if (is_far_c128(z)) return of_c128(atan2(z.re, fabs(z.im)), copysign(log_twice_f64(z), z.im));
    if (isnan(z.im) && z.re == 0) return z;
    const complex128 a = sqrt_c128(of_c128(1 - z.re, -z.im)), b = sqrt_c128(of_c128(1 + z.re, z.im));
    return of_c128(atan2(z.re, a.re * b.re - a.im * b.im), asinh(a.re * b.im - a.im * b.re));
}

static inline TR_BOTH complex128 acos_c128(complex128 z)
{
    if (is_far_c128(z)) return of_c128(atan2(fabs(z.im), z.re), -copysign(log_twice_f64(z), z.im));
    if (isnan(z.im) && z.re == 0) return of_c128(1.5707963267948966, z.im);
    const complex128 a = sqrt_c128(of_c128(1 - z.re, -z.im)), b = sqrt_c128(of_c128(1 + z.re, z.im));
    return of_c128(2 * atan2(a.re, b.re), asinh(b.re * a.im - b.im * a.re));
}

/* atanh z = log1p(4 x / ((1 - x)^2 + y^2)) / 4 + i atan2(2 y, (1 - x) (1 + x) - y^2) / 2, of x >= 0 */
static inline TR_BOTH complex128 atanh_c128(complex128 z)
{
    const double x = fabs(z.re), y = z.im;
    if (is_far_c128(z)) {
        const bool infinite = isinf(x) || isinf(y), known = infinite ? !isnan(y) : !isnan(x + y);
        const double size = infinite ? 0 : div_c128(of_c128(1, 0), z).re;
        return of_c128(copysign(size, z.re), known ? copysign(1.5707963267948966, y) : x + y);
    }
    if (isnan(y)) return of_c128(z.re == 0 ? z.re : y, y);
    const double beside = 1 - x, angle = atan2(2 * y, beside * (1 + x) - y * y) / 2;
    const double size = x == 1 && fabs(y) < 0x1p-100 ? (0.69314718055994531 - log(fabs(y))) / 2 : log1p(4 * x / (beside * beside + y * y)) / 4;
    return of_c128(copysign(size, z.re), angle);
}

static inline TR_BOTH complex128 atan_c128(complex128 z) { return turned_right_c128(atanh_c128(turned_left_c128(z))); }

static inline TR_BOTH complex128 pow_c128(complex128 a, complex128 b) { return exp_c128(product_c128(b, log_c128(a))); }

static inline TR_BOTH double real_c128(complex128 z) { return z.re; }
static inline TR_BOTH double imag_c128(complex128 z) { return z.im; }

#endif
