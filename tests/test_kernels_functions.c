/* The float32 polynomials against libm's float64, over a sample of all bit patterns. */
#include "kernels.h"
#include "kernels/functions_f32.h"
#include "ulps.h"

enum { STEP = 9973,
       MANY = 4096 };

static const struct {
    int value, backward;
} rows[] = {
#define ROW(name, ...) {KERNEL_##name, KERNEL_##name##_backward},
#include "kernels/pointwise.def"
#undef ROW
};
enum { ROWS = sizeof rows / sizeof *rows };

static void check_function(int kernel, double (*f)(double), double most)
{
    static float x[MANY], y[MANY];
    for (int l = 0; l < levels(); l++) {
        double worst = 0;
        float worst_x = 0;
        for (uint64_t bits = 0; bits < (1ull << 32);) {
            int n = 0;
            for (; n < MANY && bits < (1ull << 32); n++, bits += STEP) x[n] = float_of_bits((uint32_t)bits);
            kernel_call call = flat(kernel, TR_FLOAT32, n, y, x, NULL, NULL);
            run_on(l, &call);
            for (int i = 0; i < n; i++) {
                double error = ulps(y[i], f((double)x[i]));
                if (!(error <= worst)) worst = error, worst_x = x[i];
            }
        }
        if (getenv("SHOW_ULPS")) print_message("%s %s: %.2f ulp at %.9g\n", level_name[l], kernel_name(kernel), worst, (double)worst_x);
        if (!(worst <= most)) fail_msg("%s on %s: %.2f ulp at %.9g", kernel_name(kernel), level_name[l], worst, (double)worst_x);
    }
}

static const float awkward[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 1.1754942e-38f, 3.4028235e38f, -3.4028235e38f, 1e6f, 1e7f, -1e30f, 88.7f, 88.8f, -103.9f, -104.1f, 1.0f, 0.625f, 1048576.0f, 1048577.0f};
enum { AWKWARD = sizeof awkward / sizeof *awkward };

/* Equal bits, where NaN is NaN. */
static void assert_same(int kernel, int level, const char *what, const float *got, int64_t step, const float *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (memcmp((const char *)(got + i * step), (const char *)(want + i), sizeof *got) != 0 && !(isnan(got[i * step]) && isnan(want[i])))
            fail_msg("%s on %s, %s: element %lld is %.9g, not %.9g", kernel_name(kernel), level_name[level], what, (long long)i, (double)got[i * step], (double)want[i]);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

TEST(exp_is_right_everywhere) { check_function(KERNEL_exp, exp, 2.5); }
TEST(log_is_right_everywhere) { check_function(KERNEL_log, log, 2.5); }
TEST(sin_is_right_everywhere) { check_function(KERNEL_sin, sin, 2.5); }
TEST(cos_is_right_everywhere) { check_function(KERNEL_cos, cos, 2.5); }
TEST(tanh_is_right_everywhere) { check_function(KERNEL_tanh, tanh, 2.5); }

/* What softmax takes instead, down to where it becomes denormal and then 0. */
TEST(exp_of_what_is_not_above_zero_has_the_bits_of_exp)
{
    for (uint64_t bits = 0; bits < (1ull << 32); bits += bits >> 24 == 0xc2 ? 7 : STEP) { /* 0xc2: -32 to -128 */
        const float x = float_of_bits((uint32_t)bits), y = exp_below_f32(x), want = exp_f32(x);
        if (isnan(x) ? !isnan(y) : x <= 0 && bits_of_f32(y) != bits_of_f32(want)) fail_msg("%.9g: %.9g, not %.9g", (double)x, (double)y, (double)want);
    }
}

/* What stands for exp and log in blocks of usual arguments. */
TEST(exp_and_log_of_usual_arguments_have_the_same_bits)
{
    for (uint64_t bits = 0; bits < (1ull << 32); bits += bits >> 20 == 0x42a || bits >> 20 == 0xc2a ? 1 : STEP) { /* 80 to 87, and -80 to -87 */
        const float x = float_of_bits((uint32_t)bits), size = fabsf(x);
        if (size <= 87 && bits_of_f32(exp_normal_f32(x)) != bits_of_f32(exp_f32(x))) fail_msg("exp(%.9g)", (double)x);
        if (isnormal(x) && x > 0 && bits_of_f32(log_normal_f32(x)) != bits_of_f32(log_f32(x))) fail_msg("log(%.9g)", (double)x);
    }
}

/* An odd argument in a block of usual ones changes its own value alone. */
TEST(odd_arguments_do_not_touch_their_block)
{
    enum { N = 1500 };
    const int kernels[] = {KERNEL_exp, KERNEL_log};
    float x[N], y[N], want[N];
    for (int l = 0; l < levels(); l++)
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < AWKWARD + 3; i++) {
                for (int j = 0; j < N; j++) x[j] = (float)(1 + j) * (i % 2 ? 0.05f : 1e-3f);
                if (i < AWKWARD) x[i * 70] = awkward[i];
                for (int j = 0; j < N; j++) {
                    kernel_call call = flat(kernels[k], TR_FLOAT32, 1, want + j, x + j, NULL, NULL);
                    run_on(l, &call);
                    double error = ulps(want[j], kernels[k] == KERNEL_exp ? exp((double)x[j]) : log((double)x[j]));
                    if (!(error <= 2.5)) fail_msg("%s(%.9g) on %s: %g ulp", kernel_name(kernels[k]), (double)x[j], level_name[l], error);
                }
                kernel_call call = flat(kernels[k], TR_FLOAT32, N, y, x, NULL, NULL);
                run_on(l, &call);
                assert_same(kernels[k], l, "many", y, 1, want, N);
                memcpy(y, x, sizeof y);
                call.at[1] = y;
                run_on(l, &call);
                assert_same(kernels[k], l, "in place", y, 1, want, N);
            }
}

