/* Operations of the program's own: their derivative is the one that the program gives. */
#include <trireme/trireme.h>
#include "test.h"

static tr_tensor *cube(tr_tensor *const *x, void *data)
{
    (void)data;
    return tr_mul(x[0], tr_square(x[0]));
}
static int cube_backward(tr_tensor *const *x, tr_tensor *y, tr_tensor *dy, tr_tensor **dx, void *data)
{
    (void)y;
    if (data) ++*(int *)data;
    dx[0] = tr_mul(dy, tr_mul(3, tr_square(x[0])));
    return 0;
}
static const tr_function cubed = {"CubeBackward", cube, cube_backward};

static tr_tensor *leaf(void) { return tr_requires_grad_(harness_there(tr_tensor_of_list(1, -2, 3)), true); }

static void assert_numbers(tr_tensor *t, double a, double b, double c)
{
    assert_non_null(t);
    assert_true(tr_get(t, 0) == a && tr_get(t, 1) == b && tr_get(t, 2) == c);
}

TEST(the_derivative_is_the_programs)
{
    int calls = 0;
    tr_tensor *x = leaf(), *y = tr_apply(&cubed, TR_TENSORS(x), &calls);
    assert_numbers(y, 1, -8, 27);
    assert_string_equal(tr_grad_fn(y), "CubeBackward");
    assert_int_equal(tr_backward(tr_mean(y)), 0); /* whose division waits */
    assert_int_equal(calls, 1);
    assert_numbers(tr_grad(x), 1, 4, 9);
}

TEST(a_derivative_made_of_operations_is_differentiated_again)
{
    tr_tensor *x = leaf(), *dx, *ddx;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_apply(&cubed, TR_TENSORS(x), NULL))), TR_TENSORS(x), &dx, .create_graph = true), 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(dx)), TR_TENSORS(x), &ddx), 0);
    assert_numbers(ddx, 6, -12, 18);
}

/* exp, whose derivative is the result; also again. */
static tr_tensor *grow(tr_tensor *const *x, void *data)
{
    (void)data;
    return tr_exp(x[0]);
}
static int grow_backward(tr_tensor *const *x, tr_tensor *y, tr_tensor *dy, tr_tensor **dx, void *data)
{
    (void)x, (void)data;
    dx[0] = tr_mul(dy, y);
    return 0;
}

TEST(the_result_is_there_in_backward)
{
    static const tr_function grown = {"GrowBackward", grow, grow_backward};
    tr_tensor *x = leaf(), *y = tr_exp(x), *dx, *ddx;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_apply(&grown, TR_TENSORS(x), NULL))), TR_TENSORS(x), &dx, .create_graph = true), 0);
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(dx)), TR_TENSORS(x), &ddx), 0);
    assert_int_equal(tr_allclose(dx, y, .rtol = 0, .atol = 1e-12), 1);
    assert_int_equal(tr_allclose(ddx, y, .rtol = 0, .atol = 1e-12), 1);
}

/* x, for the first of two; what *data says is wrong with it. */
static tr_tensor *first_of(tr_tensor *const *x, void *data)
{
    const char *wrong = data;
    return wrong && !strcmp(wrong, "nothing") ? NULL : x[0];
}
static int first_of_backward(tr_tensor *const *x, tr_tensor *y, tr_tensor *dy, tr_tensor **dx, void *data)
{
    (void)x, (void)y;
    const char *wrong = data;
    dx[0] = wrong && !strcmp(wrong, "shape") ? tr_sum(dy) : dy;
    return wrong && !strcmp(wrong, "status") ? -1 : 0;
}
static const tr_function first = {"FirstBackward", first_of, first_of_backward};

TEST(an_input_handed_out_is_a_copy_and_an_input_may_have_no_gradient)
{
    tr_tensor *x = leaf(), *other = leaf(), *y = tr_apply(&first, TR_TENSORS(x, other), NULL);
    assert_ptr_not_equal(tr_data(y), tr_data(x));
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    assert_numbers(tr_grad(x), 1, 1, 1);
    assert_null(tr_grad(other));
    TR_NO_GRAD;
    assert_null(tr_grad_fn(tr_apply(&first, TR_TENSORS(x, other), NULL)));
}

TEST(what_goes_wrong_is_said_with_its_name)
{
    char nothing[] = "nothing", shape[] = "shape", status[] = "status";
    tr_tensor *x = leaf();
    assert_null(tr_apply(&first, TR_TENSORS(x), nothing));
    assert_error_says("FirstBackward: forward made no result");
    assert_int_equal(tr_backward(tr_sum(tr_apply(&first, TR_TENSORS(x), shape))), -1);
    assert_error_says("FirstBackward: the gradient of input 0 is () float32");
    assert_int_equal(tr_backward(tr_sum(tr_apply(&first, TR_TENSORS(x), status))), -1);
    assert_error_says("FirstBackward: backward failed, and did not say why");
    assert_null(tr_apply(&first, TR_TENSORS(x, x, x, x), NULL));
    assert_error_says("tr_apply: FirstBackward: 4 inputs");
    assert_null(tr_apply(NULL, TR_TENSORS(x), NULL));
    assert_error_says("tr_apply: the function");

    tr_tensor *z = tr_mul(x, 1), *y = tr_apply(&cubed, TR_TENSORS(z), NULL);
    tr_zero_(z);
    assert_int_equal(tr_backward(tr_sum(y)), -1);
    assert_error_says("modified by an inplace operation");
}

TEST(a_step_with_one_is_recorded)
{
    tr_tensor *x = leaf(), *w = harness_there(tr_tensor_of_list(2, 2, 2)), *other = harness_there(tr_tensor_of_list(1, 0, -1));
    tr_recording *step;
    assert_int_equal(tr_record(&step, .inputs = TR_TENSORS(w)), 0);
    {
        TR_SCOPE;
        tr_set_grad(x, NULL);
        assert_int_equal(tr_backward(tr_sum(tr_mul(w, tr_apply(&cubed, TR_TENSORS(x), NULL)))), 0);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_numbers(tr_grad(x), 6, 24, 54);
    assert_int_equal(tr_replay(step, .inputs = TR_TENSORS(other)), 0);
    assert_numbers(tr_grad(x), 3, 0, -27);
}
