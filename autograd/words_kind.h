/* The words of pointwise.def said of C types: is the value of an integer x an integer or a floating number?
 * KIND_FLOATS_(expression) is true for the latter, at compile time: div(1, x) is, mul(x, x) is not. */
#define KIND_FLOATS_(v) _Generic((v), double     \
                                 : true, default \
                                 : false)
#define add(a, b)      ((a) + (b))
#define sub(a, b)      ((a) - (b))
#define mul(a, b)      ((a) * (b))
#define div(a, b)      (1.0 * (a) * (b))
#define neg(a)         (-(a))
#define abs(a)         (a)
#define sign(a)        (a)
#define sqrt(a)        (1.0 * (a))
#define exp(a)         (1.0 * (a))
#define log(a)         (1.0 * (a))
#define sin(a)         (1.0 * (a))
#define cos(a)         (1.0 * (a))
#define tanh(a)        (1.0 * (a))
#define lt(a, b)       ((a) < (b))
#define le(a, b)       ((a) <= (b))
#define gt(a, b)       ((a) > (b))
#define ge(a, b)       ((a) >= (b))
#define where(c, a, b) ((c) ? (a) : (b))
