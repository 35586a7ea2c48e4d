/* The scalar functions behind the words of pointwise.def, for each type that a row is computed in: exp_f32, exp_f64 ...
 * The CPU and later the GPU read the same text.  float64 takes libm's. */
#ifndef TRIREME_KERNELS_FORMULAS_H
#define TRIREME_KERNELS_FORMULAS_H

#include "kernels/functions_f32.h"

static inline TR_BOTH float sqrt_f32(float x) { return sqrtf(x); }
static inline TR_BOTH float abs_f32(float x) { return fabsf(x); }
static inline TR_BOTH float sign_f32(float x) { return x > 0 ? 1.0f : x < 0 ? -1.0f
                                                                  : x != x  ? x
                                                                            : 0.0f; }

static inline TR_BOTH double exp_f64(double x) { return exp(x); }
static inline TR_BOTH double log_f64(double x) { return log(x); }
static inline TR_BOTH double sin_f64(double x) { return sin(x); }
static inline TR_BOTH double cos_f64(double x) { return cos(x); }
static inline TR_BOTH double sin_any_f64(double x) { return sin(x); }
static inline TR_BOTH double cos_any_f64(double x) { return cos(x); }
static inline TR_BOTH double tanh_f64(double x) { return tanh(x); }
static inline TR_BOTH double sqrt_f64(double x) { return sqrt(x); }
static inline TR_BOTH double abs_f64(double x) { return fabs(x); }
static inline TR_BOTH double sign_f64(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0
                                                                   : x != x  ? x
                                                                             : 0.0; }

#endif
