/* Complex rows and powers of CUDA, their threads run as fibres, against the CPU's, whose functions are the C library's: the
 * same kind of number everywhere, cuts and infinities among them, and close to it otherwise, as a part of the larger part's
 * size.  complex64 is computed in double, and rounded once. */
#include "on_fibres.h"

enum { NUMBERS = 2600 };

typedef struct {
    double re, im;
} pair;
typedef struct {
    float re, im;
} small_pair;

/* Every pair of hard numbers, then numbers of everyday, near 1, near the axes, near the circle. */
static const pair *numbers(void)
{
    static const double hard[] = {0, -0.0, 1, -1, 0.5, 2, -2, 1e-3, -30, 100, -800, 1e-300, -1e300, 0x1p-1074, 1e19, INFINITY, -INFINITY, NAN};
    enum { HARD = sizeof hard / sizeof *hard };
    static pair z[NUMBERS];
    static int n;
    for (; n < HARD * HARD; n++) z[n] = (pair){hard[n / HARD], hard[n % HARD]};
    for (; n < NUMBERS; n++) {
        double re = next_number(), im = next_number(), tiny = exp(40 * next_number() - 40);
        const pair kinds[] = {{8 * re, 8 * im}, {1 + tiny * re, tiny * im}, {4 * re, tiny * im}, {tiny * re, 4 * im}, {cos(9 * re) * (1 + tiny * im), sin(9 * re)}};
        z[n] = kinds[n % 5];
    }
    return z;
}
static small_pair small_of(pair z) { return (small_pair){(float)z.re, (float)z.im}; }

static double tolerance(void) { return fmax(0x1p-50, least_tolerance(TR_COMPLEX128)); }

/* Both types' numbers, the same ones.  A loop each: gcc 12 vectorises one that narrows and widens to no narrowing at all. */
static void make_small(small_pair *small, pair *wide)
{
    for (int i = 0; i < NUMBERS; i++) small[i] = small_of(wide[i]);
    for (int i = 0; i < NUMBERS; i++) wide[i] = (pair){(double)small[i].re, (double)small[i].im};
}

static void run(kernel_table table, int kernel, tr_dtype type, int64_t n, void *out, const void *a, const void *b)
{
    static int runs;
    kernel_call call = flat(kernel, type, n, out, a, b, NULL);
    fibres_order = runs++ % FIBRES_ORDERS;
    assert_int_equal(table[kernel][type](&call), 0);
}

/* C leaves open which sign a zero or an infinity has beside a NaN; zeros' signs of quotients are no one's. */
static bool same_kind(double got, double want, double beside, bool signed_zero)
{
    if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
    if (isnan(beside)) return fabs(got) == fabs(want);
    return got == want && (got != 0 || !signed_zero || signbit(got) == signbit(want));
}

static bool close_enough(pair got, pair want, double apart, bool signed_zero)
{
    const double size = fmax(isinf(want.re) ? 0 : fabs(want.re), isinf(want.im) ? 0 : fabs(want.im)), most = apart * size + 0x1p-1073;
    return (same_kind(got.re, want.re, want.im, signed_zero) || fabs(got.re - want.re) <= most) && (same_kind(got.im, want.im, want.re, signed_zero) || fabs(got.im - want.im) <= most);
}

#define rows_of_complex(kernel)                         \
 for (int kernel = 0; kernel < KERNEL_ADD; kernel += 2) \
  if (on_gpu[kernel][TR_COMPLEX128] && kernel != KERNEL_abs)

TEST(every_row_is_near_the_cpus)
{
    static pair got[NUMBERS], want[NUMBERS];
    const pair *z = numbers();
    int rows = 0;
    rows_of_complex(kernel)
    {
        const bool quotient = kernel == KERNEL_reciprocal || kernel == KERNEL_sigmoid || kernel == KERNEL_silu;
        run(on_cpu, kernel, TR_COMPLEX128, NUMBERS, want, z, NULL);
        run(on_gpu, kernel, TR_COMPLEX128, NUMBERS, got, z, NULL);
        for (int i = 0; i < NUMBERS; i++) {
            if (quotient && fabs(z[i].re) + fabs(z[i].im) < 1e-300) continue; /* 1/z is no number, or has a part that is none */
            if (!close_enough(got[i], want[i], tolerance(), !quotient))
                fail_msg("%s of %.17g %+.17g i: %.17g %+.17g i, not %.17g %+.17g i", kernel_name(kernel), z[i].re, z[i].im, got[i].re, got[i].im, want[i].re, want[i].im);
        }
        rows++;
    }
    assert_int_equal(rows, 22);
}

TEST(single_precision_is_double_rounded)
{
    static pair wide[NUMBERS], got[NUMBERS];
    static small_pair z[NUMBERS], single[NUMBERS];
    memcpy(wide, numbers(), sizeof wide);
    make_small(z, wide);
    rows_of_complex(kernel)
    {
        run(on_gpu, kernel, TR_COMPLEX128, NUMBERS, got, wide, NULL);
        run(on_gpu, kernel, TR_COMPLEX64, NUMBERS, single, z, NULL);
        for (int i = 0; i < NUMBERS; i++) {
            const small_pair want = small_of(got[i]);
            if (!same_kind(single[i].re, want.re, 0, true) || !same_kind(single[i].im, want.im, 0, true))
                fail_msg("%s of %a %+a i: %a %+a i, not %a %+a i", kernel_name(kernel), wide[i].re, wide[i].im, single[i].re, single[i].im, want.re, want.im);
        }
    }
}

