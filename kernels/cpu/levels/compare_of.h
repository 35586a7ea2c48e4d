/* Comparisons in one type, included once per type with T, OF(); RESULT is uint8_t.  NaN equals nothing, as in C. */
static inline uint8_t OF(eq)(T a, T b) { return a == b; }
static inline uint8_t OF(ne)(T a, T b) { return a != b; }
static inline uint8_t OF(lt)(T a, T b) { return a < b; }
static inline uint8_t OF(le)(T a, T b) { return a <= b; }
static inline uint8_t OF(gt)(T a, T b) { return a > b; }
static inline uint8_t OF(ge)(T a, T b) { return a >= b; }

#include "kernels/cpu/levels/binary_of.h"

static void OF(eq_loop)(void *const *at, int64_t n, unsigned ones)
{
    OF(run)
    (OF(eq), at, n, ones);
}
static void OF(ne_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                     (OF(ne), at, n, ones); }
static void OF(lt_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                     (OF(lt), at, n, ones); }
static void OF(le_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                     (OF(le), at, n, ones); }
static void OF(gt_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                     (OF(gt), at, n, ones); }
static void OF(ge_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                     (OF(ge), at, n, ones); }
