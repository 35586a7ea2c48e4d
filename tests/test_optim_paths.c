/* Where Adam, AdamW, RMSprop and Adagrad go: as PyTorch went, and in double as the papers' formulas do. */
#include <math.h>
#include "optimisers.h"

/* ---- four steps down f from [1, -2], lr 0.1, as PyTorch took them ---- */

enum { STEPS = 4 };

static void check(tr_optim *(*make)(tr_tensors p), const double path[STEPS][2])
{
    for (int i = 0; i < 2; i++) {
        TR_SCOPE;
        tr_dtype dtype = i ? TR_FLOAT64 : TR_FLOAT32;
        tr_tensor *x = leaf(pair(dtype, 1, -2));
        tr_optim *o = make(TR_TENSORS(x));
        for (int s = 0; s < STEPS; s++) {
            assert_int_equal(descend(x), 0);
            assert_int_equal(tr_step(o), 0);
            tr_zero_grad(o);
            assert_close(x, pair(dtype, path[s][0], path[s][1]), 5e-7);
        }
    }
}

static tr_optim *adam_decay(tr_tensors p) { return tr_adam(p, .lr = 0.1, .weight_decay = 0.1); }
static tr_optim *adamw_decay(tr_tensors p) { return tr_adamw(p, .lr = 0.1, .weight_decay = 0.1); }

TEST(adam_goes_where_torch_goes)
{
    check(adam, (const double[][2]){{1.1, -1.9}, {1.1988126, -1.8001271}, {1.2951288, -1.7004739}, {1.3870847, -1.6011384}});
}

TEST(adam_with_weight_decay_goes_where_torch_goes)
{
    check(adam_decay, (const double[][2]){{1.1, -1.9}, {1.1984563, -1.8001276}, {1.2935224, -1.7004758}, {1.3824515, -1.601143}});
}

TEST(adamw_goes_where_torch_goes)
{
    check(adamw_decay, (const double[][2]){{1.09, -1.88}, {1.1781013, -1.7613584}, {1.2633053, -1.6441762}, {1.3442731, -1.5285605}});
}

TEST(rmsprop_goes_where_torch_goes)
{
    check(rmsprop, (const double[][2]){{2.0, -0.9999999}, {1.2911189, -0.4836021}, {1.5763872, -0.1614228}, {1.4721115, 0.0513328}});
}

TEST(adagrad_goes_where_torch_goes)
{
    check(adagrad, (const double[][2]){{1.1, -1.9}, {1.1624695, -1.8307468}, {1.2091008, -1.7749393}, {1.2463911, -1.7271043}});
}

/* ---- many numbers in double, against the formulas as the papers write them ---- */

enum { N = 37,
       MANY_STEPS = 30 };

typedef struct {
    double p, m, v, most, a;
} number;

static double away(double *x, double towards, double weight) { return *x = (1 - weight) * *x + weight * towards; }

static void adam_formula(number *x, double g, int t, double lr, double b1, double b2, double eps, double l2, double decoupled, bool amsgrad)
{
    x->p -= lr * decoupled * x->p;
    g += l2 * x->p;
    double m = away(&x->m, g, 1 - b1), v = away(&x->v, g * g, 1 - b2);
    x->most = fmax(x->most, v);
    if (amsgrad) v = x->most;
    x->p -= lr * (m / (1 - pow(b1, t))) / (sqrt(v / (1 - pow(b2, t))) + eps);
}

