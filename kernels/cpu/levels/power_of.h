/* Loops of powers of one floating type: included once per type with T, OF() and M(), the name of libm's function. */
#include "kernels/formulas_power_of.h"

typedef T (*OF(power))(T a, T b);

/* Calls of what stands below; f: of every element. */
#define POW_EACH(f, ...)       OF(pow_each)(OF(f), __VA_ARGS__)
#define POW_ALL(...)           OF(pow_all)(__VA_ARGS__)
#define POW_REST(...)          OF(pow_rest)(__VA_ARGS__)
#define SLOPE_EACH(f, ...)     OF(slope_each)(OF(f), __VA_ARGS__)
#define POW_BACKWARD_REST(...) OF(pow_backward_rest)(__VA_ARGS__)

static INLINE void OF(pow_each)(OF(power) f, T *out, const T *a, int64_t n, T b)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) out[i] = f(a[i], b);
}

static inline T OF(first)(T a, T b) { return (void)b, a; }
static inline T OF(second)(T a, T b) { return (void)b, a * a; }
static inline T OF(third)(T a, T b) { return (void)b, a * a * a; }
static inline T OF(root)(T a, T b) { return (void)b, M(sqrt)(a); }
static inline T OF(over_root)(T a, T b) { return (void)b, 1 / M(sqrt)(a); }
static inline T OF(any)(T a, T b) { return M(pow)(a, b); }

/* out = a^b for one b. */
static void OF(pow_all)(T *out, const T *a, int64_t n, T b)
{
    if (b == 2)
        POW_EACH(second, out, a, n, b);
    else if (b == 3)
        POW_EACH(third, out, a, n, b);
    else if (b == 1)
        POW_EACH(first, out, a, n, b);
    else
        POW_EACH(any, out, a, n, b);
}

static __attribute__((noinline)) void OF(pow_rest)(void *const *at, int64_t n, unsigned ones)
{
    T *out = at[0];
    const T *a = at[1], *b = at[2];
    if (n <= 0) return;
    const T one_a = *a, one_b = *b; /* out may be a or b: read before it is written */
    if (ones & 4 && !(ones & 2)) {
        POW_ALL(out, a, n, one_b);
        return;
    }
    for (int64_t i = 0; i < n; i++) out[i] = OF(pow)(ones & 2 ? one_a : a[i], ones & 4 ? one_b : b[i]);
}

/* (out, a, b); a or b may be one element.  Squares, which most are, want none of what the others do. */
static void OF(pow_loop)(void *const *at, int64_t n, unsigned ones)
{
    if (n > 0 && *(const T *)at[2] == 2 && (n == 1 || (ones & 6) == 4))
        POW_EACH(second, at[0], at[1], n, 2);
    else
        POW_REST(at, n, ones);
}

static INLINE void OF(slope_each)(OF(power) f, T *dx, const T *dy, const T *x, int64_t n, unsigned ones, T p)
{
    const T one_dy = *dy, less = p - 1;
    if (ones & 2)
#pragma omp simd
        for (int64_t i = 0; i < n; i++) dx[i] = one_dy * (p * f(x[i], less));
    else
#pragma omp simd
        for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * (p * f(x[i], less));
}

static __attribute__((noinline)) void OF(pow_backward_rest)(void *const *at, int64_t n, unsigned ones)
{
    T *dx = at[0];
    const T *dy = at[1], *x = at[2], p = *(const T *)at[3];
    if (n <= 0) return;
    if (p == 3)
        SLOPE_EACH(second, dx, dy, x, n, ones, p);
    else if (p == (T)0.5)
        SLOPE_EACH(over_root, dx, dy, x, n, ones, p);
    else if (p == (T)1.5)
        SLOPE_EACH(root, dx, dy, x, n, ones, p);
    else if (p == 0)
        for (int64_t i = 0; i < n; i++) dx[i] = 0;
    else
        SLOPE_EACH(any, dx, dy, x, n, ones, p);
}

/* (dx, dy, x, p): dx = dy (p x^(p-1)); dy may be one element, p is */
static void OF(pow_backward_loop)(void *const *at, int64_t n, unsigned ones)
{
    if (n > 0 && *(const T *)at[3] == 2)
        SLOPE_EACH(first, at[0], at[1], at[2], n, ones, 2);
    else
        POW_BACKWARD_REST(at, n, ones);
}
