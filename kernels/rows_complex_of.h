/* The rows of pointwise.def that complex numbers have, and their powers, for the CPU's compiler and the GPU's: included
 * once per type, with
 *   T        the type, of C's own or with C++'s operators, R that of its parts      OF(name)   name_c64
 *   M(word)  the complex function of a word        REAL(f)    C's function of R
 * and OF(complex_of)(re, im). */

/* log|1 + z| = log1p(2x + x^2 + y^2) / 2 near 0, where 1 + z would lose z's digits. */
static inline TR_BOTH T OF(log1p)(T z)
{
    R re = M(real)(z), im = M(imag)(z);
    if (!(re > (R)-0.5 && re < (R)0.5 && im > (R)-0.5 && im < (R)0.5)) return M(log)(1 + z);
    return OF(complex_of)(REAL(log1p)(re * (2 + re) + im * im) / 2, REAL(atan2)(im, 1 + re));
}

/* exp(x) cos y - 1 = expm1(x) cos y - 2 sin^2(y / 2) */
static inline TR_BOTH T OF(expm1)(T z)
{
    R re = M(real)(z), im = M(imag)(z), half = REAL(sin)(im / 2);
    if (!(re > -1 && re < 1)) return M(exp)(z) - 1;
    return OF(complex_of)(REAL(expm1)(re) * REAL(cos)(im) - 2 * half * half, REAL(exp)(re) * REAL(sin)(im));
}

/* The small whole powers are products, as of real numbers; 0^b is 1 or 0 where cpow would take 0's logarithm. */
static inline TR_BOTH T OF(power)(T a, T b)
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
 static inline TR_BOTH T OF(name##_value)(T x) { return (T)(value); }
#include "kernels/pointwise.def"
#undef ROW
#include "kernels/words_undo.h"
