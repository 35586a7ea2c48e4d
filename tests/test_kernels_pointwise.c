/* Pointwise kernels: rows of pointwise.def, two operands, comparisons, choices; flat, strided, broadcast, in place. */
#include "core/dtype.h"
#include "kernels.h"

#ifdef _OPENMP
# include <omp.h>
#endif

enum { N = 1500 };

static const struct {
    int value, backward;
    double low, high;
} rows[] = {
#define ROW(name, value, derivative, node, low, high) {KERNEL_##name, KERNEL_##name##_backward, low, high},
#include "kernels/pointwise.def"
#undef ROW
};
enum { ROWS = sizeof rows / sizeof *rows };

TEST(every_row_agrees_between_float32_and_float64)
{
    static float x[N], y[N], dy[N], dx[N];
    static double x64[N], y64[N], dy64[N], dx64[N];
    for (int l = 0; l < levels(); l++)
        for (int r = 0; r < ROWS; r++) {
            for (int i = 0; i < N; i++) {
                x64[i] = x[i] = (float)(rows[r].low + (rows[r].high - rows[r].low) * i / (N - 1));
                dy64[i] = dy[i] = (float)next_number();
            }
            kernel_call calls[] = {flat(rows[r].value, TR_FLOAT32, N, y, x, NULL, NULL), flat(rows[r].value, TR_FLOAT64, N, y64, x64, NULL, NULL),
                                   flat(rows[r].backward, TR_FLOAT32, N, dx, dy, x, y), flat(rows[r].backward, TR_FLOAT64, N, dx64, dy64, x64, y64)};
            for (int c = 0; c < 4; c++) run_on(l, &calls[c]);
            for (int i = 0; i < N; i++) {
                assert_near(y[i], y64[i], 1e-6 * (1 + fabs(y64[i])));
                assert_near(dx[i], dx64[i], 4e-6 * (1 + fabs(dx64[i])));
            }
        }
}

TEST(every_backward_is_the_slope_of_its_row)
{
    static double x[N], y[N], dy[N], dx[N], left[N], right[N], at[N];
    const double h = 1e-6;
    for (int l = 0; l < levels(); l++)
        for (int r = 0; r < ROWS; r++) {
            for (int i = 0; i < N; i++) {
                x[i] = rows[r].low + (rows[r].high - rows[r].low) * i / (N - 1);
                dy[i] = next_number();
            }
            kernel_call call = flat(rows[r].value, TR_FLOAT64, N, y, x, NULL, NULL);
            run_on(l, &call);
            for (int i = 0; i < N; i++) at[i] = x[i] - h;
            call = flat(rows[r].value, TR_FLOAT64, N, left, at, NULL, NULL);
            run_on(l, &call);
            for (int i = 0; i < N; i++) at[i] = x[i] + h;
            call = flat(rows[r].value, TR_FLOAT64, N, right, at, NULL, NULL);
            run_on(l, &call);
            call = flat(rows[r].backward, TR_FLOAT64, N, dx, dy, x, y);
            run_on(l, &call);
            for (int i = 0; i < N; i++) assert_near(dx[i], dy[i] * (right[i] - left[i]) / (2 * h), 1e-7);
        }
}

TEST(backward_takes_a_gradient_of_one_element_and_does_without_what_it_does_not_use)
{
    float y[N], dx[N], want[N], dy = 0.25f;
    for (int i = 0; i < N; i++) y[i] = (float)next_number();
    for (int l = 0; l < levels(); l++) {
        kernel_call call = flat(KERNEL_tanh_backward, TR_FLOAT32, N, dx, &dy, NULL, y);
        call.ones = 2;
        run_on(l, &call);
        for (int i = 0; i < N; i++) want[i] = 0.25f * (1 - y[i] * y[i]);
        assert_bits(dx, want, sizeof dx);
        call.kernel = KERNEL_neg_backward;
        call.at[3] = NULL;
        run_on(l, &call);
        for (int i = 0; i < N; i++) assert_near(dx[i], -0.25, 0);
        call.kernel = KERNEL_sin_backward; /* careful: huge, in place over x */
        call.at[2] = call.at[0];
        for (int i = 0; i < N; i++) dx[i] = 1e7f + (float)i;
        run_on(l, &call);
        for (int i = 0; i < N; i++) assert_near(dx[i], 0.25 * cos(1e7 + i), 1e-6);
    }
}

