/* Scaled steps: those that overflow leave no trace, whatever the optimiser, and recorded ones do what running does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/trireme.h>
#include "test.h"

enum { N = 37,
       STEPS = 9 };

/* ---- what steps, and what it is given ---- */

static tr_optim *optim_of(int kind, tr_tensor *w)
{
    switch (kind) {
    case 0: return tr_sgd(TR_TENSORS(w), .lr = 0.1, .weight_decay = 0.01);
    case 1: return tr_sgd(TR_TENSORS(w), .lr = 0.1, .momentum = 0.9, .dampening = 0.3);
    case 2: return tr_adam(TR_TENSORS(w), .lr = 0.05);
    case 3: return tr_adamw(TR_TENSORS(w), .lr = 0.05, .amsgrad = true);
    case 4: return tr_rmsprop(TR_TENSORS(w), .lr = 0.05, .momentum = 0.5, .centered = true);
    case 5: return tr_adagrad(TR_TENSORS(w), .lr = 0.05, .lr_decay = 0.1);
    default: return NULL;
    }
}

typedef struct {
    tr_tensor *w;
    tr_optim *optim;
    tr_grad_scaler *scaler;
} training;

static training made(int kind, tr_dtype dtype)
{
    tr_manual_seed(2);
    training t = {.w = tr_requires_grad_(harness_there(tr_randn(TR_SHAPE(N), .dtype = dtype)), true)};
    t.optim = optim_of(kind, t.w);
    t.scaler = tr_grad_scaler_new(.init_scale = 64, .growth_interval = 2); /* powers of two: what is scaled and unscaled has its bits again */
    return t;
}

static const double overflows[STEPS] = {INFINITY, 0, 0, NAN, 0, -INFINITY, INFINITY, 0, 0};

/* The gradient of step i: of a step that is to be skipped a number of it is infinite or none. */
static tr_tensor *slope(int i, tr_dtype dtype)
{
    tr_manual_seed(100 + (uint64_t)i);
    tr_tensor *x = tr_randn(TR_SHAPE(N), .dtype = dtype);
    if (overflows[i] != 0 && dtype == TR_FLOAT32) ((float *)tr_data(x))[i] = (float)overflows[i];
    if (overflows[i] != 0 && dtype == TR_FLOAT64) ((double *)tr_data(x))[i] = overflows[i];
    return harness_there(x);
}

static void step(training *t, tr_tensor *x)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_scale(t->scaler, tr_sum(tr_mul(t->w, x)))), 0);
    assert_int_equal(tr_scaler_step(t->scaler, t->optim), 0);
    assert_int_equal(tr_scaler_update(t->scaler), 0);
    tr_zero_grad(t->optim);
}

static void plain_step(training *t, tr_tensor *x)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_sum(tr_mul(t->w, x))), 0);
    assert_int_equal(tr_step(t->optim), 0);
    tr_zero_grad(t->optim);
}

static void assert_same_state(training *a, training *b)
{
    const char *one, *other;
    tr_tensor *s, *t;
    assert_close(a->w, b->w, 0);
    for (int64_t i = 0; tr_optim_state(b->optim, i, &other, &t); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s", other);
        assert_true(tr_optim_state(a->optim, i, &one, &s));
        assert_string_equal(one, name);
        assert_close(tr_to(s, TR_FLOAT64), tr_to(tr_to_device(t, tr_device_of(s)), TR_FLOAT64), 0);
    }
}

/* The second begins with a plain step, so that there is state before the scaler comes; and goes back to plain ones. */
static void assert_skips(int kind, tr_dtype dtype, bool warm)
{
    training scaled = made(kind, dtype), plain = made(kind, dtype);
    double scale = 64;
    int64_t since = 0;
    if (warm) plain_step(&scaled, slope(1, dtype)), plain_step(&plain, slope(1, dtype));
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        int64_t steps;
        tr_tensor *x = slope(i, dtype);
        step(&scaled, x);
        if (overflows[i] == 0) plain_step(&plain, x);
        since = overflows[i] == 0 ? since + 1 : 0;
        scale *= overflows[i] != 0 ? 0.5 : since == 2 ? 2
                                                      : 1;
        since %= 2;
        assert_int_equal(tr_scaler_skipped(scaled.scaler), overflows[i] != 0);
        assert_true(tr_scaler_scale(scaled.scaler, &steps) == scale);
        assert_int_equal(steps, since);
        assert_close(scaled.w, plain.w, 0);
    }
    assert_same_state(&scaled, &plain);
    plain_step(&scaled, slope(2, dtype)), plain_step(&plain, slope(2, dtype));
    assert_same_state(&scaled, &plain);
}

