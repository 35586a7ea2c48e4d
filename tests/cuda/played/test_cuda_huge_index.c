/* Elements and rows picked, put and added by index in tensors that 31 and 32 bits do not count (huge.h). */
#include "../huge.h"

/* Places that 32 bits confuse with others, of a longer_line(). */
enum { PLACES = 7 };
static int64_t place(int p)
{
    const int64_t place[PLACES] = {2 * edge() + 4, 0, edge(), edge() - 1, 2 * edge() - 1, 4, edge() + 4};
    return place[p];
}
static tr_tensor *places(void)
{
    int64_t index[PLACES];
    for (int p = 0; p < PLACES; p++) index[p] = place(p);
    return tr_from_data(index, TR_INT64, TR_SHAPE(PLACES), .device = tr_cuda(0));
}

TEST(elements_far_away_are_picked)
{
    const int64_t n = longer_line();
    needs(n + n / 8);
    tr_tensor *x = digits(n, TR_UINT8), *picked[] = {tr_index_select(x, 0, places()), tr_gather(x, 0, places()), tr_index(x, places())};
    for (int k = 0; k < 3; k++)
        for (int p = 0; p < PLACES; p++) assert_true(at(picked[k], p) == digit(place(p)));
}

TEST(elements_far_away_are_added_to)
{
    const int64_t n = longer_line();
    needs(2 * n + n / 8);
    tr_tensor *x = digits(n, TR_UINT8), *more = tr_arange(1, PLACES + 1, 1, .dtype = TR_UINT8, .device = tr_cuda(0));
    tr_index_add_(x, 0, places(), more);
    for (int p = 0; p < PLACES; p++) assert_true(at(x, place(p)) == digit(place(p)) + p + 1);
    assert_true(at(x, 5) == 5 && at(x, edge() + 5) == digit(edge() + 5));
    {
        TR_SCOPE;
        tr_tensor *y = tr_scatter_add(x, 0, places(), more);
        for (int p = 0; p < PLACES; p++) assert_true(at(y, place(p)) == digit(place(p)) + 2 * p + 2);
        assert_true(at(y, 5) == 5 && at(y, edge() + 5) == digit(edge() + 5));
    }
}

TEST(elements_far_away_are_put)
{
    const int64_t n = longer_line();
    needs(n + n / 8);
    tr_tensor *x = digits(n, TR_UINT8);
    tr_index_copy_(x, 0, places(), tr_arange(1, PLACES + 1, 1, .dtype = TR_UINT8, .device = tr_cuda(0)));
    for (int p = 0; p < PLACES; p++) assert_true(at(x, place(p)) == p + 1);
    tr_index_put_(x, places(), 9);
    for (int p = 0; p < PLACES; p++) assert_true(at(x, place(p)) == 9);
    assert_true(at(x, 5) == 5 && at(x, edge() + 5) == digit(edge() + 5));
}

static int64_t line, rows, columns;
static double from_the_end(int64_t i) { return (double)(line - 1 - i); }
static double backwards(int64_t i) { return digit(line - 1 - i); }
static double rows_backwards(int64_t i) { return digit((rows - 1 - i / columns) * columns + i % columns); }
static double rows_added(int64_t i) { return (double)((int)(digit(i) + rows_backwards(i)) % 256); }

TEST(a_long_index_picks_as_many)
{
    line = long_line();
    needs(12 * line);
    tr_tensor *x = digits(line, TR_UINT8), *index = tr_arange(line - 1, -1, -1, .device = tr_cuda(0));
    assert_holds(index, from_the_end);
    assert_holds(tr_gather(x, 0, index), backwards);
    assert_holds(tr_index_select(x, 0, index), backwards);
}

TEST(rows_are_picked_put_and_added)
{
    columns = scaled(2048, 32), rows = rows_of(columns), line = rows * columns;
    needs(5 * line);
    tr_tensor *x = tr_view(digits(line, TR_UINT8), TR_SHAPE(rows, columns)), *index = tr_arange(rows - 1, -1, -1, .device = tr_cuda(0));
    assert_holds(tr_index_select(x, 0, index), rows_backwards);
    tr_tensor *y = tr_clone(x);
    tr_index_add_(y, 0, index, x);
    assert_holds(y, rows_added);
    tr_index_copy_(y, 0, index, x);
    assert_holds(y, rows_backwards);
    assert_same(tr_flip(y, TR_SHAPE(0)), x);
}

/* The first half goes to row 2, the second to row 0. */
static double scattered(int64_t i) { return i < line ? digit(line + i) : i < 2 * line ? 0
                                                                                      : digit(i - 2 * line); }

TEST(a_long_index_adds_as_many)
{
    line = long_line() / 2 + 1;
    needs(24 * line);
    tr_tensor *index = tr_zeros(TR_SHAPE(2, line), .dtype = TR_INT64, .device = tr_cuda(0)), *zeros = tr_zeros(TR_SHAPE(3, line), .dtype = TR_UINT8, .device = tr_cuda(0));
    tr_fill_(tr_select(index, 0, 0), 2);
    assert_holds(tr_scatter_add(zeros, 0, index, tr_view(digits(2 * line, TR_UINT8), TR_SHAPE(2, line))), scattered);
}

static double short_digit(int64_t k) { return (double)(k % (PERIOD - 1)); } /* the largest is left out */

TEST(a_long_mask_picks)
{
    const int64_t n = longer_line();
    needs(5 * n);
    tr_tensor *x = digits(n, TR_UINT8), *mask = tr_lt(x, PERIOD - 1), *y = tr_masked_select(x, mask);
    assert_true(tr_numel(y) == n - n / PERIOD);
    assert_holds(y, short_digit);
    mask = tr_eq(x, PERIOD - 1);
    assert_true(tr_numel(tr_masked_select(x, mask)) == n / PERIOD);
}

static double joined(int64_t i) { return i < edge() ? digit(i + 1001) : digit(i - edge()); }

TEST(long_lines_are_joined_and_turned)
{
    line = long_line();
    needs(4 * line);
    tr_tensor *x = digits(line, TR_UINT8);
    assert_holds(tr_flip(x, TR_SHAPE(0)), backwards);
    assert_holds(tr_cat(TR_TENSORS(tr_narrow(x, 0, 1001, edge()), tr_narrow(x, 0, 0, 1001)), 0), joined);
    tr_tensor *parts[3];
    assert_int_equal(tr_split(x, line / 2, 0, parts, 3), 3);
    assert_true(at(parts[2], 0) == digit(line - 1));
}
