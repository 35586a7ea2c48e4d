/* Arithmetic of two complex numbers, included once per type with T, OF() and R, the type of its parts. */
#define ROUNDED TR_JOIN_(rounded_, R)

static inline TR_BOTH T OF(complex_of)(R re, R im)
{
    T z;
    z.re = re, z.im = im;
    return z;
}

static inline TR_BOTH T OF(add)(T a, T b) { return OF(complex_of)(a.re + b.re, a.im + b.im); }
static inline TR_BOTH T OF(sub)(T a, T b) { return OF(complex_of)(a.re - b.re, a.im - b.im); }
static inline TR_BOTH T OF(mul)(T a, T b)
{
    return OF(complex_of)(ROUNDED(a.re * b.re) - ROUNDED(a.im * b.im), ROUNDED(a.re * b.im) + ROUNDED(a.im * b.re));
}

/* Smith's way: the larger part of b is divided out first, so that nothing overflows that need not.
 * see  R. L. Smith, Algorithm 116: Complex division, CACM 5 (1962) */
static inline TR_BOTH T OF(div)(T a, T b)
{
    R re = b.re < 0 ? -b.re : b.re, im = b.im < 0 ? -b.im : b.im;
    if (re == 0 && im == 0) return OF(complex_of)(a.re / re, a.im / re);
    if (re >= im) {
        R ratio = b.im / b.re, below = b.re + ROUNDED(b.im * ratio);
        return OF(complex_of)((a.re + ROUNDED(a.im * ratio)) / below, (a.im - ROUNDED(a.re * ratio)) / below);
    }
    R ratio = b.re / b.im, below = ROUNDED(b.re * ratio) + b.im;
    return OF(complex_of)((ROUNDED(a.re * ratio) + a.im) / below, (ROUNDED(a.im * ratio) - a.re) / below);
}

#undef ROUNDED
