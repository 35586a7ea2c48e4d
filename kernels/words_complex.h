/* The words of pointwise.def for complex numbers, where they differ from words_number.h: include after it, with OF() and
 * R, the type of their parts.
 * Words that complex numbers do not have stand for anything that compiles: rows that use one are not served. */
#undef lt
#undef le
#undef gt
#undef ge
#undef where
#undef abs
#undef sign
#undef floor
#undef ceil
#undef round
#undef trunc
#undef erf
#define lt(a, b)       (a)
#define le(a, b)       (a)
#define gt(a, b)       (a)
#define ge(a, b)       (a)
#define where(c, a, b) (b)
#define abs(a)         (a)
#define sign(a)        (a)
#define floor(a)       (a)
#define ceil(a)        (a)
#define round(a)       (a)
#define trunc(a)       (a)
#define erf(a)         (a)

/* C has no functions for these.  A factor is a real number, or infinities times its 0i would be NaN. */
#undef log1p
#undef expm1
#undef log2
#undef log10
#undef exp2
#define log1p(a) OF(log1p)((T)(a))
#define expm1(a) OF(expm1)((T)(a))
#define log2(a)  (log(a) / (R)0.69314718055994531)
#define log10(a) (log(a) / (R)2.3025850929940457)
#define exp2(a)  exp((T)(a) * (R)0.69314718055994531)
