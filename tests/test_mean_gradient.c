/* A mean's division waits until somebody sees the gradient; where, nobody can tell but by the rounding. */
#include <trireme/autograd.h>
#include <trireme/linalg.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

TEST(a_leaf_gets_the_quotient_of_what_was_gathered)
{
    tr_tensor *x = leaf(row(1, 2, 4));
    tr_tensor *w = leaf(row(0.1, 0.2, 0.3));
    assert_int_equal(tr_backward(tr_mean(tr_mul(x, w))), 0);
    assert_close(tr_grad(w), tr_div(tr_detach(x), 3), 0); /* rounded once */
    assert_close(tr_grad(x), tr_div(tr_detach(w), 3), 0);
}

TEST(a_gradient_in_between_is_whole_where_it_is_kept)
{
    tr_tensor *x = leaf(row(1, 2, 3, 4)), *y = tr_mul(x, x);
    tr_retain_grad(y);
    assert_int_equal(tr_backward(tr_mean(tr_mul(y, 3))), 0);
    assert_close(tr_grad(y), row(0.75, 0.75, 0.75, 0.75), 0);
    assert_close(tr_grad(x), row(1.5, 3, 4.5, 6), 0);
}

TEST(a_gradient_in_between_is_whole_where_it_is_asked_for)
{
    tr_tensor *x = leaf(row(1, 2, 3, 4)), *y = tr_mul(x, x), *got[2];
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_mean(tr_mul(y, 3))), TR_TENSORS(y, x), got), 0);
    assert_close(got[0], row(0.75, 0.75, 0.75, 0.75), 0);
    assert_close(got[1], row(1.5, 3, 4.5, 6), 0);
}

TEST(gradients_of_different_means_meet)
{
    tr_tensor *x = leaf(row(1, 2, 3, 4)), *y = tr_mul(x, 2);
    tr_tensor *half = tr_slice(y, 0, 0, 2, 1), *loss = tr_add(tr_add(tr_mean(half), tr_mean(tr_mul(y, y))), tr_sum(y));
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), row(1 + 2 + 2, 1 + 4 + 2, 6 + 2, 8 + 2), 0);
}

TEST(a_mean_of_means_divides_by_both)
{
    tr_tensor *x = leaf(tr_ones(TR_SHAPE(4, 5)));
    assert_int_equal(tr_backward(tr_mean(tr_pow(tr_mean(tr_mul(x, x), TR_DIM(1)), 2))), 0);
    assert_close(tr_grad(x), tr_full(TR_SHAPE(4, 5), 0.2), 1e-7);
}

TEST(passes_add_up_whole)
{
    tr_tensor *x = leaf(row(1, 2, 3, 4));
    for (int i = 0; i < 2; i++) assert_int_equal(tr_backward(tr_mean(tr_mul(x, x))), 0);
    assert_close(tr_grad(x), row(1, 2, 3, 4), 0);
}

TEST(halves_are_whole_before_they_could_overflow)
{
    enum { MANY = 1000 };
    tr_tensor *x = leaf(tr_ones(TR_SHAPE(MANY), .dtype = TR_FLOAT16));
    tr_tensor *loss = tr_mean(tr_mul(tr_to(tr_mul(x, 1), TR_FLOAT32), 100000));
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), tr_full(TR_SHAPE(MANY), 100, .dtype = TR_FLOAT16), 0.1);
}

TEST(a_leaf_larger_than_the_gradient_before_it_gets_the_same)
{
    tr_manual_seed(1);
    tr_tensor *x = tr_randn(TR_SHAPE(2, 30), .dtype = TR_FLOAT64), *w = leaf(tr_randn(TR_SHAPE(30, 20), .dtype = TR_FLOAT64));
    assert_int_equal(tr_backward(tr_mean(tr_tanh(tr_matmul(x, w)))), 0);
    tr_tensor *y = tr_tanh(tr_matmul(x, tr_detach(w)));
    assert_close(tr_grad(w), tr_matmul(tr_t(x), tr_div(tr_sub(1, tr_mul(y, y)), 40)), 1e-15);
}

TEST(a_mean_of_nothing_leaves_zeros)
{
    tr_tensor *x = leaf(row(1, 2, 3));
    assert_int_equal(tr_backward(tr_mean(tr_slice(tr_mul(x, 2), 0, 0, 0, 1))), 0);
    assert_close(tr_grad(x), row(0, 0, 0), 0);
}

TEST(a_walk_that_failed_leaves_no_division_behind)
{
    tr_tensor *x = leaf(row(1, 2, 3, 4)), *a = tr_mul(x, 1), *b = tr_exp(a);
    tr_tensor *loss = tr_mean(tr_add(a, b));
    tr_fill_(tr_detach(b), 0); /* saved, and changed since */
    assert_true(tr_backward(loss, .retain_graph = true) < 0);
    assert_error_says("changed in place");
    assert_int_equal(tr_backward(a, .gradient = row(1, 1, 1, 1)), 0); /* half of what comes to a had come */
    assert_close(tr_grad(x), row(1, 1, 1, 1), 0);
}

/* The division happens where the gradient leaves its type, in memory that the mean's gradient, one number stretched, does not have. */
TEST(a_mean_right_behind_a_change_of_type)
{
    for (int i = 0; i < 4; i++) {
        TR_SCOPE;
        tr_tensor *x = leaf(row(1, 2, 4)), *third = tr_div(tr_ones(TR_SHAPE(3)), 3), *to = tr_zeros(TR_SHAPE(3), .dtype = TR_FLOAT64);
        assert_int_equal(tr_backward(i % 2 ? tr_mean(tr_to(x, TR_FLOAT64)) : tr_mean(tr_copy_(to, x))), 0);
        assert_int_equal(tr_dtype_of(tr_grad(x)), TR_FLOAT32);
        assert_close(tr_grad(x), third, 0);
        assert_null(tr_grad_fn(tr_grad(x)));
    }
}
