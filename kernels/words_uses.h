/* The words of pointwise.def read as sets: what an expression uses.  With x as USES_X_ and y as USES_Y_, both unsigned,
 * an expression becomes the set of what it names, as a constant; numbers are nothing.  Nobody so writes "saves y" by hand:
 *   enum { tanh_saves = USES_(sub(1, mul(y, y))) & (KERNEL_USES_X | KERNEL_USES_Y) }  with  x = 1u, y = 2u.
 * USES_SIN says that sin or cos is called, which want a careful look at huge arguments (functions_f32.h);
 * USES_SERIES that any of the functions is that costs ten additions or more; USES_REAL that a word is which complex
 * numbers do not have, so that the row does not serve them; USES_CHOICE that dx is dy or 0 and no product.
 * Include words_undo.h afterwards. */
#ifdef __cplusplus
# ifndef USES_OVERLOADED
#  define USES_OVERLOADED
static constexpr unsigned uses_overloaded(unsigned set) { return set; }
template <class number>
static constexpr unsigned uses_overloaded(number) { return 0; }
# endif
# define USES_(v) uses_overloaded(v)
#else
# define USES_(v) _Generic((v), unsigned \
                           : (v), default : 0u)
#endif
#define USES_SIN       4u
#define USES_SERIES    8u
#define USES_REAL      16u
#define USES_CHOICE    32u
#define add(a, b)      (USES_(a) | USES_(b))
#define sub(a, b)      (USES_(a) | USES_(b))
#define mul(a, b)      (USES_(a) | USES_(b))
#define div(a, b)      (USES_(a) | USES_(b))
#define neg(a)         USES_(a)
#define lt(a, b)       (USES_(a) | USES_(b) | USES_REAL)
#define le(a, b)       (USES_(a) | USES_(b) | USES_REAL)
#define gt(a, b)       (USES_(a) | USES_(b) | USES_REAL)
#define ge(a, b)       (USES_(a) | USES_(b) | USES_REAL)
#define where(c, a, b) (USES_(c) | USES_(a) | USES_(b))
#define unless(c)      (USES_(c) | USES_CHOICE)
#define abs(a)         (USES_(a) | USES_REAL)
#define sign(a)        (USES_(a) | USES_REAL)
#define sqrt(a)        USES_(a)
#define exp(a)         (USES_(a) | USES_SERIES)
#define log(a)         (USES_(a) | USES_SERIES)
#define sin(a)         (USES_(a) | USES_SIN | USES_SERIES)
#define cos(a)         (USES_(a) | USES_SIN | USES_SERIES)
#define tanh(a)        (USES_(a) | USES_SERIES)
#define floor(a)       (USES_(a) | USES_REAL)
#define ceil(a)        (USES_(a) | USES_REAL)
#define round(a)       (USES_(a) | USES_REAL)
#define trunc(a)       (USES_(a) | USES_REAL)
#define log1p(a)       (USES_(a) | USES_SERIES)
#define expm1(a)       (USES_(a) | USES_SERIES)
#define log2(a)        (USES_(a) | USES_SERIES)
#define log10(a)       (USES_(a) | USES_SERIES)
#define exp2(a)        (USES_(a) | USES_SERIES)
#define tan(a)         (USES_(a) | USES_SERIES)
#define asin(a)        (USES_(a) | USES_SERIES)
#define acos(a)        (USES_(a) | USES_SERIES)
#define atan(a)        (USES_(a) | USES_SERIES)
#define sinh(a)        (USES_(a) | USES_SERIES)
#define cosh(a)        (USES_(a) | USES_SERIES)
#define erf(a)         (USES_(a) | USES_SERIES | USES_REAL)
