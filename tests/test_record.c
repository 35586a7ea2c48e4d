/* A recorded step: replays give the bits of running it.  What is about steps runs on the device under test (test.h). */
#include <math.h>
#include <trireme/trireme.h>
#include "test.h"

typedef struct {
    tr_module *model;
    tr_optim *optim;
    tr_tensor *x, *y, *loss;
} problem;

/* The same parameters, data and optimiser each time it is made. */
static problem make_problem(int optimiser, int64_t batch)
{
    tr_manual_seed(3);
    problem p = {0};
    p.model = tr_sequential(tr_linear_layer(20, 32), tr_relu_layer(), tr_linear_layer(32, 5));
    assert_int_equal(tr_module_to(p.model, harness_device()), 0);
    tr_tensors parameters = tr_parameters(p.model);
    switch (optimiser) {
    case 0: p.optim = tr_sgd(parameters, .lr = 0.1); break;
    case 1: p.optim = tr_sgd(parameters, .lr = 0.1, .momentum = 0.9, .nesterov = true); break;
    case 2: p.optim = tr_adam(parameters, .lr = 0.01, .weight_decay = 0.1); break;
    case 3: p.optim = tr_adamw(parameters, .lr = 0.01, .amsgrad = true); break;
    case 4: p.optim = tr_rmsprop(parameters, .lr = 0.01, .momentum = 0.5, .centered = true); break;
    default: p.optim = tr_adagrad(parameters, .lr = 0.05, .lr_decay = 0.1);
    }
    p.x = harness_there(tr_randn(TR_SHAPE(batch, 20)));
    p.y = harness_there(tr_randn(TR_SHAPE(batch, 5)));
    return p;
}

static void step(problem *p)
{
    TR_SCOPE;
    tr_tensor *loss = tr_mse_loss(tr_forward(p->model, p->x), p->y);
    tr_zero_grad(p->optim);
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_step(p->optim), 0);
    p->loss = tr_pass_up(tr_detach(loss));
}

static void assert_same_bits(tr_tensor *a, tr_tensor *b)
{
    assert_int_equal(tr_numel(a), tr_numel(b));
    a = tr_to_device(a, tr_cpu()), b = tr_to_device(b, tr_cpu());
    assert_memory_equal(tr_data(a), tr_data(b), (size_t)(tr_numel(a) * tr_dtype_size(tr_dtype_of(a))));
}

static void assert_same_models(const problem *a, const problem *b)
{
    tr_tensors p = tr_parameters(a->model), q = tr_parameters(b->model);
    for (int64_t i = 0; i < p.count; i++) assert_same_bits(p.tensor[i], q.tensor[i]);
}

/* The step, run once and recorded. */
static tr_recording *recorded(problem *p)
{
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    step(p);
    assert_int_equal(tr_record_end(), 0);
    return recording;
}

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

/* ---- memory ---- */

TEST(a_replay_takes_no_memory)
{
    problem p = make_problem(2, 64);
    tr_recording *recording = recorded(&p);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(recording), 0);
    tr_memory_stats before = tr_memory(harness_device());
    for (int i = 0; i < 10; i++) assert_int_equal(tr_replay(recording), 0);
    tr_memory_stats after = tr_memory(harness_device());
    assert_int_equal(after.system_requests, before.system_requests);
    assert_int_equal(after.allocated_bytes, before.allocated_bytes);
}

TEST(the_plan_is_near_the_least)
{
    problem p = make_problem(1, 1024);
    tr_recording *recording = recorded(&p);
    tr_recording_info info = tr_recording_info_of(recording);
    assert_true(info.planned_bytes >= info.live_bytes);
    assert_true((double)info.planned_bytes <= 1.1 * (double)info.live_bytes + 1024);
    assert_true(info.calls > 5);
}

