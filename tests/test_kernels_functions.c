/* The float32 polynomials against libm's float64, over a sample of all bit patterns. */
#include "kernels.h"

enum { STEP = 9973,
       MANY = 4096 };

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* |got - want| in units of the last place of a float at want. */
static double ulps(float got, double want)
{
    if (isnan(want)) return isnan(got) ? 0 : INFINITY;
    if (isnan(got)) return INFINITY;
    if ((double)got == want || got == (float)want) return 0;
    if (isinf(got)) return isinf((float)want) || fabs(want) > 3.4028235e38 ? 0 : INFINITY;
    int exponent;
    frexp(want, &exponent);
    return fabs((double)got - want) / ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

static void check_function(int kernel, double (*f)(double), double most)
{
    static float x[MANY], y[MANY];
    for (int l = 0; l < levels(); l++) {
        double worst = 0;
        float worst_x = 0;
        for (uint64_t bits = 0; bits < (1ull << 32);) {
            int n = 0;
            for (; n < MANY && bits < (1ull << 32); n++, bits += STEP) x[n] = of_bits((uint32_t)bits);
            kernel_call call = flat(kernel, TR_FLOAT32, n, y, x, NULL, NULL);
            run_on(l, &call);
            for (int i = 0; i < n; i++) {
                double error = ulps(y[i], f((double)x[i]));
                if (error > worst) worst = error, worst_x = x[i];
            }
        }
        if (getenv("SHOW_ULPS")) print_message("%s %s: %.2f ulp at %.9g\n", level_name[l], kernel_name(kernel), worst, (double)worst_x);
        if (!(worst <= most)) fail_msg("%s on %s: %.2f ulp at %.9g", kernel_name(kernel), level_name[l], worst, (double)worst_x);
    }
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

TEST(exp_is_right_everywhere) { check_function(KERNEL_exp, exp, 2.5); }
TEST(log_is_right_everywhere) { check_function(KERNEL_log, log, 2.5); }
TEST(sin_is_right_everywhere) { check_function(KERNEL_sin, sin, 2.5); }
TEST(cos_is_right_everywhere) { check_function(KERNEL_cos, cos, 2.5); }
TEST(tanh_is_right_everywhere) { check_function(KERNEL_tanh, tanh, 2.5); }

/* libm's own in float32: good on every argument. */
TEST(the_rarer_functions_are_right_everywhere)
{
    check_function(KERNEL_log1p, log1p, 2.5);
    check_function(KERNEL_expm1, expm1, 2.5);
    check_function(KERNEL_log2, log2, 2.5);
    check_function(KERNEL_log10, log10, 2.5);
    check_function(KERNEL_exp2, exp2, 2.5);
    check_function(KERNEL_tan, tan, 2.5);
    check_function(KERNEL_asin, asin, 2.5);
    check_function(KERNEL_acos, acos, 2.5);
    check_function(KERNEL_atan, atan, 2.5);
    check_function(KERNEL_sinh, sinh, 2.5);
    check_function(KERNEL_cosh, cosh, 2.5);
    check_function(KERNEL_erf, erf, 2.5);
    check_function(KERNEL_round, rint, 0);
    check_function(KERNEL_floor, floor, 0);
}

TEST(sigmoid_of_usual_arguments_is_right)
{
    float x[2000], y[2000];
    for (int i = 0; i < 2000; i++) x[i] = (float)(i - 1000) * 0.08f;
    for (int l = 0; l < levels(); l++) {
        kernel_call call = flat(KERNEL_sigmoid, TR_FLOAT32, 2000, y, x, NULL, NULL);
        run_on(l, &call);
        for (int i = 0; i < 2000; i++)
            if (!(ulps(y[i], sigmoid((double)x[i])) <= 3)) fail_msg("sigmoid(%g) = %.9g", (double)x[i], (double)y[i]);
    }
}

static const float awkward[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 1.1754942e-38f, 3.4028235e38f, -3.4028235e38f, 1e6f, 1e7f, -1e30f, 88.7f, 88.8f, -103.9f, -104.1f, 1.0f, 0.625f, 1048576.0f, 1048577.0f};
enum { AWKWARD = sizeof awkward / sizeof *awkward };

TEST(awkward_arguments_give_what_mathematics_says)
{
    static const struct {
        int kernel;
        double (*f)(double);
    } functions[] = {
        {KERNEL_exp, exp},
        {KERNEL_log, log},
        {KERNEL_sin, sin},
        {KERNEL_cos, cos},
        {KERNEL_tanh, tanh},
        {KERNEL_sqrt, sqrt}};
    for (int l = 0; l < levels(); l++)
        for (int f = 0; f < 6; f++) {
            float y[AWKWARD];
            kernel_call call = flat(functions[f].kernel, TR_FLOAT32, AWKWARD, y, awkward, NULL, NULL);
            run_on(l, &call);
            for (int i = 0; i < AWKWARD; i++) {
                double want = functions[f].f((double)awkward[i]);
                if (!(ulps(y[i], want) <= 2.5) || (y[i] == 0 && signbit(y[i]) != signbit((float)want)))
                    fail_msg("%s(%.9g) = %.9g, not %.9g (%s)", kernel_name(functions[f].kernel), (double)awkward[i], (double)y[i], want, level_name[l]);
            }
        }
}

static const int all[] = {KERNEL_exp, KERNEL_log, KERNEL_sin, KERNEL_cos, KERNEL_tanh, KERNEL_sigmoid, KERNEL_sqrt, KERNEL_reciprocal};

static void fill_numbers(float *x, int n)
{
    for (int i = 0; i < n; i++) x[i] = (float)ldexp(next_number(), i % 17 - 8);
    x[3] = 1e8f; /* one that sin and cos do with care */
}

TEST(a_value_does_not_depend_on_where_it_stands)
{
    enum { N = 700 };
    float x[N], y[N], one;
    fill_numbers(x, N);
    for (int l = 0; l < levels(); l++)
        for (int f = 0; f < 8; f++) {
            kernel_call whole = flat(all[f], TR_FLOAT32, N, y, x, NULL, NULL);
            run_on(l, &whole);
            for (int i = 0; i < N; i++) {
                kernel_call single = flat(all[f], TR_FLOAT32, 1, &one, x + i, NULL, NULL);
                run_on(l, &single);
                assert_bits(&one, y + i, sizeof one);
            }
        }
}

TEST(levels_with_fma_agree_in_every_bit)
{
    enum { N = 20000 };
    static float x[N], y3[N], y4[N];
    int v3 = level_called("v3"), v4 = level_called("v4");
    if (v3 < 0 || v4 < 0) skip_because("the processor has no AVX-512");
    fill_numbers(x, N);
    for (int f = 0; f < 8; f++) {
        kernel_call on3 = flat(all[f], TR_FLOAT32, N, y3, x, NULL, NULL), on4 = flat(all[f], TR_FLOAT32, N, y4, x, NULL, NULL);
        run_on(v3, &on3);
        run_on(v4, &on4);
        assert_bits(y3, y4, sizeof y3);
    }
}
