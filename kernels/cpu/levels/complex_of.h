/* Rows of pointwise.def, |z| and powers in one complex type: included once per type by complex.c, with
 *   T        the type, R that of its parts      OF(name)   name_c64
 *   M(word)  C's complex function of a word     REAL(f)    C's function of R */
static inline T OF(complex_of)(R re, R im)
{
    T z;
    memcpy(&z, (R[2]){re, im}, sizeof z); /* re + im I would make NaN of infinities */
    return z;
}

#include "kernels/rows_complex_of.h"

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