TEST(steps_that_overflow_leave_no_trace)
{
    for (int kind = 0; kind < 6; kind++)
        for (int warm = 0; warm < 2; warm++) {
            TR_SCOPE;
            assert_skips(kind, TR_FLOAT32, warm);
            assert_skips(kind, TR_FLOAT64, warm);
        }
}

/* ---- recorded ---- */

/* Recorded at step `at`, which overflows or not, and may be the first of all. */
static void assert_replays(int kind, int at)
{
    TR_SCOPE;
    training run = made(kind, TR_FLOAT32), replayed = made(kind, TR_FLOAT32);
    tr_recording *r = NULL;
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        tr_tensor *x = slope(i, TR_FLOAT32);
        step(&run, x);
        if (i == at) {
            assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x)), 0);
            tr_recording_keep(r);
        }
        if (i <= at)
            step(&replayed, x);
        else
            assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x)), 0);
        if (i == at) assert_int_equal(tr_record_end(), 0);
        assert_close(replayed.w, run.w, 0);
        assert_true(tr_scaler_scale(replayed.scaler, NULL) == tr_scaler_scale(run.scaler, NULL));
        assert_int_equal(tr_scaler_skipped(replayed.scaler), overflows[i] != 0);
    }
    assert_same_state(&replayed, &run);
    if (harness_device().type != TR_CPU) assert_int_equal(tr_recording_info_of(r).graphs, 1); /* nothing of it is the host's */
    tr_recording_drop(r);
}

TEST(a_recorded_step_skips_and_scales_as_running_it_does)
{
    for (int kind = 0; kind < 6; kind++)
        for (int at = 0; at < 4; at++) assert_replays(kind, at);
}

TEST(a_replay_takes_the_rate_and_the_scale_of_today)
{
    training run = made(2, TR_FLOAT32), replayed = made(2, TR_FLOAT32);
    tr_recording *r;
    tr_tensor *x = slope(1, TR_FLOAT32);
    step(&run, x);
    assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x)), 0);
    step(&replayed, x);
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 4; i++) {
        for (training *t = &run;; t = &replayed) {
            assert_int_equal(tr_set_learning_rate(t->optim, 0.1 / (1 + i)), 0);
            if (i == 2) assert_int_equal(tr_scaler_set_scale(t->scaler, 1024, 1), 0);
            if (t == &replayed) break;
        }
        step(&run, x);
        assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x)), 0);
        assert_close(replayed.w, run.w, 0);
        assert_true(tr_scaler_scale(replayed.scaler, NULL) == tr_scaler_scale(run.scaler, NULL));
    }
    assert_true(tr_scaler_scale(run.scaler, NULL) > 1024);
}

TEST(a_step_recorded_before_the_scaler_came_is_recorded_again)
{
    training t = made(2, TR_FLOAT32);
    tr_recording *r;
    tr_tensor *x = slope(1, TR_FLOAT32);
    assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x)), 0);
    plain_step(&t, x);
    assert_int_equal(tr_record_end(), 0);
    step(&t, x);
    int status = tr_replay(r, .inputs = TR_TENSORS(x));
    if (harness_device().type == TR_CPU) { /* which counts where it did */
        assert_int_equal(status, 0);
        return;
    }
    assert_int_equal(status, -1);
    assert_error_says("record it again");
}

