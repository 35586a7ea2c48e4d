/* Learning from end to end: small networks learn what they are shown, along the very path of a plain reference. */
#include "mlp.h"

static tr_tensor *floats(int64_t rows, int64_t columns, const float *values) { return tr_from_data(values, TR_FLOAT32, TR_SHAPE(rows, columns)); }

/* The samples that m puts into the right class. */
static int64_t right(tr_module *m, tr_tensor *x, tr_tensor *y)
{
    TR_SCOPE;
    TR_NO_GRAD;
    return (int64_t)tr_item(tr_sum(tr_eq(tr_argmax(tr_forward(m, x), TR_DIM(1)), y)));
}

TEST(a_network_learns_exclusive_or)
{
    tr_tensor *x = floats(4, 2, (float[]){0, 0, 0, 1, 1, 0, 1, 1});
    tr_tensor *y = tr_from_data(((int64_t[]){0, 1, 1, 0}), TR_INT64, TR_SHAPE(4));
    tr_module *m = tr_sequential(tr_linear_layer(2, 8), tr_tanh_layer(), tr_linear_layer(8, 2));
    tr_optim *o = tr_sgd(tr_parameters(m), .lr = 0.5, .momentum = 0.9);
    double loss = 1;
    for (int i = 0; i < 200; i++) loss = train(m, o, x, y);
    assert_int_equal(right(m, x, y), 4);
    assert_true(loss < 0.01);
}

/* Three classes that lie around each other as the arms of a spiral. */
enum { ARM = 40 };

static void spiral(float *x, int64_t *y)
{
    for (int i = 0; i < 3 * ARM; i++) {
        int arm = i % 3, along = i / 3;
        double r = 0.15 + 0.85 * along / (ARM - 1), angle = 2 * r + arm * 2.0943951;
        x[2 * i] = (float)(r * cos(angle));
        x[2 * i + 1] = (float)(r * sin(angle));
        y[i] = arm;
    }
}

TEST(a_network_learns_three_arms_of_a_spiral)
{
    float points[6 * ARM];
    int64_t arms[3 * ARM];
    spiral(points, arms);
    tr_tensor *x = floats(3 * ARM, 2, points), *y = tr_from_data(arms, TR_INT64, TR_SHAPE(3 * ARM));
    tr_module *m = tr_sequential(tr_linear_layer(2, 16), tr_tanh_layer(), tr_linear_layer(16, 16), tr_relu_layer(), tr_linear_layer(16, 3));
    tr_optim *o = tr_sgd(tr_parameters(m), .lr = 0.2, .momentum = 0.9, .nesterov = true);
    for (int i = 0; i < 500; i++) train(m, o, x, y);
    assert_int_equal(right(m, x, y), 3 * ARM);
}

TEST(one_seed_gives_one_curve)
{
    double first[20];
    for (int again = 0; again < 2; again++) {
        tr_manual_seed(7);
        tr_module *m = mlp();
        tr_optim *o = sgd_of(m);
        for (int i = 0; i < 20; i++) {
            double loss = train(m, o, inputs(30), classes(30));
            if (again) assert_true(loss == first[i]);
            first[i] = loss;
        }
    }
}

/* ---- the same network, loss and optimiser in plain C and float64 ---- */

enum { SAMPLES = 24 }; /* INPUTS, HIDDEN and CLASSES are mlp.h's */

typedef struct {
    double w1[HIDDEN][INPUTS], b1[HIDDEN], w2[CLASSES][HIDDEN], b2[CLASSES];
} weights;
enum { WEIGHTS = sizeof(weights) / sizeof(double) };

/* The mean cross-entropy of log_softmax(w2 tanh(w1 x + b1) + b2), and its derivative by every weight. */
static double reference(const weights *w, double x[][INPUTS], const int64_t *y, weights *dw)
{
    double loss = 0;
    *dw = (weights){0};
    for (int s = 0; s < SAMPLES; s++) {
        double h[HIDDEN], z[CLASSES], sum = 0;
        for (int j = 0; j < HIDDEN; j++) {
            double a = w->b1[j];
            for (int i = 0; i < INPUTS; i++) a += w->w1[j][i] * x[s][i];
            h[j] = tanh(a);
        }
        for (int k = 0; k < CLASSES; k++) {
            z[k] = w->b2[k];
            for (int j = 0; j < HIDDEN; j++) z[k] += w->w2[k][j] * h[j];
            sum += exp(z[k]);
        }
        loss += (log(sum) - z[y[s]]) / SAMPLES;
        double dh[HIDDEN] = {0};
        for (int k = 0; k < CLASSES; k++) {
            double dz = (exp(z[k]) / sum - (k == y[s])) / SAMPLES;
            dw->b2[k] += dz;
            for (int j = 0; j < HIDDEN; j++) {
                dw->w2[k][j] += dz * h[j];
                dh[j] += dz * w->w2[k][j];
            }
        }
        for (int j = 0; j < HIDDEN; j++) {
            double da = dh[j] * (1 - h[j] * h[j]);
            dw->b1[j] += da;
            for (int i = 0; i < INPUTS; i++) dw->w1[j][i] += da * x[s][i];
        }
    }
    return loss;
}

static double reference_step(weights *w, weights *v, bool first, double x[][INPUTS], const int64_t *y)
{
    weights dw;
    double loss = reference(w, x, y, &dw), *p = (double *)w, *speed = (double *)v;
    for (int i = 0; i < WEIGHTS; i++) {
        double g = ((double *)&dw)[i] + 1e-3 * p[i];
        speed[i] = first ? g : 0.9 * speed[i] + g;
        p[i] -= 0.1 * speed[i];
    }
    return loss;
}

static void check_curve(tr_dtype dtype, int steps, double tolerance)
{
    tr_module *m = tr_sequential(tr_linear_layer(INPUTS, HIDDEN, .dtype = dtype), tr_tanh_layer(), tr_linear_layer(HIDDEN, CLASSES, .dtype = dtype));
    tr_optim *o = sgd_of(m);
    tr_tensor *x = tr_to(inputs(SAMPLES), dtype), *y = classes(SAMPLES);

    weights w = {0}, v = {0};
    double *part[] = {*w.w1, w.b1, *w.w2, w.b2}, samples[SAMPLES][INPUTS];
    for (int i = 0; i < 4; i++) assert_int_equal(tr_to_data(tr_parameters(m).tensor[i], TR_FLOAT64, part[i]), 0);
    assert_int_equal(tr_to_data(x, TR_FLOAT64, *samples), 0);

    for (int i = 0; i < steps; i++) {
        double expected = reference_step(&w, &v, i == 0, samples, tr_data(y)), loss = train(m, o, x, y);
        if (fabs(loss - expected) <= tolerance * expected) continue;
        print_error("step %d: loss %.17g, wanted %.17g\n", i, loss, expected);
        fail();
    }
}

TEST(the_curve_is_that_of_a_plain_reference) { check_curve(TR_FLOAT32, 200, 1e-5); }
TEST(in_float64_it_is_so_to_the_last_digits) { check_curve(TR_FLOAT64, 200, 1e-12); }
