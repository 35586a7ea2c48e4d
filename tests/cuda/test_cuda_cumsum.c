/* Running sums on CUDA, their threads run as fibres, against the CPU's: the same bits of whole numbers, and of lines that
 * are one thread's; elsewhere what double rounds otherwise. */
#include "close_to_cpu.h"

static const tr_dtype types[] = {TR_INT64, TR_FLOAT16, TR_BFLOAT16, TR_FLOAT32, TR_FLOAT64, TR_COMPLEX64, TR_COMPLEX128};

static void run(tr_dtype type, int64_t outer, int64_t n, int64_t inner, bool same_bits)
{
    int64_t all = outer * n * inner, bytes = tr_dtype_size(type);
    char *x = malloc((size_t)((all + 1) * bytes));
    assert_true(x);
    fill_tame(x, type, all + 1);
    kernel_call call = {.kernel = KERNEL_CUMSUM, .type = (uint8_t)type, .n = all, .at = {NULL, x + bytes}, .size = {outer, n, inner}};
    assert_close_to_cpu(call, type, all, same_bits ? 0 : tolerance_of(type));
    free(x);
}

TEST(short_lines_and_many_side_by_side_have_the_cpus_bits)
{
    for (int t = 0; t < 7; t++) {
        run(types[t], 0, 5, 1, true);
        run(types[t], 3, 0, 1, true);
        run(types[t], 7, 1, 1, true);
        run(types[t], 300, 16, 1, true);
        run(types[t], 5, 9, 40, true);
        run(types[t], 2, 19, 513, true);
    }
}

TEST(longer_lines_are_close)
{
    static const int64_t lengths[] = {17, 31, 128, 129, 255, 257, 1024, 1025, 4097};
    for (int t = 0; t < 7; t++)
        for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            run(types[t], lengths[i] < 200 ? 43 : 2, lengths[i], 1, false);
            run(types[t], 2, lengths[i], 3, false);
        }
}

TEST(long_lines_in_parts_are_close)
{
    for (int t = 0; t < 7; t++) run(types[t], 1, 12301, 1, false);
    run(TR_FLOAT32, 2, 8200, 3, false);
    run(TR_INT64, 7, 9000, 1, true);
}

/* After infinities of both signs, and after NaN, it is NaN; before, it is not. */
TEST(what_is_not_finite_stays_in_its_line)
{
    for (int64_t n = 10; n < 20000; n *= 11) {
        float *x = calloc((size_t)(3 * n), sizeof *x);
        assert_non_null(x);
        x[n / 2] = INFINITY, x[n - 1] = -INFINITY;
        x[n + n / 3] = NAN;
        kernel_call call = {.kernel = KERNEL_CUMSUM, .type = TR_FLOAT32, .n = 3 * n, .at = {NULL, x}, .size = {3, n, 1}};
        assert_close_to_cpu(call, TR_FLOAT32, 3 * n, 0);
        free(x);
    }
}
