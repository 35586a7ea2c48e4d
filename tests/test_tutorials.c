/* The numbers that PyTorch 1.13 and NumPy give for the same programs, from five tutorials. */
#include <math.h>
#include <trireme/autograd.h>
#include <trireme/random.h>
#include "test.h"

static tr_tensor *scalar(double x) { return tr_tensor_of((float)x, .requires_grad = true); }

/* ---- a line through 100 points ----
 * The data are those of numpy.random.seed(1234): x = uniform(size=100), y = 0.3 + 0.1 x + 0.01 randn(100). */

enum { POINTS = 100 };

static double uniform(tr_generator *g)
{
    uint32_t a = tr_random_u32(g) >> 5, b = tr_random_u32(g) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

/* Two at a time, by the polar method; the second one first. */
static void normal_pair(tr_generator *g, double pair[2])
{
    double x1, x2, r2;
    do {
        x1 = 2 * uniform(g) - 1;
        x2 = 2 * uniform(g) - 1;
        r2 = x1 * x1 + x2 * x2;
    } while (r2 >= 1 || r2 == 0);
    double f = sqrt(-2 * log(r2) / r2);
    pair[0] = f * x2;
    pair[1] = f * x1;
}

typedef struct {
    tr_tensor *X, *Y, *theta; /* (100, 2) with a column of ones, (100, 1), (2, 1) */
} line;

static line points(void)
{
    double x[POINTS], y[POINTS];
    tr_generator *g = tr_generator_new(TR_MT19937, 1234);
    for (int i = 0; i < POINTS; i++) x[i] = uniform(g);
    for (int i = 0; i < POINTS; i += 2) normal_pair(g, y + i);
    for (int i = 0; i < POINTS; i++) y[i] = 0.3 + 0.1 * x[i] + 0.01 * y[i];
    assert_true(x[99] == 0.6694217430745488);
    assert_true(fabs(y[99] - 0.352446508218821) < 1e-15);
    tr_tensor *column = tr_from_data(x, TR_FLOAT64, TR_SHAPE(POINTS), .dtype = TR_FLOAT32);
    return (line){.X = tr_stack(TR_TENSORS(tr_ones(TR_SHAPE(POINTS)), column), 1),
                  .Y = tr_view(tr_from_data(y, TR_FLOAT64, TR_SHAPE(POINTS), .dtype = TR_FLOAT32), TR_SHAPE(-1, 1)),
                  .theta = tr_ones(TR_SHAPE(2, 1), .requires_grad = true)};
}

static tr_tensor *loss_of(const line *l) { return tr_mean(tr_pow(tr_sub(tr_mm(l->X, l->theta), l->Y), 2)); }

static void descend(const line *l)
{
    TR_NO_GRAD;
    tr_sub_(l->theta, tr_mul(0.1, tr_grad(l->theta)));
    tr_zero_(tr_grad(l->theta));
}

TEST(a_line_is_fitted_as_in_the_tutorial)
{
    line l = points();
    assert_shape(l.X, 100, 2);
    tr_tensor *loss = loss_of(&l);
    assert_item(loss, 1.4227023124694824, 1e-6);
    assert_string_equal(tr_grad_fn(loss), "MeanBackward0");
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_flatten(tr_grad(l.theta), 0, -1), row(2.3327, 1.3472), 5e-5);
    descend(&l);
    assert_close(tr_flatten(l.theta, 0, -1), row(0.7667, 0.8653), 5e-5);
    assert_true(tr_requires_grad(l.theta) && tr_is_leaf(l.theta));
    assert_close(tr_grad(l.theta), tr_zeros(TR_SHAPE(2, 1)), 0);
}

TEST(a_thousand_steps_give_the_printed_losses)
{
    const double printed[] = {1.422702, 0.001226, 0.000196, 0.000102, 0.000094, 0.000093,
                              0.000093, 0.000093, 0.000093, 0.000093, 0.000093};
    line l = points();
    for (int epoch = 1; epoch <= 1000; epoch++) {
        TR_SCOPE;
        tr_tensor *loss = loss_of(&l);
        assert_int_equal(tr_backward(loss), 0);
        descend(&l);
        if (epoch == 1 || epoch % 100 == 0) assert_item(loss, printed[epoch / 100], 5.1e-7);
    }
    assert_close(tr_flatten(l.theta, 0, -1), row(0.3007617, 0.0988290), 2e-6);
    assert_item(loss_of(&l), 9.2726e-5, 2e-8);
}

