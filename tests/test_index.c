/* Joining, and picking by index tensors and masks, against plain loops. */
#include <math.h>
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *ints(tr_tensor *t) { return tr_to(t, TR_INT64); }
static tr_tensor *counted(tr_shape shape) { return tr_view(tr_arange(0, (double)tr_shape_numel(shape), 1), shape); }

/* ---- cat and stack ---- */

TEST(cat_puts_tensors_end_to_end)
{
    tr_tensor *a = counted(TR_SHAPE(2, 3)), *b = tr_t(counted(TR_SHAPE(3, 2)));
    assert_close(tr_cat(TR_TENSORS(row(1, 2), row(3), row(4, 5)), 0), row(1, 2, 3, 4, 5), 0);
    tr_tensor *down = tr_cat(TR_TENSORS(a, b, a), 0), *right = tr_cat(TR_TENSORS(a, b), -1);
    assert_shape(down, 6, 3);
    assert_close(tr_flatten(down, 0, -1), row(0, 1, 2, 3, 4, 5, 0, 2, 4, 1, 3, 5, 0, 1, 2, 3, 4, 5), 0);
    assert_shape(right, 2, 6);
    assert_close(tr_flatten(right, 0, -1), row(0, 1, 2, 0, 2, 4, 3, 4, 5, 1, 3, 5), 0);
    assert_close(tr_cat(TR_TENSORS(a, tr_zeros(TR_SHAPE(2, 0)), a), 1), tr_cat(TR_TENSORS(a, a), 1), 0);
    assert_close(tr_cat(TR_TENSORS(a), 0), a, 0);
    assert_shape(tr_cat(TR_TENSORS(tr_zeros(TR_SHAPE(0)), tr_zeros(TR_SHAPE(0))), 0), 0);
}

TEST(cat_promotes_and_gives_gradients_back_in_each_type)
{
    tr_tensor *x = tr_requires_grad_(row(1, 2), true), *n = tr_full(TR_SHAPE(3), 42), *y = tr_requires_grad_(row64(5), true);
    assert_dtype(tr_cat(TR_TENSORS(x, n), 0), TR_FLOAT32);
    tr_tensor *joined = tr_cat(TR_TENSORS(x, n, y, x), 0);
    assert_close(joined, row64(1, 2, 42, 42, 42, 5, 1, 2), 0);
    assert_dtype(joined, TR_FLOAT64);
    assert_int_equal(tr_backward(tr_sum(tr_mul(joined, row64(1, 2, 3, 4, 5, 6, 7, 8)))), 0);
    assert_dtype(tr_grad(x), TR_FLOAT32);
    assert_close(tr_grad(x), row(8, 10), 0);
    assert_close(tr_grad(y), row64(6), 0);
}

TEST(stack_makes_a_dim)
{
    tr_tensor *a = row(1, 2), *b = row(3, 4);
    assert_close(tr_flatten(tr_stack(TR_TENSORS(a, b), 0), 0, -1), row(1, 2, 3, 4), 0);
    assert_close(tr_flatten(tr_stack(TR_TENSORS(a, b), 1), 0, -1), row(1, 3, 2, 4), 0);
    assert_close(tr_stack(TR_TENSORS(a, b), -1), tr_stack(TR_TENSORS(a, b), 1), 0);
    assert_close(tr_stack(TR_TENSORS(tr_tensor_of(1.), tr_tensor_of(2.)), 0), row(1, 2), 0);
    assert_shape(tr_stack(TR_TENSORS(a, b, a), -2), 3, 2);
}

TEST(what_cannot_be_joined_is_named)
{
    tr_tensor *a = tr_zeros(TR_SHAPE(2, 3)), *b = tr_zeros(TR_SHAPE(2, 2));
    assert_null(tr_cat(TR_TENSORS(a, b), 0));
    assert_error_says("tr_cat: tensor 1 is (2, 2) float32, but the first is (2, 3) float32: all sizes except along dim 0 must match");
    assert_null(tr_cat(TR_TENSORS(a, row(1)), 0));
    assert_error_says("tr_cat: tensor 1 is (1,) float32");
    assert_null(tr_cat(TR_TENSORS(a, a), 2));
    assert_error_says("tr_cat: (2, 3) float32 has no dim 2");
    assert_null(tr_cat(TR_TENSORS(tr_tensor_of(1.)), 0));
    assert_error_says("tr_cat: () float32 has no dim 0");
    assert_null(tr_cat(((tr_tensors){NULL, 0}), 0));
    assert_error_says("tr_cat: a list of 0 tensors");
    assert_null(tr_cat(TR_TENSORS(a, NULL), 0));
    assert_error_says("tr_cat: an argument is NULL");
    assert_null(tr_stack(TR_TENSORS(row(1, 2), row(1, 2, 3)), 0));
    assert_error_says("tr_stack: stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1");
    assert_null(tr_stack(TR_TENSORS(a, a), 3));
    assert_error_says("at 3");
    assert_null(tr_stack(TR_TENSORS(a, a), -4));
    assert_error_says("at -4");
}