TEST(lengths_have_the_cpus_bits_in_single_precision)
{
    static small_pair z[NUMBERS];
    static float got[NUMBERS], want[NUMBERS];
    static double wide_got[NUMBERS], wide_want[NUMBERS];
    for (int i = 0; i < NUMBERS; i++) z[i] = small_of(numbers()[i]);
    run(on_cpu, KERNEL_abs, TR_COMPLEX64, NUMBERS, want, z, NULL);
    run(on_gpu, KERNEL_abs, TR_COMPLEX64, NUMBERS, got, z, NULL);
    run(on_cpu, KERNEL_abs, TR_COMPLEX128, NUMBERS, wide_want, numbers(), NULL);
    run(on_gpu, KERNEL_abs, TR_COMPLEX128, NUMBERS, wide_got, numbers(), NULL);
    for (int i = 0; i < NUMBERS; i++) {
        if (!same_kind(got[i], want[i], 0, true)) fail_msg("|%a %+a i| is %a, not %a", z[i].re, z[i].im, got[i], want[i]);
        if (!close_enough((pair){wide_got[i], 0}, (pair){wide_want[i], 0}, tolerance(), true)) fail_msg("|%a %+a i| is %a, not %a", numbers()[i].re, numbers()[i].im, wide_got[i], wide_want[i]);
    }
}

/* What rounds b log a is turned into by as much. */
TEST(powers_are_near_the_cpus)
{
    static pair a[NUMBERS], b[NUMBERS], got[NUMBERS], want[NUMBERS];
    static small_pair x[NUMBERS], y[NUMBERS], single[NUMBERS];
    static const double whole[] = {0, 1, 2, 3, -1, -2, 0.5};
    for (int i = 0; i < NUMBERS; i++) {
        a[i] = i % 9 == 0 ? (pair){i % 2 * next_number(), 0} : (pair){3 * next_number(), 3 * next_number()};
        b[i] = i % 3 == 0 ? (pair){whole[i / 3 % 7], 0} : (pair){4 * next_number(), 4 * next_number()};
    }
    make_small(x, a);
    make_small(y, b);
    run(on_cpu, KERNEL_POW, TR_COMPLEX128, NUMBERS, want, a, b);
    run(on_gpu, KERNEL_POW, TR_COMPLEX128, NUMBERS, got, a, b);
    run(on_gpu, KERNEL_POW, TR_COMPLEX64, NUMBERS, single, x, y);
    for (int i = 0; i < NUMBERS; i++) {
        const bool by_zero = a[i].re == 0 && a[i].im == 0 && b[i].re < 0; /* exp of infinities */
        if (!by_zero && !close_enough(got[i], want[i], 8 * tolerance(), false))
            fail_msg("(%g %+g i)^(%g %+g i): %.17g %+.17g i, not %.17g %+.17g i", a[i].re, a[i].im, b[i].re, b[i].im, got[i].re, got[i].im, want[i].re, want[i].im);
        assert_true(same_kind(single[i].re, (float)got[i].re, 0, true) && same_kind(single[i].im, (float)got[i].im, 0, true));
    }
}

/* Strided, transposed and broadcast operands give what they give one after the other. */
TEST(elements_are_found_wherever_they_lie)
{
    enum { ROWS = 37,
           COLUMNS = 41,
           ALL = ROWS * COLUMNS };
    static pair got[2 * ALL], want[ALL], turned[ALL];
    const pair *z = numbers() + 400;
    for (int i = 0; i < ALL; i++) turned[i] = z[i % COLUMNS * ROWS + i / COLUMNS];
    for (int kernel = 0; kernel <= KERNEL_POW; kernel++) {
        if (!on_gpu[kernel][TR_COMPLEX128] || (kernel >= KERNEL_ADD && kernel < KERNEL_POW) || kernel == KERNEL_abs) continue;
        run(on_gpu, kernel, TR_COMPLEX128, ALL, want, turned, turned);
        kernel_call call = flat(kernel, TR_COMPLEX128, ALL, got, z, kernel == KERNEL_POW ? turned : NULL, NULL);
        call.form = KERNEL_STRIDED, call.ndim = 2;
        call.size[0] = ROWS, call.size[1] = COLUMNS;
        call.stride[0][0] = 2 * COLUMNS, call.stride[0][1] = 2;
        call.stride[1][0] = 1, call.stride[1][1] = ROWS;
        call.stride[2][0] = COLUMNS, call.stride[2][1] = 1;
        assert_int_equal(on_gpu[kernel][TR_COMPLEX128](&call), 0);
        for (int i = 0; i < ALL; i++) assert_bits(&got[2 * i], &want[i], sizeof *want);
    }
}
