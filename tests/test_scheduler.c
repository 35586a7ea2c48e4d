/* Schedulers: PyTorch's sequences, and what they share. */
#include <math.h>
#include "core/memory.h"
#include "optimisers.h"
#include <trireme/scheduler.h>

static tr_optim *rated(double lr) { return tr_sgd(TR_TENSORS(leaf(row(1))), .lr = lr); }

static void check(tr_optim *o, tr_scheduler *s, int n, const double *want)
{
    assert_non_null(s);
    for (int i = 0; i < n; i++) {
        if (!(fabs(tr_learning_rate(o) - want[i]) <= 5e-7)) fail_msg("step %d: %.9g, not %.9g", i, tr_learning_rate(o), want[i]);
        assert_int_equal(tr_scheduler_state(s), i);
        if (i < n - 1) assert_int_equal(tr_scheduler_step(s), 0);
    }
    for (int i = n - 1; i >= 0; i -= 2) { /* anywhere at once, too */
        assert_int_equal(tr_scheduler_set_state(s, i), 0);
        assert_true(fabs(tr_learning_rate(o) - want[i]) <= 5e-7);
    }
}

/* gives(call in terms of o, rates ...): from a base of 1. */
#define gives(call, ...)                                                                                        \
 do {                                                                                                           \
  tr_optim *o = rated(1);                                                                                       \
  check(o, call, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)), (const double[]){__VA_ARGS__}); \
 } while (0)

/* Values of PyTorch. */
TEST(rates_are_torchs)
{
    gives(tr_step_lr(o, 3), 1, 1, 1, .1, .1, .1, .01, .01);
    gives(tr_multi_step_lr(o, TR_MILESTONES(2, 5)), 1, 1, .1, .1, .1, .01, .01, .01);
    gives(tr_exponential_lr(o, 0.9), 1, .9, .81, .729, .6561, .59049, .531441, .478297);
    gives(tr_cosine_annealing_lr(o, 4, .eta_min = 0.1), 1, .868198, .55, .231802, .1, .231802, .55, .868198);
    gives(tr_cosine_warm_restarts(o, 3), 1, .75, .25, 1, .75, .25, 1, .75);
    gives(tr_linear_lr(o), .333333, .466667, .6, .733333, .866667, 1, 1, 1);
    gives(tr_constant_lr(o), .333333, .333333, .333333, .333333, .333333, 1, 1, 1);
    gives(tr_polynomial_lr(o, .total_iters = 5, .power = 2), 1, .64, .36, .16, .04, 0, 0, 0);
    gives(tr_one_cycle_lr(o, 1, 8), .04, .819275, .971942, .811746, .555984, .283061, .076642, 4e-06);
}

/* Values of PyTorch: both are stepped, one after the other. */
static void assert_both_give(tr_optim *o, tr_scheduler *a, tr_scheduler *b, const double want[8])
{
    for (int i = 0; i < 8; i++) {
        if (!(fabs(tr_learning_rate(o) - want[i]) <= 1e-6)) fail_msg("step %d: %.9g, not %.9g", i, tr_learning_rate(o), want[i]);
        assert_int_equal(tr_scheduler_step(a), 0);
        assert_int_equal(tr_scheduler_step(b), 0);
    }
}

TEST(two_schedulers_on_one_optimiser_multiply_as_torchs_do)
{
    tr_optim *o = rated(1);
    tr_scheduler *rising = tr_linear_lr(o), *falling = tr_exponential_lr(o, 0.9);
    assert_both_give(o, rising, falling, (double[]){0.33333333, 0.42, 0.486, 0.5346, 0.56862, 0.59049, 0.531441, 0.4782969});
    o = rated(1);
    tr_scheduler *steps = tr_step_lr(o, 3), *cosine = tr_cosine_annealing_lr(o, 6);
    assert_both_give(o, steps, cosine, (double[]){1, 0.9330127, 0.75, 0.05, 0.025, 0.0066987, 0, 0.0669873});
}

static void steps_of_two(tr_optim *o, tr_scheduler *a, tr_scheduler *b, int n, const double *want)
{
    for (int i = 0; i < n; i++) {
        if (!(fabs(tr_learning_rate(o) - want[i]) <= 1e-12)) fail_msg("step %d: %.12g, not %.12g", i, tr_learning_rate(o), want[i]);
        assert_int_equal(tr_scheduler_step(a), 0);
        assert_int_equal(tr_scheduler_step(b), 0);
    }
}