/* Our own or libm's: good on every argument. */
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

/* Of every kind: quiet and signalling, of both signs, and such as an exponent added to their bits makes numbers of. */
static const uint32_t nans[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fbfffff, 0xffbfffff, 0x7fc12345, 0x7f800100};
enum { NANS = sizeof nans / sizeof *nans };

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
        {KERNEL_exp2, exp2},
        {KERNEL_sinh, sinh},
        {KERNEL_cosh, cosh},
        {KERNEL_asin, asin},
        {KERNEL_acos, acos},
        {KERNEL_atan, atan},
        {KERNEL_sqrt, sqrt}};
    for (int l = 0; l < levels(); l++)
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
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

TEST(every_kind_of_nan_stays_nan)
{
    float x[NANS], y[NANS];
    for (int i = 0; i < NANS; i++) x[i] = float_of_bits(nans[i]);
    for (int l = 0; l < levels(); l++)
        for (int r = 0; r < ROWS; r++) {
            if (rows[r].value == KERNEL_sign) continue; /* 0, as PyTorch has it */
            kernel_call call = flat(rows[r].value, TR_FLOAT32, NANS, y, x, NULL, NULL);
            run_on(l, &call);
            for (int i = 0; i < NANS; i++)
                if (!isnan(y[i])) fail_msg("%s(NaN %08x) = %g on %s", kernel_name(rows[r].value), nans[i], (double)y[i], level_name[l]);
        }
}

/* Forward, then backward: (y, x) or (dx, dy, x, y). */
static kernel_call call_of_row(int r, bool backward, int64_t n, float *out, const float *x)
{
    return backward ? flat(rows[r].backward, TR_FLOAT32, n, out, x, x, x) : flat(rows[r].value, TR_FLOAT32, n, out, x, NULL, NULL);
}

/* One element at a time is what the others have to agree with: every start and length up to 70, steps of 2 and 3, around
 * blocks of 512, and many elements on one thread and on two. */
TEST(a_value_does_not_depend_on_where_it_stands)
{
    enum { SHORT = 70,
           N = 1100,
           ALL = 70001 };
    static float x[ALL], y[ALL], want[ALL];
    for (int i = 0; i < N; i++) x[i] = i % 5 == 3 ? awkward[i / 5 % AWKWARD] : (float)ldexp(next_number(), i % 17 - 8);
    for (int i = N; i < ALL; i++) x[i] = x[i - N];
    for (int l = 0; l < levels(); l++)
        for (int r = 0; r < 2 * ROWS; r++) {
            bool backward = r % 2;
            int kernel = backward ? rows[r / 2].backward : rows[r / 2].value;
            for (int i = 0; i < N; i++) {
                kernel_call call = call_of_row(r / 2, backward, 1, want + i, x + i);
                run_on(l, &call);
            }
            for (int i = N; i < ALL; i++) want[i] = want[i - N];
            for (int from = 0; from < SHORT; from++)
                for (int n = 1; n <= SHORT; n++) {
                    kernel_call call = call_of_row(r / 2, backward, n, y + from % 16, x + from);
                    run_on(l, &call);
                    assert_same(kernel, l, "short", y + from % 16, 1, want + from, n);
                }
            for (int n = 510; n <= 514; n++) {
                kernel_call call = call_of_row(r / 2, backward, 2 * n, y, x + 1);
                run_on(l, &call);
                assert_same(kernel, l, "around a block", y, 1, want + 1, 2 * n);
            }
            for (int64_t step = 2; step <= 3; step++) {
                kernel_call call = call_of_row(r / 2, backward, 1030, y, x);
                call.form = KERNEL_STRIDED, call.ndim = 1, call.size[0] = 1030;
                for (int v = 0; v < KERNEL_VIEWS; v++) call.stride[v][0] = v ? 1 : step;
                run_on(l, &call);
                assert_same(kernel, l, "strided", y, step, want, 1030);
            }
            for (int threads = 1; threads <= 2; threads++) {
                int before = tr_num_threads();
                tr_set_num_threads(threads);
                kernel_call call = call_of_row(r / 2, backward, ALL, y, x);
                int status = status_on(l, &call);
                tr_set_num_threads(before);
                assert_int_equal(status, 0);
                assert_same(kernel, l, threads == 1 ? "one thread" : "two threads", y, 1, want, ALL);
            }
        }
}

