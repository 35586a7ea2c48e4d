/* Elements one by one, of tensors that 31 and 32 bits do not count (huge.h): written, computed, converted, chosen, strided. */
#include "../huge.h"

static double seven(int64_t i) { return (void)i, 7; }
static double seven_but_between(int64_t i) { return i >= edge() - 3 && i < 2 * edge() + 4 ? 1 : 7; }

TEST(all_elements_are_written)
{
    const int64_t n = longer_line();
    needs(n + n / 8);
    tr_tensor *x = digits(n, TR_UINT8);
    assert_holds(x, digit);
    assert_true(tr_item(tr_sum(x)) == sum_of(digit, 0, 1, n));
    tr_fill_(x, 7);
    assert_holds(x, seven);
    tr_fill_(tr_narrow(x, 0, edge() - 3, edge() + 7), 1);
    assert_holds(x, seven_but_between);
    assert_true(tr_item(tr_sum(x)) == 7. * (double)n - 6. * (double)(edge() + 7));
}

static double twice(int64_t i) { return 2 * digit(i); }
static double twice_wrapped(int64_t i) { return (double)((int)twice(i) % 256); }

TEST(elements_of_each_type_are_added)
{
    static const tr_dtype types[] = {TR_UINT8, TR_FLOAT16, TR_BFLOAT16, TR_FLOAT32};
    for (int t = 0; t < 4; t++) {
        TR_SCOPE;
        const int64_t n = tr_dtype_size(types[t]) > 2 ? long_line() : longer_line();
        needs(2 * n * tr_dtype_size(types[t]));
        tr_tensor *x = digits(n, types[t]), *y = tr_add(x, x);
        assert_holds(y, types[t] == TR_UINT8 ? twice_wrapped : twice);
        tr_sub_(y, x);
        assert_holds(y, digit);
    }
}

static double above_hundred(int64_t i) { return fmax(digit(i) - 100, 0); }
static double if_above_hundred(int64_t i) { return digit(i) > 100 ? digit(i) : 0; }

TEST(a_row_of_pointwise_def_and_its_derivative_meet_every_element)
{
    const int64_t n = long_line();
    needs(8 * n);
    tr_tensor *x = tr_sub_(digits(n, TR_BFLOAT16), 100);
    tr_requires_grad_(x, true);
    tr_tensor *y = tr_relu(x);
    assert_holds(tr_detach(y), above_hundred);
    assert_int_equal(tr_backward(y, .gradient = digits(n, TR_BFLOAT16)), 0);
    assert_holds(tr_grad(x), if_above_hundred);
}

static double low_or_five(int64_t i) { return digit(i) < 100 ? digit(i) : 5; }
static double nine_or_five(int64_t i) { return digit(i) < 100 ? 9 : 5; }
static double is_low(int64_t i) { return digit(i) < 100; }

TEST(elements_are_compared_and_chosen)
{
    const int64_t n = longer_line();
    needs(3 * n);
    tr_tensor *x = digits(n, TR_UINT8), *low = tr_lt(x, 100), *y = tr_where(low, x, 5);
    assert_dtype(y, TR_UINT8);
    assert_holds(low, is_low);
    assert_holds(y, low_or_five);
    tr_masked_fill_(y, low, 9);
    assert_holds(y, nine_or_five);
    assert_true(tr_item(tr_sum(low)) == sum_of(is_low, 0, 1, n));
}

static int64_t rows, columns;
static double turned(int64_t i) /* of a rows x columns matrix */
{
    const int64_t row = i % rows, column = i / rows;
    return (double)(((row * columns + column) % PERIOD + column % PERIOD + row % PERIOD) % 256);
}
static double straight(int64_t i) { return (double)((i % PERIOD + i % columns % PERIOD) % 256); }

TEST(strided_and_broadcast_operands_are_walked_over)
{
    columns = scaled(512, 16), rows = rows_of(columns);
    needs(4 * rows * columns);
    tr_tensor *x = tr_view(digits(rows * columns, TR_UINT8), TR_SHAPE(rows, columns));
    tr_tensor *across = digits(columns, TR_UINT8), *down = digits(rows, TR_UINT8);
    {
        TR_SCOPE;
        tr_tensor *y = tr_add(tr_t(x), tr_unsqueeze(across, 1));
        tr_add_(y, down);
        assert_shape(y, columns, rows);
        assert_holds(y, turned);
    }
    tr_tensor *back = tr_t(tr_contiguous(tr_t(x)));
    assert_same(tr_contiguous(back), x);
    tr_add_(tr_t(x), tr_unsqueeze(across, 1)); /* in place, across what it broadcasts along */
    assert_holds(x, straight);
}

static int64_t step;
static double some_more(int64_t i) { return digit(i) + (i % step == 3); }

TEST(few_elements_may_lie_far_apart)
{
    const int64_t n = longer_line();
    needs(n);
    tr_tensor *x = digits(n, TR_UINT8);
    step = edge() / 2 + 1;
    tr_tensor *far = tr_slice(x, 0, 3, TR_END, step);
    const int64_t count = tr_numel(far);
    assert_true(count >= 4 && tr_item(tr_sum(far)) == sum_of(digit, 3, step, count));
    tr_add_(far, 1);
    for (int64_t i = 3; i < n - WINDOW; i += step) look(x, i - 3, some_more, 0, __FILE__, __LINE__);
    for (int64_t k = 0; k < count; k++) assert_true(at(tr_clone(far), k) == some_more(3 + k * step));

    tr_tensor *two = tr_narrow(tr_view(tr_narrow(x, 0, 0, n - 1), TR_SHAPE(2, n / 2)), 1, 20, 8); /* n is odd */
    assert_true(tr_item(tr_sum(two)) == sum_of(digit, 20, 1, 8) + sum_of(digit, n / 2 + 20, 1, 8));
    tr_tensor *sums = tr_sum(two, TR_DIM(1));
    assert_true(at(sums, 0) == sum_of(digit, 20, 1, 8) && at(sums, 1) == sum_of(digit, n / 2 + 20, 1, 8));
}

static double is_not_0(int64_t i) { return digit(i) != 0; }

TEST(elements_are_converted)
{
    const int64_t n = longer_line();
    needs(6 * n);
    tr_tensor *x = digits(n, TR_UINT8);
    {
        TR_SCOPE;
        assert_holds(tr_to(x, TR_BOOL), is_not_0);
    }
    {
        TR_SCOPE;
        tr_tensor *half = tr_to(x, TR_FLOAT16);
        assert_holds(half, digit);
        assert_holds(tr_to(half, TR_BFLOAT16), digit);
        assert_same(tr_to(half, TR_UINT8), x);
    }
    TR_SCOPE;
    const int64_t shorter = long_line();
    tr_tensor *single = tr_to(tr_narrow(x, 0, 0, shorter), TR_FLOAT32), *brain = tr_to(single, TR_BFLOAT16);
    assert_holds(single, digit);
    assert_holds(brain, digit);
    assert_same(tr_to(brain, TR_FLOAT32), single);
}

TEST(a_line_goes_to_the_host_and_back)
{
    const int64_t n = long_line();
    needs(3 * n);
    tr_tensor *x = digits(n, TR_UINT8), *host = tr_to_device(x, tr_cpu());
    assert_holds(host, digit);
    assert_same(tr_to_device(host, tr_cuda(0)), x);
}
