/* Loops of two operands in one type, included once per type with T, OF() and RESULT, the output's type; the including
 * file brings the formulas.  Either operand may be one element for all. */
typedef RESULT (*OF(formula))(T a, T b);

static INLINE void OF(run)(OF(formula) f, void *const *at, int64_t n, unsigned ones)
{
    RESULT *out = at[0];
    const T *a = at[1], *b = at[2];
    if (n <= 0) return;
    const T one_a = *a, one_b = *b; /* out may be a or b: read before it is written */
    if (n == 1) {
        *out = f(one_a, one_b);
        return;
    }
    switch (ones & 6u) {
    case 0:
#pragma omp simd
        for (int64_t i = 0; i < n; i++) out[i] = f(a[i], b[i]);
        break;
    case 2:
#pragma omp simd
        for (int64_t i = 0; i < n; i++) out[i] = f(one_a, b[i]);
        break;
    case 4:
#pragma omp simd
        for (int64_t i = 0; i < n; i++) out[i] = f(a[i], one_b);
        break;
    default:
        for (int64_t i = 0; i < n; i++) out[i] = f(one_a, one_b);
    }
}