/* ---- index tensors ---- */

TEST(index_select_takes_rows_of_any_dim)
{
    tr_tensor *x = tr_permute(counted(TR_SHAPE(4, 2, 3)), TR_SHAPE(2, 0, 1)); /* (3, 4, 2), strided */
    for (int dim = -3; dim < 3; dim++) {
        TR_SCOPE;
        const int64_t at[] = {1, 0, 1, 2};
        int64_t n = tr_size(x, dim), count = n > 2 ? 4 : 3;
        tr_tensor *y = tr_index_select(x, dim, tr_from_data(at, TR_INT64, TR_SHAPE(count)));
        assert_int_equal(tr_size(y, dim), count);
        for (int64_t i = 0; i < count; i++) assert_close(tr_select(y, dim, i), tr_select(x, dim, at[i]), 0);
    }
    assert_shape(tr_index_select(x, 1, tr_zeros(TR_SHAPE(0), .dtype = TR_INT64)), 3, 0, 2);
    assert_close(tr_index_select(row(5, 6, 7), 0, tr_slice(ints(row(2, 9, 0, 9)), 0, 0, TR_END, 2)), row(7, 5), 0);
    assert_shape(tr_index_select(row(5, 6), 0, tr_tensor_of(1)), 1);
}

TEST(gather_reads_and_scatter_adds_along_a_dim)
{
    tr_tensor *x = tr_t(counted(TR_SHAPE(4, 3))); /* (3, 4): x[i][j] = 3 j + i */
    const int64_t at[2][3] = {{2, 0, 2}, {1, 1, 0}};
    tr_tensor *index = tr_from_data(at, TR_INT64, TR_SHAPE(2, 3));
    tr_tensor *down = tr_gather(x, 0, index), *right = tr_gather(x, -1, index);
    for (int64_t i = 0; i < 2; i++)
        for (int64_t j = 0; j < 3; j++) {
            assert_true(tr_get(down, 3 * i + j) == (double)(3 * j + at[i][j]));
            assert_true(tr_get(right, 3 * i + j) == (double)(3 * at[i][j] + i));
        }
    tr_tensor *src = tr_view(row(1, 2, 3, 4, 5, 6), TR_SHAPE(2, 3)), *sum = tr_scatter_add(tr_zeros(TR_SHAPE(2, 3)), 1, index, src);
    assert_close(tr_flatten(sum, 0, -1), row(2, 0, 4, 6, 9, 0), 0);
    assert_close(tr_flatten(tr_scatter_add(sum, 1, tr_t(tr_clone(tr_t(index))), src), 0, -1), row(4, 0, 8, 12, 18, 0), 0);
    assert_close(tr_flatten(sum, 0, -1), row(2, 0, 4, 6, 9, 0), 0); /* is copied, not written to */
    assert_shape(tr_gather(x, 0, tr_zeros(TR_SHAPE(0, 4), .dtype = TR_INT64)), 0, 4);
}

