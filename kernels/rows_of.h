/* The rows of pointwise.def in one type, for the CPU's compiler and the GPU's: included once per type, with
 *   T         the type          OF(name)   name_f32: what is made here carries its type
 *   M(word)   the scalar function of a word (formulas.h) */

/* name_value_f32 and name_derivative_f32: functions, so that a debugger can step into a row.  A value does not use y,
 * a derivative not always x or y. */
#include "kernels/words_number.h"
#define ROW(name, value, derivative, ...)                             \
 static inline TR_BOTH T OF(name##_value)(T x) { return (T)(value); } \
 static inline TR_BOTH T OF(name##_derivative)(T x, T y)              \
 {                                                                    \
  (void)x, (void)y;                                                   \
  return (T)(derivative);                                             \
 }
#include "kernels/pointwise.def"
#undef ROW

/* The same with sin and cos that are right for every argument, for the few elements whose fast value is NaN. */
#undef sin
#undef cos
#define sin(a) M(sin_any)((T)(a))
#define cos(a) M(cos_any)((T)(a))
#define ROW(name, value, derivative, ...)                                     \
 static inline TR_BOTH T OF(name##_careful_value)(T x) { return (T)(value); } \
 static inline TR_BOTH T OF(name##_careful_derivative)(T x, T y)              \
 {                                                                            \
  (void)x, (void)y;                                                           \
  return (T)(derivative);                                                     \
 }
#include "kernels/pointwise.def"
#undef ROW
#include "kernels/words_undo.h"

/* What a row's derivative makes of dy. */
static inline TR_BOTH T OF(times)(bool chooses, T dy, T derivative)
{
    if (chooses) return derivative != 0 ? dy : 0;
    return dy * derivative;
}
