/* Backward: what arrives where, in which modes, and what is refused. */
#include <math.h>
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

/* ---- what arrives ---- */

TEST(gradients_add_up_in_leaves_until_they_are_zeroed)
{
    tr_tensor *x = leaf(row(1, 2)), *y = row(3, 4);
    assert_null(tr_grad(x));
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(tr_backward(tr_sum(tr_sub(x, y))), 0);
        assert_close(tr_grad(x), row(i, i), 0);
    }
    assert_null(tr_grad(y));
    tr_zero_(tr_grad(x));
    assert_int_equal(tr_backward(tr_sum(tr_mul(x, y))), 0);
    assert_close(tr_grad(x), row(3, 4), 0);
    assert_int_equal(tr_set_grad(x, NULL), 0);
    assert_null(tr_grad(x));
}

TEST(a_gradient_stays_where_it_is_from_pass_to_pass)
{
    tr_tensor *x = leaf(row(1, 2)), *bucket = row(0, 0, 0, 0), *mine = tr_slice(bucket, 0, 2, TR_END, 1);
    assert_int_equal(tr_set_grad(x, mine), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_backward(tr_sum(tr_mul(x, 3))), 0);
    assert_ptr_equal(tr_grad(x), mine);
    assert_close(bucket, row(0, 0, 6, 6), 0);
}

TEST(a_gradient_belongs_to_its_leaf_alone)
{
    tr_tensor *x = leaf(row(1, 2)), *y = leaf(row(3, 4)), *given = row(1, 1);
    assert_int_equal(tr_backward(tr_add(x, y), .gradient = given), 0);
    tr_fill_(tr_grad(x), 9);
    assert_close(tr_grad(y), row(1, 1), 0);
    assert_close(given, row(1, 1), 0);
    assert_int_equal(tr_backward(tr_sum(tr_expand(tr_sum(x), TR_SHAPE(3)))), 0); /* dx comes expanded */
    assert_true(tr_is_contiguous(tr_grad(x)));
    assert_close(tr_grad(x), row(12, 12), 0);
}

TEST(a_value_used_twice_gets_both_gradients)
{
    tr_tensor *x = leaf(row(2, 3));
    assert_int_equal(tr_backward(tr_sum(tr_mul(x, x))), 0);
    assert_close(tr_grad(x), row(4, 6), 0);

    tr_tensor *z = leaf(row(1, 2)), *a = tr_mul(z, 2), *left = tr_square(a), *right = tr_mul(a, 3); /* a diamond */
    assert_int_equal(tr_backward(tr_sum(tr_add(tr_mul(left, right), a))), 0);
    /* (4 z^2)(6 z) + 2 z */
    assert_close(tr_grad(z), row(72 + 2, 288 + 2), 1e-4);

    tr_tensor *w = leaf(tr_tensor_of(1.5)), *y = w;
    for (int i = 0; i < 10; i++) y = tr_add(y, y); /* 1024 ways, walked once */
    assert_int_equal(tr_backward(y), 0);
    assert_item(tr_grad(w), 1024, 0);
}

TEST(nobody_waits_for_what_leads_in_from_elsewhere)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_square(x), *elsewhere = tr_mul(y, x), *loss = tr_sum(tr_neg(y));
    assert_int_equal(tr_backward(loss, .retain_graph = true), 0);
    assert_close(tr_grad(x), row(-2, -4), 0);
    assert_int_equal(tr_backward(tr_sum(elsewhere)), 0); /* 3 x^2 more */
    assert_close(tr_grad(x), row(1, 8), 0);
}

TEST(a_line_may_end_where_several_lead_on)
{
    tr_tensor *x = leaf(row(1, 2)), *w = leaf(row(3)), *y = tr_neg(tr_exp(tr_mul(tr_mul(x, w), 0))); /* -1, -1 */
    assert_int_equal(tr_backward(tr_mean(tr_neg(tr_mul(y, tr_mul(x, x)))), .retain_graph = true), 0);
    assert_close(tr_grad(x), row(1, 2), 1e-6);
    assert_close(tr_grad(w), row(0), 0);
}

