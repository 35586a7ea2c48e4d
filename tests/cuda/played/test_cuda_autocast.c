/* Mixed precision on a CUDA device: the types and values of the CPU, scaled float16 steps, float32 weights behind it all. */
#include <math.h>
#include "on_played.h"

enum { SAMPLES = 48,
       INPUTS = 20,
       CLASSES = 4,
       STEPS = 12 };

typedef struct {
    tr_tensor *x, *y;
    tr_module *model;
    tr_optim *adam;
    tr_grad_scaler *scaler;
    tr_dtype type;
} training;

static training begin(tr_device at, tr_dtype type)
{
    tr_manual_seed(5);
    training t = {.type = type, .x = tr_to_device(tr_randn(TR_SHAPE(SAMPLES, INPUTS)), at), .y = tr_to_device(tr_randint(0, CLASSES, TR_SHAPE(SAMPLES)), at)};
    t.model = tr_sequential(tr_linear_layer(INPUTS, 32), tr_relu_layer(), tr_dropout_layer(0.1), tr_linear_layer(32, CLASSES));
    assert_int_equal(tr_module_to(t.model, at), 0);
    t.adam = tr_adam(tr_parameters(t.model), .lr = 0.01);
    t.scaler = tr_grad_scaler_new(.growth_interval = 4);
    return t;
}

/* The loss, which nobody has waited for.  `slope` multiplies the gradients, for an overflow. */
static void step(training *t, double slope, tr_tensor **loss)
{
    {
        TR_AUTOCAST(t->type);
        *loss = tr_cross_entropy(tr_forward(t->model, t->x), t->y);
    }
    bool scaled = t->type == TR_FLOAT16;
    tr_tensor *whole = tr_mul(*loss, slope);
    assert_int_equal(tr_backward(scaled ? tr_scale(t->scaler, whole) : whole), 0);
    assert_int_equal(scaled ? tr_scaler_step(t->scaler, t->adam) : tr_step(t->adam), 0);
    if (scaled) assert_int_equal(tr_scaler_update(t->scaler), 0);
    tr_zero_grad(t->adam);
}

/* All weights and Adam's tensors, float32 in one row. */
static tr_tensor *state(training *t)
{
    tr_tensor *all[32], *s;
    tr_tensors p = tr_parameters(t->model);
    int64_t n = 0;
    for (int64_t i = 0; i < p.count; i++) {
        assert_dtype(p.tensor[i], TR_FLOAT32);
        all[n++] = tr_to_device(tr_flatten(tr_detach(p.tensor[i]), 0, -1), tr_cpu());
    }
    for (int64_t i = 0; tr_optim_state(t->adam, i, NULL, &s); i++) all[n++] = tr_to_device(tr_to(tr_flatten(s, 0, -1), TR_FLOAT32), tr_cpu());
    return tr_cat(((tr_tensors){all, n}), 0);
}

static double far(training *a, training *b) { return tr_item(tr_norm(tr_sub(state(a), state(b)))); }

/* Nearer to the CPU's training in this type than that is to the one in float32. */
static void assert_trains_alike(tr_dtype type, double tolerance)
{
    training here = begin(tr_cpu(), type), wide = begin(tr_cpu(), TR_DEFAULT_DTYPE);
    double want[STEPS];
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        tr_tensor *loss;
        step(&wide, 1, &loss);
        step(&here, 1, &loss);
        assert_int_equal(tr_scaler_skipped(here.scaler), 0);
        want[i] = tr_item(loss);
    }
    assert_true(want[STEPS - 1] < 0.9 * want[0]);
    double narrowing = far(&wide, &here);
    in_every_order(order)
    {
        TR_SCOPE;
        training there = begin(tr_cuda(0), type);
        for (int i = 0; i < STEPS; i++) {
            TR_SCOPE;
            tr_tensor *loss;
            step(&there, 1, &loss);
            assert_dtype(loss, TR_FLOAT32);
            assert_true(fabs(tr_item(loss) - want[i]) <= tolerance * want[i]);
        }
        assert_true(tr_scaler_scale(there.scaler, NULL) == tr_scaler_scale(here.scaler, NULL));
        assert_true(far(&there, &here) <= narrowing / 2);
    }
}

/* Sums of products are rounded to 8 or 11 bits where they are added in another order. */
TEST(bfloat16_trains_as_on_the_cpu) { assert_trains_alike(TR_BFLOAT16, 2e-3); }
TEST(scaled_float16_trains_as_on_the_cpu) { assert_trains_alike(TR_FLOAT16, 5e-4); }

