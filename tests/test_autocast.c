/* TR_AUTOCAST: which types operations take and give, what arrives in backward, and the scaler of float16's gradients. */
#include <math.h>
#include <trireme/trireme.h>
#include "autograd/autograd.h"
#include "test.h"

static tr_tensor *half(tr_shape shape) { return tr_to(tr_add(tr_rand(shape), 0.25), TR_BFLOAT16); }

TEST(products_are_taken_in_the_narrow_type)
{
    TR_SCOPE;
    tr_tensor *a = tr_rand(TR_SHAPE(3, 4)), *b = tr_rand(TR_SHAPE(4, 2)), *v = tr_rand(TR_SHAPE(4));
    tr_tensor *exact = tr_matmul(a, b);
    TR_AUTOCAST(TR_BFLOAT16);
    assert_dtype(tr_matmul(a, b), TR_BFLOAT16);
    assert_dtype(tr_mm(a, b), TR_BFLOAT16);
    assert_dtype(tr_matmul(a, v), TR_BFLOAT16);
    assert_dtype(tr_linear(a, tr_t(b), NULL), TR_BFLOAT16);
    assert_dtype(tr_linear(a, tr_t(b), tr_rand(TR_SHAPE(2))), TR_BFLOAT16);
    assert_dtype(tr_matmul(half(TR_SHAPE(3, 4)), b), TR_BFLOAT16);
    double apart = tr_item(tr_max(tr_abs(tr_sub(tr_matmul(a, b), exact))));
    assert_true(apart > 0 && apart < 0.03);
}

TEST(float64_and_integers_stay_what_they_are)
{
    TR_SCOPE;
    TR_AUTOCAST(TR_FLOAT16);
    tr_tensor *d = tr_rand(TR_SHAPE(3, 3), .dtype = TR_FLOAT64), *i = tr_ones(TR_SHAPE(3, 3), .dtype = TR_INT64);
    assert_dtype(tr_matmul(d, d), TR_FLOAT64);
    assert_dtype(tr_matmul(i, i), TR_INT64);
    assert_dtype(tr_exp(d), TR_FLOAT64);
    assert_dtype(tr_sum(i), TR_INT64);
}

TEST(what_needs_digits_takes_halves_as_float32)
{
    TR_SCOPE;
    tr_tensor *x = half(TR_SHAPE(4, 3)), *target = tr_to(tr_tensor_of_list(0, 1, 2, 1), TR_INT64);
    TR_AUTOCAST(TR_BFLOAT16);
    tr_tensor *wide[] = {
        tr_exp(x), tr_log(x), tr_log1p(x), tr_expm1(x), tr_log2(x), tr_log10(x), tr_reciprocal(x), tr_tan(x), tr_asin(x), tr_acos(x), tr_sinh(x), tr_cosh(x), tr_softplus(x), tr_pow(x, 2), tr_pow(2, x), tr_pow(x, x), tr_sum(x), tr_prod(x), tr_cumsum(x, 0), tr_norm(x), tr_var(x), tr_std(x), tr_logsumexp(x), tr_softmax(x, 1), tr_log_softmax(x, 1), tr_cross_entropy(x, target), tr_nll_loss(x, target), tr_mse_loss(x, x)};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (tr_dtype_of(wide[i]) != TR_FLOAT32) fail_msg("number %zu is %s", i, tr_dtype_name(tr_dtype_of(wide[i])));
    tr_tensor *narrow[] = {tr_add(x, x), tr_relu(x), tr_mul(x, 2), tr_mean(x), tr_max(x), tr_tanh(x), tr_sigmoid(x), tr_sqrt(x)};
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        if (tr_dtype_of(narrow[i]) != TR_BFLOAT16) fail_msg("number %zu is %s", i, tr_dtype_name(tr_dtype_of(narrow[i])));
    assert_dtype(tr_add(x, tr_rand(TR_SHAPE(4, 3))), TR_FLOAT32);
}

TEST(gradients_arrive_in_the_parameters_type)
{
    TR_SCOPE;
    tr_tensor *w = tr_requires_grad_(tr_rand(TR_SHAPE(2, 4)), true), *x = tr_rand(TR_SHAPE(3, 4)), *exact;
    assert_int_equal(tr_backward(tr_sum(tr_square(tr_linear(x, w, NULL)))), 0);
    exact = tr_clone(tr_grad(w));
    assert_int_equal(tr_set_grad(w, NULL), 0);
    {
        TR_AUTOCAST(TR_BFLOAT16);
        assert_int_equal(tr_backward(tr_sum(tr_square(tr_linear(x, w, NULL)))), 0); /* backward in the block, too */
    }
    assert_dtype(tr_grad(w), TR_FLOAT32);
    double apart = tr_item(tr_max(tr_abs(tr_div(tr_sub(tr_grad(w), exact), exact))));
    assert_true(apart > 0 && apart < 0.03);
}

