/* Reductions over any dims of any strides, against plain loops in double. */
#include "core/dtype.h"
#include "kernels.h"

#ifdef _OPENMP
# include <omp.h>
#endif

/* Every way to keep some of the dims of (3, 37, 5), with memory in each of three orders. */
enum { DIMS = 3,
       ALL = 3 * 37 * 5 };
static const int64_t sizes[DIMS] = {3, 37, 5};
static const int64_t orders[][DIMS] = {
    {37 * 5, 5, 1},
    {1, 3, 3 * 37},
    {5, 15, 1}};

/* The call that keeps the dims in `kept` (a set), and the strides of a in the order of its dims. */
static kernel_call reduction(int kernel, tr_dtype type, void *out, void *a, const int64_t *strides, int kept)
{
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = (uint8_t)type, .n = 1, .ndim = DIMS, .at = {out, a}, .number = {1}};
    int d = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < DIMS; i++)
            if ((kept >> i & 1) == !pass) {
                call.size[d] = sizes[i];
                call.stride[1][d++] = strides[i];
                if (!pass) call.n *= sizes[i];
            }
        if (!pass) call.split = (uint8_t)d;
    }
    int64_t stride = 1;
    for (int i = call.split - 1; i >= 0; stride *= call.size[i--]) call.stride[0][i] = stride;
    return call;
}

static double want_of(const kernel_call *call, tr_dtype in, int64_t output)
{
    int64_t base = 0, inner = 1;
    for (int d = call->split - 1; d >= 0; output /= call->size[d], d--) base += output % call->size[d] * call->stride[1][d];
    for (int d = call->split; d < call->ndim; d++) inner *= call->size[d];
    double sum = 0, most = -INFINITY, least = INFINITY;
    int64_t where_most = 0, where_least = 0;
    for (int64_t i = 0; i < inner; i++) {
        int64_t at = base, rest = i;
        for (int d = call->ndim - 1; d >= call->split; rest /= call->size[d], d--) at += rest % call->size[d] * call->stride[1][d];
        double x = core_element_get(call->at[1], in, at);
        sum += x;
        if (x > most) most = x, where_most = i;
        if (x < least) least = x, where_least = i;
    }
    switch (call->kernel) {
    case KERNEL_SUM: return sum / call->number[0];
    case KERNEL_MAX: return most;
    case KERNEL_MIN: return least;
    case KERNEL_ARGMAX: return (double)where_most;
    default: return (double)where_least;
    }
}

static void check_all(int kernel, tr_dtype type, tr_dtype from, double tolerance)
{
    static double a[2 * ALL], out[2 * ALL];
    bool finds = kernel == KERNEL_ARGMAX || kernel == KERNEL_ARGMIN;
    for (int i = 0; i < ALL; i++) core_element_set(a, from, i, (i * 7919) % 101 % (from == TR_BOOL ? 2 : 101));
    for (int l = 0; l < levels(); l++)
        for (int order = 0; order < 3; order++)
            for (int kept = 0; kept < 8; kept++) {
                kernel_call call = reduction(kernel, type, out, a, orders[order], kept);
                call.from = (uint8_t)from;
                if (type == TR_FLOAT32) call.number[0] = 0.5;
                run_on(l, &call);
                for (int64_t i = 0; i < call.n; i++) {
                    double want = want_of(&call, from, i);
                    assert_near(core_element_get(out, finds ? TR_INT64 : type, i), want, tolerance * fabs(want));
                }
            }
}

TEST(sums_of_every_type_over_every_set_of_dims)
{
    check_all(KERNEL_SUM, TR_FLOAT32, TR_FLOAT32, 1e-7);
    check_all(KERNEL_SUM, TR_FLOAT64, TR_FLOAT64, 1e-15);
    check_all(KERNEL_SUM, TR_FLOAT16, TR_FLOAT16, 1e-3);
    check_all(KERNEL_SUM, TR_BFLOAT16, TR_BFLOAT16, 1e-2);
    check_all(KERNEL_SUM, TR_INT64, TR_INT64, 0);
    check_all(KERNEL_SUM, TR_INT64, TR_INT32, 0);
    check_all(KERNEL_SUM, TR_INT64, TR_UINT8, 0);
    check_all(KERNEL_SUM, TR_INT64, TR_BOOL, 0);
    check_all(KERNEL_SUM, TR_COMPLEX64, TR_COMPLEX64, 1e-6);
    check_all(KERNEL_SUM, TR_COMPLEX128, TR_COMPLEX128, 1e-15);
}

