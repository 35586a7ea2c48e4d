/* The loops of the rows that integers have: included once per type, with T, its unsigned arithmetic type U, OF(). */
#include "kernels/rows_integer_of.h"

typedef T (*OF(value))(T x);

static INLINE void OF(run)(OF(value) value, void *const *at, int64_t n)
{
    T *y = at[0];
    const T *x = at[1];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = value(x[i]);
}

#define RUN OF(run)
#define LOOP(name) \
 static void OF(name##_loop)(void *const *at, int64_t n, unsigned ones) { (void)ones, RUN(OF(name##_value), at, n); }
LOOP(neg)
LOOP(abs)
LOOP(sign)
LOOP(square)
LOOP(relu)
LOOP(floor)
LOOP(ceil)
LOOP(round)
LOOP(trunc)
#undef LOOP
#undef RUN
