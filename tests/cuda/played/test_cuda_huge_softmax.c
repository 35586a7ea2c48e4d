/* Softmax and its losses over tensors that 31 and 32 bits do not count (huge.h): rows that a team holds, columns, and one long row. */
#include "../huge.h"

static tr_tensor *sixtyfourths(int64_t n, tr_dtype type) { return tr_mul_(digits(n, type), 1. / 64); }
static double power(int64_t i) { return exp(digit(i) / 64); }

TEST(rows_and_columns_have_the_softmax_of_each_alone)
{
    const int64_t columns = scaled(2048, 300), rows = rows_of(columns), picked[] = {0, 1, rows / 2, rows - 2, rows - 1};
    needs(8 * rows * columns);
    tr_tensor *x = tr_view(sixtyfourths(rows * columns, TR_FLOAT32), TR_SHAPE(rows, columns));
    {
        TR_SCOPE;
        tr_tensor *y = tr_softmax(x, 1);
        for (int p = 0; p < 5; p++) assert_close(row_of(y, picked[p]), tr_softmax(row_of(x, picked[p]), 0), 1e-6);
    }
    TR_SCOPE;
    tr_tensor *y = tr_softmax(x, 0);
    for (int64_t c = 0; c < columns; c += columns / 4) {
        tr_tensor *x_of = tr_to(tr_to_device(tr_select(x, 1, c), tr_cpu()), TR_FLOAT64), *y_of = tr_to(tr_to_device(tr_select(y, 1, c), tr_cpu()), TR_FLOAT64);
        assert_close(y_of, tr_softmax(x_of, 0), 1e-7 + 1e-4 / (double)rows);
    }
}

static int64_t line;
static double of_two(int64_t i) { return power(i) / (power(i % line) + power(i % line + line)); }
static double of_all(int64_t i) { return power(i) / sum_of(power, 0, 1, line); }

TEST(columns_may_be_many_and_a_row_long)
{
    line = long_line();
    needs(8 * line);
    {
        TR_SCOPE;
        assert_holds_about(tr_softmax(tr_view(sixtyfourths(2 * line, TR_BFLOAT16), TR_SHAPE(2, line)), 0), of_two, 0x1p-7);
    }
    TR_SCOPE;
    assert_holds_about(tr_softmax(sixtyfourths(line, TR_BFLOAT16), 0), of_all, 0x1p-7);
}

TEST(a_large_batch_has_its_cross_entropy_and_the_derivative)
{
    const int64_t classes = scaled(2048, 300), samples = rows_of(classes), picked[] = {0, 1, samples / 2, samples - 2, samples - 1};
    needs(12 * samples * classes);
    tr_tensor *x = tr_view(sixtyfourths(samples * classes, TR_BFLOAT16), TR_SHAPE(samples, classes));
    tr_tensor *target = tr_remainder(tr_arange(0, samples, 1, .device = tr_cuda(0)), classes);
    tr_requires_grad_(x, true);
    tr_tensor *losses = tr_cross_entropy(x, target, .reduction = TR_NONE);
    assert_int_equal(tr_backward(tr_sum(losses)), 0);
    for (int p = 0; p < 5; p++) {
        const int64_t i = picked[p];
        tr_tensor *alone = tr_unsqueeze(row_of(tr_detach(x), i), 0), *its = tr_to_device(tr_narrow(target, 0, i, 1), tr_cpu());
        tr_requires_grad_(alone, true);
        tr_tensor *loss = tr_cross_entropy(alone, its);
        assert_int_equal(tr_backward(loss), 0);
        assert_close(row_of(tr_detach(losses), i), tr_to(tr_detach(loss), TR_FLOAT64), 0.05);
        assert_close(row_of(tr_grad(x), i), tr_squeeze(tr_grad(alone), 0), 4e-3);
    }
}
