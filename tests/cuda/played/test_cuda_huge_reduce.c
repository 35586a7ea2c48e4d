/* What is added up, compared and ordered along dims of tensors that 31 and 32 bits do not count (huge.h). */
#include "../huge.h"

static double all(int64_t n) { return sum_of(digit, 0, 1, n); }

TEST(a_long_line_is_reduced_as_a_whole)
{
    const int64_t n = longer_line();
    needs(4 * n);
    tr_tensor *x = digits(n, TR_UINT8);
    assert_true(tr_item(tr_sum(x)) == all(n));
    put(x, 2 * edge() + 5, 255);
    assert_true(tr_item(tr_max(x)) == 255 && tr_item(tr_argmax(x)) == (double)(2 * edge() + 5));
    tr_fill_(x, 9);
    put(x, 2 * edge() + 7, 1);
    assert_true(tr_item(tr_min(x)) == 1 && tr_item(tr_argmin(x)) == (double)(2 * edge() + 7));

    tr_tensor *nine = tr_eq(x, 9);
    assert_true(tr_item(tr_sum(nine)) == (double)(n - 1) && tr_item(tr_all(nine)) == 0);
    assert_true(tr_item(tr_any(tr_logical_not(nine))) == 1);
}

TEST(long_lines_of_floats_are_added_up)
{
    const int64_t n = long_line();
    needs(4 * n + n / 8);
    {
        TR_SCOPE;
        tr_tensor *half = digits(n, TR_BFLOAT16);
        assert_item(tr_mean(half), all(n) / (double)n, 0.5); /* 8 bits of 125 */
    }
    TR_SCOPE;
    tr_tensor *x = digits(n, TR_FLOAT32);
    assert_item(tr_sum(x), (float)all(n), 0);
    assert_item(tr_mean(x), (float)(all(n) / (double)n), 1e-5);
}

TEST(a_long_dim_goes)
{
    const int64_t n = long_line();
    needs(5 * n);
    tr_tensor *x = digits(2 * n, TR_UINT8), *of_columns = tr_sum(tr_view(x, TR_SHAPE(n, 2)), TR_DIM(0)), *of_rows = tr_sum(tr_view(x, TR_SHAPE(2, n)), TR_DIM(1));
    tr_tensor *of_turned = tr_max(tr_t(tr_view(x, TR_SHAPE(n, 2))), TR_DIM(1)), *places = tr_argmin(tr_narrow(tr_view(x, TR_SHAPE(2, n)), 1, 1, n - 1), TR_DIM(1));
    for (int64_t k = 0; k < 2; k++) {
        assert_true(at(of_columns, k) == sum_of(digit, k, 2, n));
        assert_true(at(of_rows, k) == sum_of(digit, k * n, 1, n));
        assert_true(at(of_turned, k) == PERIOD - 1);
        const int64_t first = k * n + 1; /* that is looked at; the first 0 is the least */
        assert_true(at(places, k) == (double)((PERIOD - first % PERIOD) % PERIOD));
    }
}

/* x[a][middle][b], numbered by k along a and b */
static int64_t middle, b_size;
static double between(int64_t k) { return digit((k / b_size * 3 + middle) * b_size + k % b_size); }

TEST(dims_on_both_sides_go)
{
    b_size = scaled(4096, 16);
    const int64_t a_size = edge() / b_size + 5, n = 3 * a_size * b_size;
    needs(2 * n + n / 8);
    tr_tensor *x = tr_view(digits(n, TR_UINT8), TR_SHAPE(a_size, 3, b_size)), *y = tr_sum(x, TR_DIM(0, 2)), *z = tr_sum(tr_transpose(x, 0, 2), TR_DIM(0, 2));
    for (middle = 0; middle < 3; middle++) {
        double want = 0; /* after PERIOD steps along a the digits come again */
        for (int64_t a = 0; a < PERIOD; a++) {
            double of_run = 0;
            for (int64_t b = 0; b < b_size; b++) of_run += between(a * b_size + b);
            want += of_run * (double)(a_size / PERIOD + (a < a_size % PERIOD));
        }
        assert_true(at(y, middle) == want && at(z, middle) == want);
    }
}

static int64_t line;
static double larger_neighbour(int64_t i) { return fmax(digit(2 * i), digit(2 * i + 1)); }
static double larger_below(int64_t i) { return fmax(digit(i), digit(line + i)); }
static double neighbours(int64_t i) { return digit(2 * i) + digit(2 * i + 1); }
static double which(int64_t i) { return digit(2 * i + 1) > digit(2 * i); }

TEST(a_short_dim_goes_and_a_long_one_stays)
{
    line = long_line();
    needs(11 * line);
    {
        TR_SCOPE;
        tr_tensor *x = digits(2 * line, TR_UINT8);
        {
            TR_SCOPE;
            assert_holds(tr_max(tr_view(x, TR_SHAPE(line, 2)), TR_DIM(1)), larger_neighbour);
            assert_holds(tr_max(tr_view(x, TR_SHAPE(2, line)), TR_DIM(0)), larger_below);
        }
        assert_holds(tr_argmax(tr_view(x, TR_SHAPE(line, 2)), TR_DIM(1)), which);
    }
    TR_SCOPE;
    assert_holds(tr_sum(tr_view(digits(2 * line, TR_FLOAT16), TR_SHAPE(line, 2)), TR_DIM(1)), neighbours);
}

static double up_to(int64_t i) { return (float)all(i + 1); }
static double up_to_in_column(int64_t i) { return (float)sum_of(digit, i % 2, 2, i / 2 + 1); }
static double up_to_in_row(int64_t i) { return (float)sum_of(digit, i / 8 * 8, 1, i % 8 + 1); }

TEST(long_lines_have_running_sums)
{
    const int64_t n = (long_line() + 7) / 8 * 8;
    needs(8 * n + n / 8);
    tr_tensor *x = digits(n, TR_FLOAT32);
    const struct {
        int64_t size[2];
        int dim;
        double (*want)(int64_t);
    } shapes[] = {{{1, n}, 1, up_to}, {{n / 2, 2}, 0, up_to_in_column}, {{n / 8, 8}, 1, up_to_in_row}};
    for (int s = 0; s < 3; s++) {
        TR_SCOPE;
        assert_holds(tr_cumsum(tr_view(x, TR_SHAPE(shapes[s].size[0], shapes[s].size[1])), shapes[s].dim), shapes[s].want);
    }
}

TEST(many_rows_are_sorted)
{
    const int64_t sizes[] = {scaled(1000, 60), scaled(2048, 1500)}; /* in a tile, and longer than one */
    for (int s = 0; s < 2; s++) {
        TR_SCOPE;
        const int64_t n = sizes[s], rows = rows_of(n), picked[] = {0, 1, rows / 2, rows - 2, rows - 1};
        needs(12 * n * rows);
        tr_tensor *x = tr_view(digits(n * rows, TR_UINT8), TR_SHAPE(rows, n)), *places, *y = tr_sort(x, 1, .descending = s, .indices = &places);
        for (int p = 0; p < 5; p++) {
            tr_tensor *want_places, *want = tr_sort(row_of(x, picked[p]), 0, .descending = s, .indices = &want_places);
            assert_close(row_of(y, picked[p]), want, 0);
            assert_close(row_of(places, picked[p]), tr_to(want_places, TR_FLOAT64), 0);
        }
    }
}
