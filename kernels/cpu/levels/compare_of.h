/* Comparisons in one type, included once per type with T, OF(); RESULT is uint8_t.  NaN equals nothing, as in C. */
static inline uint8_t OF(eq)(T a, T b) { return a == b; }
static inline uint8_t OF(ne)(T a, T b) { return a != b; }
static inline uint8_t OF(lt)(T a, T b) { return a < b; }
static inline uint8_t OF(le)(T a, T b) { return a <= b; }
static inline uint8_t OF(gt)(T a, T b) { return a > b; }
static inline uint8_t OF(ge)(T a, T b) { return a >= b; }

#include "kernels/cpu/levels/binary_of.h"

#define RUN OF(run)
#define LOOP(name) \
 static void OF(name##_loop)(void *const *at, int64_t n, unsigned ones) { RUN(OF(name), at, n, ones); }
LOOP(eq)
LOOP(ne)
LOOP(lt)
LOOP(le)
LOOP(gt)
LOOP(ge)
#undef LOOP
#undef RUN