TEST(the_largest_and_smallest_and_where_they_stand)
{
    for (tr_dtype type = TR_BOOL; type <= TR_FLOAT64; type++)
        for (int kernel = KERNEL_MAX; kernel <= KERNEL_ARGMIN; kernel++) check_all(kernel, type, type, 0);
}

TEST(nan_is_the_largest_and_the_smallest)
{
    float x[100], out;
    int64_t at;
    for (int l = 0; l < levels(); l++)
        for (int place = 0; place < 100; place++) {
            for (int i = 0; i < 100; i++) x[i] = (float)i;
            x[place] = NAN;
            for (int kernel = KERNEL_MAX; kernel <= KERNEL_ARGMIN; kernel++) {
                bool finds = kernel >= KERNEL_ARGMAX;
                kernel_call call = {
                    .kernel = (uint16_t)kernel, .type = TR_FLOAT32, .n = 1, .ndim = 1, .at = {finds ? (void *)&at : &out, x}, .size = {100}, .stride = {{0}, {1}}};
                run_on(l, &call);
                assert_true(finds ? at == place : isnan(out));
            }
        }
}

TEST(the_sum_of_nothing_is_zero)
{
    float out[2] = {5, 5}, x = 1;
    for (int l = 0; l < levels(); l++) {
        kernel_call call = {
            .kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = 2, .ndim = 2, .split = 1, .at = {out, &x}, .number = {1}, .size = {2, 0}, .stride = {{1}, {0, 1}}};
        run_on(l, &call);
        assert_true(out[0] == 0 && out[1] == 0);
    }
}

/* Large numbers that cancel leave the rounding errors of their sums. */
TEST(sums_of_floats_round_alike_on_every_level)
{
    enum { MANY = 5003, /* long rows, which add fours as floats, too */
           COLUMNS = 37 };
    static float x[MANY], of_columns[COLUMNS], of_length[MANY + 1];
    for (int i = 0; i < MANY / 2; i++) x[MANY - 1 - i] = -(x[i] = (float)ldexp(next_number(), 7 * i % 61));
    for (int l = 0; l < levels(); l++)
        for (int by_columns = 0; by_columns < 2; by_columns++)
            for (int n = 1; n <= MANY; n += by_columns ? MANY : n < 500 ? 6
                                                                        : 83) {
                float sums[COLUMNS];
                kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = 1, .ndim = 1, .at = {sums, x}, .number = {1}, .size = {n}, .stride = {{0}, {1}}};
                if (by_columns) call = (kernel_call){.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = COLUMNS, .ndim = 2, .split = 1, .at = {sums, x}, .number = {1}, .size = {COLUMNS, MANY / COLUMNS}, .stride = {{1}, {1, COLUMNS}}};
                run_on(l, &call);
                float *want = by_columns ? of_columns : &of_length[n];
                if (l == 0) memcpy(want, sums, (size_t)call.n * sizeof *sums);
                assert_bits(sums, want, (size_t)call.n * sizeof *sums);
            }
}

TEST(columns_add_up_row_by_row)
{
    enum { ROWS = 21,
           COLUMNS = 301 };
    static float x[2 * ROWS * COLUMNS], sums[COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)ldexp(next_number(), 7 * i % 61);
    for (int i = 0; i < (ROWS - 1) * COLUMNS; i++) x[ROWS * COLUMNS + (i + 5 * COLUMNS) % ((ROWS - 1) * COLUMNS)] = -x[i]; /* rounding is left */
    for (int l = 0; l < levels(); l++) {
        kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = COLUMNS, .ndim = 3, .split = 1, .at = {sums, x}, .number = {1}, .size = {COLUMNS, 2, ROWS - 1}, .stride = {{1}, {1, ROWS * COLUMNS, COLUMNS}}};
        run_on(l, &call);
        for (int j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (int i = 0; i < 2 * ROWS; i++)
                if (i % ROWS != ROWS - 1) sum += (double)x[i * COLUMNS + j];
            assert_true(sums[j] == (float)sum);
        }
    }
}

