/* What cannot be recorded, or not replayed, and calls of the program's own. */
#include "recorded.h"

/* ---- what cannot be ---- */

/* What cannot be recorded happens nevertheless, and tr_record_end says what it was. */
static void assert_only_run(const char *why)
{
    assert_true(tr_is_recording());
    assert_int_equal(tr_record_end(), -1);
    assert_error_says(why);
    assert_false(tr_is_recording());
}

TEST(values_that_leave_a_step_leave_it_unrecorded)
{
    problem run = make_problem(1, 16), only_run = make_problem(1, 16);
    tr_recording *recording;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tr_record(&recording), 0);
        {
            TR_SCOPE;
            tr_tensor *loss = tr_mse_loss(tr_forward(only_run.model, only_run.x), only_run.y);
            if (tr_item(loss) > 1e9) tr_set_learning_rate(only_run.optim, 0); /* a branch on a value */
            tr_zero_grad(only_run.optim);
            assert_int_equal(tr_backward(loss), 0);
            assert_int_equal(tr_step(only_run.optim), 0);
        }
        assert_only_run("tr_item: a value leaves the step");
        step(&run);
        assert_same_models(&run, &only_run);
    }
    assert_int_equal(tr_replay(recording), -1);
    assert_error_says("the recording is not complete");

    tr_tensor *x = tr_ones(TR_SHAPE(3));
    assert_int_equal(tr_record(&recording), 0);
    assert_string_equal(tr_to_string(tr_sum(x)), "tensor(3.)");
    assert_only_run("tr_to_string: a value leaves the step");
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal(tr_numel(tr_masked_select(x, tr_gt(x, 2))), 0);
    assert_only_run("tr_masked_select: a shape that depends on values");
    assert_int_equal(tr_record(&recording), 0);
    assert_non_null(tr_rand(TR_SHAPE(3)));
    assert_non_null(tr_randint(0, 3, TR_SHAPE(3)));
    assert_only_run("tr_rand: the numbers of a Mersenne Twister");
}

TEST(recordings_begin_and_end_one_by_one)
{
    tr_recording *recording, *another;
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal(tr_record(&another), -1);
    assert_error_says("a step is being recorded already");
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_record_end(), -1);
    assert_error_says("nothing is being recorded");
    assert_int_equal(tr_replay(NULL), -1);
    assert_error_says("NULL");
}

/* A program may go on after an error that it cleared: what did not run is no part of the step. */
TEST(what_was_refused_is_not_replayed)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *truths = tr_ones(TR_SHAPE(2, 2), .dtype = TR_BOOL);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    assert_null(tr_matmul(truths, truths));
    assert_error_says("bool is not served");
    tr_add_(x, 1);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 1);
    assert_int_equal(tr_replay(recording), 0);
    assert_true(tr_get(x, 2) == 3);
}

/* Before anything is computed, or counted. */
TEST(moved_memory_is_noticed)
{
    problem p = make_problem(2, 8);
    tr_generator *g = tr_generator_new(TR_PHILOX, 5);
    tr_recording *recording;
    tr_tensor *drawn;
    assert_int_equal(tr_record(&recording), 0);
    drawn = tr_rand(TR_SHAPE(3), .generator = g, .device = harness_device());
    step(&p);
    assert_int_equal(tr_record_end(), 0);
    tr_tensor *m = harness_there(tr_zeros(TR_SHAPE(32, 20))), *before = tr_clone(drawn);
    assert_int_equal(tr_optim_set_state(p.optim, "exp_avg.0", m), 0);
    assert_int_equal(tr_replay(recording), -1);
    assert_error_says("record it again");
    assert_same_bits(drawn, before);
}

/* A saved value that a replay writes over is not used for a gradient. */
TEST(graphs_outside_notice)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *w = tr_ones(TR_SHAPE(3), .requires_grad = true);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    tr_tensor *y = tr_mul(x, 2);
    assert_int_equal(tr_record_end(), 0);
    tr_tensor *loss = tr_sum(tr_mul(w, y));
    assert_int_equal(tr_replay(recording), 0);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("modified by an inplace operation");
}

TEST(graphs_that_saved_another_input_notice)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *other = tr_ones(TR_SHAPE(3)), *w = tr_ones(TR_SHAPE(3), .requires_grad = true);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x)), 0);
    tr_mul_(x, 2);
    assert_int_equal(tr_record_end(), 0);
    tr_tensor *loss = tr_sum(tr_mul(w, other));
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(other)), 0);
    assert_true(tr_get(other, 2) == 2);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("modified by an inplace operation");
}

/* ---- calls of the program's own ---- */

static int add_one(void *data)
{
    *(float *)data += 1;
    return 0;
}
static int refuse(void *data)
{
    (void)data;
    return -7;
}

TEST(own_calls_take_their_turn)
{
    tr_tensor *x = tr_zeros(TR_SHAPE(1));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    tr_mul_(x, 10);
    assert_int_equal(tr_record_call(add_one, tr_data(x)), 0);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(recording), 0);
    assert_int_equal(tr_replay(recording), 0);
    assert_true(tr_item(x) == 111);
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal((tr_record_call)(refuse, NULL), -7);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal((tr_replay)(recording, (tr_replay_options){.reserved_ = 0}), -7);
}

static int end_here(void *data)
{
    (void)data;
    return tr_record_end();
}

TEST(own_calls_may_end_the_recording)
{
    tr_tensor *x = tr_zeros(TR_SHAPE(1));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    tr_add_(x, 1);
    assert_int_equal(tr_record_call(end_here, NULL), 0);
    assert_false(tr_is_recording());
    tr_add_(x, 1);
    assert_true(tr_item(x) == 2);
    assert_int_equal((tr_replay)(recording, (tr_replay_options){.reserved_ = 0}), -1);
    assert_error_says("nothing is being recorded");
    assert_true(tr_item(x) == 3);
}