static void formula_sgd(number *x, double g, int t) { (void)t, x->p -= 0.1 * g; }
static void formula_sgd_all(number *x, double g, int t)
{
    g += 0.1 * x->p;
    x->v = t == 1 ? g : 0.9 * x->v + g;
    x->p -= 0.1 * (g + 0.9 * x->v);
}
static void formula_adam(number *x, double g, int t) { adam_formula(x, g, t, 0.1, 0.9, 0.999, 1e-8, 0, 0, false); }
static void formula_adam_all(number *x, double g, int t) { adam_formula(x, -g, t, 0.1, 0.8, 0.99, 1e-6, 0.1, 0, true); }
static void formula_adamw(number *x, double g, int t) { adam_formula(x, g, t, 0.1, 0.9, 0.999, 1e-8, 0, 0.01, false); }
static void formula_adamw_all(number *x, double g, int t) { adam_formula(x, g, t, 0.1, 0.3, 0.6, 1e-4, 0, 0.2, true); }
static void formula_rmsprop(number *x, double g, int t) { (void)t, x->p -= 0.1 * g / (sqrt(away(&x->v, g * g, 0.01)) + 1e-8); }
static void formula_rmsprop_all(number *x, double g, int t)
{
    (void)t;
    g = -g + 0.1 * x->p;
    double v = away(&x->v, g * g, 0.1), a = away(&x->a, g, 0.1);
    x->m = 0.8 * x->m + g / (sqrt(v - a * a) + 1e-4);
    x->p -= 0.1 * x->m;
}
static void formula_adagrad(number *x, double g, int t)
{
    (void)t;
    x->v += g * g;
    x->p -= 0.1 * g / (sqrt(x->v) + 1e-10);
}
static void formula_adagrad_all(number *x, double g, int t)
{
    g = -g + 0.1 * x->p;
    if (t == 1) x->v = 0.5;
    x->v += g * g;
    x->p -= 0.1 / (1 + (t - 1) * 0.3) * g / (sqrt(x->v) + 1e-3);
}

static void (*const formula[OPTIMISERS])(number *x, double g, int t) = {
    formula_sgd, formula_sgd_all, formula_adam, formula_adam_all, formula_adamw, formula_adamw_all, formula_rmsprop, formula_rmsprop_all, formula_adagrad, formula_adagrad_all};

TEST(in_double_they_follow_the_formulas_to_14_digits)
{
    for (int k = 0; k < OPTIMISERS; k++) {
        TR_SCOPE;
        tr_manual_seed(3);
        tr_tensor *p = leaf(tr_randn(TR_SHAPE(N), .dtype = TR_FLOAT64));
        tr_optim *o = optimisers[k].make(TR_TENSORS(p));
        double *x = tr_data(p);
        number want[N] = {0};
        for (int i = 0; i < N; i++) want[i].p = x[i];
        for (int t = 1; t <= MANY_STEPS; t++) {
            tr_tensor *gradient = tr_randn(TR_SHAPE(N), .dtype = TR_FLOAT64);
            const double *g = tr_data(gradient);
            assert_int_equal(tr_set_grad(p, gradient), 0);
            assert_int_equal(tr_step(o), 0);
            for (int i = 0; i < N; i++) {
                formula[k](&want[i], g[i], t);
                if (!(fabs(x[i] - want[i].p) <= 1e-14 * (1 + fabs(want[i].p)))) fail_msg("%s %d: step %d: %.17g, not %.17g", optimisers[k].name, k, t, x[i], want[i].p);
            }
        }
    }
}

/* float32 stays near double: nothing is computed with less than its type. */
TEST(in_single_they_stay_near_the_double_path)
{
    for (int k = 0; k < OPTIMISERS; k++) {
        TR_SCOPE;
        tr_tensor *p = leaf(row(1, -2, 0.5)), *q = leaf(row64(1, -2, 0.5));
        tr_optim *single = optimisers[k].make(TR_TENSORS(p)), *twice = optimisers[k].make(TR_TENSORS(q));
        for (int t = 0; t < 10; t++) {
            tr_tensor *g = tr_randn(TR_SHAPE(3));
            assert_int_equal(tr_set_grad(p, g), 0);
            assert_int_equal(tr_set_grad(q, tr_to(g, TR_FLOAT64)), 0);
            assert_int_equal(tr_step(single), 0);
            assert_int_equal(tr_step(twice), 0);
            assert_close(p, q, 2e-5);
        }
    }
}

/* With one gradient all the time the spread of a centered RMSprop is 0, which rounding may take below. */
TEST(a_centered_rmsprop_survives_a_constant_gradient)
{
    tr_tensor *x = leaf(row(1, 0.1));
    tr_optim *o = tr_rmsprop(TR_TENSORS(x), .centered = true, .alpha = 0.5);
    assert_int_equal(tr_set_grad(x, row(0.3, 0.7)), 0);
    for (int i = 0; i < 200; i++) assert_int_equal(tr_step(o), 0);
    assert_true(isfinite(tr_get(x, 0)) && isfinite(tr_get(x, 1)));
}

