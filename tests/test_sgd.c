/* SGD: the numbers of torch.optim.SGD, which tensors a step changes, and what it refuses. */
#include <math.h>
#include <trireme/optim.h>
#include "core/memory.h"
#include "test.h"

/* ---- four steps down f = sum([1, 3] x^2 - 3 x + 1) from [1, -2], as PyTorch took them ---- */

enum { STEPS = 4 };

static tr_tensor *pair(tr_dtype dtype, double a, double b) { return tr_from_data(((double[]){a, b}), TR_FLOAT64, TR_SHAPE(2), .dtype = dtype); }
static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

static int descend(tr_tensor *x)
{
    TR_SCOPE;
    tr_tensor *scale = pair(tr_dtype_of(x), 1, 3);
    return tr_backward(tr_sum(tr_add(tr_sub(tr_mul(scale, tr_square(x)), tr_mul(x, 3)), 1)));
}

static void check_path(tr_sgd_options options, tr_dtype dtype, const double path[STEPS][2])
{
    TR_SCOPE;
    tr_tensor *x = leaf(pair(dtype, 1, -2));
    options.lr = 0.1;
    tr_optim *o = (tr_sgd)(TR_TENSORS(x), options);
    assert_non_null(o);
    for (int i = 0; i < STEPS; i++) {
        assert_int_equal(descend(x), 0);
        assert_int_equal(tr_step(o), 0);
        tr_zero_grad(o);
        assert_close(x, pair(dtype, path[i][0], path[i][1]), 2e-6);
    }
}

static void check(tr_sgd_options options, const double path[STEPS][2])
{
    check_path(options, TR_FLOAT32, path);
    check_path(options, TR_FLOAT64, path);
}

TEST(plain_sgd_goes_where_torch_goes)
{
    check((tr_sgd_options){0}, (const double[][2]){{1.1, -0.5}, {1.18, 0.1}, {1.244, 0.34}, {1.2952, 0.436}});
}

TEST(momentum_goes_where_torch_goes)
{
    check((tr_sgd_options){.momentum = 0.9}, (const double[][2]){{1.1, -0.5}, {1.27, 1.45}, {1.469, 2.635}, {1.6543, 2.4205}});
}

TEST(dampening_spares_the_first_step)
{
    check((tr_sgd_options){.momentum = 0.9, .dampening = 0.5}, (const double[][2]){{1.1, -0.5}, {1.23, 1.15}, {1.374, 2.44}, {1.5162, 3.019}});
}

TEST(nesterov_goes_where_torch_goes)
{
    check((tr_sgd_options){.momentum = 0.9, .nesterov = true}, (const double[][2]){{1.19, 0.85}, {1.3888, 1.666}, {1.554176, 1.26016}, {1.6624115, 0.6579616}});
}

TEST(weight_decay_goes_where_torch_goes)
{
    check((tr_sgd_options){.momentum = 0.9, .weight_decay = 0.1}, (const double[][2]){{1.09, -0.48}, {1.2421, 1.4808}, {1.418149, 2.6422319}, {1.5787818, 2.3757591}});
}

TEST(maximize_goes_up)
{
    check((tr_sgd_options){.maximize = true}, (const double[][2]){{0.9, -3.5}, {0.78, -5.9}, {0.636, -9.74}, {0.4632, -15.884}});
}

/* Every option at once, in double, by the formula of optim.h. */
TEST(all_options_together_follow_the_formula)
{
    const double lr = 0.03, mu = 0.8, decay = 0.2;
    for (int nesterov = 0; nesterov < 2; nesterov++)
        for (int maximize = 0; maximize < 2; maximize++) {
            tr_tensor *x = leaf(row64(0.7));
            tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = lr, .momentum = mu, .weight_decay = decay, .dampening = nesterov ? 0 : 0.3, .nesterov = nesterov, .maximize = maximize);
            double p = 0.7, v = 0;
            for (int i = 0; i < 10; i++) {
                double g = (maximize ? -1 : 1) * 2 * p + decay * p;
                v = i ? mu * v + (nesterov ? 1 : 0.7) * g : g;
                p -= lr * (nesterov ? g + mu * v : v);
                assert_int_equal(tr_backward(tr_sum(tr_square(x))), 0);
                assert_int_equal(tr_step(o), 0);
                tr_zero_grad(o);
                assert_item(x, p, 1e-13);
            }
        }
}

