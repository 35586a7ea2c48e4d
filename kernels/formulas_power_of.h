/* Powers of one floating type: included once per type with T, OF() and M(), the name of libm's function.  The small
 * whole powers, which programs write most, are products. */
static inline TR_BOTH T OF(pow)(T a, T b)
{
    return b == 2 ? a * a : b == 3 ? a * a * a
                        : b == 1   ? a
                                   : M(pow)(a, b);
}

/* The derivative of x^p for a number p, with the powers of a number: by 0.5 and -0.5 they are roots. */
static inline TR_BOTH T OF(pow_slope)(T x, T p)
{
    return p == 2 ? p * x : p == 3    ? p * (x * x)
                        : p == (T)0.5 ? p * (1 / M(sqrt)(x))
                        : p == (T)1.5 ? p * M(sqrt)(x)
                                      : p * M(pow)(x, p - 1);
}
