/* The rows that integers have, wrapping around: included once per type, with T, its unsigned arithmetic type U, OF(). */
static inline T OF(neg_value)(T x) { return (T)(0 - (U)x); }
static inline T OF(abs_value)(T x) { return x > 0 ? x : OF(neg_value)(x); }
static inline T OF(sign_value)(T x) { return x == 0 ? 0 : (T)(x > 0 ? 1 : -1); }
static inline T OF(square_value)(T x) { return (T)((U)x * (U)x); }
static inline T OF(relu_value)(T x) { return x > 0 ? x : 0; }
static inline T OF(floor_value)(T x) { return x; } /* what is whole stays */
static inline T OF(ceil_value)(T x) { return x; }
static inline T OF(round_value)(T x) { return x; }
static inline T OF(trunc_value)(T x) { return x; }

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