/* ---- sin((w + 1)^3) ---- */

TEST(a_chain_of_three_gives_every_derivative)
{
    tr_tensor *w = scalar(1), *x = tr_retain_grad(tr_add(w, 1)), *y = tr_retain_grad(tr_pow(x, 3)), *z = tr_sin(y);
    assert_item(x, 2, 0);
    assert_item(y, 8, 0);
    assert_item(z, 0.98935825, 1e-7);
    assert_string_equal(tr_grad_fn(x), "AddBackward0");
    assert_string_equal(tr_grad_fn(y), "PowBackward0");
    assert_string_equal(tr_grad_fn(z), "SinBackward0");
    assert_int_equal(tr_backward(z, .retain_graph = true), 0);
    assert_item(tr_grad(w), -1.7460004091262817, 2.5e-7);
    assert_item(tr_grad(x), -1.7460, 5e-5);
    assert_item(tr_grad(y), -0.1455, 5e-5);
    assert_int_equal(tr_backward(z), 0);
    assert_item(tr_grad(w), -3.4920, 5e-5);
}

TEST(a_matrix_times_a_vector_gives_the_vector_and_the_sums_of_columns)
{
    tr_tensor *M = tr_randn(TR_SHAPE(3, 3), .requires_grad = true), *v = tr_randn(TR_SHAPE(3), .requires_grad = true);
    assert_int_equal(tr_backward(tr_sum(tr_matmul(M, v))), 0);
    assert_close(tr_grad(M), tr_expand(tr_detach(v), TR_SHAPE(3, 3)), 0);
    assert_close(tr_grad(v), tr_sum(tr_detach(M), TR_DIM(0)), 1e-6);
}

TEST(steps_down_a_parabola_follow_the_closed_form)
{
    const struct {
        int n;
        double x;
    } seen[] = {{0, 0}, {1, 0.029999999329447746}, {2, 0.05939999967813492}, {10, 0.2743907570838928}, {100, 1.3010706901550293}, {499, 1.4999370574951172}, {500, 1.4999383687973022}};
    tr_tensor *x = scalar(0);
    for (int n = 0, next = 0; n <= 500; n++) {
        TR_SCOPE;
        if (n == seen[next].n) assert_item(x, seen[next++].x, 2e-6);
        tr_tensor *f = tr_add(tr_sub(tr_pow(x, 2), tr_mul(3, x)), 1);
        if (n == 0) assert_item(f, 1, 0);
        assert_string_equal(tr_grad_fn(f), "AddBackward0");
        assert_int_equal(tr_backward(f), 0);
        TR_NO_GRAD;
        tr_sub_(x, tr_mul(0.01, tr_grad(x)));
        tr_zero_(tr_grad(x));
    }
}

/* ---- the short ones ---- */

TEST(the_sum_of_squares_has_twice_the_values)
{
    tr_tensor *X = tr_requires_grad_(row(0, 1, 2, 3, 4), true), *f = tr_sum(tr_pow(X, 2));
    assert_item(f, 30, 0);
    assert_string_equal(tr_grad_fn(f), "SumBackward0");
    tr_tensor *twice = tr_mul(2., tr_detach(X));
    assert_close(twice, row(0, 2, 4, 6, 8), 0);
    assert_false(tr_requires_grad(twice));
    assert_int_equal(tr_backward(f), 0);
    assert_close(tr_grad(X), row(0, 2, 4, 6, 8), 0);
}

TEST(a_sigmoid_rounds_as_pytorchs)
{
    tr_tensor *t = tr_requires_grad_(row(0.8762), true), *y = tr_sigmoid(t);
    assert_int_equal(tr_backward(y), 0);
    assert_item(tr_grad(t), 0.20754991471767426, 0);
    assert_item(tr_mul(tr_detach(y), tr_sub(1, tr_detach(y))), 0.20754991471767426, 0);
}