/* Values of PyTorch. */
TEST(the_second_begins_where_the_first_did_and_rises_from_its_end_again)
{
    tr_optim *a = rated(.1), *b = rated(.1), *c = rated(.1);
    tr_scheduler *linear = tr_linear_lr(a, .start_factor = .25, .total_iters = 8), *cosine = tr_cosine_annealing_lr(a, 3, .eta_min = .01);
    steps_of_two(a, linear, cosine, 10, (double[]){0.025, 0.02828125, 0.0186647727273, 0.01, 0.0342647058824, 0.0982132352941, 0.144698209719, 0.123545617745, 0.0521087329638, 0.01});
    tr_scheduler *warm = tr_cosine_warm_restarts(b, 4), *power = tr_polynomial_lr(b, .total_iters = 3);
    steps_of_two(b, warm, power, 7, (double[]){0.1, 0.0569035593729, 0.025, 0, 0.1, 0.0853553390593, 0.05});
    linear = tr_linear_lr(c, .start_factor = .25, .total_iters = 4), warm = tr_cosine_warm_restarts(c, 2);
    steps_of_two(c, linear, warm, 5, (double[]){0.1, 0.05, 0.1, 0.05, 0.1});
}

TEST(schedulers_that_are_put_back_together_give_the_same_rate)
{
    double want = NAN;
    for (int resumed = 0; resumed < 2; resumed++) {
        tr_optim *o = rated(1);
        tr_scheduler *rising = tr_linear_lr(o), *falling = tr_exponential_lr(o, 0.9);
        for (int i = 0; i < 4 && !resumed; i++) (void)!tr_scheduler_step(rising), (void)!tr_scheduler_step(falling);
        if (resumed) (void)!tr_scheduler_set_state(rising, 4), (void)!tr_scheduler_set_state(falling, 4);
        if (resumed) assert_true(fabs(tr_learning_rate(o) - want) <= 1e-12);
        want = tr_learning_rate(o);
    }
}

TEST(a_rate_that_the_program_sets_is_where_they_go_on)
{
    tr_optim *o = rated(1);
    tr_scheduler *s = tr_exponential_lr(o, 0.5);
    assert_int_equal(tr_scheduler_step(s), 0);
    assert_int_equal(tr_set_learning_rate(o, 8), 0);
    assert_int_equal(tr_scheduler_step(s), 0);
    assert_true(tr_learning_rate(o) == 4);
}

TEST(options_of_the_powers)
{
    gives(tr_step_lr(o, 2, .gamma = 0.5), 1, 1, .5, .5, .25);
    gives(tr_step_lr(o, 1, .gamma = TR_ZERO), 1, 0, 0);
    gives(tr_multi_step_lr(o, TR_MILESTONES(4, 1, 1), .gamma = 0.5), 1, .25, .25, .25, .125);
    gives(tr_multi_step_lr(o, ((tr_milestones){NULL, 0})), 1, 1);
    gives(tr_exponential_lr(o, 2), 1, 2, 4);
}

TEST(options_of_the_cosines)
{
    gives(tr_cosine_annealing_lr(o, 1), 1, 0, 1, 0);
    gives(tr_cosine_warm_restarts(o, 2, .T_mult = 2, .eta_min = 0.2), 1, .6, 1, .8 * .853553391 + .2, .6, .8 * .146446609 + .2, 1, .8 * (1 + cos(0.39269908)) / 2 + .2);
    gives(tr_cosine_warm_restarts(o, 1), 1, 1, 1);
}

TEST(options_of_the_first_steps)
{
    gives(tr_linear_lr(o, .start_factor = 1, .end_factor = TR_ZERO, .total_iters = 4), 1, .75, .5, .25, 0, 0);
    gives(tr_constant_lr(o, .factor = 0.5, .total_iters = 2), .5, .5, 1, 1);
    gives(tr_constant_lr(o, .factor = TR_ZERO, .total_iters = 1), 0, 1);
    gives(tr_polynomial_lr(o), 1, .8, .6, .4, .2, 0, 0);
    gives(tr_polynomial_lr(o, .power = TR_ZERO, .total_iters = 2), 1, 1, 1, 1);
}