TEST(a_leaf_may_be_the_root)
{
    tr_tensor *x = leaf(row(5));
    assert_int_equal(tr_backward(x), 0);
    assert_close(tr_grad(x), row(1), 0);
    assert_int_equal(tr_backward(x, .gradient = row(3)), 0);
    assert_close(tr_grad(x), row(4), 0);
}

TEST(the_one_that_backward_begins_with_is_nobodys)
{
    for (int pass = 0; pass < 3; pass++) {
        tr_tensor *x = leaf(tr_tensor_of(2.0f)), *y = tr_retain_grad(tr_neg(x));
        assert_int_equal(tr_backward(x), 0);
        assert_int_equal(tr_backward(y, .retain_graph = pass == 1), 0);
        assert_item(tr_grad(x), 0, 0);
        assert_item(tr_grad(y), 1, 0);
        *(float *)tr_data(tr_grad(y)) = 7; /* what a program holds is its own */
        tr_mul_(tr_grad(x), 7);
        tr_tensor *z = leaf(tr_tensor_of(3.0f));
        assert_int_equal(tr_backward(tr_square(tr_mul(z, z)), .create_graph = true), 0); /* 4 z^3, which keeps it */
        assert_item(tr_grad(z), 108, 0);
        tr_tensor *slope = tr_keep(tr_grad(z));
        tr_set_grad(z, NULL);
        assert_int_equal(tr_backward(slope), 0);
        assert_item(tr_grad(z), 108, 0); /* 12 z^2 */
        tr_drop(slope);
    }
}

TEST(a_gradient_can_be_given)
{
    tr_tensor *x = leaf(row(1, 2, 3));
    assert_int_equal(tr_backward(tr_square(x), .gradient = row(1, 10, 100)), 0);
    assert_close(tr_grad(x), row(2, 40, 600), 0);
    assert_true(tr_backward(tr_square(x), .gradient = row(1, 2)) < 0);
    assert_error_says("tr_backward: the gradient is (2,) float32, but the root is (3,) float32");
    assert_true(tr_backward(tr_square(x), .gradient = row64(1, 2, 3)) < 0);
    assert_error_says("float64");
}

TEST(types_are_converted_back_on_the_way)
{
    tr_tensor *x = leaf(row(1, 2)), *y = leaf(row64(3, 4));
    assert_int_equal(tr_backward(tr_sum(tr_mul(x, y))), 0);
    assert_dtype(tr_grad(x), TR_FLOAT32);
    assert_dtype(tr_grad(y), TR_FLOAT64);
    assert_close(tr_grad(x), row(3, 4), 0);
}

TEST(intermediate_results_keep_no_gradient_unless_asked)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_mul(x, 3), *z = tr_retain_grad(tr_square(y));
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(tr_backward(tr_sum(tr_mul(z, 2)), .retain_graph = true), 0);
        assert_null(tr_grad(y));
        assert_close(tr_grad(z), row(2 * i, 2 * i), 0);
        assert_close(tr_grad(x), row(36 * i, 72 * i), 0);
    }
    assert_null(tr_retain_grad(row(1)));
    assert_error_says("tr_retain_grad: (1,) float32 does not require grad");
}

TEST(a_result_that_its_derivative_needs_may_retain_its_gradient)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_retain_grad(tr_exp(x)); /* of y^2: 2 y, and 2 y exp x */
    assert_int_equal(tr_backward(tr_sum(tr_square(y)), .retain_graph = true), 0);
    assert_close(tr_grad(y), tr_mul(2, y), 0);
    assert_close(tr_grad(x), tr_mul(2, tr_square(y)), 1e-5);
}

TEST(an_infinite_gradient_ends_at_a_relu_that_is_off)
{
    tr_tensor *x = leaf(row(-1, 0, 2, NAN)), *dy = row(INFINITY, INFINITY, INFINITY, 3);
    for (int create_graph = 0; create_graph < 2; create_graph++) {
        assert_int_equal(tr_backward(tr_relu(x), .gradient = dy, .create_graph = create_graph != 0), 0);
        assert_close(tr_grad(x), row(0, 0, INFINITY, 3), 0);
        tr_set_grad(x, NULL);
    }
    assert_int_equal(tr_backward(tr_sum(tr_mul(tr_relu(x), INFINITY))), 0);
    assert_close(tr_narrow(tr_grad(x), 0, 0, 3), row(0, 0, INFINITY), 0);
    tr_set_grad(x, NULL);
}

