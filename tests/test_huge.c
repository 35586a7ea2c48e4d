// CTEST LABELS long
/* Tensors of more than 2^31 elements, where an index of 32 bits would lead elsewhere: on the CPU, and on the device that
 * TRIREME_TEST_DEVICE names.  Wants 9 GiB, the last of them 17 on the CPU, or 33; skips what it has no memory for. */
#include <math.h>
#include <stdio.h>
#include <trireme/trireme.h>
#include "test.h"

static const int64_t LINE = ((int64_t)1 << 31) + 5;
enum { ROWS = 65537,
       COLUMNS = 32768 }; /* 2^31 + 32768 of them */

/* Bytes that others leave. */
static int64_t free_memory(void)
{
    long long kib = -1;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %lld", &kib) != 1) {}
    if (f) fclose(f);
    return kib * 1024;
}

/* A device says itself that it has too little. */
static void want(int64_t bytes)
{
    if (harness_device().type == TR_CPU) {
        if (free_memory() < bytes + ((int64_t)1 << 30)) skip_because("there is too little memory");
        return;
    }
    TR_SCOPE;
    if (tr_empty(TR_SHAPE(bytes), .dtype = TR_UINT8, .device = harness_device())) return;
    tr_error_clear();
    skip_because("the device has too little memory");
}

static void put(tr_tensor *x, int64_t i, double value)
{
    TR_SCOPE;
    assert_non_null(tr_fill_(tr_narrow(x, 0, i, 1), value));
}

static double at(tr_tensor *x, int64_t i)
{
    TR_SCOPE;
    return tr_item(tr_narrow(x, 0, i, 1));
}

static double at2(tr_tensor *x, int64_t i, int64_t j)
{
    TR_SCOPE;
    return tr_item(tr_narrow(tr_narrow(x, 0, i, 1), 1, j, 1));
}

/* Places that a 32-bit number confuses with others. */
static const int64_t corner[] = {0, 4, ((int64_t)1 << 31) - 1, (int64_t)1 << 31, ((int64_t)1 << 31) + 4};
enum { CORNERS = sizeof corner / sizeof *corner };

/* 1, and 2, 3 ... at the corners. */
static tr_tensor *line_of(tr_dtype type)
{
    tr_tensor *x = tr_full(TR_SHAPE(LINE), 1, .dtype = type, .device = harness_device());
    for (int c = 0; c < CORNERS; c++) put(x, corner[c], c + 2);
    return x;
}

TEST(a_long_line_is_added_to_and_added_up)
{
    want(3 * LINE);
    tr_tensor *x = line_of(TR_UINT8), *y = tr_add(x, x);
    for (int c = 0; c < CORNERS; c++) assert_true(at(y, corner[c]) == 2 * (c + 2));
    assert_true(at(y, 5) == 2 && at(y, LINE / 2) == 2 && at(y, LINE - 2) == 2);
    assert_true(tr_item(tr_sum(x)) == (double)(LINE + 1 + 2 + 3 + 4 + 5));
    assert_true(tr_item(tr_argmax(x)) == (double)corner[CORNERS - 1]);
    assert_true(tr_item(tr_sum(tr_ne(x, 1))) == CORNERS);
}

TEST(a_long_line_of_halves_is_scaled_and_added_up)
{
    want(4 * LINE);
    tr_tensor *x = line_of(TR_BFLOAT16), *y = tr_mul(x, 0.5);
    for (int c = 0; c < CORNERS; c++) assert_true(at(y, corner[c]) == 0.5 * (c + 2));
    assert_true(at(y, LINE / 2) == 0.5);
    assert_true(tr_item(tr_sum(y)) == (double)((int64_t)1 << 30));
}

TEST(a_long_line_is_cut_and_joined)
{
    want(3 * LINE);
    tr_tensor *x = line_of(TR_UINT8), *head = tr_narrow(x, 0, 0, corner[2]), *tail = tr_narrow(x, 0, corner[2], LINE - corner[2]);
    tr_tensor *turned = tr_cat(TR_TENSORS(tail, head), 0);
    assert_true(tr_numel(turned) == LINE);
    for (int c = 0; c < CORNERS; c++) assert_true(at(turned, (corner[c] - corner[2] + LINE) % LINE) == c + 2);
    assert_true(tr_item(tr_sum(turned)) == (double)(LINE + 1 + 2 + 3 + 4 + 5));
}