TEST(indices_out_of_range_are_named)
{
    tr_tensor *x = counted(TR_SHAPE(2, 3));
    assert_null(tr_index_select(x, 0, ints(row(0, 2))));
    assert_error_says("2");
    assert_null(tr_index_select(x, 0, ints(row(-1))));
    assert_error_says("-1");
    assert_null(tr_gather(x, 1, tr_full(TR_SHAPE(2, 1), 3)));
    assert_error_says("3");
    assert_null(tr_gather(x, 1, tr_full(TR_SHAPE(2, 1), -1)));
    assert_error_says("-1");
    assert_null(tr_scatter_add(x, 0, tr_full(TR_SHAPE(1, 1), 77), tr_ones(TR_SHAPE(1, 1))));
    assert_error_says("77");
    assert_null(tr_index_select(x, 0, row(0)));
    assert_error_says("tr_index_select: the index must be int64, not (1,) float32");
    assert_null(tr_index_select(x, 0, tr_full(TR_SHAPE(1, 1), 0)));
    assert_error_says("tr_index_select: the index must have one dim, not (1, 1) int64");
    assert_null(tr_index_select(x, 2, ints(row(0))));
    assert_error_says("tr_index_select: (2, 3) float32 has no dim 2");
    assert_null(tr_gather(x, 0, ints(row(0))));
    assert_error_says("tr_gather: the index (1,) int64 does not fit (2, 3) float32 along dim 0");
    assert_null(tr_gather(x, 0, tr_full(TR_SHAPE(2, 4), 0)));
    assert_error_says("tr_gather: the index (2, 4) int64 does not fit");
    assert_null(tr_scatter_add(x, 0, tr_full(TR_SHAPE(1, 1), 0), tr_ones(TR_SHAPE(1, 2))));
    assert_error_says("tr_scatter_add: src is (1, 2) float32, but x is (2, 3) float32 and the index (1, 1) int64");
    assert_null(tr_scatter_add(x, 0, tr_full(TR_SHAPE(1, 1), 0), tr_ones(TR_SHAPE(1, 1), .dtype = TR_FLOAT64)));
    assert_error_says("src is (1, 1) float64");
    assert_null(tr_index_select(x, 0, NULL));
    assert_error_says("tr_index_select");
    assert_null(tr_gather(NULL, 0, NULL));
    assert_error_says("tr_gather");
}

TEST(an_index_that_was_used_must_not_change_before_backward)
{
    tr_tensor *x = tr_requires_grad_(row(1, 2, 3), true), *index = ints(row(0, 2)), *y = tr_sum(tr_index_select(x, 0, index));
    tr_fill_(index, 1);
    assert_true(tr_backward(y) < 0);
    assert_error_says("[torch.LongTensor [2]] is at version 1; expected version 0 instead");
}

/* ---- masks ---- */

TEST(masked_select_takes_what_is_true_in_row_major_order)
{
    tr_tensor *x = counted(TR_SHAPE(2, 3)), *odd = tr_eq(tr_sub(x, tr_mul(2, tr_to(tr_to(tr_div(x, 2), TR_INT64), TR_FLOAT32))), 1);
    assert_close(tr_masked_select(x, odd), row(1, 3, 5), 0);
    assert_close(tr_masked_select(tr_t(x), tr_t(odd)), row(3, 1, 5), 0);
    assert_close(tr_masked_select(x, tr_gt(row(0, 1, 0), 0)), row(1, 4), 0); /* a mask that is stretched */
    assert_close(tr_masked_select(row(7, 8, 9), odd), row(8, 7, 9), 0);      /* and x */
    assert_shape(tr_masked_select(x, tr_gt(x, 100)), 0);
    assert_close(tr_masked_select(x, tr_lt(x, 100)), tr_flatten(x, 0, -1), 0);
    assert_close(tr_masked_select(tr_tensor_of(5.), tr_tensor_of((bool)true)), row(5), 0);
    assert_shape(tr_masked_select(tr_zeros(TR_SHAPE(0)), tr_zeros(TR_SHAPE(0), .dtype = TR_BOOL)), 0);
    tr_tensor *many = tr_rand(TR_SHAPE(10000)), *some = tr_masked_select(many, tr_gt(many, 0.9));
    int64_t n = 0;
    for (int64_t i = 0; i < 10000; i++)
        if (tr_get(many, i) > (double)0.9f) assert_true(tr_get(some, n++) == tr_get(many, i));
    assert_shape(some, n);
    assert_null(tr_masked_select(x, x));
    assert_error_says("tr_masked_select: the mask must be bool, not (2, 3) float32");
    assert_null(tr_masked_select(x, tr_gt(row(1, 2), 0)));
    assert_error_says("tr_masked_select: (2, 3) float32 and the mask (2,) bool do not broadcast");
}

TEST(an_index_that_no_gradient_asks_for_may_be_written_over)
{
    tr_tensor *x = tr_requires_grad_(row(1, 2, 3), true), *index = tr_to(row(0, 2), TR_INT64), *src = row(5, 5);
    tr_tensor *y = tr_mul(tr_scatter_add(x, 0, index, src), tr_index_add(x, 0, index, src));
    tr_zero_(index);
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    assert_close(tr_grad(x), row(12, 4, 16), 0);
    tr_requires_grad_(src, true);
    y = tr_index_add(x, 0, index, src);
    tr_fill_(index, 1);
    assert_int_equal(tr_backward(tr_sum(y)), -1);
    assert_error_says("modified by an inplace operation");
}
