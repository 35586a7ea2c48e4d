/* Writing in place: every view sees it, overlaps are read first, types and shapes stay. */
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *counted(tr_shape shape) { return tr_view(tr_arange(1, (double)tr_shape_numel(shape) + 1, 1), shape); }
static tr_tensor *flat(tr_tensor *t) { return tr_flatten(t, 0, -1); }

TEST(every_view_sees_a_write)
{
    tr_tensor *x = counted(TR_SHAPE(2, 3)), *column = tr_select(x, 1, 1), *turned = tr_t(x);
    assert_ptr_equal(tr_mul_(column, 10), column);
    assert_close(flat(x), row(1, 20, 3, 4, 50, 6), 0);
    assert_close(flat(turned), row(1, 4, 20, 50, 3, 6), 0);
    tr_add_(turned, 1);
    tr_sub_(x, row(0, 1, 2));
    tr_div_(x, 2);
    assert_close(flat(x), row(1, 10, 1, 2.5, 25, 2.5), 0);
    tr_zero_(tr_slice(x, 1, 1, TR_END, 1));
    assert_close(flat(x), row(1, 0, 0, 2.5, 0, 0), 0);
    tr_fill_(x, 3);
    assert_close(x, tr_full(TR_SHAPE(2, 3), 3), 0);
}

TEST(zeros_are_written_to_the_elements_that_are_shown_alone)
{
    const tr_dtype types[] = {TR_BOOL, TR_INT64, TR_BFLOAT16, TR_FLOAT32, TR_FLOAT64, TR_COMPLEX128};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (int64_t n = 3; n <= 3000; n *= 10) { /* a few, and more */
            TR_SCOPE;
            tr_tensor *x = tr_ones(TR_SHAPE(n + 2), .dtype = types[i]), *inner = tr_narrow(x, 0, 1, n), *saved = tr_mul(x, x);
            tr_zero_(inner);
            tr_tensor *now = tr_to(tr_real(x), TR_FLOAT64);
            assert_true(tr_item(tr_sum(now)) == 2 && tr_item(tr_select(now, 0, 0)) == 1 && tr_item(tr_select(now, 0, n + 1)) == 1);
            assert_true(tr_item(tr_sum(tr_to(tr_real(saved), TR_FLOAT64))) == (double)n + 2);
        }
    tr_tensor *leaf = tr_requires_grad_(row(1, 2), true), *y = tr_mul(leaf, leaf);
    assert_null(tr_zero_(leaf));
    assert_error_says("a leaf Variable that requires grad is being used in an in-place operation");
    {
        TR_NO_GRAD;
        tr_zero_(leaf);
    }
    assert_close(leaf, row(0, 0), 0);
    assert_int_equal(tr_backward(tr_sum(y)), -1);
    assert_error_says("modified by an inplace operation");
}

TEST(views_that_overlap_are_read_before_they_are_written)
{
    tr_tensor *x = counted(TR_SHAPE(5));
    tr_add_(tr_slice(x, 0, 1, TR_END, 1), tr_slice(x, 0, 0, -1, 1));
    assert_close(x, row(1, 3, 5, 7, 9), 0);
    tr_add_(tr_slice(x, 0, 0, -1, 1), tr_slice(x, 0, 1, TR_END, 1));
    assert_close(x, row(4, 8, 12, 16, 9), 0);
    tr_sub_(x, tr_select(x, 0, 0)); /* begins where x begins */
    assert_close(x, row(0, 4, 8, 12, 5), 0);
    tr_tensor *m = counted(TR_SHAPE(3, 3));
    tr_add_(m, tr_t(m));
    assert_close(flat(m), row(2, 6, 10, 6, 10, 14, 10, 14, 18), 0);
    tr_mul_(m, m);
    assert_close(tr_select(m, 0, 0), row(4, 36, 100), 0);

    tr_tensor *y = counted(TR_SHAPE(4));
    tr_copy_(tr_slice(y, 0, 1, TR_END, 1), tr_slice(y, 0, 0, -1, 1));
    assert_close(y, row(1, 1, 2, 3), 0);
    tr_tensor *n = counted(TR_SHAPE(2, 2));
    tr_copy_(n, tr_t(n));
    assert_close(flat(n), row(1, 3, 2, 4), 0);
    assert_ptr_equal(tr_copy_(n, n), n);
    assert_close(flat(n), row(1, 3, 2, 4), 0);
    tr_tensor *large = counted(TR_SHAPE(300, 300)), *want = tr_clone(tr_t(large));
    assert_close(tr_copy_(large, tr_t(large)), want, 0);
}

