/* What each row of pointwise.def reads, whether it chooses, and whether it wants a careful look at its NaN, found by
 * reading its expressions as sets (words_uses.h):
 *   name_uses                   KERNEL_USES_X, KERNEL_USES_Y: what the derivative reads
 *   name_chooses                dx is dy or 0, no product
 *   name_value_is_careful, name_derivative_is_careful     sin or cos is called, fast and NaN for huge arguments
 *   name_has_complex            its value uses no word of real numbers alone
 *   name_work, name_backward_work     cheap steps per element */
#ifndef TRIREME_KERNELS_ROWS_H
#define TRIREME_KERNELS_ROWS_H

#include "kernels/kernels.h"
#include "kernels/words_uses.h"
#define x 1u
#define y 2u
#define ROW(name, value, derivative, ...)                                \
 enum {                                                                  \
     name##_uses = USES_(derivative) & 3u,                               \
     name##_chooses = (USES_(derivative) & USES_CHOICE) != 0,            \
     name##_value_is_careful = (USES_(value) & USES_SIN) != 0,           \
     name##_derivative_is_careful = (USES_(derivative) & USES_SIN) != 0, \
     name##_has_complex = !(USES_(value) & USES_REAL),                   \
     name##_work = USES_(value) & USES_SERIES ? 8 : 1,                   \
     name##_backward_work = USES_(derivative) & USES_SERIES ? 8 : 2      \
 };
#include "kernels/pointwise.def"
#undef ROW
#undef x
#undef y
#include "kernels/words_undo.h"

/* The rows that integers have (rows_integer_of.h). */
#define INTEGER_ROWS(ROW) \
 ROW(neg)                 \
 ROW(abs)                 \
 ROW(sign)                \
 ROW(square)              \
 ROW(relu)                \
 ROW(floor)               \
 ROW(ceil)                \
 ROW(round)               \
 ROW(trunc)

#endif
