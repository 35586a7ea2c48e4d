/* Softmax, its logarithm and their derivatives on CUDA, their threads run as fibres, against the CPU's: the same bits in
 * rows of up to 1024 elements and columns of up to 64, elsewhere what double rounds otherwise. */
#include "close_to_cpu.h"

static const int kernels[] = {KERNEL_SOFTMAX, KERNEL_LOG_SOFTMAX, KERNEL_SOFTMAX_BACKWARD, KERNEL_LOG_SOFTMAX_BACKWARD};

/* Operands begin one element behind a place of 64 bytes; with `spread`, logits from -20 to 20 and a few that are -infinity. */
static void run(int kernel, tr_dtype type, int64_t outer, int64_t n, int64_t inner, bool spread, double tolerance)
{
    int64_t all = outer * n * inner, bytes = tr_dtype_size(type);
    char *a = malloc((size_t)((all + 1) * bytes)), *b = malloc((size_t)((all + 1) * bytes));
    assert_true(a && b);
    fill_tame(a, type, all + 1);
    fill_tame(b, type, all + 1);
    for (int64_t i = 0; spread && i <= all; i++) {
        core_element_set(a, type, i, next_bits() % 50 ? 20 * next_number() : -INFINITY);
        core_element_set(b, type, i, kernel == KERNEL_LOG_SOFTMAX_BACKWARD ? 5 * next_number() - 5 : next_number());
    }
    kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .n = all, .at = {NULL, a + bytes, b + bytes}, .size = {outer, n, inner}};
    assert_close_to_cpu(call, type, all, tolerance);
    free(a);
    free(b);
}

static void run_all(int64_t outer, int64_t n, int64_t inner, bool spread, double times)
{
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++)
        for (int k = 0; k < 4; k++) run(kernels[k], type, outer, n, inner, spread, times * tolerance_of(type));
}

TEST(rows_of_up_to_1024_elements_have_the_cpus_bits)
{
    static const int64_t lengths[] = {1, 8, 31, 32, 33, 127, 128, 129, 257, 512, 513, 639, 640, 1023, 1024};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) run_all(lengths[i] < 64 ? 35 : 9, lengths[i], 1, true, 0);
}

TEST(more_rows_than_the_largest_grid_has)
{
    run(KERNEL_SOFTMAX, TR_FLOAT32, 170, 10, 1, true, 0);
    run(KERNEL_LOG_SOFTMAX_BACKWARD, TR_FLOAT32, 41, 130, 1, true, 0);
}

TEST(long_rows_are_close)
{
    run_all(6, 1025, 1, false, 2);
    run_all(2, 5003, 1, false, 2);
    run_all(2, 8193, 1, false, 2);
}

TEST(columns_of_up_to_64_have_the_cpus_bits)
{
    run_all(3, 7, 101, true, 0);
    run_all(5, 64, 2, true, 0);
    run_all(2, 1, 33, true, 0);
    run_all(300, 3, 5, true, 0); /* more columns than are counted in few bits, and than the largest grid has */
}

TEST(long_columns_are_close)
{
    run_all(2, 65, 40, false, 2);
    run_all(1, 300, 3, false, 2);
    run_all(40, 100, 6, false, 2);
}

TEST(rows_with_nan_or_nothing_but_infinity_are_nan)
{
    enum { ROWS = 4,
           N = 150 };
    float x[ROWS * N], y[ROWS * N];
    for (int inner = 1; inner <= N; inner *= N)
        for (int k = 0; k < 2; k++) {
            for (int i = 0; i < ROWS * N; i++) x[i] = (float)(i % 7);
            for (int i = 0; i < N; i++) x[i] = -INFINITY; /* row 0, or a number in each column */
            x[N + 149] = NAN;
            x[2 * N + 31] = INFINITY;
            kernel_call call = {.kernel = (uint16_t)kernels[k], .type = TR_FLOAT32, .n = ROWS * N, .at = {y, x}, .size = {ROWS, N, 1}};
            if (inner > 1) call.size[0] = 1, call.size[1] = ROWS, call.size[2] = N;
            assert_close_to_cpu(call, TR_FLOAT32, ROWS * N, 0);
            assert_int_equal(on_gpu[kernels[k]][TR_FLOAT32](&call), 0);
            for (int i = 0; i < N; i++) {
                const int nan_row = inner == 1 ? i : 149 + i % ROWS * N, infinite_row = inner == 1 ? N + i : 31 + i % ROWS * N;
                const int other = inner == 1 ? 3 * N + i : i % 30;
                assert_true(isnan(y[nan_row]));
                assert_true(isnan(y[infinite_row]));
                assert_true(!isnan(y[other]));
            }
        }
}

TEST(a_row_is_made_in_its_place)
{
    for (int64_t n = 5; n < 9000; n = n * 11 + 3) {
        float *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n * sizeof *y);
        assert_true(x && y);
        for (int64_t i = 0; i < n; i++) x[i] = (float)next_number();
        kernel_call call = {.kernel = KERNEL_SOFTMAX, .type = TR_FLOAT32, .n = n, .at = {y, x}, .size = {1, n, 1}};
        assert_int_equal(on_gpu[KERNEL_SOFTMAX][TR_FLOAT32](&call), 0);
        call.at[0] = x;
        assert_int_equal(on_gpu[KERNEL_SOFTMAX][TR_FLOAT32](&call), 0);
        assert_bits(x, y, (size_t)n * sizeof *x);
        free(x);
        free(y);
    }
}

TEST(nothing_is_done_for_no_elements)
{
    run_all(0, 5, 1, false, 0);
    run_all(5, 0, 1, false, 0);
    run_all(5, 3, 0, false, 0);
}
