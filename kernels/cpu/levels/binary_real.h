/* Formulas that all real types share: included once per type with T, OF() and U, the type that arithmetic runs in (for
 * signed integers the unsigned one, where overflow wraps around). */
static inline T OF(add)(T a, T b) { return (T)((U)a + (U)b); }
static inline T OF(sub)(T a, T b) { return (T)((U)a - (U)b); }
static inline T OF(mul)(T a, T b) { return (T)((U)a * (U)b); }

#include "kernels/cpu/levels/binary_of.h"

#define RUN OF(run)
#define LOOP(name) \
 static void OF(name##_loop)(void *const *at, int64_t n, unsigned ones) { RUN(OF(name), at, n, ones); }
LOOP(add)
LOOP(sub)
LOOP(mul)
LOOP(maximum)
LOOP(minimum)
LOOP(floor_divide)
LOOP(remainder)
LOOP(fmod)
#undef LOOP
#undef RUN