TEST(options_of_one_cycle)
{
    gives(tr_one_cycle_lr(o, 1, 11, .pct_start = 0.4, .div_factor = 10, .final_div_factor = 10, .linear = true), .1, .1 + .9 / 3.4, .1 + 1.8 / 3.4, .1 + 2.7 / 3.4, 1 - .99 * .6 / 6.6, 1 - .99 * 1.6 / 6.6, 1 - .99 * 2.6 / 6.6, 1 - .99 * 3.6 / 6.6, 1 - .99 * 4.6 / 6.6, 1 - .99 * 5.6 / 6.6, .01, .01);
    gives(tr_one_cycle_lr(o, 2, 10, .pct_start = 0.5, .div_factor = 4, .final_div_factor = 5, .linear = true, .three_phase = true), .5, .875, 1.25, 1.625, 2, 1.625, 1.25, .875, .5, .1, .1);
    gives(tr_one_cycle_lr(o, 1, 1), 4e-6, 4e-6);
}

/* The momentum itself is not to be seen; what a step does with it is. */
TEST(one_cycle_moves_the_momentum_the_other_way)
{
    for (int off = 0; off < 2; off++) {
        tr_tensor *x = leaf(row64(0));
        tr_optim *o = tr_sgd(TR_TENSORS(x), .lr = 1, .momentum = 0.5);
        tr_scheduler *s = tr_one_cycle_lr(o, 1, 5, .pct_start = 0.6, .linear = true, .cycle_momentum_off = off);
        const double momentum[] = {.95, .9, .85, .9, .95};
        double v = 0;
        assert_int_equal(tr_set_grad(x, row64(1)), 0);
        for (int t = 0; t < 5; t++) {
            double before = tr_item(x);
            v = t ? (off ? 0.5 : momentum[t]) * v + 1 : 1;
            assert_int_equal(tr_step(o), 0);
            assert_item(x, before - tr_learning_rate(o) * v, 1e-12);
            assert_int_equal(tr_scheduler_step(s), 0);
        }
    }
    assert_non_null(tr_one_cycle_lr(adam(TR_TENSORS(leaf(row(1)))), 1, 5));
}

TEST(one_cycle_ends)
{
    tr_optim *o = rated(1);
    tr_scheduler *s = tr_one_cycle_lr(o, 1, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_scheduler_step(s), 0);
    double last = tr_learning_rate(o);
    assert_int_equal(tr_scheduler_step(s), -1);
    assert_error_says("tr_one_cycle_lr: step 4 is none of the 3 that it was made for");
    assert_int_equal(tr_scheduler_state(s), 3);
    assert_true(tr_learning_rate(o) == last);
}

static double by_hand(int64_t t, void *data)
{
    const double *factors = data;
    if (factors[t] == -7) tr_fail("no more factors");
    return factors[t];
}

TEST(lambda_asks_the_program)
{
    double factors[] = {0.5, 2, 0, NAN, -1, -7};
    tr_optim *o = rated(0.5);
    tr_scheduler *s = tr_lambda_lr(o, by_hand, factors);
    check(o, s, 3, (const double[]){.25, 1, 0});
    assert_int_equal(tr_scheduler_set_state(s, 1), 0);
    assert_int_equal(tr_scheduler_set_state(s, 3), -1);
    assert_error_says("tr_lambda_lr: the learning rate for step 3 would be nan");
    assert_int_equal(tr_scheduler_set_state(s, 4), -1);
    assert_error_says("would be -0.5");
    assert_int_equal(tr_scheduler_set_state(s, 5), -1);
    assert_error_says("no more factors");
    assert_int_equal(tr_scheduler_state(s), 1);
    assert_true(tr_learning_rate(o) == 1);
}

TEST(a_run_goes_on_where_it_was_saved)
{
    tr_optim *o = rated(0.1), *again = rated(0.1);
    tr_scheduler *s = tr_cosine_annealing_lr(o, 7), *its = tr_cosine_annealing_lr(again, 7);
    for (int i = 0; i < 5; i++) assert_int_equal(tr_scheduler_step(s), 0);
    assert_int_equal(tr_scheduler_set_state(its, tr_scheduler_state(s)), 0);
    for (int i = 0; i < 20; i++) {
        assert_true(tr_learning_rate(o) == tr_learning_rate(again));
        assert_int_equal(tr_scheduler_step(s), 0);
        assert_int_equal(tr_scheduler_step(its), 0);
    }
    assert_int_equal(tr_scheduler_set_state(s, -1), -1);
    assert_error_says("step -1");
    assert_int_equal(tr_scheduler_set_state(s, INT64_MAX), 0);
    assert_int_equal(tr_scheduler_step(s), 0);
    assert_int_equal(tr_scheduler_set_state(tr_cosine_warm_restarts(o, 3, .T_mult = 2), INT64_MAX), 0);
}