/* ---- options ---- */

TEST(a_zero_can_be_meant)
{
    tr_tensor *x = leaf(row(1)), *y = leaf(row(1));
    assert_int_equal(tr_set_grad(x, row(0)), 0);
    assert_int_equal(tr_set_grad(y, row(3)), 0);
    assert_int_equal(tr_step(tr_adamw(TR_TENSORS(x), .lr = 0.5)), 0);
    assert_item(x, 1 - 0.5 * 0.01, 1e-7);
    assert_int_equal(tr_step(tr_adamw(TR_TENSORS(x), .lr = 0.5, .weight_decay = TR_ZERO)), 0);
    assert_item(x, 1 - 0.5 * 0.01, 1e-7);
    tr_optim *o = tr_adam(TR_TENSORS(y), .lr = TR_ZERO, .betas = {TR_ZERO, TR_ZERO});
    assert_true(tr_learning_rate(o) == 0);
    assert_int_equal(tr_set_learning_rate(o, 0.5), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_step(o), 0); /* without memory: lr g / |g| each time */
    assert_item(y, -0.5, 1e-6);
}

TEST(learning_rates_are_torchs_by_default)
{
    tr_tensor *x = leaf(row(1));
    assert_true(tr_learning_rate(tr_adam(TR_TENSORS(x))) == 1e-3);
    assert_true(tr_learning_rate(tr_adamw(TR_TENSORS(x))) == 1e-3);
    assert_true(tr_learning_rate(tr_rmsprop(TR_TENSORS(x))) == 1e-2);
    assert_true(tr_learning_rate(tr_adagrad(TR_TENSORS(x))) == 1e-2);
}

#define refused(call, says) (assert_null(call), assert_error_says(says))

TEST(options_that_make_no_sense_are_refused)
{
    tr_tensors x = TR_TENSORS(leaf(row(1)));
    refused(tr_adam(x, .lr = -1), "tr_adam: lr -1");
    refused(tr_adam(x, .eps = NAN), "eps nan");
    refused(tr_adam(x, .weight_decay = -0.5), "weight decay -0.5");
    refused(tr_adam(x, .betas = {1, 0.9}), "betas 1 and 0.9: both must be in [0, 1)");
    refused(tr_adam(x, .betas = {0.9, -0.1}), "betas 0.9 and -0.1");
    refused(tr_adamw(x, .betas = {NAN}), "tr_adamw: betas nan");
    refused(tr_adamw(x, .lr = INFINITY), "tr_adamw: lr inf");
    refused(tr_rmsprop(x, .alpha = 1.5), "tr_rmsprop: alpha 1.5");
    refused(tr_rmsprop(x, .momentum = -1), "momentum -1");
    refused(tr_rmsprop(x, .lr = NAN), "lr nan");
    refused(tr_adagrad(x, .lr_decay = -1), "tr_adagrad: lr 0.01, lr_decay -1");
    refused(tr_adagrad(x, .initial_accumulator_value = -1), "initial accumulator -1");
    refused(tr_adagrad(x, .eps = INFINITY), "eps inf");
}

TEST(what_cannot_be_optimised_is_refused)
{
    tr_tensor *x = leaf(row(1, 2));
    refused(tr_adam(((tr_tensors){NULL, 0})), "tr_adam: the list of parameters is empty");
    refused(tr_adamw(TR_TENSORS(x, NULL)), "NULL");
    refused(tr_rmsprop(TR_TENSORS(x, tr_mul(x, 2))), "tr_rmsprop: parameter 1 is the result of MulBackward0");
    refused(tr_adagrad(TR_TENSORS(x, x)), "tr_adagrad: parameters 0 and 1 are one tensor");
    refused(tr_adam(TR_TENSORS(tr_zeros(TR_SHAPE(2), .dtype = TR_FLOAT16))), "float16");
}
