/* A recorded step: replays give the bits of running it. */
#include "recorded.h"

TEST(replays_train_as_running_does)
{
    for (int optimiser = 0; optimiser < 6; optimiser++) {
        TR_SCOPE;
        problem run = make_problem(optimiser, 64), replayed = make_problem(optimiser, 64);
        tr_recording *recording;
        assert_int_equal(tr_record(&recording), 0);
        assert_true(tr_is_recording());
        step(&replayed);
        assert_int_equal(tr_record_end(), 0);
        assert_false(tr_is_recording());
        step(&run);
        for (int i = 0; i < 40; i++) {
            if (i == 20) { /* a knob, not a number of the step */
                assert_int_equal(tr_set_learning_rate(run.optim, 0.003), 0);
                assert_int_equal(tr_set_learning_rate(replayed.optim, 0.003), 0);
            }
            TR_SCOPE;
            assert_int_equal(tr_replay(recording), 0);
            step(&run);
            assert_same_bits(run.loss, replayed.loss);
        }
        assert_int_equal(tr_recording_info_of(recording).graphs, harness_device().type == TR_CUDA);
        assert_same_models(&run, &replayed);
    }
}

/* Running and replaying in turn is one training. */
TEST(running_and_replaying_mix)
{
    problem run = make_problem(2, 64), mixed = make_problem(2, 64);
    tr_recording *recording = recorded(&mixed);
    step(&run);
    for (int i = 0; i < 20; i++) {
        TR_SCOPE;
        step(&run);
        if (i % 3 == 0)
            step(&mixed);
        else
            assert_int_equal(tr_replay(recording), 0);
    }
    assert_same_models(&run, &mixed);
}

static int backward_alone(const problem *p)
{
    TR_SCOPE;
    return tr_backward(tr_mse_loss(tr_forward(p->model, p->x), p->y));
}

/* Stepped and let go of outside, gradients come back with the next replay; and where another step gave others, too. */
TEST(gradients_outlive_the_step)
{
    problem run = make_problem(1, 16), replayed = make_problem(1, 16);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal(backward_alone(&replayed), 0);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(backward_alone(&run), 0);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(tr_step(run.optim), 0);
        assert_int_equal(tr_step(replayed.optim), 0);
        assert_same_models(&run, &replayed);
        tr_zero_grad(run.optim);
        tr_zero_grad(replayed.optim);
        assert_int_equal(backward_alone(&run), 0);
        if (i % 3 == 1)
            assert_int_equal(backward_alone(&replayed), 0);
        else
            assert_int_equal(tr_replay(recording), 0);
    }
}

TEST(a_gradient_to_add_to_must_be_there)
{
    problem run = make_problem(0, 16), replayed = make_problem(0, 16);
    tr_recording *recording;
    assert_int_equal(backward_alone(&run), 0);
    assert_int_equal(backward_alone(&replayed), 0);
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal(backward_alone(&replayed), 0);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(recording), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(backward_alone(&run), 0);
    assert_same_bits(tr_grad(tr_parameters(run.model).tensor[0]), tr_grad(tr_parameters(replayed.model).tensor[0]));
    tr_zero_grad(replayed.optim);
    assert_int_equal(tr_replay(recording), -1);
    assert_error_says("begins with a gradient of");
    assert_null(tr_grad(tr_parameters(replayed.model).tensor[0]));
}

/* Recorded without the backward pass before them: an optimiser's step, and one by hand. */
TEST(a_gradient_to_step_by_must_be_there)
{
    problem p = make_problem(1, 16);
    tr_tensor *w = tr_parameters(p.model).tensor[0];
    for (int by_hand = 0; by_hand < 2; by_hand++) {
        tr_recording *recording;
        tr_zero_grad(p.optim);
        assert_int_equal(backward_alone(&p), 0);
        assert_int_equal(tr_record(&recording), 0);
        if (by_hand) {
            TR_NO_GRAD;
            tr_sub_(w, tr_mul(tr_grad(w), 0.1));
        } else
            assert_int_equal(tr_step(p.optim), 0);
        assert_int_equal(tr_record_end(), 0);
        assert_int_equal(tr_replay(recording), 0);
        tr_zero_grad(p.optim);
        assert_int_equal(backward_alone(&p), 0);
        assert_int_equal(tr_replay(recording), -1);
        assert_error_says("begins with a gradient of");
    }
}

/* Made by the step for its own use, nothing of it is there when the next one begins. */
TEST(a_gradient_of_the_step_s_own_may_be_gone)
{
    tr_tensor *w = tr_ones(TR_SHAPE(3), .requires_grad = true), *place = tr_zeros(TR_SHAPE(3));
    tr_optim *sgd = tr_sgd(TR_TENSORS(w), .lr = 1);
    for (int outside = 0; outside < 2; outside++) {
        tr_recording *recording;
        tr_copy_(tr_detach(w), tr_ones(TR_SHAPE(3)));
        assert_int_equal(tr_record(&recording), 0);
        tr_tensor *half = tr_mul(tr_detach(w), 0.5);
        assert_int_equal(tr_set_grad(w, outside ? tr_copy_(place, half) : half), 0);
        assert_int_equal(tr_step(sgd), 0);
        tr_zero_grad(sgd);
        assert_int_equal(tr_record_end(), 0);
        assert_int_equal(tr_replay(recording), 0);
        assert_true(tr_get(w, 2) == 0.25);
    }
}

