// CTEST LABELS long
/* Every function of one float32 on every float32 there is, 2^32 of them, against libm's float64; and the same bits from
 * every level that has fma.  A minute or two for each function and core: ./dev test --long.  What it finds stands in
 * docs/accuracy.md; test_kernels_functions.c looks at a sample.
 *
 * Where that is too long at a time, TRIREME_TEST_FLOATS=FROM-TO names the first float and the last by their bits:
 *     TRIREME_TEST_FLOATS=3f800000-3fffffff build/dev/tests/test_long_functions exp2                   # 1 to 2 */
#include "kernels.h"
#include "ulps.h"

#include <stdio.h>

enum { CHUNK = 4096 };

typedef struct {
    int kernel;
    double (*f)(double);
    float from; /* results for smaller arguments may be off by the smallest normal number */
    double worst[MOST_LEVELS];
    float at[MOST_LEVELS];
    bool bits_differ;
} survey;

/* Whether two arrays are equal, where NaN is NaN. */
static bool same(const float *a, const float *b)
{
    if (memcmp((const char *)a, (const char *)b, sizeof(float) * CHUNK) == 0) return true;
    for (int i = 0; i < CHUNK; i++)
        if (memcmp((const char *)(a + i), (const char *)(b + i), sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

static void look_at(survey *s, uint32_t first)
{
    float x[CHUNK], y[MOST_LEVELS][CHUNK], at[MOST_LEVELS] = {0};
    double worst[MOST_LEVELS] = {0};
    for (uint32_t i = 0; i < CHUNK; i++) x[i] = float_of_bits(first + i);
    for (int l = 0; l < levels(); l++) {
        kernel_call call = flat(s->kernel, TR_FLOAT32, CHUNK, y[l], x, NULL, NULL);
        level_table[l][call.kernel][call.type](&call);
    }
    for (int i = 0; i < CHUNK; i++) {
        double want = s->f((double)x[i]);
        for (int l = 0; l < levels(); l++) {
            if (x[i] < s->from && fabs((double)y[l][i] - want) <= 0x1p-126) continue;
            double error = ulps(y[l][i], want);
            if (want == 0 && !signbit(y[l][i]) != !signbit(want)) error = INFINITY;
            if (!(error <= worst[l])) worst[l] = error, at[l] = x[i];
        }
    }
    int v3 = level_called("v3"), v4 = level_called("v4");
    bool differ = v3 >= 0 && v4 >= 0 && !same(y[v3], y[v4]);
#pragma omp critical
    {
        for (int l = 0; l < levels(); l++)
            if (!(worst[l] <= s->worst[l])) s->worst[l] = worst[l], s->at[l] = at[l];
        s->bits_differ |= differ;
    }
}

/* The first float and the one behind the last, in whole chunks. */
static void find_floats(int64_t *first, int64_t *end)
{
    unsigned from = 0, to = UINT32_MAX;
    const char *asked = getenv("TRIREME_TEST_FLOATS");
    char rest;
    if (asked && (sscanf(asked, "%8x-%8x%c", &from, &to, &rest) != 2 || from > to)) fail_msg("TRIREME_TEST_FLOATS=%s: no FROM-TO", asked);
    *first = from / CHUNK * CHUNK;
    *end = (int64_t)to + 1;
}

static void check_all(int kernel, double (*f)(double), float from, double most)
{
    survey s = {.kernel = kernel, .f = f, .from = from};
    int64_t begin, end;
    find_floats(&begin, &end);
    levels(); /* found before threads ask */
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t first = begin; first < end; first += CHUNK) look_at(&s, (uint32_t)first);
    for (int l = 0; l < levels(); l++)
        print_message("%s %s: %.3f ulp at %.9g\n", kernel_name(kernel), level_name[l], s.worst[l], (double)s.at[l]);
    for (int l = 0; l < levels(); l++)
        if (!(s.worst[l] <= most)) fail_msg("%s on %s: %.3f ulp at %.9g", kernel_name(kernel), level_name[l], s.worst[l], (double)s.at[l]);
    if (s.bits_differ) fail_msg("%s: v3 and v4 differ", kernel_name(kernel));
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double square(double x) { return x * x; }
static double reciprocal(double x) { return 1 / x; }
static double relu(double x) { return x <= 0 ? 0 : x; }
static double negative(double x) { return -x; }
static double sign(double x) { return (x > 0) - (x < 0); }

#define EVERY_FLOAT_OF(kernel, f, from, most) \
 TEST(every_float_of_##kernel) { check_all(KERNEL_##kernel, f, from, most); }

/* Our own. */
EVERY_FLOAT_OF(exp, exp, -INFINITY, 2.5)
EVERY_FLOAT_OF(log, log, -INFINITY, 2.5)
EVERY_FLOAT_OF(sin, sin, -INFINITY, 2.5)
EVERY_FLOAT_OF(cos, cos, -INFINITY, 2.5)
EVERY_FLOAT_OF(tanh, tanh, -INFINITY, 2.5)
EVERY_FLOAT_OF(expm1, expm1, -INFINITY, 2.5)
EVERY_FLOAT_OF(log1p, log1p, -INFINITY, 2.5)
EVERY_FLOAT_OF(erf, erf, -INFINITY, 2.5)
EVERY_FLOAT_OF(exp2, exp2, -INFINITY, 2.5)
EVERY_FLOAT_OF(asin, asin, -INFINITY, 2.5)
EVERY_FLOAT_OF(acos, acos, -INFINITY, 2.5)
EVERY_FLOAT_OF(atan, atan, -INFINITY, 2.5)
EVERY_FLOAT_OF(sinh, sinh, -INFINITY, 2.5)
EVERY_FLOAT_OF(cosh, cosh, -INFINITY, 2.5)
EVERY_FLOAT_OF(sigmoid, sigmoid, -87.0f, 2.5)

/* Rounded once. */
EVERY_FLOAT_OF(sqrt, sqrt, -INFINITY, 0)
EVERY_FLOAT_OF(reciprocal, reciprocal, -INFINITY, 0.5)
EVERY_FLOAT_OF(square, square, -INFINITY, 0.5)
EVERY_FLOAT_OF(neg, negative, -INFINITY, 0)
EVERY_FLOAT_OF(abs, fabs, -INFINITY, 0)
EVERY_FLOAT_OF(sign, sign, -INFINITY, 0)
EVERY_FLOAT_OF(relu, relu, -INFINITY, 0)
EVERY_FLOAT_OF(floor, floor, -INFINITY, 0)
EVERY_FLOAT_OF(ceil, ceil, -INFINITY, 0)
EVERY_FLOAT_OF(round, rint, -INFINITY, 0)
EVERY_FLOAT_OF(trunc, trunc, -INFINITY, 0)

/* libm's in float32. */
EVERY_FLOAT_OF(log2, log2, -INFINITY, 2.5)
EVERY_FLOAT_OF(log10, log10, -INFINITY, 2.5)
EVERY_FLOAT_OF(tan, tan, -INFINITY, 2.5)