TEST(an_infinite_gradient_ends_at_a_function_that_is_flat)
{
    tr_tensor *(*const flat[])(tr_tensor *) = {(tr_sign), (tr_floor), (tr_ceil), (tr_round), (tr_trunc)};
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++)
        for (int create_graph = 0; create_graph < 2; create_graph++) {
            tr_tensor *x = leaf(row(-1.5, 0, NAN, 2)), *dy = row(INFINITY, -INFINITY, 3, NAN);
            assert_int_equal(tr_backward(flat[i](x), .gradient = dy, .create_graph = create_graph != 0), 0);
            assert_close(tr_detach(tr_grad(x)), row(0, 0, 0, 0), 0);
            tr_set_grad(x, NULL); /* a graph that holds the leaf that holds it */
        }
}

/* ---- modes ---- */

TEST(nothing_is_noted_without_grad)
{
    tr_tensor *x = leaf(row(1, 2));
    {
        TR_NO_GRAD;
        tr_tensor *y = tr_mul(x, 2);
        assert_false(tr_requires_grad(y));
        assert_null(tr_grad_fn(y));
        assert_ptr_equal(tr_sub_(x, 1), x); /* a leaf may change here */
    }
    assert_true(tr_requires_grad(x));
    assert_close(x, row(0, 1), 0);
    assert_false(tr_requires_grad(tr_mul(row(1), 2)));
    assert_true(tr_requires_grad(tr_mul(x, 2)));
    assert_true(tr_is_leaf(x));
    assert_false(tr_is_leaf(tr_mul(x, 2)));
}

TEST(a_detached_tensor_shares_memory_and_no_history)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_mul(x, 2), *d = tr_detach(y);
    assert_ptr_equal(tr_data(d), tr_data(y));
    assert_false(tr_requires_grad(d));
    assert_int_equal(tr_backward(tr_sum(tr_mul(y, d))), 0);
    assert_close(tr_grad(x), row(4, 8), 0);
}

TEST(only_numbers_with_a_point_have_gradients)
{
    assert_null(tr_requires_grad_(tr_tensor_of(1), true));
    assert_error_says("nly Tensors of floating point and complex dtype can require gradients");
    assert_null(tr_zeros(TR_SHAPE(2), .dtype = TR_BOOL, .requires_grad = true));
    assert_error_says("bool");
    tr_tensor *x = leaf(row(1, 3, 2));
    assert_false(tr_requires_grad(tr_argmax(x)));
    assert_false(tr_requires_grad(tr_gt(x, 1)));
    assert_false(tr_requires_grad(tr_to(x, TR_INT64)));
    assert_false(tr_requires_grad(tr_copy_(tr_zeros(TR_SHAPE(3), .dtype = TR_INT32), x)));
    assert_null(tr_requires_grad_(tr_mul(x, 2), false));
    assert_error_says("only a leaf can stop");
    assert_false(tr_requires_grad(tr_requires_grad_(x, false)));
}

TEST(a_complex_result_is_no_loss)
{
    tr_tensor *z = leaf(tr_ones(TR_SHAPE(2), .dtype = TR_COMPLEX64));
    assert_true(tr_backward(tr_sum(tr_add(z, z))) < 0);
    assert_error_says("only for real scalar outputs, not () complex64");
    assert_int_equal(tr_backward(tr_to(tr_sum(tr_add(z, z)), TR_FLOAT32)), 0);
    assert_close(tr_grad(z), row(2, 2), 0);
}

/* ---- refusals ---- */