TEST(relu_keeps_nan_and_has_no_slope_at_zero)
{
    float x[] = {-1, 0, 2, NAN}, y[4], dy[] = {1, 1, 1, 1}, dx[4];
    for (int l = 0; l < levels(); l++) {
        kernel_call call = flat(KERNEL_relu, TR_FLOAT32, 4, y, x, NULL, NULL);
        run_on(l, &call);
        assert_true(y[0] == 0 && y[1] == 0 && y[2] == 2 && isnan(y[3]));
        call = flat(KERNEL_relu_backward, TR_FLOAT32, 3, dx, dy, NULL, y);
        run_on(l, &call);
        assert_true(dx[0] == 0 && dx[1] == 0 && dx[2] == 1);
    }
}

/* The formula of a kernel of two operands, on numbers that every type holds. */
static double binary(int kernel, double a, double b)
{
    switch (kernel) {
    case KERNEL_ADD: return a + b;
    case KERNEL_SUB: return a - b;
    case KERNEL_MUL: return a * b;
    case KERNEL_DIV: return a / b;
    case KERNEL_POW: return pow(a, b);
    case KERNEL_MAXIMUM: return a > b ? a : b;
    case KERNEL_MINIMUM: return a < b ? a : b;
    case KERNEL_EQ: return a == b;
    case KERNEL_NE: return a != b;
    case KERNEL_LT: return a < b;
    case KERNEL_LE: return a <= b;
    case KERNEL_GT: return a > b;
    default: return a >= b;
    }
}

static const int binaries[] = {KERNEL_ADD, KERNEL_SUB, KERNEL_MUL, KERNEL_DIV, KERNEL_POW, KERNEL_MAXIMUM, KERNEL_MINIMUM,
                               KERNEL_EQ, KERNEL_NE, KERNEL_LT, KERNEL_LE, KERNEL_GT, KERNEL_GE};

static double seen(const void *data, tr_dtype type, int64_t i)
{
    return core_element_get(data, type, i);
}

TEST(two_operands_in_every_type_and_layout)
{
    /* out (3, 37, 5) whose innermost stride is 2; a transposed, b broadcast along the middle, or one of them one element */
    enum { A = 3,
           B = 37,
           C = 5 };
    static double out[A * B * C * 2 * 2], a[A * B * C * 2], b[A * C * 2];
    for (int l = 0; l < levels(); l++)
        for (int k = 0; k < 13; k++)
            for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++) {
                if (!level_table[l][binaries[k]][type]) continue;
                bool compares = k >= 7;
                for (int i = 0; i < A * B * C; i++) core_element_set(a, type, i, i % 11 + 6);
                for (int i = 0; i < A * C; i++) core_element_set(b, type, i, i % 3 + 1);
                kernel_call call = {
                    .kernel = (uint16_t)binaries[k], .type = (uint8_t)type, .form = KERNEL_STRIDED, .ndim = 3, .n = A * B * C, .at = {out, a, b}, .size = {A, B, C}, .stride = {{B * C * 2, C * 2, 2}, {1, A, A * B}, {C, 0, 1}}};
                for (int one = 0; one < 3; one++) {
                    if (one) memset(call.stride[one], 0, sizeof call.stride[one]);
                    run_on(l, &call);
                    for (int i = 0; i < A; i++)
                        for (int j = 0; j < B; j++)
                            for (int m = 0; m < C; m++) {
                                double x = seen(a, type, i * call.stride[1][0] + j * call.stride[1][1] + m * call.stride[1][2]);
                                double y = seen(b, type, i * call.stride[2][0] + j * call.stride[2][1] + m * call.stride[2][2]);
                                double want = binary(binaries[k], x, y);
                                double got = seen(out, compares ? TR_BOOL : type, i * B * C * 2 + j * C * 2 + m * 2);
                                double tolerance = type == TR_BFLOAT16 ? 0.01 : type == TR_FLOAT16 ? 1e-3
                                                                                                   : 1e-6;
                                if (type == TR_UINT8) want = (double)(uint8_t)(int64_t)want;
                                if (isfinite(want)) assert_near(got, want, tolerance * fabs(want));
                            }
                }
            }
}