/* ---- which tensors a step changes ---- */

static tr_tensor *with_grad(tr_tensor *t, tr_tensor *gradient)
{
    assert_int_equal(tr_set_grad(leaf(t), gradient), 0);
    return t;
}

TEST(parameters_without_a_gradient_are_left_alone)
{
    tr_tensor *a = with_grad(row(1, 2), row(1, 1)), *b = leaf(row(3, 4));
    tr_optim *o = tr_sgd(TR_TENSORS(a, b), .lr = 0.5, .momentum = 0.9, .weight_decay = 0.1);
    assert_int_equal(tr_step(o), 0);
    assert_close(a, row(0.45, 1.4), 1e-7);
    assert_close(b, row(3, 4), 0);
    const char *name;
    assert_true(tr_optim_state(o, 0, &name, NULL));
    assert_string_equal(name, "momentum.0");
    assert_false(tr_optim_state(o, 1, NULL, NULL)); /* b has none yet */
}

TEST(a_gradient_of_zero_still_moves_by_momentum)
{
    tr_tensor *x = with_grad(row(1), row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 1, .momentum = 0.5);
    assert_int_equal(tr_step(o), 0);
    assert_int_equal(tr_set_grad(x, row(0)), 0);
    assert_int_equal(tr_step(o), 0);
    assert_item(x, -0.5, 0);
}

TEST(a_gradient_that_comes_later_begins_its_momentum_then)
{
    tr_tensor *a = with_grad(row(0), row(1)), *b = leaf(row(0));
    tr_optim *o = tr_sgd(TR_TENSORS(a, b), .lr = 1, .momentum = 0.5, .dampening = 0.5);
    assert_int_equal(tr_step(o), 0);
    assert_int_equal(tr_set_grad(b, row(1)), 0);
    assert_int_equal(tr_step(o), 0); /* a: v = 0.5 + 0.5; b: its first, v = 1 */
    assert_item(a, -2, 0);
    assert_item(b, -1, 0);
    const char *name;
    tr_tensor *v;
    assert_true(tr_optim_state(o, 1, &name, &v));
    assert_string_equal(name, "momentum.1");
    assert_item(v, 1, 0);
}

TEST(types_may_be_mixed_in_one_optimiser)
{
    tr_tensor *a = with_grad(row(1, 2), row(1, 2)), *b = with_grad(row64(3), row64(4)), *c = with_grad(row(5), row(6));
    tr_optim *o = tr_sgd(TR_TENSORS(a, b, c), .lr = 0.5, .momentum = 0.9);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_step(o), 0); /* v = g, then 1.9 g: 2.9 in all */
    assert_close(a, row(1 - 1.45, 2 - 2.9), 1e-6);
    assert_close(b, row64(3 - 5.8), 1e-15);
    assert_close(c, row(5 - 8.7), 1e-6);
    assert_dtype(b, TR_FLOAT64);
}

TEST(a_gradient_may_lie_anyhow)
{
    tr_tensor *x = with_grad(tr_zeros(TR_SHAPE(2, 2)), tr_t(tr_reshape(row(1, 2, 3, 4), TR_SHAPE(2, 2))));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 1);
    assert_int_equal(tr_step(o), 0);
    assert_close(x, tr_reshape(row(-1, -3, -2, -4), TR_SHAPE(2, 2)), 0);
}

TEST(parameters_may_be_empty_or_large)
{
    tr_tensor *none = with_grad(tr_zeros(TR_SHAPE(0, 3)), tr_zeros(TR_SHAPE(0, 3)));
    tr_tensor *large = with_grad(tr_ones(TR_SHAPE(100003)), tr_ones(TR_SHAPE(100003)));
    tr_optim *o = tr_sgd(TR_TENSORS(none, large), .lr = 0.25, .momentum = 0.5);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_step(o), 0);
    assert_close(large, tr_full(TR_SHAPE(100003), 1 - 0.25 - 0.375), 0);
}

TEST(a_step_without_any_gradient_does_nothing)
{
    tr_tensor *x = leaf(row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .momentum = 0.9);
    assert_int_equal(tr_step(o), 0);
    assert_item(x, 1, 0);
    assert_false(tr_optim_state(o, 0, NULL, NULL));
}