TEST(a_parameters_copy_is_made_once_and_again_when_it_was_written)
{
    TR_SCOPE;
    tr_tensor *w = tr_requires_grad_(tr_full(TR_SHAPE(2, 2), 3.0), true), *x = tr_ones(TR_SHAPE(1, 2));
    TR_AUTOCAST(TR_BFLOAT16);
    tr_tensor *y = tr_linear(x, w, NULL);
    int64_t before = tr_memory(tr_cpu()).allocated_bytes;
    tr_tensor *big = tr_requires_grad_(tr_ones(TR_SHAPE(300, 300)), true), *in = tr_ones(TR_SHAPE(1, 300));
    tr_tensor *a = tr_linear(in, big, NULL);
    int64_t once = tr_memory(tr_cpu()).allocated_bytes;
    tr_tensor *b = tr_linear(in, big, NULL);
    int64_t twice = tr_memory(tr_cpu()).allocated_bytes;
    assert_true(once - before >= 300 * 300 * 6 && twice - once < 300 * 300 * 2);
    assert_int_equal(tr_backward(tr_add(tr_sum(a), tr_sum(b))), 0);
    assert_float_equal(tr_get(tr_grad(big), 0), 2, 0);

    assert_float_equal(tr_get(y, 0), 6, 0);
    {
        TR_NO_GRAD;
        tr_fill_(w, 5);
    }
    assert_float_equal(tr_get(tr_linear(x, w, NULL), 0), 10, 0);
}

TEST(a_block_within_may_do_without)
{
    TR_SCOPE;
    tr_tensor *a = tr_rand(TR_SHAPE(2, 2));
    TR_AUTOCAST(TR_BFLOAT16);
    {
        TR_AUTOCAST(TR_DEFAULT_DTYPE);
        assert_dtype(tr_matmul(a, a), TR_FLOAT32);
    }
    assert_dtype(tr_matmul(a, a), TR_BFLOAT16);
    assert_int_equal(tr_get_autocast(), TR_BFLOAT16);
}

TEST(a_type_that_is_not_narrow_is_refused)
{
    TR_AUTOCAST(TR_INT32);
    assert_error_says("tr_set_autocast: int32");
    assert_int_equal(tr_get_autocast(), TR_DEFAULT_DTYPE);
}

/* Compositions run their parts under the same rules: whatever goes in, a gradient of its type comes out. */
TEST(every_operation_takes_and_gives_gradients_of_its_operands_types)
{
    for (const autograd_op *const *op = autograd_ops; *op; op++)
        for (const autograd_case *c = (*op)->cases; c && c->apply; c++)
            for (tr_dtype type = TR_BFLOAT16; type <= TR_FLOAT32; type++) {
                TR_SCOPE;
                tr_tensor *x[AUTOGRAD_INPUTS] = {NULL};
                for (int i = 0; i < c->inputs; i++)
                    x[i] = tr_requires_grad_(tr_to(tr_add(tr_mul(tr_rand(c->shape[i]), c->high - c->low), c->low), type), true);
                tr_on_error(NULL, NULL);
                bool served = c->apply(x) && tr_backward(tr_sum(tr_to(c->apply(x), TR_FLOAT32))) == 0;
                tr_error_clear();
                for (int i = 0; i < c->inputs; i++) (void)tr_set_grad(x[i], NULL);
                if (!served) continue;
                tr_tensor *y;
                {
                    TR_AUTOCAST(TR_BFLOAT16);
                    y = c->apply(x);
                }
                if (!y || tr_backward(tr_sum(tr_to(y, TR_FLOAT32))) < 0) fail_msg("%s, %s, of %s: %s", (*op)->name, c->what, tr_dtype_name(type), tr_error_message());
                for (int i = 0; i < c->inputs; i++)
                    if (tr_grad(x[i]) && tr_dtype_of(tr_grad(x[i])) != type) fail_msg("%s, %s: a gradient of %s", (*op)->name, c->what, tr_dtype_name(tr_dtype_of(tr_grad(x[i]))));
            }
}

/* ---- scaling ---- */

typedef struct {
    tr_tensor *w;
    tr_optim *sgd;
    tr_grad_scaler *scaler;
} training;

static training begin(void)
{
    tr_tensor *w = tr_requires_grad_(tr_tensor_of_list(1, 2), true);
    return (training){w, tr_sgd(TR_TENSORS(w), .lr = 0.5), tr_grad_scaler_new(.init_scale = 8, .growth_interval = 2)};
}