TEST(what_is_written_to_keeps_its_type_and_shape)
{
    tr_tensor *x = row(1, 2), *n = tr_to(row(1, 2), TR_INT32);
    assert_close(tr_add_(x, row64(0.5, 0.25)), row(1.5, 2.25), 0);
    assert_dtype(x, TR_FLOAT32);
    assert_close(tr_add_(n, tr_to(row(1, 1), TR_INT64)), row(2, 3), 0);
    assert_dtype(n, TR_INT32);
    assert_null(tr_add_(n, 1.5));
    assert_error_says("tr_add_: the result type float32 can't be cast to int32, the type of (2,) int32");
    assert_null(tr_div_(n, 2));
    assert_error_says("tr_div_: the result type float32 can't be cast");
    assert_null(tr_add_(tr_gt(x, 0), 1));
    assert_error_says("can't be cast to bool");
    assert_null(tr_mul_(x, tr_zeros(TR_SHAPE(3, 2))));
    assert_error_says("tr_mul_: the result (3, 2) does not fit into (2,) float32");
    assert_null(tr_mul_(x, row(1, 2, 3)));
    assert_error_says("tr_mul_: (2,) float32 and (3,) float32 do not broadcast");
    assert_null(tr_add_(tr_expand(x, TR_SHAPE(3, 2)), 1));
    assert_error_says("tr_add_: (3, 2) float32 is expanded");
    assert_close(tr_fill_(tr_expand(row(1, 2), TR_SHAPE(1, 2)), 7), tr_full(TR_SHAPE(1, 2), 7), 0);
    assert_null(tr_add_(NULL, 1));
    assert_error_says("tr_add_");
    assert_null(tr_zero_(NULL));
    assert_error_says("tr_zero_");
    assert_close(x, row(1.5, 2.25), 0);
}

TEST(copy_converts_and_broadcasts)
{
    tr_tensor *to = tr_zeros(TR_SHAPE(2, 3), .dtype = TR_INT64);
    assert_close(tr_copy_(to, row(1.9, -2.9, 3)), tr_stack(TR_TENSORS(row(1, -2, 3), row(1, -2, 3)), 0), 0);
    assert_dtype(to, TR_INT64);
    assert_close(tr_copy_(tr_t(to), row(7, 8)), tr_t(to), 0);
    assert_close(flat(to), row(7, 7, 7, 8, 8, 8), 0);
    assert_close(tr_copy_(row(0, 0), 5), row(5, 5), 0);
    assert_close(tr_copy_(tr_zeros(TR_SHAPE(2), .dtype = TR_BOOL), row(0.5, 0)), row(1, 0), 0);
    assert_shape(tr_copy_(tr_zeros(TR_SHAPE(0, 3)), row(1, 2, 3)), 0, 3);
    assert_null(tr_copy_(row(1), row(1, 2)));
    assert_error_says("tr_copy_: (2,) float32 does not fit into (1,) float32");
    assert_null(tr_copy_(row(1), tr_zeros(TR_SHAPE(1, 1))));
    assert_error_says("tr_copy_: (1, 1) float32 does not fit into (1,) float32");
    assert_null(tr_copy_(row(1), NULL));
    assert_error_says("tr_copy_");
}

TEST(copies_are_row_major_and_of_their_own)
{
    tr_tensor *x = tr_t(counted(TR_SHAPE(2, 3))), *y = tr_clone(x);
    assert_true(tr_is_contiguous(y));
    assert_close(y, x, 0);
    tr_fill_(y, 0);
    assert_item(tr_sum(x), 21, 0);
    assert_ptr_equal(tr_to(x, TR_FLOAT32), x);
    assert_ptr_equal(tr_to_device(x, tr_cpu()), x);
    assert_close(tr_to(x, TR_FLOAT64), x, 0);
    assert_close(tr_to(row(-1.5, 0, 300.7), TR_INT32), row(-1, 0, 300), 0);
    assert_close(tr_to(row(-1.5, 0, 0.1), TR_BOOL), row(1, 0, 1), 0);
    assert_close(tr_to(row(1.0009765625, 65504, 1e6, 1e-9), TR_FLOAT16), row(1.0009765625, 65504, 1. / 0., 0), 0);
    assert_close(tr_to(row(1.00390625, 3), TR_BFLOAT16), row(1, 3), 0); /* halfway: to even */
    assert_null(tr_to(x, (tr_dtype)99));
    assert_error_says("tr_to: 99 is no element type");
    assert_null(tr_to_device(x, tr_cuda(0)));
    assert_error_says("cuda:0");
}

