/* The rows that integers have, wrapping around: included once per type, with T, its unsigned arithmetic type U, OF(). */
static inline T OF(neg_value)(T x) { return (T)(0 - (U)x); }
static inline T OF(abs_value)(T x) { return x > 0 ? x : OF(neg_value)(x); }
static inline T OF(sign_value)(T x) { return (T)(x > 0 ? 1 : x == 0 ? 0
                                                                    : -1); }
static inline T OF(square_value)(T x) { return (T)((U)x * (U)x); }
static inline T OF(relu_value)(T x) { return x > 0 ? x : 0; }

typedef T OF(value_fn)(T x);

static INLINE void OF(run)(OF(value_fn) * value, void *const *at, int64_t n)
{
    T *y = at[0];
    const T *x = at[1];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) y[i] = value(x[i]);
}

static void OF(neg_loop)(void *const *at, int64_t n, unsigned ones) { (void)ones, OF(run)(OF(neg_value), at, n); }
static void OF(abs_loop)(void *const *at, int64_t n, unsigned ones) { (void)ones, OF(run)(OF(abs_value), at, n); }
static void OF(sign_loop)(void *const *at, int64_t n, unsigned ones) { (void)ones, OF(run)(OF(sign_value), at, n); }
static void OF(square_loop)(void *const *at, int64_t n, unsigned ones) { (void)ones, OF(run)(OF(square_value), at, n); }
static void OF(relu_loop)(void *const *at, int64_t n, unsigned ones) { (void)ones, OF(run)(OF(relu_value), at, n); }