static int step(training *t, double slope)
{
    assert_int_equal(tr_backward(tr_scale(t->scaler, tr_mul(tr_sum(t->w), slope))), 0);
    assert_int_equal(tr_scaler_step(t->scaler, t->sgd), 0);
    assert_int_equal(tr_scaler_update(t->scaler), 0);
    tr_zero_grad(t->sgd);
    return !tr_scaler_skipped(t->scaler);
}

TEST(a_scaled_step_is_the_step)
{
    TR_SCOPE;
    training t = begin();
    assert_int_equal(step(&t, 1), 1);
    assert_float_equal(tr_get(t.w, 0), 0.5, 0);
    assert_float_equal(tr_get(t.w, 1), 1.5, 0);
}

TEST(the_scale_grows_after_some_steps_and_shrinks_after_an_overflow)
{
    TR_SCOPE;
    training t = begin();
    int64_t steps;
    step(&t, 1);
    assert_float_equal(tr_scaler_scale(t.scaler, &steps), 8, 0);
    assert_int_equal(steps, 1);
    step(&t, 1);
    assert_float_equal(tr_scaler_scale(t.scaler, &steps), 16, 0);
    assert_int_equal(steps, 0);
    double before = tr_get(t.w, 0);
    assert_int_equal(step(&t, INFINITY), 0);
    assert_float_equal(tr_get(t.w, 0), before, 0); /* nothing was changed */
    assert_float_equal(tr_scaler_scale(t.scaler, NULL), 8, 0);
    assert_int_equal(step(&t, NAN), 0);
    assert_float_equal(tr_scaler_scale(t.scaler, NULL), 4, 0);
}

TEST(gradients_may_be_looked_at_before_the_step)
{
    TR_SCOPE;
    training t = begin();
    assert_int_equal(tr_backward(tr_scale(t.scaler, tr_sum(t.w))), 0);
    assert_int_equal(tr_unscale_(t.scaler, t.sgd), 0);
    assert_float_equal(tr_get(tr_grad(t.w), 0), 1, 0);
    assert_int_equal(tr_unscale_(t.scaler, t.sgd), -1);
    assert_error_says("unscale_() has already been called");
    assert_int_equal(tr_scaler_step(t.scaler, t.sgd), 0);
    assert_float_equal(tr_get(t.w, 0), 0.5, 0);
    assert_int_equal(tr_scaler_step(t.scaler, t.sgd), -1);
    assert_error_says("step() has already been called");
}

TEST(a_scaler_that_makes_no_sense_is_refused)
{
    TR_SCOPE;
    assert_null(tr_grad_scaler_new(.growth_factor = 0.5));
    assert_error_says("growth_factor 0.5");
    assert_null(tr_grad_scaler_new(.init_scale = -1));
    assert_error_says("init_scale -1");
    tr_grad_scaler *s = tr_grad_scaler_new();
    assert_float_equal(tr_scaler_scale(s, NULL), 65536, 0);
    assert_int_equal(tr_scaler_update(s), -1);
    assert_error_says("No inf checks");
    assert_int_equal(tr_scaler_set_scale(s, 0, 0), -1);
    assert_error_says("a scale of 0");
}

/* ---- training ---- */

static double last_loss(tr_dtype type)
{
    TR_SCOPE;
    tr_manual_seed(3);
    tr_tensor *x = tr_rand(TR_SHAPE(64, 20)), *y = tr_argmax(tr_matmul(x, tr_randn(TR_SHAPE(20, 4))), .dims = (int[]){1}, .ndims = 1);
    tr_module *m = tr_sequential(tr_linear_layer(20, 32), tr_relu_layer(), tr_linear_layer(32, 4));
    tr_optim *sgd = tr_sgd(tr_parameters(m), .lr = 0.5, .momentum = 0.9);
    tr_grad_scaler *scaler = tr_grad_scaler_new();
    double value = NAN;
    for (int i = 0; i < 60; i++) {
        TR_SCOPE;
        tr_tensor *loss;
        {
            TR_AUTOCAST(type);
            loss = tr_cross_entropy(tr_forward(m, x), y);
        }
        assert_int_equal(tr_backward(type == TR_FLOAT16 ? tr_scale(scaler, loss) : loss), 0);
        if (type == TR_FLOAT16) {
            assert_int_equal(tr_scaler_step(scaler, sgd), 0);
            assert_int_equal(tr_scaler_update(scaler), 0);
        } else {
            assert_int_equal(tr_step(sgd), 0);
        }
        tr_zero_grad(sgd);
        value = tr_item(loss);
    }
    return value;
}

TEST(narrow_training_learns_what_float32_does)
{
    double exact = last_loss(TR_DEFAULT_DTYPE);
    assert_true(exact < 0.2);
    assert_true(fabs(last_loss(TR_BFLOAT16) - exact) < 0.05);
    assert_true(fabs(last_loss(TR_FLOAT16) - exact) < 0.05);
}
