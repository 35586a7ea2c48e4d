/* Complex numbers through C's own functions: the rows of pointwise.def that they have, |z|, and powers.  Products and
 * quotients of two operands stand in binary.c. */
#include "kernels/cpu/levels/walk.h"
#include "kernels/rows.h"

#include <complex.h>
#include <math.h>

typedef float _Complex __attribute__((may_alias)) complex_f32;
typedef double _Complex __attribute__((may_alias)) complex_f64;

#define T       complex_f32
#define R       float
#define OF(n)   n##_c64
#define M(w)    c##w##f
#define REAL(w) w##f
#include "kernels/cpu/levels/complex_of.h"
#undef T
#undef R
#undef OF
#undef M
#undef REAL

#define T       complex_f64
#define R       double
#define OF(n)   n##_c128
#define M(w)    c##w
#define REAL(w) w
#include "kernels/cpu/levels/complex_of.h"
#undef T
#undef R
#undef OF
#undef M
#undef REAL

enum { WORK = 64 };

#define KERNEL(name, t, loop, views, ones, out, in)                    \
 static int name##_kernel_##t(const kernel_call *call)                 \
 {                                                                     \
  return walk_run_of(call, name##_##loop, views, ones, WORK, out, in); \
 }
#define ROW(name, ...)                                         \
 KERNEL(name, c64, loop_c64, 2, 0, TR_COMPLEX64, TR_COMPLEX64) \
 KERNEL(name, c128, loop_c128, 2, 0, TR_COMPLEX128, TR_COMPLEX128)
#include "kernels/pointwise.def"
#undef ROW
KERNEL(length, c64, loop_c64, 2, 0, TR_FLOAT32, TR_COMPLEX64)
KERNEL(length, c128, loop_c128, 2, 0, TR_FLOAT64, TR_COMPLEX128)
KERNEL(power, c64, loop_c64, 3, 6, TR_COMPLEX64, TR_COMPLEX64)
KERNEL(power, c128, loop_c128, 3, 6, TR_COMPLEX128, TR_COMPLEX128)

void kernels_complex(kernel_table table)
{
#define ROW(name, ...)                                      \
 if (name##_has_complex) {                                  \
  table[KERNEL_##name][TR_COMPLEX64] = name##_kernel_c64;   \
  table[KERNEL_##name][TR_COMPLEX128] = name##_kernel_c128; \
 }
#include "kernels/pointwise.def"
#undef ROW
    table[KERNEL_abs][TR_COMPLEX64] = length_kernel_c64;
    table[KERNEL_abs][TR_COMPLEX128] = length_kernel_c128;
    table[KERNEL_POW][TR_COMPLEX64] = power_kernel_c64;
    table[KERNEL_POW][TR_COMPLEX128] = power_kernel_c128;
}