/* One element of a dying input, read for every element of the output: the output may not stand in its place. */
TEST(an_element_read_again_and_again_keeps_its_place)
{
    enum { N = 100000 };
    tr_tensor *x = harness_there(tr_randn(TR_SHAPE(N))), *y;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x), .separate = true), 0);
    {
        TR_SCOPE;
        tr_tensor *twice = tr_mul(x, 2), *scaled = tr_mul(x, tr_select(twice, 0, 0));
        y = tr_pass_up(tr_add(scaled, 1));
    }
    assert_int_equal(tr_record_end(), 0);
    const int64_t numbers = harness_device().type == TR_CPU ? 0 : 2 * 256; /* there a number stands in a block of its own */
    assert_int_equal(tr_recording_info_of(recording).live_bytes, 2 * N * (int64_t)sizeof(float) + numbers);
    tr_tensor *other = harness_there(tr_randn(TR_SHAPE(N)));
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(other)), 0);
    assert_same_bits(y, tr_add(tr_mul(other, tr_select(tr_mul(other, 2), 0, 0)), 1));
}

/* ---- what replays do without ---- */

static int64_t calls_of(const tr_recording *r) { return tr_recording_info_of(r).calls; }

TEST(what_nobody_reads_is_not_computed)
{
    tr_tensor *x = tr_randn(TR_SHAPE(50)), *total = tr_zeros(TR_SHAPE(50)), *y;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_sum(tr_exp(tr_mul(x, x))); /* nobody's */
        tr_fill_(total, 7);           /* overwritten before it is read */
        tr_copy_(total, x);
        y = tr_pass_up(tr_exp(total));
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 2);
    tr_fill_(x, 0.5);
    tr_zero_(total);
    assert_int_equal(tr_replay(recording), 0);
    assert_same_bits(total, x);
    assert_same_bits(y, tr_exp(x));
}

TEST(what_is_made_of_numbers_alone_is_made_once)
{
    tr_tensor *x = tr_full(TR_SHAPE(), 3.0, .requires_grad = true), *two = tr_full(TR_SHAPE(), 2.0);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_tensor *f = tr_add(tr_sub(tr_mul(two, tr_pow(x, 2)), tr_mul(5, x)), 1);
        assert_int_equal(tr_backward(f), 0);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_true(tr_item(tr_grad(x)) == 4 * 3 - 5);
    assert_true(calls_of(recording) <= 4); /* the seed and -5 are there; 1 * two is not: the program may change it */
    tr_fill_(two, 7);
    {
        TR_NO_GRAD;
        tr_fill_(x, 4);
    }
    for (int i = 0; i < 3; i++) {
        tr_zero_(tr_grad(x));
        assert_int_equal(tr_replay(recording), 0);
        assert_true(tr_item(tr_grad(x)) == 14 * 4 - 5);
    }
}

TEST(what_may_end_with_an_error_is_computed_though_nobody_reads_it)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4)), *index = tr_zeros(TR_SHAPE(2), .dtype = TR_INT64), *far = tr_full(TR_SHAPE(2), 4, .dtype = TR_INT64);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(index)), 0);
    {
        TR_SCOPE;
        tr_exp(tr_index_select(x, 0, index));
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 1);
    assert_int_equal(tr_replay(recording), 0);
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(far)), -1);
    assert_error_says("4");
}

static float met;
static int meet(void *data)
{
    met = *(float *)data;
    return 0;
}

TEST(own_calls_read_what_the_program_holds)
{
    tr_tensor *x = tr_zeros(TR_SHAPE(2));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    tr_fill_(x, 5); /* overwritten in the end, but read in between */
    assert_int_equal(tr_record_call(meet, tr_data(x)), 0);
    tr_fill_(x, 0);
    assert_int_equal(tr_record_end(), 0);
    met = 0;
    assert_int_equal(tr_replay(recording), 0);
    assert_true(met == 5);
    assert_true(tr_item(tr_select(x, 0, 1)) == 0);
}

