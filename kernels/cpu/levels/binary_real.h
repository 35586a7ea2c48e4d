/* Formulas that all real types share: included once per type with T, OF() and U, the type that arithmetic runs in (for
 * signed integers the unsigned one, where overflow wraps around). */
static inline T OF(add)(T a, T b) { return (T)((U)a + (U)b); }
static inline T OF(sub)(T a, T b) { return (T)((U)a - (U)b); }
static inline T OF(mul)(T a, T b) { return (T)((U)a * (U)b); }

#include "kernels/cpu/levels/binary_of.h"

static void OF(add_loop)(void *const *at, int64_t n, unsigned ones)
{
    OF(run)
    (OF(add), at, n, ones);
}
static void OF(sub_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                      (OF(sub), at, n, ones); }
static void OF(mul_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                      (OF(mul), at, n, ones); }
static void OF(maximum_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                          (OF(maximum), at, n, ones); }
static void OF(minimum_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                          (OF(minimum), at, n, ones); }
static void OF(pow_loop)(void *const *at, int64_t n, unsigned ones) { OF(run)
                                                                      (OF(pow), at, n, ones); }