TEST(a_scheduler_keeps_its_optimiser_and_copies_its_milestones)
{
    tr_optim *o;
    tr_scheduler *s;
    {
        TR_SCOPE;
        int64_t steps[] = {1, 2};
        o = rated(1);
        s = tr_scheduler_keep(tr_multi_step_lr(o, ((tr_milestones){steps, 2})));
        steps[0] = steps[1] = 100;
    }
    assert_int_equal(tr_scheduler_step(s), 0);
    assert_true(fabs(tr_learning_rate(o) - 0.1) < 1e-15);
    tr_scheduler_drop(s);
    assert_null(tr_scheduler_keep(NULL));
    tr_scheduler_drop(NULL);
}

#define refused(call, says) (assert_null(call), assert_error_says(says))

TEST(numbers_that_make_no_sense_are_refused)
{
    tr_optim *o = rated(1);
    refused(tr_step_lr(o, 0), "tr_step_lr: step_size 0 makes no sense");
    refused(tr_step_lr(o, 1, .gamma = -1), "gamma -1");
    refused(tr_multi_step_lr(o, TR_MILESTONES(3, -2)), "tr_multi_step_lr: milestone -2");
    refused(tr_multi_step_lr(o, ((tr_milestones){NULL, 2})), "NULL");
    refused(tr_exponential_lr(o, NAN), "tr_exponential_lr: gamma nan");
    refused(tr_cosine_annealing_lr(o, 0), "tr_cosine_annealing_lr: T_max 0");
    refused(tr_cosine_annealing_lr(o, 5, .eta_min = -1), "eta_min -1");
    refused(tr_cosine_warm_restarts(o, -3), "tr_cosine_warm_restarts: T_0 -3");
    refused(tr_cosine_warm_restarts(o, 3, .T_mult = -1), "T_mult -1");
    refused(tr_linear_lr(o, .start_factor = 2), "tr_linear_lr: start_factor 2");
    refused(tr_linear_lr(o, .end_factor = -1), "end_factor -1");
    refused(tr_linear_lr(o, .total_iters = -1), "total_iters -1");
    refused(tr_constant_lr(o, .factor = NAN), "tr_constant_lr: factor nan");
    refused(tr_polynomial_lr(o, .power = -1), "tr_polynomial_lr: power -1");
    refused(tr_one_cycle_lr(o, -1, 8), "tr_one_cycle_lr: max_lr -1");
    refused(tr_one_cycle_lr(o, 1, 0), "total_steps 0");
    refused(tr_one_cycle_lr(o, 1, 8, .pct_start = 1.5), "pct_start 1.5");
    refused(tr_one_cycle_lr(o, 1, 8, .div_factor = -1), "div_factor -1");
    refused(tr_one_cycle_lr(o, 1, 8, .final_div_factor = NAN), "final_div_factor nan");
    refused(tr_one_cycle_lr(o, 1, 8, .max_momentum = 1), "max_momentum 1");
    refused(tr_lambda_lr(o, NULL, NULL), "NULL");
    refused(tr_step_lr(NULL, 3), "tr_step_lr: an argument is NULL");
    refused(tr_one_cycle_lr(NULL, 1, 8), "NULL");
    assert_int_equal(tr_scheduler_step(NULL), -1);
    assert_error_says("tr_scheduler_step");
    assert_int_equal(tr_scheduler_set_state(NULL, 1), -1);
    assert_error_says("tr_scheduler_set_state");
    assert_int_equal(tr_scheduler_state(NULL), -1);
    assert_true(tr_learning_rate(o) == 1);
}

TEST(a_scheduler_without_memory_leaves_the_rate)
{
    tr_optim *o = rated(1);
    bool whole = false;
    for (int64_t n = 1; !whole; n++) {
        TR_SCOPE;
        core_system_fail_at(n);
        tr_scheduler *s = tr_multi_step_lr(o, TR_MILESTONES(0, 4));
        core_system_fail_at(0);
        whole = s != NULL;
        if (whole) continue;
        assert_error_says("out of memory");
        assert_true(tr_learning_rate(o) == 1);
    }
    assert_true(fabs(tr_learning_rate(o) - 0.1) < 1e-15);
}