TEST(backward_notices_that_a_step_has_changed_what_it_saved)
{
    tr_tensor *x = leaf(row(2));
    tr_tensor *loss = tr_square(x);
    assert_int_equal(tr_backward(tr_square(x)), 0);
    tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 0.1);
    assert_int_equal(tr_step(o), 0);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("changed in place");
}

TEST(a_step_is_no_part_of_the_graph)
{
    tr_tensor *x = with_grad(row(2), row(1));
    assert_int_equal(tr_step(tr_sgd(TR_TENSORS(x), .lr = 0.1, .momentum = 0.9)), 0);
    assert_true(tr_is_leaf(x) && tr_requires_grad(x) && tr_grad_enabled());
}

/* ---- settings ---- */

TEST(the_learning_rate_may_change)
{
    tr_tensor *x = with_grad(row(1), row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 0.5);
    assert_true(tr_learning_rate(o) == 0.5);
    assert_int_equal(tr_step(o), 0);
    assert_int_equal(tr_set_learning_rate(o, 0.125), 0);
    assert_int_equal(tr_step(o), 0);
    assert_item(x, 0.375, 0);
    assert_int_equal(tr_set_learning_rate(o, 0), 0); /* a rate of 0 may be set: a warm-up begins with it */
    assert_int_equal(tr_step(o), 0);
    assert_item(x, 0.375, 0);
}

TEST(a_learning_rate_is_a_number_from_0_up)
{
    tr_tensor *x = leaf(row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(x));
    assert_true(tr_learning_rate(o) == 1e-3);
    assert_int_equal(tr_set_learning_rate(o, -1), -1);
    assert_error_says("tr_set_learning_rate: -1");
    assert_int_equal(tr_set_learning_rate(o, NAN), -1);
    assert_error_says("tr_set_learning_rate: nan");
    assert_true(tr_learning_rate(o) == 1e-3);
    assert_int_equal(tr_set_learning_rate(NULL, 1), -1);
    assert_error_says("NULL");
    assert_true(isnan(tr_learning_rate(NULL)));
}

TEST(zero_grad_leaves_no_gradient)
{
    tr_tensor *a = with_grad(row(1), row(1)), *b = leaf(row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(a, b));
    tr_zero_grad(o);
    assert_null(tr_grad(a));
    assert_null(tr_grad(b));
    tr_zero_grad(NULL);
}

TEST(nothing_is_stepped_while_an_error_stands)
{
    tr_tensor *x = with_grad(row(1), row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 1, .momentum = 0.9);
    tr_fail("lost");
    assert_int_equal(tr_step(o), -1);
    assert_error_says("lost");
    assert_item(x, 1, 0);
    assert_false(tr_optim_state(o, 0, NULL, NULL));
    assert_int_equal(tr_step(NULL), -1);
    assert_error_says("tr_step: an argument is NULL");
}

/* Whichever request for memory is refused, nothing has happened, and the next step is the first one. */
TEST(a_step_without_memory_changes_nothing)
{
    bool whole = false;
    for (int64_t n = 1; !whole; n++) {
        TR_SCOPE;
        tr_tensor *a = with_grad(tr_zeros(TR_SHAPE(100)), tr_ones(TR_SHAPE(100)));
        tr_tensor *b = with_grad(tr_zeros(TR_SHAPE(20, 5)), tr_t(tr_ones(TR_SHAPE(5, 20))));
        tr_optim *o = tr_sgd(TR_TENSORS(a, b), .lr = 1, .momentum = 0.5);
        tr_empty_cache();
        core_system_fail_from(n);
        int status = tr_step(o);
        whole = !core_system_failed();
        core_system_fail_at(0);
        assert_int_equal(status, whole ? 0 : -1);
        if (!whole) {
            assert_error_says("out of memory");
            assert_false(tr_optim_state(o, 0, NULL, NULL));
            assert_close(a, tr_zeros(TR_SHAPE(100)), 0);
            assert_int_equal(tr_step(o), 0);
        }
        assert_close(a, tr_full(TR_SHAPE(100), -1), 0);
        assert_close(b, tr_full(TR_SHAPE(20, 5), -1), 0);
    }
}