TEST(flat_and_strided_give_the_same_bits_in_place_too)
{
    static float a[N], b[N], flat_out[N], strided[2 * N];
    for (int i = 0; i < N; i++) a[i] = (float)next_number(), b[i] = (float)next_number();
    for (int l = 0; l < levels(); l++)
        for (int k = 0; k < 4; k++) {
            kernel_call call = flat(binaries[k], TR_FLOAT32, N, flat_out, a, b, NULL);
            run_on(l, &call);
            for (int i = 0; i < N; i++) strided[2 * i] = a[i], strided[2 * i + 1] = -7;
            kernel_call in_place = {
                .kernel = (uint16_t)binaries[k], .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 1, .n = N, .at = {strided, strided, b}, .size = {N}, .stride = {{2}, {2}, {1}}};
            run_on(l, &in_place);
            for (int i = 0; i < N; i++) {
                assert_bits(&strided[2 * i], &flat_out[i], sizeof(float));
                assert_true(strided[2 * i + 1] == -7);
            }
            float copy[N];
            memcpy(copy, a, sizeof a);
            call = flat(binaries[k], TR_FLOAT32, N, copy, copy, b, NULL);
            run_on(l, &call);
            assert_bits(copy, flat_out, sizeof copy);
            memcpy(copy, b, sizeof b);
            call = flat(binaries[k], TR_FLOAT32, N, copy, a, copy, NULL);
            run_on(l, &call);
            assert_bits(copy, flat_out, sizeof copy);
        }
}

/* Rows that are dense, apart, the same, of one element, or turned, for every operand: few of them, and many. */
TEST(operands_of_two_dims_lie_anyhow)
{
    enum { MOST = 13500,
           COLUMNS = 3,
           WAYS = 5 };
    static float a[MOST * 5], b[MOST * 5], out[MOST * 5];
    for (int i = 0; i < MOST * 5; i++) a[i] = (float)i, b[i] = (float)(i * 7 % 1000);
    for (int l = 0; l < levels(); l++)
        for (int64_t many = 4; many <= MOST; many *= 15) {
            const int64_t stride[WAYS][2] = {{COLUMNS, 1}, {5, 1}, {0, 1}, {1, 0}, {1, many}};
            for (int way = 0; way < WAYS * WAYS * WAYS; way++) {
                const int64_t *of_out = stride[way % WAYS], *of_a = stride[way / WAYS % WAYS], *of_b = stride[way / (WAYS * WAYS)];
                if (of_out[0] == 0 || of_out[1] == 0) continue;
                kernel_call call = flat(KERNEL_SUB, TR_FLOAT32, many * COLUMNS, out, a, b, NULL);
                call.form = KERNEL_STRIDED;
                call.ndim = 2;
                call.size[0] = many, call.size[1] = COLUMNS;
                for (int d = 0; d < 2; d++) call.stride[0][d] = of_out[d], call.stride[1][d] = of_a[d], call.stride[2][d] = of_b[d];
                memset(out, 0, sizeof out);
                run_on(l, &call);
                for (int64_t i = 0; i < many; i++)
                    for (int64_t j = 0; j < COLUMNS; j++)
                        assert_true(out[i * of_out[0] + j * of_out[1]] == a[i * of_a[0] + j * of_a[1]] - b[i * of_b[0] + j * of_b[1]]);
            }
        }
}