TEST(a_module_may_move_between_two_steps_of_a_block)
{
    training t = begin(tr_cpu(), TR_BFLOAT16);
    TR_AUTOCAST(TR_BFLOAT16);
    tr_tensor *loss = tr_cross_entropy(tr_forward(t.model, t.x), t.y);
    assert_int_equal(tr_module_to(t.model, tr_cuda(0)), 0);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("a gradient on cpu for a leaf that has moved since");
    tr_tensor *y = tr_forward(t.model, tr_to_device(t.x, tr_cuda(0)));
    assert_int_equal(tr_backward(tr_cross_entropy(y, tr_to_device(t.y, tr_cuda(0)))), 0);
    assert_int_equal(tr_step(t.adam), 0);
}

TEST(a_graph_of_weights_that_have_moved_is_not_walked)
{
    training t = begin(tr_cpu(), TR_BFLOAT16);
    tr_tensor *loss = tr_cross_entropy(tr_forward(t.model, t.x), t.y);
    assert_int_equal(tr_module_to(t.model, tr_cuda(0)), 0);
    assert_int_equal(tr_module_to(t.model, tr_cpu()), 0); /* other memory */
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("modified by an inplace operation");
}

/* One product at a time: what it is made of are the CPU's bits. */
TEST(what_a_product_takes_and_gives_is_the_cpus)
{
    tr_tensor *a = tr_randn(TR_SHAPE(5, 1)), *w = tr_requires_grad_(tr_randn(TR_SHAPE(3, 1)), true); /* nothing to add up */
    for (tr_dtype type = TR_FLOAT16; type <= TR_BFLOAT16; type++) {
        TR_SCOPE;
        tr_tensor *there = tr_requires_grad_(tr_to_device(tr_detach(w), tr_cuda(0)), true), *y, *z;
        {
            TR_AUTOCAST(type);
            y = tr_linear(a, w, NULL), z = tr_linear(tr_to_device(a, tr_cuda(0)), there, NULL);
        }
        assert_dtype(z, type);
        assert_close(z, y, 0);
    }
}

/* Before Adam has any state what there is of it afterwards is what it begins with. */
TEST(an_overflow_skips_the_step_and_halves_the_scale)
{
    in_every_order(order)
    {
        TR_SCOPE;
        training t = begin(tr_cuda(0), TR_FLOAT16);
        tr_tensor *loss, *s;
        tr_tensors p = tr_parameters(t.model);
        tr_tensor *weight = tr_clone(tr_detach(p.tensor[0]));
        step(&t, INFINITY, &loss);
        assert_int_equal(tr_scaler_skipped(t.scaler), 1);
        assert_close(p.tensor[0], weight, 0);
        for (int64_t i = 0; tr_optim_state(t.adam, i, NULL, &s); i++) assert_item(tr_norm(tr_to(s, TR_FLOAT32)), 0, 0);
        for (int i = 0; i < 3; i++) {
            TR_SCOPE;
            step(&t, 1, &loss);
            assert_int_equal(tr_scaler_skipped(t.scaler), 0);
            double scale = tr_scaler_scale(t.scaler, NULL);
            tr_tensor *before = state(&t);
            step(&t, i % 2 ? NAN : INFINITY, &loss);
            assert_close(state(&t), before, 0);
            assert_int_equal(tr_scaler_skipped(t.scaler), 1);
            assert_true(tr_scaler_scale(t.scaler, NULL) == scale / 2);
        }
        assert_true(tr_optim_state(t.adam, 2 * p.count, NULL, &s)); /* "step.0" */
        assert_item(tr_to(s, TR_FLOAT32), 3, 0);
    }
}

TEST(a_narrow_step_waits_for_nothing_scaled_or_not)
{
    needs_played_device();
    for (tr_dtype type = TR_FLOAT16; type <= TR_BFLOAT16; type++) {
        TR_SCOPE;
        training t = begin(tr_cuda(0), type);
        tr_tensor *loss;
        for (int i = 0; i < 2; i++) {
            TR_SCOPE;
            step(&t, 1, &loss);
        }
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
        played.order(PLAYED_LAZY, 0);
        int64_t before = counted().waits;
        for (int i = 0; i < 6; i++) {
            TR_SCOPE;
            step(&t, i == 3 ? INFINITY : 1, &loss);
        }
        assert_int_equal(counted().waits, before);
    }
}