TEST(a_large_matrix_is_turned)
{
    want(3 * LINE);
    const int64_t half = (int64_t)ROWS * COLUMNS / 2, place[][2] = {{0, 0}, {0, 1}, {half - 1, 0}, {half - 1, 1}, {half / 2, 0}, {half - 16385, 1}};
    tr_tensor *x = tr_zeros(TR_SHAPE(half, 2), .dtype = TR_BOOL, .device = harness_device());
    for (int p = 0; p < 6; p++) put(tr_narrow(tr_narrow(x, 0, place[p][0], 1), 1, place[p][1], 1), 0, 1);
    tr_tensor *y = tr_contiguous(tr_t(x));
    for (int p = 0; p < 6; p++) assert_true(at2(y, place[p][1], place[p][0]) == 1);
    assert_true(tr_item(tr_sum(y)) == 6);
}

TEST(rows_of_a_large_matrix_are_picked_by_index)
{
    want(3 * LINE);
    tr_tensor *x = tr_zeros(TR_SHAPE(ROWS, COLUMNS), .dtype = TR_UINT8, .device = harness_device());
    for (int64_t row = 0; row < ROWS; row += 257) put(x, row, (double)(row % 256));
    put(x, 0, 7);
    put(x, ROWS - 1, 9); /* which begins where 31 bits end */
    tr_tensor *y = tr_index_select(x, 0, tr_to_device(tr_flip(tr_arange(0, ROWS, 1, .dtype = TR_INT64), TR_SHAPE(0)), harness_device()));
    assert_true(tr_numel(y) == (int64_t)ROWS * COLUMNS);
    assert_true(at2(y, 0, 0) == 9 && at2(y, 0, COLUMNS - 1) == 9 && at2(y, ROWS - 1, 0) == 7 && at2(y, ROWS - 1, COLUMNS - 1) == 7);
    for (int64_t row = 257 * 15; row < ROWS; row += 257 * 15) {
        assert_true(at2(y, ROWS - 1 - row, 0) == (double)(row % 256) && at2(y, ROWS - 1 - row, COLUMNS - 1) == (double)(row % 256));
        assert_true(at2(y, ROWS - row, 5) == 0);
    }
}

TEST(softmax_of_more_rows_than_32_bits_count_elements)
{
    const bool cpu = harness_device().type == TR_CPU, halves = !cpu || free_memory() > 17 * LINE; /* it computes them in copies of float32 */
    want(!cpu ? 4 * LINE : halves ? 16 * LINE
                                  : 8 * LINE);
    TR_NO_GRAD;
    tr_tensor *x = tr_zeros(TR_SHAPE(ROWS, COLUMNS), .dtype = halves ? TR_BFLOAT16 : TR_FLOAT32, .device = harness_device());
    static const int64_t rows[] = {0, 1, ROWS / 2, ROWS - 2, ROWS - 1};
    for (int r = 0; r < 5; r++) {
        put(tr_narrow(tr_narrow(x, 0, rows[r], 1), 1, COLUMNS - 1 - r, 1), 0, 10.5);
        put(tr_narrow(tr_narrow(x, 0, rows[r], 1), 1, r, 1), 0, 9.5);
    }
    tr_tensor *y = tr_softmax(x, 1);
    for (int r = 0; r < 5; r++) {
        tr_tensor *alone = tr_softmax(tr_to(tr_to_device(tr_narrow(x, 0, rows[r], 1), tr_cpu()), TR_FLOAT64), 1);
        assert_close(tr_to(tr_to_device(tr_narrow(y, 0, rows[r], 1), tr_cpu()), TR_FLOAT64), alone, 2e-3);
    }
    assert_true(fabs(at2(y, 2, 3) * COLUMNS - 1) < 0.01 && fabs(at2(y, ROWS - 3, COLUMNS - 1) * COLUMNS - 1) < 0.01);
}