/* Of a constant of the program's only a part is written: the rest is the same in every replay. */
TEST(constants_may_be_written_in_part)
{
    const float values[4] = {1, 2, 3, 4}, wanted[4] = {3, 3, 9, 12};
    tr_tensor *sum = tr_zeros(TR_SHAPE(4)), *first = tr_ones(TR_SHAPE(2));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_tensor *x = tr_from_data(values, TR_FLOAT32, TR_SHAPE(4));
        tr_copy_(tr_narrow(x, 0, 0, 2), first);
        tr_add_(sum, x);
        tr_copy_(sum, tr_div(tr_mul(sum, 2), 2)); /* the product takes the place of whatever is gone */
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(recording), 0);
    assert_close(sum, tr_from_data(wanted, TR_FLOAT32, TR_SHAPE(4)), 0);
}

/* Numbers that the program wrote are there again in every replay, whatever the step has made of them. */
TEST(constants_may_be_changed_in_place)
{
    const float values[3] = {1, 2, 3}, wanted[3] = {2, 4, 6};
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *sum = tr_zeros(TR_SHAPE()), *out = tr_zeros(TR_SHAPE(3)), *kept;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_tensor *total = tr_tensor_of(0.5f), *row = tr_from_data(values, TR_FLOAT32, TR_SHAPE(3)), *same = tr_from_data(values, TR_FLOAT32, TR_SHAPE(3));
        for (int i = 0; i < 3; i++) tr_add_(total, tr_sum(x));
        tr_copy_(sum, total);
        tr_add_(row, tr_mul(same, x));
        tr_copy_(out, row);
        kept = tr_pass_up(tr_from_data(values, TR_FLOAT32, TR_SHAPE(3)));
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 13); /* not a copy for what stays as it is and is not seen */
    tr_zero_(kept);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(recording), 0);
    assert_true(tr_item(sum) == 9.5);
    assert_close(out, tr_from_data(wanted, TR_FLOAT32, TR_SHAPE(3)), 0);
    assert_close(kept, tr_from_data(values, TR_FLOAT32, TR_SHAPE(3)), 0);
}

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

/* What one call writes, its neighbour reads one element further on: not block by block. */
TEST(shifted_views_run_one_after_the_other)
{
    enum { N = 4000 };
    tr_tensor *run = tr_zeros(TR_SHAPE(N + 1)), *replayed = tr_zeros(TR_SHAPE(N + 1)), *x = tr_randn(TR_SHAPE(N)), *y, *z;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x)), 0);
    tr_copy_(tr_slice(replayed, 0, 0, N, 1), x);
    y = tr_mul(tr_slice(replayed, 0, 1, N + 1, 1), 2);
    z = tr_add(y, 1);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_recording_info_of(recording).joined, 2);
    tr_tensor *other = tr_randn(TR_SHAPE(N));
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(other)), 0);
    tr_copy_(tr_slice(run, 0, 0, N, 1), other);
    assert_same_bits(y, tr_mul(tr_slice(run, 0, 1, N + 1, 1), 2));
    assert_same_bits(z, tr_add(y, 1));
}

/* ---- random programs ---- */

enum { PROGRAMS = 200, /* fewer where a device is played */
       PROGRAMS_THERE = 20,
       LINES = 14 };

/* A line makes value 3 + its number from two earlier ones; values 0 to 2 are an input, a parameter and a row. */
typedef struct {
    int rows, columns, count;
    struct {
        int op, a, b;
    } line[LINES];
} program;

typedef struct {
    tr_tensor *input, *parameter, *row, *out;
    tr_optim *sgd;
} world;

static int below(tr_generator *g, int n) { return (int)(tr_random_u32(g) % (uint32_t)n); }

static program random_program(tr_generator *g)
{
    static const int sizes[][2] = {{3, 5}, {64, 40}, {33, 70}, {8, 200}};
    const int *size = sizes[below(g, 4)];
    program p = {size[0], size[1], 4 + below(g, LINES - 3), {{0}}};
    for (int i = 0; i < p.count; i++) {
        p.line[i].op = below(g, 16);
        p.line[i].a = below(g, 3) ? 2 + i - below(g, i + 1 < 3 ? i + 1 : 3) : below(g, 3 + i);
        p.line[i].b = below(g, 3 + i);
    }
    return p;
}