TEST(bad_numbers_are_refused)
{
    tr_tensor *x = leaf(row(1));
    assert_null(tr_sgd(TR_TENSORS(x), .lr = -0.1));
    assert_error_says("tr_sgd: lr -0.1");
    assert_null(tr_sgd(TR_TENSORS(x), .lr = INFINITY));
    assert_error_says("lr inf");
    assert_null(tr_sgd(TR_TENSORS(x), .momentum = -1));
    assert_error_says("momentum -1");
    assert_null(tr_sgd(TR_TENSORS(x), .weight_decay = NAN));
    assert_error_says("weight decay nan");
    assert_null(tr_sgd(TR_TENSORS(x), .momentum = 0.9, .dampening = INFINITY));
    assert_error_says("dampening inf");
    assert_null(tr_sgd(TR_TENSORS(x), .nesterov = true));
    assert_error_says("Nesterov needs a momentum and no dampening");
    assert_null(tr_sgd(TR_TENSORS(x), .nesterov = true, .momentum = 0.9, .dampening = 0.1));
    assert_error_says("Nesterov");
}

TEST(what_cannot_be_optimised_is_refused)
{
    tr_tensor *x = leaf(row(1, 2));
    assert_null(tr_sgd(((tr_tensors){NULL, 0})));
    assert_error_says("tr_sgd");
    assert_null(tr_sgd(TR_TENSORS(x, NULL)));
    assert_error_says("NULL");
    assert_null(tr_sgd(TR_TENSORS(x, tr_mul(x, 2))));
    assert_error_says("parameter 1 is the result of MulBackward0");
    assert_null(tr_sgd(TR_TENSORS(leaf(tr_t(tr_zeros(TR_SHAPE(2, 3)))))));
    assert_error_says("parameter 0, (3, 2) float32, is not contiguous");
    assert_null(tr_sgd(TR_TENSORS(x, leaf(row(1)), x)));
    assert_error_says("parameters 0 and 2 are one tensor");
    assert_null(tr_sgd(TR_TENSORS(x, tr_zeros(TR_SHAPE(2), .dtype = TR_COMPLEX64))));
    assert_error_says("complex64");
}

/* ---- how long it lives, and its state ---- */

TEST(an_optimiser_keeps_its_parameters)
{
    tr_optim *o;
    tr_tensor *x;
    {
        TR_SCOPE;
        x = with_grad(row(1), row(1));
        o = tr_optim_keep(tr_sgd(TR_TENSORS(x), .lr = 1));
    }
    assert_int_equal(tr_step(o), 0);
    assert_item(x, 0, 0);
    tr_optim_drop(o);
    assert_null(tr_optim_keep(NULL));
    tr_optim_drop(NULL);
}

TEST(state_that_is_taken_over_goes_on)
{
    tr_tensor *x = with_grad(row(0), row(1));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 1, .momentum = 0.5);
    assert_int_equal(tr_optim_set_state(o, "momentum.0", row(8)), 0);
    assert_int_equal(tr_step(o), 0); /* v = 4 + 1 */
    assert_item(x, -5, 0);
}

TEST(state_of_another_name_shape_or_type_is_refused)
{
    tr_tensor *x = leaf(row(1, 2));
    tr_optim *o = tr_sgd(TR_TENSORS(x), .momentum = 0.9), *plain = tr_sgd(TR_TENSORS(x));
    const char *const names[] = {"momentum.1", "momentum.-1", "momentum.", "momentum.00", "momentum.0x", "momentum. 0", "velocity.0", "momentum.99999999999999999999", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(tr_optim_set_state(o, names[i], NULL), -1);
        assert_error_says("SGD, made with these options over 1 parameters, has no");
    }
    assert_int_equal(tr_optim_set_state(o, "momentum.0", NULL), 0);
    assert_int_equal(tr_optim_set_state(plain, "momentum.0", NULL), -1);
    assert_error_says("SGD, made with these options over 1 parameters, has no");
    assert_int_equal(tr_optim_set_state(o, "momentum.0", row(1, 2, 3)), -1);
    assert_error_says("\"momentum.0\" is (3,) float32, wanted (2,) float32");
    assert_int_equal(tr_optim_set_state(o, "momentum.0", row64(1, 2)), -1);
    assert_error_says("float64");
    assert_false(tr_optim_state(o, 0, NULL, NULL));
    assert_int_equal(tr_optim_set_state(NULL, "momentum.0", NULL), -1);
    assert_error_says("NULL");
}