TEST(results_that_went_through_a_view_are_written_to_like_others)
{
    tr_tensor *x = tr_requires_grad_(row(1, 3), true), *rows = tr_to(row(1, 0), TR_INT64);
    tr_tensor *picked = tr_mul_(tr_index(x, rows), row(2, 3));
    assert_int_equal(tr_backward(tr_add(tr_mul_(tr_var(x), 2), tr_sum(picked))), 0);
    assert_close(tr_grad(x), row(-4 + 3, 4 + 2), 1e-5);
}

TEST(a_quotient_may_be_written_over)
{
    tr_tensor *a = tr_requires_grad_(row(1, 3), true), *b = tr_requires_grad_(row(2, 4), true);
    assert_int_equal(tr_backward(tr_sum(tr_mul_(tr_div(a, b), row(8, 16)))), 0);
    assert_close(tr_grad(a), row(4, 4), 0);
    assert_close(tr_grad(b), row(-2, -3), 0);
}

TEST(what_was_written_over_has_no_gradient_but_0)
{
    tr_tensor *x = tr_requires_grad_(row(1, 3), true), *y = tr_requires_grad_(row(1, 3), true);
    assert_int_equal(tr_backward(tr_sum(tr_add(tr_zero_(tr_mul(x, 2)), tr_copy_(tr_mul(y, 2), row(1, 1))))), 0);
    assert_close(tr_grad(x), row(0, 0), 0);
    assert_close(tr_grad(y), row(0, 0), 0);
}

TEST(an_integer_is_filled_with_what_it_can_hold)
{
    tr_tensor *mask = tr_to(row(1, 0), TR_BOOL), *x = tr_to(row(1, 2), TR_UINT8);
    assert_close(tr_masked_fill_(x, mask, 254.5), row(254, 2), 0);
    assert_null(tr_masked_fill_(x, mask, 255.5));
    assert_error_says("can't be cast to (2,) uint8");
    assert_null(tr_masked_fill_(x, mask, -0.5));
    assert_error_says("can't be cast to (2,) uint8");
    assert_null(tr_masked_fill(tr_to(x, TR_INT64), mask, 0x1p63));
    assert_error_says("can't be cast to (2,) int64");
    assert_close(tr_masked_fill(tr_to(x, TR_INT32), mask, -0x1p31), row(-0x1p31, 2), 0);
}

TEST(an_expanded_tensor_may_be_filled)
{
    tr_tensor *x = counted(TR_SHAPE(3, 1)), *wide = tr_expand(x, TR_SHAPE(2, 3, 4));
    assert_close(tr_fill_(wide, 7), tr_full(TR_SHAPE(2, 3, 4), 7), 0);
    assert_close(flat(x), row(7, 7, 7), 0);
    tr_zero_(tr_narrow(wide, 1, 1, 1));
    assert_close(flat(x), row(7, 0, 7), 0);
    assert_null(tr_add_(wide, 1));
    assert_error_says("more than one element of the written-to tensor refers to a single memory location");
}

TEST(an_element_of_an_expanded_tensor_is_filled_where_any_place_of_it_is_masked)
{
    tr_tensor *x = counted(TR_SHAPE(2, 1, 3)), *wide = tr_expand(x, TR_SHAPE(2, 2, 3));
    tr_tensor *mask = tr_to(tr_view(row(1, 0, 0, 0, 1, 0), TR_SHAPE(2, 3)), TR_BOOL);
    assert_ptr_equal(tr_masked_fill_(wide, mask, 9), wide);
    assert_close(flat(x), row(9, 9, 3, 9, 9, 6), 0);
    tr_masked_fill_(wide, tr_to(tr_view(row(0, 1), TR_SHAPE(2, 1, 1)), TR_BOOL), tr_tensor_of(7.0));
    assert_close(flat(wide), row(9, 9, 3, 9, 9, 3, 7, 7, 7, 7, 7, 7), 0);
    tr_tensor *leaf = tr_ones(TR_SHAPE(1, 3), .requires_grad = true);
    assert_null(tr_masked_fill_(tr_expand(tr_mul(leaf, 2), TR_SHAPE(2, 3)), mask, 9)); /* as in PyTorch, at the latest in backward */
    assert_error_says("more than one element of the written-to tensor refers to a single memory location");
    assert_null(tr_masked_fill_(tr_expand(row(1, 2, 3), TR_SHAPE(2, 3)), mask, tr_sum(leaf)));
    assert_error_says("is expanded");
}
