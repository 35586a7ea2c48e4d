/* The loops of the rows of pointwise.def in one type: included once per type by pointwise.c, with
 *   T         the type          OF(name)   name_f32: what is made here carries its type
 *   M(word)   the scalar function of a word */
#include "kernels/rows_of.h"

typedef T (*OF(value))(T x);
typedef T (*OF(derivative))(T x, T y);

static bool OF(any_nan)(const T *x, int64_t n)
{
    int nans = 0;
    for (int64_t i = 0; i < n; i++) nans |= x[i] != x[i];
    return nans != 0;
}

/* y = value(x).  A row that uses sin or cos has a careful version too, and goes block by block: y may be x, so NaN has
 * to be looked at before y is written. */
static INLINE void OF(run)(OF(value) value, OF(value) careful, void *const *at, int64_t n)
{
    T *y = at[0];
    const T *x = at[1];
    if (!careful) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = value(x[i]);
        return;
    }
    for (int64_t from = 0; from < n; from += BLOCK) {
        T block[BLOCK];
        int64_t count = n - from < BLOCK ? n - from : BLOCK;
        int nans = 0;
#pragma omp simd reduction(| \
                           : nans)
        for (int64_t i = 0; i < count; i++) {
            block[i] = value(x[from + i]);
            nans |= block[i] != block[i];
        }
        if (nans) {
            for (int64_t i = 0; i < count; i++)
                if (block[i] != block[i]) block[i] = careful(x[from + i]);
        }
        memcpy(y + from, block, (size_t)count * sizeof *y);
    }
}

/* dx = dy derivative(x, y), reading only what `uses` says; dy may be one element, the gradient of a sum. */
static INLINE void OF(run_backward)(OF(derivative) derivative, OF(derivative) careful, unsigned uses, bool chooses, void *const *at, int64_t n, unsigned ones)
{
    T *dx = at[0];
    const T *dy = at[1], *x = at[2], *y = at[3];
    if (n <= 0) return;
    if (!careful && (ones & 2)) {
        const T one = *dy; /* read only here: known as dy[0], it makes gcc carry dy from turn to turn, and no vector code */
#pragma omp simd
        for (int64_t i = 0; i < n; i++) dx[i] = OF(times)(chooses, one, derivative(uses & KERNEL_USES_X ? x[i] : 0, uses & KERNEL_USES_Y ? y[i] : 0));
        return;
    }
    if (!careful) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) dx[i] = OF(times)(chooses, dy[i], derivative(uses & KERNEL_USES_X ? x[i] : 0, uses & KERNEL_USES_Y ? y[i] : 0));
        return;
    }
    const T one = *dy;
    for (int64_t from = 0; from < n; from += BLOCK) {
        T block[BLOCK];
        int64_t count = n - from < BLOCK ? n - from : BLOCK;
        for (int64_t i = 0; i < count; i++) block[i] = derivative(uses & KERNEL_USES_X ? x[from + i] : 0, uses & KERNEL_USES_Y ? y[from + i] : 0);
        if (OF(any_nan)(block, count)) {
            for (int64_t i = 0; i < count; i++)
                if (block[i] != block[i]) block[i] = careful(uses & KERNEL_USES_X ? x[from + i] : 0, uses & KERNEL_USES_Y ? y[from + i] : 0);
        }
#pragma omp simd
        for (int64_t i = 0; i < count; i++) dx[from + i] = (ones & 2 ? one : dy[from + i]) * block[i];
    }
}

#define RUN          OF(run)
#define RUN_BACKWARD OF(run_backward)
#define ROW(name, ...)                                                                                                                                \
 static void OF(name##_loop)(void *const *at, int64_t n, unsigned ones)                                                                               \
 {                                                                                                                                                    \
  (void)ones;                                                                                                                                         \
  RUN(OF(name##_value), name##_value_is_careful ? OF(name##_careful_value) : NULL, at, n);                                                            \
 }                                                                                                                                                    \
 static void OF(name##_backward_loop)(void *const *at, int64_t n, unsigned ones)                                                                      \
 {                                                                                                                                                    \
  RUN_BACKWARD(OF(name##_derivative), name##_derivative_is_careful ? OF(name##_careful_derivative) : NULL, name##_uses, name##_chooses, at, n, ones); \
 }
#include "kernels/pointwise.def"
#undef ROW
#undef RUN
#undef RUN_BACKWARD
