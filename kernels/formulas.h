/* The scalar functions behind the words of pointwise.def, for each type that a row is computed in: exp_f32, exp_f64 ...
 * The CPU and later the GPU read the same text.  float64 takes libm's. */
#ifndef TRIREME_KERNELS_FORMULAS_H
#define TRIREME_KERNELS_FORMULAS_H

#include "kernels/functions_rarer_f32.h"

static inline TR_BOTH float sqrt_f32(float x) { return sqrtf(x); }
static inline TR_BOTH float abs_f32(float x) { return fabsf(x); }
static inline TR_BOTH float sign_f32(float x) { return (float)((x > 0) - (x < 0)); } /* 0 of NaN, as PyTorch has it */

/* Some are libm's in float32 too, one element after the other; rint rounds halves to even. */
static inline TR_BOTH float floor_f32(float x) { return floorf(x); }
static inline TR_BOTH float ceil_f32(float x) { return ceilf(x); }
static inline TR_BOTH float round_f32(float x) { return rintf(x); }
static inline TR_BOTH float trunc_f32(float x) { return truncf(x); }
static inline TR_BOTH float log2_f32(float x) { return log2f(x); }
static inline TR_BOTH float log10_f32(float x) { return log10f(x); }
static inline TR_BOTH float tan_f32(float x) { return tanf(x); }

static inline TR_BOTH double exp_f64(double x) { return exp(x); }
static inline TR_BOTH double log_f64(double x) { return log(x); }
static inline TR_BOTH double sin_f64(double x) { return sin(x); }
static inline TR_BOTH double cos_f64(double x) { return cos(x); }
static inline TR_BOTH double sin_any_f64(double x) { return sin(x); }
static inline TR_BOTH double cos_any_f64(double x) { return cos(x); }
static inline TR_BOTH double tanh_f64(double x) { return tanh(x); }
static inline TR_BOTH double sqrt_f64(double x) { return sqrt(x); }
static inline TR_BOTH double abs_f64(double x) { return fabs(x); }
static inline TR_BOTH double sign_f64(double x) { return (double)((x > 0) - (x < 0)); }
static inline TR_BOTH double floor_f64(double x) { return floor(x); }
static inline TR_BOTH double ceil_f64(double x) { return ceil(x); }
static inline TR_BOTH double round_f64(double x) { return rint(x); }
static inline TR_BOTH double trunc_f64(double x) { return trunc(x); }
static inline TR_BOTH double log1p_f64(double x) { return log1p(x); }
static inline TR_BOTH double expm1_f64(double x) { return expm1(x); }
static inline TR_BOTH double log2_f64(double x) { return log2(x); }
static inline TR_BOTH double log10_f64(double x) { return log10(x); }
static inline TR_BOTH double exp2_f64(double x) { return exp2(x); }
static inline TR_BOTH double tan_f64(double x) { return tan(x); }
static inline TR_BOTH double asin_f64(double x) { return asin(x); }
static inline TR_BOTH double acos_f64(double x) { return acos(x); }
static inline TR_BOTH double atan_f64(double x) { return atan(x); }
static inline TR_BOTH double sinh_f64(double x) { return sinh(x); }
static inline TR_BOTH double cosh_f64(double x) { return cosh(x); }
static inline TR_BOTH double erf_f64(double x) { return erf(x); }

#endif