TEST(backward_says_what_cannot_be_walked)
{
    tr_tensor *x = leaf(row(1, 2));
    assert_true(tr_backward(tr_mul(x, 2)) < 0);
    assert_error_says("grad can be implicitly created only for scalar outputs, not (2,) float32");
    assert_true(tr_backward(tr_sum(row(1, 2))) < 0);
    assert_error_says("tr_backward: () float32: element 0 of tensors does not require grad and does not have a grad_fn");
    assert_true(tr_backward(tr_argmax(x)) < 0);
    assert_error_says("() int64: element 0 of tensors does not require grad");
    assert_true(tr_backward(NULL) < 0);
    assert_error_says("tr_backward: an argument is NULL");
    tr_tensor *y = tr_sum(x);
    tr_fail("something else");
    assert_true(tr_backward(y) < 0);
    assert_error_says("something else");
    assert_null(tr_grad(x));
    assert_int_equal(tr_backward(y), 0);
}

TEST(one_element_of_any_rank_needs_no_gradient)
{
    tr_tensor *x = leaf(tr_ones(TR_SHAPE(1, 1, 1)));
    assert_int_equal(tr_backward(tr_mul(x, 2)), 0);
    assert_shape(tr_grad(x), 1, 1, 1);
    assert_item(tr_grad(x), 2, 0);
}

static tr_tensor *times_itself_but(tr_tensor *x, tr_tensor *factor) { return tr_sum(tr_mul(x, factor)); }

TEST(a_walk_that_fails_leaves_nothing_half_done)
{
    tr_tensor *x = leaf(row(1, 2)), *z = leaf(row(1, 1)), *factor = row(3, 4);
    tr_tensor *y = tr_mul(x, 2);
    tr_tensor *loss = tr_add(times_itself_but(y, factor), tr_sum(tr_mul(tr_exp(y), z)));
    tr_add_(factor, 1);
    assert_true(tr_backward(loss, .retain_graph = true) < 0);
    assert_error_says("[torch.FloatTensor [2]] is at version 1; expected version 0 instead");
    assert_true(tr_grad_enabled());
    assert_int_equal(tr_set_grad(x, NULL), 0);
    assert_int_equal(tr_set_grad(z, NULL), 0);
    loss = times_itself_but(y, factor);
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), row(8, 10), 0);
    assert_null(tr_grad(z));
}

/* ---- words ---- */

TEST(operations_are_named_as_pytorch_names_them)
{
    tr_tensor *x = leaf(tr_ones(TR_SHAPE(2, 3))), *w = tr_ones(TR_SHAPE(2, 3));
    const struct {
        tr_tensor *t;
        const char *name;
    } of[] = {
        {tr_add(x, 1), "AddBackward0"},
        {tr_pow(x, 2), "PowBackward0"},
        {tr_sum(x), "SumBackward0"},
        {tr_sum(x, TR_DIM(0)), "SumBackward1"},
        {tr_mean(x), "MeanBackward0"},
        {tr_matmul(x, tr_t(w)), "MmBackward0"},
        {tr_t(x), "TBackward0"},
        {tr_view(x, TR_SHAPE(6)), "ViewBackward0"},
        {tr_linear(x, w, tr_ones(TR_SHAPE(2))), "AddmmBackward0"},
        {tr_linear(x, w, NULL), "MmBackward0"},
        {tr_cross_entropy(x, tr_to(row(0, 1), TR_INT64)), "NllLossBackward0"},
        {tr_stack(TR_TENSORS(x, w), 0), "StackBackward0"},
        {tr_masked_select(x, tr_gt(x, 0)), "MaskedSelectBackward0"},
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) assert_string_equal(tr_grad_fn(of[i].t), of[i].name);
    assert_null(tr_grad_fn(x));
    assert_null(tr_grad_fn(NULL));
}

TEST(a_gradient_of_another_kind_is_not_set)
{
    tr_tensor *x = leaf(row(1, 2));
    assert_true(tr_set_grad(x, row(1)) < 0);
    assert_error_says("tr_set_grad: the gradient is (1,) float32, but the tensor is (2,) float32");
    assert_true(tr_set_grad(NULL, row(1)) < 0);
    assert_error_says("tr_set_grad");
    assert_null(tr_grad(NULL));
}