TEST(nothing_is_written_for_no_elements)
{
    float out = 5, x = 1;
    for (int l = 0; l < levels(); l++)
        for (int form = 0; form < 2; form++) {
            kernel_call call = flat(KERNEL_ADD, TR_FLOAT32, 0, &out, &x, &x, NULL);
            call.form = (uint8_t)form;
            call.ndim = 2;
            call.size[0] = 3;
            run_on(l, &call);
            call.kernel = KERNEL_sin;
            run_on(l, &call);
            assert_true(out == 5);
        }
}

TEST(integers_wrap_around_and_bool_is_logic)
{
    int32_t a[] = {INT32_MAX, INT32_MIN, -3}, b[] = {1, -1, 2}, out[3];
    int64_t p[] = {2, -1, 3, 0, 1}, q[] = {62, -3, -1, 0, -9}, power[5];
    uint8_t x[] = {250, 3}, y[] = {10, 5}, z[2];
    bool s[] = {true, true, false, false}, t[] = {true, false, true, false}, u[4];
    for (int l = 0; l < levels(); l++) {
        kernel_call call = flat(KERNEL_ADD, TR_INT32, 3, out, a, b, NULL);
        run_on(l, &call);
        assert_true(out[0] == INT32_MIN && out[1] == INT32_MAX && out[2] == -1);
        call = flat(KERNEL_neg, TR_INT32, 3, out, a, NULL, NULL);
        run_on(l, &call);
        assert_true(out[1] == INT32_MIN && out[2] == 3);
        call = flat(KERNEL_POW, TR_INT64, 5, power, p, q, NULL);
        run_on(l, &call);
        assert_true(power[0] == (int64_t)1 << 62 && power[1] == -1 && power[2] == 0 && power[3] == 1 && power[4] == 1);
        call = flat(KERNEL_SUB, TR_UINT8, 2, z, y, x, NULL);
        run_on(l, &call);
        assert_true(z[0] == 16 && z[1] == 2);
        call = flat(KERNEL_ADD, TR_BOOL, 4, u, s, t, NULL);
        run_on(l, &call);
        assert_true(u[0] && u[1] && u[2] && !u[3]);
        call = flat(KERNEL_MUL, TR_BOOL, 4, u, s, t, NULL);
        run_on(l, &call);
        assert_true(u[0] && !u[1] && !u[2] && !u[3]);
        assert_null(level_table[l][KERNEL_SUB][TR_BOOL]);
    }
}

TEST(a_complex_product_has_the_same_bits_wherever_it_stands)
{
    static float a[2 * N], b[2 * N], whole[2 * N], alone[2 * N], first[2 * N];
    static const int kernels[] = {KERNEL_MUL, KERNEL_DIV};
    for (int i = 0; i < 2 * N; i++) a[i] = (float)next_number(), b[i] = (float)next_number();
    for (int k = 0; k < 2; k++)
        for (int l = 0; l < levels(); l++) {
            kernel_call call = flat(kernels[k], TR_COMPLEX64, N, whole, a, b, NULL);
            run_on(l, &call);
            for (int i = 0; i < N; i++) {
                call = flat(kernels[k], TR_COMPLEX64, 1, alone + 2 * i, a + 2 * i, b + 2 * i, NULL);
                run_on(l, &call);
            }
            assert_bits(whole, alone, sizeof whole);
            if (l == 0) memcpy(first, whole, sizeof first);
            assert_bits(whole, first, sizeof whole);
        }
}

TEST(complex_numbers_add_multiply_and_divide)
{
    float a[] = {1, 2, 1e30f, 1e30f}, b[] = {3, -1, 1e30f, 1e30f}, out[4];
    bool equal[2];
    for (int l = 0; l < levels(); l++) {
        kernel_call call = flat(KERNEL_MUL, TR_COMPLEX64, 1, out, a, b, NULL);
        run_on(l, &call);
        assert_true(out[0] == 5 && out[1] == 5);
        call = flat(KERNEL_DIV, TR_COMPLEX64, 2, out, a, b, NULL);
        run_on(l, &call);
        assert_near(out[0], 0.1, 1e-7);
        assert_near(out[1], 0.7, 1e-7);
        assert_true(out[2] == 1 && out[3] == 0); /* without overflow on the way */
        call = flat(KERNEL_neg, TR_COMPLEX64, 2, out, a, NULL, NULL);
        run_on(l, &call);
        assert_true(out[0] == -1 && out[1] == -2);
        call = flat(KERNEL_EQ, TR_COMPLEX64, 2, equal, a, b, NULL);
        run_on(l, &call);
        assert_true(!equal[0] && equal[1]);
    }
}

