/* Arithmetic of complex numbers, included once per type with T, OF() and R, the type of its parts. */
static inline T OF(add)(T a, T b) { return (T){a.re + b.re, a.im + b.im}; }
static inline T OF(sub)(T a, T b) { return (T){a.re - b.re, a.im - b.im}; }
static inline T OF(mul)(T a, T b) { return (T){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }

/* Smith's way: the larger part of b is divided out first, so that nothing overflows that need not.
 * see  R. L. Smith, Algorithm 116: Complex division, CACM 5 (1962) */
static inline T OF(div)(T a, T b)
{
    R re = b.re < 0 ? -b.re : b.re, im = b.im < 0 ? -b.im : b.im;
    if (re == 0 && im == 0) return (T){a.re / re, a.im / re};
    if (re >= im) {
        R ratio = b.im / b.re, below = b.re + b.im * ratio;
        return (T){(a.re + a.im * ratio) / below, (a.im - a.re * ratio) / below};
    }
    R ratio = b.re / b.im, below = b.re * ratio + b.im;
    return (T){(a.re * ratio + a.im) / below, (a.im * ratio - a.re) / below};
}

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
