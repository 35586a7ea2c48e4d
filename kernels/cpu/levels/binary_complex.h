/* Arithmetic of complex numbers, included once per type with T, OF() and R, the type of its parts. */
#include "kernels/cpu/levels/binary_of.h"

#define RUN OF(run)
#define LOOP(name) \
 static void OF(name##_loop)(void *const *at, int64_t n, unsigned ones) { RUN(OF(name), at, n, ones); }
LOOP(add)
LOOP(sub)
LOOP(mul)
LOOP(div)
#undef LOOP
#undef RUN