TEST(inputs_are_slots)
{
    problem run = make_problem(1, 16), replayed = make_problem(1, 16);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(replayed.x, replayed.y)), 0);
    step(&replayed);
    assert_int_equal(tr_record_end(), 0);
    step(&run);
    for (int i = 0; i < 10; i++) {
        TR_SCOPE;
        tr_tensor *first_x = run.x, *first_y = run.y, *x = harness_there(tr_randn(TR_SHAPE(16, 20))), *y = harness_there(tr_randn(TR_SHAPE(16, 5)));
        assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(x, y)), 0);
        run.x = x, run.y = y;
        step(&run);
        run.x = first_x, run.y = first_y;
    }
    assert_same_models(&run, &replayed);
    assert_int_equal(tr_replay(recording), 0); /* the recorded ones again: those above are gone */
    step(&run);
    assert_same_models(&run, &replayed);

    tr_tensor *small = harness_there(tr_randn(TR_SHAPE(7, 20))), *y = harness_there(tr_randn(TR_SHAPE(7, 5)));
    assert_false(tr_recording_fits(recording, TR_TENSORS(small, y)));
    assert_true(tr_recording_fits(recording, TR_TENSORS(run.x, run.y)));
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(small, y)), -1);
    assert_error_says("input 0 is (7, 20) float32");
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(small)), -1);
    assert_error_says("1 inputs, but 2 were recorded");
}

TEST(an_input_that_an_optimiser_holds_is_not_replaced)
{
    problem p = make_problem(1, 4);
    tr_tensor *held[3] = {tr_parameters(p.model).tensor[0], p.x, NULL};
    step(&p);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = ((tr_tensors){held, 2})), 0);
    step(&p);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(recording, .inputs = ((tr_tensors){held, 2})), 0);
    tr_tensor *others[2] = {tr_clone(tr_detach(held[0])), tr_clone(p.x)}, *same[2] = {tr_detach(held[0]), others[1]};
    assert_true(tr_recording_fits(recording, (tr_tensors){same, 2}) && !tr_recording_fits(recording, (tr_tensors){others, 2}));
    assert_int_equal(tr_replay(recording, .inputs = ((tr_tensors){others, 2})), -1);
    assert_error_says("is an optimiser's parameter, gradient or state");
    assert_int_equal(tr_replay(recording, .inputs = ((tr_tensors){same, 2})), 0);
}

TEST(an_input_beside_what_an_optimiser_holds_is_replaced)
{
    tr_tensor *both = tr_to_device(tr_ones(TR_SHAPE(2, 4)), harness_device());
    tr_tensor *w = tr_requires_grad_(tr_select(both, 0, 0), true), *x = tr_select(both, 0, 1);
    tr_optim *sgd = tr_sgd(((tr_tensors){&w, 1}), .lr = 1);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = ((tr_tensors){&x, 1})), 0);
    {
        TR_SCOPE;
        tr_zero_grad(sgd);
        assert_int_equal(tr_backward(tr_sum(tr_mul(w, x))), 0);
        assert_int_equal(tr_step(sgd), 0);
    }
    assert_int_equal(tr_record_end(), 0);
    tr_tensor *next = harness_there(row(1, 2, 3, 4));
    assert_int_equal(tr_replay(recording, .inputs = ((tr_tensors){&next, 1})), 0);
    assert_close(tr_detach(w), row(-1, -2, -3, -4), 0);
}

TEST(lists_that_are_not_there_are_refused)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3));
    tr_recording *recording;
    const tr_tensors nothing = {NULL, 1};
    assert_int_equal(tr_record(&recording, .inputs = nothing), -1);
    assert_error_says("tr_record: an argument is NULL");
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x)), 0);
    tr_add(x, 1);
    assert_int_equal(tr_record_end(), 0);
    assert_false(tr_recording_fits(recording, nothing));
    assert_int_equal(tr_replay(recording, .inputs = nothing), -1);
    assert_error_says("tr_replay: an argument is NULL");
}

TEST(counted_numbers_go_on)
{
    tr_generator *a = tr_generator_new(TR_PHILOX, 5), *b = tr_generator_new(TR_PHILOX, 5);
    tr_tensor *drawn, *normal;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    drawn = tr_rand(TR_SHAPE(33), .generator = a, .device = harness_device());
    normal = tr_randn(TR_SHAPE(5), .generator = a, .device = harness_device());
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 5; i++) {
        TR_SCOPE;
        tr_tensor *want = tr_rand(TR_SHAPE(33), .generator = b), *want_normal = tr_randn(TR_SHAPE(5), .generator = b);
        assert_same_bits(drawn, want);
        assert_same_bits(normal, want_normal);
        assert_int_equal(tr_replay(recording), 0);
    }
}