/* What our own functions give for a sample of all floats (sin and cos where libm is not asked), as one number: the same
 * from gcc and clang, and from every level with fma.  A polynomial that changes changes it: SHOW_DIGESTS=1 prints. */
TEST(compilers_and_levels_agree_in_every_bit)
{
    static const struct {
        int kernel;
        uint64_t with_fma, without;
    } known[] = {
        {KERNEL_exp, 0x9d2410f9af7341ecu, 0xfdf81c46d2679348u},
        {KERNEL_log, 0x55b29029c0bb2e64u, 0x7a388ee2c0b64848u},
        {KERNEL_sin, 0xfd7a071d9a295a41u, 0x6b5c5e03563a87a3u},
        {KERNEL_cos, 0xcaf5a0e18d6bcf6au, 0x91346ab570682545u},
        {KERNEL_tanh, 0x23685138bee1f125u, 0x20cb2828181e88eau},
        {KERNEL_sigmoid, 0xa1075b1bd952d37fu, 0xe313e2f8e9fc28b0u},
        {KERNEL_sqrt, 0x71d29e84a0b8b4e2u, 0x71d29e84a0b8b4e2u},
        {KERNEL_expm1, 0x0c01b23048ccdf23u, 0x2ee97a5a981a0a45u},
        {KERNEL_log1p, 0xbdeb3f4abdaa13f6u, 0x02fb1afefdd4a04cu},
        {KERNEL_erf, 0xe2493db744e352acu, 0x22ffb3e2ce0d1715u},
        {KERNEL_gelu, 0xce45407eb2dbb601u, 0xcea67e150c80ff63u},
        {KERNEL_softplus, 0x1f6a4e7a9d9118a7u, 0xf1fdc73e782f4f5cu},
        {KERNEL_silu, 0x91615e2b9f8b63d8u, 0x4e126d1849cf80d6u},
        {KERNEL_sin_backward, 0xcaf5a0e18d6bcf6au, 0x91346ab570682545u},
        {KERNEL_silu_backward, 0x0cec0bab600b9c02u, 0x96346dc0984b175eu},
        {KERNEL_SOFTMAX, 0x4c440808c3d19412u, 0x91197d1dd861ec28u},
        {KERNEL_LOG_SOFTMAX, 0x88968653d6b71aa1u, 0x88968653d6b71aa1u}};
    enum { FUNCTIONS = sizeof known / sizeof *known };
    static float x[MANY], y[MANY], one = 1;
    for (int l = 0; l < levels(); l++)
        for (int f = 0; f < FUNCTIONS; f++) {
            uint64_t digest = 14695981039346656037u; /* FNV-1a, a word at a time */
            for (uint64_t bits = 0; bits < 1ull << 32;) {
                int n = 0;
                for (; n < MANY && bits < 1ull << 32; bits += STEP) {
                    float sample = float_of_bits((uint32_t)bits);
                    if (fabsf(sample) <= (known[f].kernel == KERNEL_SOFTMAX || known[f].kernel == KERNEL_LOG_SOFTMAX ? 8.0f : 1e6f)) x[n++] = sample;
                }
                kernel_call call = flat(known[f].kernel, TR_FLOAT32, n, y, x, NULL, NULL);
                if (known[f].kernel == KERNEL_sin_backward || known[f].kernel == KERNEL_silu_backward)
                    call.at[1] = &one, call.at[2] = x, call.ones = 2;
                call.size[0] = 1, call.size[1] = n, call.size[2] = 1;
                run_on(l, &call);
                for (int i = 0; i < n; i++) {
                    uint32_t word = 0;
                    if (!isnan(y[i])) memcpy(&word, y + i, sizeof word);
                    digest = (digest ^ word) * 1099511628211u;
                }
            }
            bool fma = strcmp(level_name[l], "v2") != 0;
            if (getenv("SHOW_DIGESTS")) print_message("%s %s: 0x%016llx\n", kernel_name(known[f].kernel), level_name[l], (unsigned long long)digest);
            if (digest != (fma ? known[f].with_fma : known[f].without))
                fail_msg("%s on %s: the digest is 0x%016llx", kernel_name(known[f].kernel), level_name[l], (unsigned long long)digest);
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