TEST(what_is_unscaled_and_clipped_in_between_is_recorded_too)
{
    training run = made(1, TR_FLOAT32), replayed = made(1, TR_FLOAT32);
    tr_recording *r = NULL;
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        tr_tensor *x = slope(i, TR_FLOAT32);
        for (training *t = &run;; t = &replayed) {
            const bool records = t == &replayed && i == 2, replays = t == &replayed && i > 2;
            if (records) assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x)), 0);
            if (records) tr_recording_keep(r);
            if (replays) {
                assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x)), 0);
            } else {
                TR_SCOPE;
                assert_int_equal(tr_backward(tr_scale(t->scaler, tr_sum(tr_mul(t->w, x)))), 0);
                assert_int_equal(tr_unscale_(t->scaler, t->optim), 0);
                assert_non_null(tr_clip_grad_norm_(TR_TENSORS(t->w), 1));
                assert_int_equal(tr_scaler_step(t->scaler, t->optim), 0);
                assert_int_equal(tr_scaler_update(t->scaler), 0);
                tr_zero_grad(t->optim);
            }
            if (records) assert_int_equal(tr_record_end(), 0);
            if (t == &replayed) break;
        }
        assert_close(replayed.w, run.w, 0);
    }
    tr_recording_drop(r);
}

/* ---- saved and resumed ---- */

static training of_module(int kind, tr_module *m)
{
    assert_int_equal(tr_module_to(m, harness_device()), 0);
    tr_tensor *w = tr_parameters(m).tensor[0];
    return (training){.w = w, .optim = optim_of(kind, w), .scaler = tr_grad_scaler_new(.init_scale = 64, .growth_interval = 3)};
}

/* Of steps that were skipped there is no momentum, and the first that is not makes it. */
TEST(what_no_step_has_been_through_is_not_saved)
{
    tr_module *model = tr_linear_layer(N, 1, .bias_off = true), *other = tr_linear_layer(N, 1, .bias_off = true);
    training whole = of_module(1, model), loaded = of_module(1, other);
    step(&whole, slope(0, TR_FLOAT32));
    assert_int_equal(tr_checkpoint_save("skipped.safetensors", model, whole.optim, 0), 0);
    assert_int_equal(tr_checkpoint_load("skipped.safetensors", other, loaded.optim, NULL), 0);
    for (int i = 1; i < 3; i++) {
        step(&whole, slope(i, TR_FLOAT32)), step(&loaded, slope(i, TR_FLOAT32));
        assert_close(loaded.w, whole.w, 0);
    }
    assert_int_equal(tr_checkpoint_save("skipped.safetensors", model, whole.optim, 0), 0);
    assert_true(tr_safetensors_has(tr_safetensors_open("skipped.safetensors"), "optimizer.momentum.0"));
}

/* Resumed by a run with other weights and another scale, which has scaled a step already. */
static void assert_goes_on(int kind, int stop)
{
    TR_SCOPE;
    tr_manual_seed(4);
    tr_module *model = tr_linear_layer(N, 1, .bias_off = true), *other = tr_linear_layer(N, 1, .bias_off = true);
    training whole = of_module(kind, model), resumed = of_module(kind, other);
    assert_int_equal(tr_scaler_set_scale(resumed.scaler, 8, 1), 0);
    step(&resumed, slope(1, TR_FLOAT32));
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        if (i == stop) {
            tr_training run = {.module = model, .optim = whole.optim, .scaler = whole.scaler, .step = i};
            assert_int_equal(tr_training_save("scaled", &run), 0);
            run = (tr_training){.module = other, .optim = resumed.optim, .scaler = resumed.scaler};
            assert_int_equal(tr_training_resume("scaled", &run), 0);
            assert_int_equal(run.step, stop);
        }
        tr_tensor *x = slope(i, TR_FLOAT32);
        step(&whole, x);
        if (i < stop) continue;
        int64_t steps, its;
        step(&resumed, x);
        assert_true(tr_scaler_scale(resumed.scaler, &steps) == tr_scaler_scale(whole.scaler, &its));
        assert_int_equal(steps, its);
        assert_close(resumed.w, whole.w, 0);
    }
    assert_same_state(&resumed, &whole);
    assert_int_equal(system("rm -rf scaled"), 0);
}

TEST(a_scaled_run_that_is_resumed_goes_on_as_the_unbroken_one)
{
    for (int kind = 0; kind < 6; kind++)
        for (int stop = 1; stop < STEPS; stop++) assert_goes_on(kind, stop);
}

TEST(a_scaler_that_had_more_steps_than_its_interval_grows_at_the_next)
{
    training t = made(0, TR_FLOAT32);
    assert_int_equal(tr_scaler_set_scale(t.scaler, 16, 5), 0);
    step(&t, slope(1, TR_FLOAT32));
    int64_t steps;
    assert_true(tr_scaler_scale(t.scaler, &steps) == 32);
    assert_int_equal(steps, 0);
}