TEST(nan_wins_in_maximum_and_equals_nothing)
{
    float a[] = {NAN, 1, NAN, -0.0f}, b[] = {1, NAN, NAN, 0.0f}, out[4];
    bool less[4];
    for (int l = 0; l < levels(); l++) {
        for (int k = KERNEL_MAXIMUM; k <= KERNEL_MINIMUM; k++) {
            kernel_call call = flat(k, TR_FLOAT32, 4, out, a, b, NULL);
            run_on(l, &call);
            assert_true(isnan(out[0]) && isnan(out[1]) && isnan(out[2]) && out[3] == 0);
        }
        kernel_call call = flat(KERNEL_EQ, TR_FLOAT32, 4, less, a, b, NULL);
        run_on(l, &call);
        assert_true(!less[0] && !less[1] && !less[2] && less[3]);
        call.kernel = KERNEL_NE;
        run_on(l, &call);
        assert_true(less[0] && less[1] && less[2] && !less[3]);
    }
}

TEST(where_takes_one_or_the_other_in_every_type)
{
    double a[8], b[8], out[8];
    bool condition[4] = {true, false, false, true};
    for (int l = 0; l < levels(); l++)
        for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
            for (int i = 0; i < 4; i++) core_element_set(a, type, i, 1), core_element_set(b, type, i, 0);
            kernel_call call = flat(KERNEL_WHERE, type, 4, out, condition, a, b);
            call.ones = 1 << 3; /* b is one element */
            run_on(l, &call);
            for (int i = 0; i < 4; i++) assert_true((seen(out, type, i) != 0) == condition[i]);
        }
}

TEST(threads_change_no_bit)
{
#ifndef _OPENMP
    skip_because("built without OpenMP");
#else
    enum { MANY = 300001 };
    float *a = malloc(sizeof *a * MANY), *b = malloc(sizeof *a * MANY), *one = malloc(sizeof *a * MANY), *two = malloc(sizeof *a * MANY);
    assert_true(a && b && one && two);
    for (int i = 0; i < MANY; i++) a[i] = (float)next_number(), b[i] = (float)next_number();
    int before = omp_get_max_threads();
    for (int l = 0; l < levels(); l++) {
        kernel_call calls[] = {
            flat(KERNEL_sin, TR_FLOAT32, MANY, NULL, a, NULL, NULL), flat(KERNEL_DIV, TR_FLOAT32, MANY, NULL, a, b, NULL), {.kernel = KERNEL_MUL, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = 500 * 600, .at = {NULL, a, b}, .size = {500, 600}, .stride = {{600, 1}, {1, 500}, {0, 1}}}};
        for (int c = 0; c < 3; c++) {
            memset(one, 0, sizeof *a * MANY);
            memset(two, 0, sizeof *a * MANY);
            omp_set_num_threads(1);
            calls[c].at[0] = one;
            run_on(l, &calls[c]);
            omp_set_num_threads(2);
            calls[c].at[0] = two;
            run_on(l, &calls[c]);
            assert_bits(two, one, sizeof *a * MANY);
        }
    }
    omp_set_num_threads(before);
    free(a), free(b), free(one), free(two);
#endif
}

TEST(what_is_not_served_says_so)
{
    kernel_call call = flat(KERNEL_SUB, TR_BOOL, 0, NULL, NULL, NULL, NULL);
    assert_int_equal(kernel_run(tr_cpu(), &call), -1);
    assert_error_says("tr_sub: bool is not served on cpu");
    assert_int_equal(kernel_run(tr_cuda(99), &call), -1);
    assert_error_says("cuda:99: there ");
    for (int k = 0; k < KERNEL_COUNT; k++) assert_non_null(kernel_name(k));
}