static tr_tensor *apply(int op, tr_tensor *a, tr_tensor *b, tr_tensor *full)
{
    switch (op) {
    case 0: return tr_add(a, b);
    case 1: return tr_sub(a, b);
    case 2: return tr_mul(a, b);
    case 3: return tr_tanh(a);
    case 4: return tr_sigmoid(a);
    case 5: return tr_relu(a);
    case 6: return tr_mul(tr_sin(a), 0.5);
    case 7: return tr_softmax(a, -1);
    case 8: return tr_sub(a, tr_mean(a, TR_DIM(-1), .keepdim = true));
    case 9: return tr_add(tr_t(tr_tanh(tr_t(a))), 1);
    case 10: return tr_matmul(a, tr_mul(tr_matmul(tr_t(full), full), 1e-3));
    case 11: return tr_pow(a, 2);
    case 12: return tr_where(tr_gt(a, 0), a, b);
    case 13: return tr_add_(tr_mul(a, 1), tr_mul(b, 0.5));
    case 14: return tr_cat(TR_TENSORS(tr_slice(a, 1, 0, 2, 1), tr_slice(b, 1, 2, tr_size(b, 1), 1)), 1);
    default: return tr_minimum(a, tr_exp(tr_neg(tr_square(b))));
    }
}

static void run_program(const program *p, world *w)
{
    TR_SCOPE;
    tr_tensor *value[3 + LINES] = {w->input, w->parameter, tr_expand(w->row, TR_SHAPE(p->rows, p->columns))};
    for (int i = 0; i < p->count; i++) value[3 + i] = apply(p->line[i].op, value[p->line[i].a], value[p->line[i].b], w->input);
    tr_tensor *last = tr_tanh(value[2 + p->count]);
    tr_tensor *loss = tr_mean(tr_mul(last, tr_add(w->parameter, tr_sum(w->row))));
    tr_zero_grad(w->sgd);
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_step(w->sgd), 0);
    tr_copy_(w->out, tr_detach(last));
}

static world make_world(const program *p, uint64_t seed)
{
    tr_manual_seed(seed);
    tr_tensor *start[4] = {tr_randn(TR_SHAPE(p->rows, p->columns)), tr_randn(TR_SHAPE(p->rows, p->columns)), tr_randn(TR_SHAPE(p->columns)), tr_zeros(TR_SHAPE(p->rows, p->columns))};
    for (int i = 0; i < 4; i++) start[i] = harness_there(start[i]);
    world w = {start[0], tr_requires_grad_(start[1], true), tr_requires_grad_(start[2], true), start[3], NULL};
    w.sgd = tr_sgd(TR_TENSORS(w.parameter, w.row), .lr = 0.01, .momentum = 0.9);
    return w;
}

TEST(random_programs_replay_their_bits)
{
    tr_generator *g = tr_generator_new(TR_PHILOX, 7);
    int64_t joined = 0;
    const bool here = harness_device().type == TR_CPU;
    for (int i = 0; i < (here ? PROGRAMS : PROGRAMS_THERE); i++) {
        TR_SCOPE;
        program p = random_program(g);
        world run = make_world(&p, (uint64_t)i), replayed = make_world(&p, (uint64_t)i);
        tr_recording *recording;
        assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(replayed.input)), 0);
        run_program(&p, &replayed);
        assert_int_equal(tr_record_end(), 0);
        run_program(&p, &run);
        joined += tr_recording_info_of(recording).joined;
        for (int k = 0; k < 4; k++) {
            TR_SCOPE;
            tr_tensor *input = harness_there(tr_randn(TR_SHAPE(p.rows, p.columns)));
            tr_copy_(run.input, input);
            if (k == 3) tr_copy_(replayed.input, input);
            assert_int_equal(k == 3 ? tr_replay(recording) : tr_replay(recording, .inputs = TR_TENSORS(input)), 0);
            run_program(&p, &run);
            assert_same_bits(run.out, replayed.out);
            assert_same_bits(run.parameter, replayed.parameter);
            assert_same_bits(run.row, replayed.row);
        }
    }
    assert_true(here ? joined > 500 : joined == 0);
}
