/* Rows of pointwise.def, |z| and powers in one complex type: included once per type by complex.c, with
 *   T        the type, R that of its parts      OF(name)   name_c64
 *   M(word)  C's complex function of a word     REAL(f)    C's function of R */
static inline T OF(of_parts)(R re, R im)
{
    T z;
    memcpy(&z, (R[2]){re, im}, sizeof z); /* re + im I would make NaN of infinities */
    return z;
}

/* log|1 + z| = log1p(2x + x^2 + y^2) / 2 near 0, where 1 + z would lose z's digits. */
static inline T OF(log1p)(T z)
{
    R re = M(real)(z), im = M(imag)(z);
    if (!(re > (R)-0.5 && re < (R)0.5 && im > (R)-0.5 && im < (R)0.5)) return M(log)(1 + z);
    return OF(of_parts)(REAL(log1p)(re * (2 + re) + im * im) / 2, REAL(atan2)(im, 1 + re));
}

/* exp(x) cos y - 1 = expm1(x) cos y - 2 sin^2(y / 2) */
static inline T OF(expm1)(T z)
{
    R re = M(real)(z), im = M(imag)(z), half = REAL(sin)(im / 2);
    if (!(re > -1 && re < 1)) return M(exp)(z) - 1;
    return OF(of_parts)(REAL(expm1)(re) * REAL(cos)(im) - 2 * half * half, REAL(exp)(re) * REAL(sin)(im));
}

/* The small whole powers are products, as of real numbers; 0^b is 1 or 0 where cpow would take 0's logarithm. */
static inline T OF(power)(T a, T b)
{
    if (b == 2) return a * a;
    if (b == 3) return a * a * a;
    if (b == 0) return 1;
    if (a == 0 && M(real)(b) > 0) return 0;
    return M(pow)(a, b);
}

#include "kernels/words_number.h"
#include "kernels/words_complex.h"
#define ROW(name, value, ...) \
 static inline T OF(name##_value)(T x) { return (T)(value); }
#include "kernels/pointwise.def"
#undef ROW
#include "kernels/words_undo.h"

#define ROW(name, ...)                                                  \
 static void OF(name##_loop)(void *const *at, int64_t n, unsigned ones) \
 {                                                                      \
  (void)ones;                                                           \
  T *y = at[0];                                                         \
  const T *x = at[1];                                                   \
  for (int64_t i = 0; i < n; i++) y[i] = OF(name##_value)(x[i]);        \
 }
#include "kernels/pointwise.def"
#undef ROW

static void OF(length_loop)(void *const *at, int64_t n, unsigned ones)
{
    (void)ones;
    R *y = at[0];
    const T *x = at[1];
    for (int64_t i = 0; i < n; i++) y[i] = M(abs)(x[i]);
}

#define RESULT T
#include "kernels/cpu/levels/binary_of.h"
#undef RESULT
static void OF(power_loop)(void *const *at, int64_t n, unsigned ones)
{
    OF(run)
    (OF(power), at, n, ones);
}