TEST(a_product_and_a_sum_of_scalars)
{
    tr_tensor *x = tr_tensor_of(3.), *w = scalar(4), *b = scalar(5), *y = tr_add(tr_mul(w, x), b);
    assert_item(y, 17, 0);
    assert_string_equal(tr_grad_fn(y), "AddBackward0");
    assert_int_equal(tr_backward(y), 0);
    assert_null(tr_grad(x));
    assert_item(tr_grad(w), 3, 0);
    assert_item(tr_grad(b), 1, 0);
}

/* ---- losses ---- */

static tr_tensor *classes(tr_tensor *t) { return tr_to(t, TR_INT64); }

TEST(cross_entropy_gives_pytorchs_values)
{
    assert_item(tr_cross_entropy(tr_unsqueeze(row(1, 2, 3), 0), classes(row(2))), 0.4076, 5e-5);
    tr_tensor *logits = tr_requires_grad_(tr_stack(TR_TENSORS(row(1, 2, 3), row(0, 0, 1)), 0), false);
    logits = tr_requires_grad_(tr_detach(logits), true);
    tr_tensor *loss = tr_cross_entropy(logits, classes(row(2, 0)));
    assert_item(loss, 0.97952533, 1e-7);
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_flatten(tr_grad(logits), 0, -1),
                 row(0.04501529, 0.12236425, -0.16737950, -0.39402923, 0.10597077, 0.28805846), 1e-7);
    assert_item(tr_cross_entropy(logits, classes(row(2, 0)), .reduction = TR_SUM), 2 * 0.97952533, 2e-7);
    assert_close(tr_cross_entropy(logits, classes(row(2, -100)), .reduction = TR_NONE), row(0.40760596, 0), 1e-7);
    assert_item(tr_cross_entropy(logits, classes(row(2, -100))), 0.40760596, 1e-7);
    assert_true(isnan(tr_item(tr_cross_entropy(logits, classes(row(-100, -100))))));
}

TEST(cross_entropy_names_what_it_cannot_use)
{
    tr_tensor *logits = tr_zeros(TR_SHAPE(2, 3));
    assert_null(tr_cross_entropy(logits, classes(row(0, 3))));
    assert_error_says("3");
    assert_null(tr_cross_entropy(logits, classes(row(0, -1))));
    assert_error_says("-1");
    assert_null(tr_cross_entropy(logits, classes(row(0))));
    assert_error_says("tr_cross_entropy: (2, 3) float32 with targets (1,) int64");
    assert_null(tr_cross_entropy(logits, row(0, 1)));
    assert_error_says("targets (2,) float32: wanted (B, C) of a floating type and (B,) int64");
    assert_null(tr_cross_entropy(logits, classes(row(0, 1)), .reduction = (tr_reduction)7));
    assert_error_says("no reduction 7");
}

TEST(the_mean_squared_error_broadcasts)
{
    tr_tensor *x = tr_requires_grad_(row(1, 2, 4), true), *loss = tr_mse_loss(x, row(1, 1, 1));
    assert_item(loss, 10 / 3., 1e-6);
    assert_string_equal(tr_grad_fn(loss), "MseLossBackward0");
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), row(0, 2 / 3., 2), 1e-6);
    assert_item(tr_mse_loss(x, tr_tensor_of(1.0), .reduction = TR_SUM), 10, 0);
    assert_close(tr_mse_loss(x, row(1), .reduction = TR_NONE), row(0, 1, 9), 0);
    assert_null(tr_mse_loss(x, row(1), .reduction = (tr_reduction)-1));
    assert_error_says("no reduction -1");
    assert_null(tr_mse_loss(tr_to(x, TR_INT64), tr_tensor_of(1)));
    assert_error_says("tr_mse_loss: (3,) int64 and () int64 are not of a floating type");
    assert_null(tr_mse_loss(x, row(1, 2)));
    assert_error_says("tr_mse_loss: (3,) float32 and (2,) float32 do not broadcast");
}
