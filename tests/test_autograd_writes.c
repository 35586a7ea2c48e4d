/* Writing in place to what takes part in a graph: saved values that changed, leaves, and operations that write over. */
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

TEST(a_saved_value_that_was_changed_is_refused)
{
    tr_tensor *x = leaf(row(1, 2, 3)), *y = tr_exp(x), *z = tr_sum(y);
    tr_add_(y, 1);
    assert_true(tr_backward(z) < 0);
    assert_error_says("[torch.FloatTensor [3]], which is output 0 of ExpBackward0, is at version 1; expected version 0 instead");

    tr_tensor *w = tr_mul(x, 2), *v = tr_sum(tr_mul(w, row(1, 2, 3))); /* w itself is not needed */
    tr_zero_(w);
    assert_int_equal(tr_backward(v), 0);
    assert_close(tr_grad(x), row(2, 4, 6), 0);
}

TEST(a_change_through_a_view_is_seen)
{
    tr_tensor *data = row(1, 2, 3), *x = leaf(row(4, 5, 6)), *y = tr_sum(tr_mul(x, data));
    tr_fill_(tr_select(data, 0, 1), 7);
    assert_close(data, row(1, 7, 3), 0);
    assert_true(tr_backward(y) < 0);
    assert_error_says("MulBackward0");
}

TEST(a_leaf_is_not_changed_in_place)
{
    tr_tensor *x = leaf(row(1, 2));
    assert_null(tr_add_(x, 3));
    assert_error_says("tr_add_: a leaf Variable that requires grad is being used in an in-place operation");
    assert_null(tr_fill_(x, 3));
    assert_error_says("tr_fill_: a leaf");
    assert_null(tr_fill_(tr_select(x, 0, 0), 0));
    assert_error_says("tr_fill_: a view of a leaf Variable that requires grad is being used in an in-place operation.");
    assert_null(tr_uniform_(x, 0, 1, NULL));
    assert_error_says("tr_uniform_");
    assert_close(x, row(1, 2), 0);
}

/* y op= b against y op b: values and both gradients. */
static void in_place_agrees(tr_tensor *(*in_place)(tr_tensor *, tr_tensor *), tr_tensor *(*fresh)(tr_tensor *, tr_tensor *), bool itself)
{
    tr_tensor *a[2], *b[2];
    for (int i = 0; i < 2; i++) {
        a[i] = leaf(row64(1, 2, 3, 5));
        b[i] = leaf(row64(4, 0.5, -2, 3));
        tr_tensor *y = tr_mul(a[i], 2), *other = itself ? y : b[i];
        tr_tensor *z = (i ? in_place : fresh)(y, other);
        if (i) assert_ptr_equal(z, y);
        assert_int_equal(tr_backward(tr_sum(tr_mul(tr_exp(tr_mul(z, 0.1)), row64(1, 2, 3, 4)))), 0);
    }
    assert_close(tr_grad(a[1]), tr_grad(a[0]), 1e-14);
    if (!itself) assert_close(tr_grad(b[1]), tr_grad(b[0]), 1e-14);
}

TEST(operations_in_place_differentiate_as_fresh_ones_do)
{
    for (int itself = 0; itself < 2; itself++) {
        in_place_agrees((tr_add_), (tr_add), itself);
        in_place_agrees((tr_sub_), (tr_sub), itself);
        in_place_agrees((tr_mul_), (tr_mul), itself);
        in_place_agrees((tr_div_), (tr_div), itself);
    }
}

TEST(a_constant_takes_part_once_it_is_written_to)
{
    tr_tensor *x = leaf(row(2)), *y = row(3);
    tr_mul_(y, x);
    assert_true(tr_requires_grad(y));
    assert_int_equal(tr_backward(tr_mul(y, y)), 0);
    assert_close(tr_grad(x), row(2 * 6 * 3), 0);
    tr_tensor *z = tr_zeros(TR_SHAPE(2, 2));
    tr_copy_(z, leaf(row(1, 2)));
    assert_string_equal(tr_grad_fn(z), "CopyBackwards");
    tr_fill_(z, 1);
    assert_string_equal(tr_grad_fn(z), "FillBackward2");
}