/* A few sums go a shorter way than many do. */
TEST(a_sum_has_the_bits_of_its_row_among_many)
{
    enum { ROWS = 5,
           LONGEST = 700,
           STEP = 3 };
    static const int64_t lengths[] = {1, 2, 7, 8, 9, 100, 127, 128, 512, 513, LONGEST};
    static float x[ROWS * LONGEST * STEP];
    for (int i = 0; i < ROWS * LONGEST * STEP; i++) x[i] = (float)ldexp(next_number(), 7 * i % 61);
    for (int l = 0; l < levels(); l++)
        for (int i = 0; i < (int)(sizeof lengths / sizeof *lengths); i++)
            for (int64_t step = 1; step <= STEP; step += STEP - 1) {
                int64_t n = lengths[i], row = step == 1 ? n : 1; /* rows one after the other; or side by side */
                if (step != 1 && n <= ROWS) continue;            /* by columns */
                for (int64_t at = 0; at < ROWS * n; at++)
                    if (at % n > n / 2) x[at] = -x[at + n - 1 - 2 * (at % n)]; /* what is left of a dense row is rounding */
                float many[ROWS], few[ROWS], two[2];
                kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = ROWS, .ndim = 2, .split = 1, .at = {many, x}, .number = {3}, .size = {ROWS, n}, .stride = {{1}, {row, step == 1 ? 1 : ROWS}}};
                run_on(l, &call);
                for (int64_t r = 0; r < ROWS; r++) {
                    kernel_call one = call;
                    one.n = one.size[0] = 1;
                    one.at[0] = &few[r];
                    one.at[1] = x + r * row;
                    run_on(l, &one);
                }
                assert_bits(few, many, sizeof few);
                call.n = call.size[0] = 2;
                call.at[0] = two;
                run_on(l, &call);
                assert_bits(two, many, sizeof two);
                for (int64_t r = 0; r < ROWS && step == 1; r++) {
                    kernel_call whole = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = 1, .ndim = 1, .at = {&few[r], x + r * n}, .number = {3}, .size = {n}, .stride = {{0}, {1}}};
                    run_on(l, &whole);
                    assert_bits(&few[r], &many[r], sizeof *few);
                }
            }
}

TEST(long_sums_have_the_same_bits_on_every_level_and_number_of_threads)
{
    enum { MANY = 500003 };
    double *x = malloc(MANY * sizeof *x), sums[2 * MOST_LEVELS], want = 0;
    assert_non_null(x);
    for (int i = 0; i < MANY; i++) want += x[i] = ldexp(next_number(), i % 41); /* the order shows */
    int n = 0;
    for (int l = 0; l < levels(); l++)
        for (int threads = 1; threads <= 2; threads++) {
#ifdef _OPENMP
            omp_set_num_threads(threads);
#endif
            kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT64, .n = 1, .ndim = 1, .at = {&sums[n++], x}, .number = {1}, .size = {MANY}, .stride = {{0}, {1}}};
            run_on(l, &call);
        }
    assert_near(sums[0], want, 1e-12 * fabs(want));
    for (int i = 1; i < n; i++) assert_bits(&sums[i], &sums[0], sizeof *sums);
    free(x);
}

/* What stands in reduce_wide.h, and the rounding of the result. */
TEST(long_sums_of_floats_err_by_three_roundings_at_most)
{
    enum { MANY = 100003 };
    static float x[MANY];
    double want = 0, size = 0;
    for (int i = 0; i < MANY; i++) {
        x[i] = (float)ldexp(next_number(), i % 23);
        want += (double)x[i];
        size += fabs((double)x[i]);
    }
    for (int l = 0; l < levels(); l++) {
        float sum;
        kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = 1, .ndim = 1, .at = {&sum, x}, .number = {1}, .size = {MANY}, .stride = {{0}, {1}}};
        run_on(l, &call);
        assert_near(sum, want, 3 * 0x1p-24 * size);
    }
}

TEST(long_sums_of_floats_count_exactly)
{
    enum { MANY = 20000003 };
    float *x = malloc(MANY * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < MANY; i++) x[i] = 1;
    for (int l = 0; l < levels(); l++) {
        float mean;
        kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = 1, .ndim = 1, .at = {&mean, x}, .number = {MANY}, .size = {MANY}, .stride = {{0}, {1}}};
        run_on(l, &call);
        assert_true(mean == 1);
    }
    free(x);
}
