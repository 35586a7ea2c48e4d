/* tr_autograd_grad: gradients returned, leaves left alone. */
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

static void count(tr_tensor *t, void *data)
{
    (void)t;
    ++*(int *)data;
}

TEST(gradients_are_returned_and_leaves_left_alone)
{
    int calls = 0;
    tr_tensor *x = leaf(row(1, 2)), *w = leaf(row(3, 4)), *dx, *dw;
    assert_true(tr_on_grad(x, count, &calls) > 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_mul(x, w))), TR_TENSORS(x), &dx), 0);
    assert_close(dx, row(3, 4), 0);
    tr_tensor *both[2];
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_mul(x, w)), tr_sum(x)), TR_TENSORS(x, w), both), 0);
    dx = both[0], dw = both[1];
    assert_close(dx, row(4, 5), 0);
    assert_close(dw, row(1, 2), 0);
    assert_null(tr_grad(x));
    assert_null(tr_grad(w));
    assert_int_equal(calls, 0);
    assert_false(tr_requires_grad(dx));
}

TEST(inputs_may_be_intermediate_and_what_lies_behind_them_is_not_walked)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_exp(x), *z = tr_sum(tr_mul(y, y)), *dy;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(z), TR_TENSORS(y), &dy, .retain_graph = true), 0);
    assert_close(dy, tr_mul(2, tr_detach(y)), 0);
    assert_int_equal(tr_backward(z), 0); /* exp's saved value was not let go */
    assert_non_null(tr_grad(x));
    tr_tensor *a = tr_exp(x), *loss = tr_sum(tr_mul(a, a));
    assert_int_equal(tr_autograd_grad(TR_TENSORS(loss), TR_TENSORS(a), &dy), 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(a), TR_TENSORS(x), &dy, .grad_outputs = (const tr_tensor *const[]){row(1, 1)}), 0);
    assert_close(dy, tr_detach(a), 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(loss), TR_TENSORS(x), &dy), -1);
    assert_error_says("Trying to backward through the graph a second time");
}

TEST(an_input_and_one_behind_it_both_get_theirs)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_mul(x, 3), *g[3];
    tr_tensor *z = tr_sum(tr_mul(y, x));
    assert_int_equal(tr_autograd_grad(TR_TENSORS(z), TR_TENSORS(y, x, z), g), 0);
    assert_close(g[0], row(1, 2), 0);
    assert_close(g[1], row(6, 12), 0);
    assert_item(g[2], 1, 0);
}

TEST(returned_gradients_can_be_differentiated)
{
    tr_tensor *x = leaf(row64(1, 2)), *dx, *ddx, *dddx;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_pow(x, 4))), TR_TENSORS(x), &dx, .create_graph = true), 0);
    assert_true(tr_requires_grad(dx));
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(dx)), TR_TENSORS(x), &ddx, .create_graph = true), 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(ddx)), TR_TENSORS(x), &dddx), 0);
    assert_close(dx, row64(4, 32), 1e-12);
    assert_close(ddx, row64(12, 48), 1e-12);
    assert_close(dddx, row64(24, 48), 1e-12);
    assert_null(tr_grad(x));
}

/* The derivative of these is constant but for steps: differentiated again it is 0, and no gradient would be another answer. */
TEST(a_second_derivative_that_is_0_is_given)
{
    tr_tensor *x = leaf(row(1.5, 0, -0.5)), *b = leaf(row(1, 2, 3));
    tr_tensor *const bent[] = {tr_relu(x), tr_leaky_relu(x, 0.1), tr_abs(x), tr_remainder(b, x), tr_fmod(b, x), tr_norm(x, .p = 1)};
    static const char *const names[] = {"ThresholdBackwardBackward0", "LeakyReluBackwardBackward0"};
    for (size_t i = 0; i < sizeof bent / sizeof *bent; i++) {
        tr_tensor *dx, *ddx;
        assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(bent[i])), TR_TENSORS(x), &dx, .create_graph = true), 0);
        if (i < 2) assert_string_equal(tr_grad_fn(dx), names[i]);
        assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(dx)), TR_TENSORS(x), &ddx), 0);
        assert_close(ddx, row(0, 0, 0), 0);
    }
    tr_tensor *flat, *none, *zeros, *norm;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_square(tr_floor(x)))), TR_TENSORS(x), &flat, .create_graph = true), 0);
    assert_false(tr_requires_grad(flat)); /* there is nothing to differentiate, as in PyTorch */
    none = leaf(tr_empty(TR_SHAPE(0)));
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_median(none)), TR_TENSORS(none), &zeros), 0);
    assert_shape(zeros, 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_norm(x, .p = 1.5)), TR_TENSORS(x), &norm, .create_graph = true), 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(norm)), TR_TENSORS(x), &norm), 0);
    assert_true(tr_item(tr_all(tr_isfinite(norm))) == 1); /* a 0 in x is not all elements' NaN */
}

TEST(a_norm_that_is_0_passes_no_nan_on)
{
    tr_tensor *x = leaf(row(0, 0)), *dx;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_norm(x, .p = 3)), TR_TENSORS(x), &dx, .grad_outputs = (const tr_tensor *const[]){tr_tensor_of(0. / 0.)}), 0);
    assert_close(dx, row(0, 0), 0);
}

TEST(what_is_not_used_is_an_error_unless_allowed)
{
    tr_tensor *x = leaf(row(1)), *other = leaf(row(2)), *y = tr_mul(x, 2), *g[2] = {x, x};
    assert_int_equal(tr_autograd_grad(TR_TENSORS(y), TR_TENSORS(x, other), g, .retain_graph = true), -1);
    assert_error_says("One of the differentiated Tensors appears to not have been used in the graph. Set .allow_unused = true");
    assert_ptr_equal(g[0], x);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(y), TR_TENSORS(x, other), g, .allow_unused = true), 0);
    assert_close(g[0], row(2), 0);
    assert_null(g[1]);
}

TEST(what_cannot_be_asked_is_named)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_mul(x, 2), *g;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(y), TR_TENSORS(x), &g), -1);
    assert_error_says("tr_autograd_grad: grad can be implicitly created only for scalar outputs");
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(y)), TR_TENSORS(row(1)), &g), -1);
    assert_error_says("One of the differentiated Tensors does not require grad");
    assert_int_equal(tr_autograd_grad(TR_TENSORS(row(1)), TR_TENSORS(x), &g), -1);
    assert_error_says("outputs 0, (1,) float32");
    assert_int_equal(tr_autograd_grad(TR_TENSORS(y, NULL), TR_TENSORS(x), &g), -1);
    assert_error_says("tr_autograd_grad: an argument is NULL");
    assert_int_equal(tr_autograd_grad(((tr_tensors){NULL, 0}), TR_TENSORS(x), &g), -1);
    assert_error_says("a list of 0 outputs");
    assert_int_equal(tr_autograd_grad(TR_TENSORS(y), TR_TENSORS(x), &g, .grad_outputs = (const tr_tensor *const[]){row(1)}), -1);
    assert_error_says("the gradient is (1,) float32");
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    assert_close(tr_grad(x), row(2, 2), 0);
}
