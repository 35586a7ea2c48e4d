/* Recorded steps on a CUDA device: what they may contain, and what the device is asked for.  That replays have the bits of
 * running is tested by test_record.c and test_record_examples.c, on this device, too. */
#include "trained_there.h"

TEST(a_copy_between_devices_cannot_be_recorded)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *y = there(x);
    tr_recording *step;
    assert_int_equal(tr_record(&step), 0);
    assert_close(tr_add(y, there(x)), row(2, 2, 2), 0); /* the step goes on */
    assert_true(tr_copy_(y, x) == y);
    assert_int_equal(tr_record_end(), -1);
    assert_error_says("tr_to_device: a copy between devices, which a recorded step cannot replay");
    assert_int_equal(tr_replay(step), -1);
    assert_error_says("not complete");
    assert_close(tr_copy_(y, tr_mul(x, 4)), row(4, 4, 4), 0); /* and the program goes on */
}

TEST(a_step_is_on_one_device)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *y = there(x), *z;
    tr_recording *step;
    assert_int_equal(tr_record(&step), 0);
    z = tr_mul(y, 2);
    assert_null(tr_mul(x, 2));
    assert_int_equal(tr_record_end(), -1);
    assert_error_says("mul: on cpu, in a step that is recorded on cuda:0");
    assert_close(z, row(2, 2, 2), 0);
}

TEST(numbers_beside_tensors_are_recorded)
{
    tr_tensor *x = there(row(1, 2, 3)), *y;
    tr_recording *step;
    int64_t many = (INT64_C(1) << 53) + 1, got;
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        y = tr_keep(tr_add(tr_to(tr_mul(x, 0.0), TR_INT64), many));
        tr_add_(x, 1);
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(step), 0);
    assert_close(x, row(5, 6, 7), 0);
    assert_int_equal(tr_to_data(tr_select(y, 0, 2), TR_INT64, &got), 0);
    assert_true(got == many);
    tr_drop(y);
}

TEST(a_parameter_that_moved_is_noticed)
{
    tr_module *model = tr_linear_layer(3, 2);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1);
    tr_tensor *x = there(tr_ones(TR_SHAPE(4, 3)));
    tr_recording *step;
    assert_int_equal(tr_module_to(model, tr_cuda(0)), 0);
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mean(tr_forward(model, x))), 0);
        assert_int_equal(tr_step(sgd), 0);
        tr_zero_grad(sgd);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(step), 0);
    assert_int_equal(tr_module_to(model, tr_cpu()), 0);
    assert_int_equal(tr_replay(step), -1);
    assert_error_says("has other memory than when the step was recorded");
}

/* ---- graphs ---- */

/* One for the step, and one for both inputs. */
TEST(a_replay_is_two_launches_and_waits_for_nothing)
{
    needs_played_device();
    training t = made();
    tr_recording *r = recorded(&t);
    tr_tensor *x = there(tr_randn(TR_SHAPE(ROWS, 6))), *y = there(tr_randn(TR_SHAPE(ROWS, 2)));
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
    assert_int_equal(tr_recording_info_of(r).graphs, 1);
    assert_true(tr_recording_info_of(r).calls > 15);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    played.order(PLAYED_LAZY, 0);
    played_counts before = counted();
    for (int i = 0; i < 20; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
    played_counts after = counted();
    assert_int_equal(after.waits, before.waits);
    assert_int_equal(after.launches, before.launches + 2 * 20);
    assert_int_equal(after.copies, before.copies + 20); /* numbers of Adam and of dropout */
    assert_int_equal(after.allocations, before.allocations);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r), 0);
    const int64_t launches = counted().launches;
    assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(t.x, t.y)), 0); /* in their place already */
    assert_int_equal(counted().launches, launches + 1);
}

TEST(numbers_that_stay_are_not_sent_again)
{
    needs_played_device();
    tr_tensor *w = tr_requires_grad_(there(tr_ones(TR_SHAPE(5))), true);
    tr_optim *sgd = tr_sgd(TR_TENSORS(w), .lr = 0.25);
    tr_recording *r;
    assert_int_equal(tr_record(&r), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_sum(tr_mul(w, w))), 0);
        assert_int_equal(tr_step(sgd), 0);
        tr_zero_grad(sgd);
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r), 0);
    int64_t copies = counted().copies;
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r), 0);
    assert_int_equal(counted().copies, copies);
    assert_int_equal(tr_set_learning_rate(sgd, 0.5), 0);
    assert_int_equal(tr_replay(r), 0);
    assert_int_equal(counted().copies, copies + 1);
    assert_close(w, tr_zeros(TR_SHAPE(5)), 0); /* w = w - 0.5 (2 w) */
}

/* Bits do not depend on when the device does what it was asked. */
TEST(replays_train_as_running_does_in_every_order)
{
    in_every_order(order)
    {
        TR_SCOPE;
        training run = made(), replayed = made();
        tr_recording *r = recorded(&replayed);
        step(&run);
        for (int i = 0; i < 8; i++) {
            TR_SCOPE;
            if (i > 3) {
                run.x = there(tr_randn(TR_SHAPE(ROWS, 6)));
                run.y = there(tr_randn(TR_SHAPE(ROWS, 2)));
                assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(run.x, run.y)), 0);
            } else {
                assert_int_equal(tr_replay(r), 0);
            }
            step(&run);
        }
        assert_same_parameters(&run, &replayed);
    }
}

static tr_tensor *clipped_step(training *t, bool error_if_nonfinite)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(t->model, t->x), t->y)), 0);
    tr_tensor *norm = tr_clip_grad_norm_(tr_parameters(t->model), 1.5, .error_if_nonfinite = error_if_nonfinite);
    assert_int_equal(tr_step(t->optim), 0);
    tr_zero_grad(t->optim);
    return tr_pass_up(norm);
}

/* With norms above 1.5 and below. */
TEST(clipping_goes_into_the_graph_unless_the_host_has_to_look)
{
    for (int look = 0; look < 2; look++)
        in_every_order(order)
        {
            TR_SCOPE;
            training run = made(), replayed = made();
            tr_recording *r;
            bool was_long = false, was_short = false;
            assert_int_equal(tr_record(&r), 0);
            tr_tensor *norm = clipped_step(&replayed, look);
            assert_int_equal(tr_record_end(), 0);
            assert_item(norm, tr_item(clipped_step(&run, look)), 0);
            for (int i = 0; i < 6; i++) {
                TR_SCOPE;
                double size = i % 2 ? 0.1 : 3;
                assert_non_null(tr_copy_(run.y, there(tr_full(TR_SHAPE(ROWS, 2), size))));
                assert_non_null(tr_copy_(replayed.y, run.y));
                int64_t waits = counted().waits;
                assert_int_equal(tr_replay(r), 0);
                if (i > 1 && order == PLAYED_LAZY && played.count) assert_int_equal(counted().waits, waits + look);
                if (i > 1 && !look) assert_int_equal(counted().waits, waits);
                double want = tr_item(clipped_step(&run, look));
                assert_item(norm, want, 0);
                was_long |= want > 1.5, was_short |= want < 1.5;
            }
            assert_true(was_long && was_short);
            assert_same_parameters(&run, &replayed);
            assert_int_equal(tr_recording_info_of(r).graphs, 1); /* where the host looks, up to there */
        }
}

TEST(a_schedule_and_a_checkpoint_reach_a_captured_step)
{
    training run = made(), replayed = made(), *both[2] = {&run, &replayed};
    tr_recording *r = recorded(&replayed);
    step(&run);
    for (int i = 0; i < 8; i++) {
        TR_SCOPE;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(tr_set_learning_rate(both[k]->optim, 0.1 / (i + 1)), 0);
            if (i == 5) assert_int_equal(tr_optim_set_state(both[k]->optim, "step.1", tr_tensor_of(40, .dtype = TR_INT64)), 0);
        }
        assert_int_equal(tr_replay(r), 0);
        step(&run);
    }
    assert_same_parameters(&run, &replayed);
}

TEST(a_thousand_replays_hold_what_one_does)
{
    played_counts none = counted();
    {
        TR_SCOPE;
        training t = made();
        tr_recording *r = recorded(&t);
        tr_tensor *x = there(tr_ones(TR_SHAPE(ROWS, 6))), *y = there(tr_ones(TR_SHAPE(ROWS, 2)));
        for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
        played_counts before = counted();
        tr_memory_stats one = tr_memory(tr_cuda(0));
        for (int i = 0; i < 1000; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
        played_counts after = counted();
        assert_int_equal(tr_memory(tr_cuda(0)).allocated_bytes, one.allocated_bytes);
        assert_int_equal(tr_memory(tr_cuda(0)).peak_bytes, one.peak_bytes);
        assert_int_equal(after.live_blocks, before.live_blocks);
        assert_int_equal(after.live_pinned, before.live_pinned);
        assert_int_equal(after.events, before.events);
        assert_int_equal(after.streams, before.streams);
        assert_int_equal(after.graphs, before.graphs);
        if (played.count) assert_int_equal(after.graphs, none.graphs + 1);
    }
    assert_int_equal(counted().graphs, none.graphs);
    assert_int_equal(counted().live_blocks, none.live_blocks);
}

/* ---- what stands between graphs ---- */

static int count_up(void *data)
{
    ++*(int *)data;
    return 0;
}

TEST(calls_of_the_program_stand_between_graphs)
{
    tr_tensor *x = there(row(1, 2, 3));
    tr_recording *r;
    int calls = 0;
    assert_int_equal(tr_record(&r), 0);
    tr_add_(tr_mul_(x, 2), 1);
    assert_int_equal(tr_record_call(count_up, &calls), 0);
    tr_sub_(tr_mul_(x, 3), 1);
    assert_int_equal(tr_record_end(), 0);
    tr_copy_(x, row(1, 2, 3));
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r), 0);
    assert_int_equal(calls, 4);
    assert_int_equal(tr_recording_info_of(r).graphs, 2);
    assert_close(x, row(302, 518, 734), 0); /* x = 6 x + 2, three times */
}

/* Inputs that a step writes into are written into, whichever they are. */
TEST(a_step_that_writes_into_its_input)
{
    tr_tensor *x = there(row(1, 2)), *other = there(row(10, 20));
    tr_recording *r;
    assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x)), 0);
    tr_add_(tr_mul_(x, 2), 1);
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(other)), 0);
    assert_close(x, row(3, 5), 0);
    assert_close(other, row(87, 167), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r), 0);
    assert_close(x, row(31, 47), 0);
    assert_int_equal(tr_recording_info_of(r).graphs, 1);
}

/* Sorting and sums of a few long rows need memory for the time of their calls: more than the first capture had. */
TEST(a_graph_has_the_memory_that_its_kernels_need)
{
    enum { N = 5000 };
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *x = there(tr_randn(TR_SHAPE(N))), *other = there(tr_randn(TR_SHAPE(N))), *sorted, *sum;
        tr_recording *r;
        assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x)), 0);
        sorted = tr_sort(x, 0);
        sum = tr_sum(tr_mul(sorted, x));
        assert_int_equal(tr_record_end(), 0);
        for (int i = 0; i < 4; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(other)), 0);
        assert_int_equal(tr_recording_info_of(r).graphs, 1);
        assert_close(sorted, tr_sort(other, 0), 0);
        assert_close(sum, tr_sum(tr_mul(sorted, other)), 0);
    }
}

TEST(an_index_out_of_range_in_a_graph_is_told_to_who_waits)
{
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *x = there(tr_ones(TR_SHAPE(4, 2))), *index = there(tr_to(row(1, 2), TR_INT64)), *rows;
        tr_recording *r;
        assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(index)), 0);
        rows = tr_mul(tr_index_select(x, 0, index), 2);
        assert_int_equal(tr_record_end(), 0);
        assert_non_null(rows);
        for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(there(tr_to(row(i, 3), TR_INT64)))), 0);
        assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(there(tr_to(row(1, 9), TR_INT64)))), 0);
        assert_int_equal(tr_synchronize(tr_cuda(0)), -1);
        assert_error_says("9 is not in [0, 4)");
    }
}

/* ---- what goes wrong ---- */

TEST(a_capture_for_which_there_is_no_memory_leaves_calls_one_by_one)
{
    needs_played_device();
    training run = made(), replayed = made();
    tr_recording *r = recorded(&replayed);
    step(&run);
    assert_int_equal(tr_replay(r), 0);
    step(&run);
    played.fail_at(1, true);
    assert_int_equal(tr_replay(r), 0);
    played.fail_at(0, false);
    step(&run);
    assert_int_equal(tr_recording_info_of(r).graphs, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tr_replay(r), 0);
        step(&run);
    }
    assert_same_parameters(&run, &replayed);
}

/* Another thread's work for the device is its own, also while a step is captured. */
static _Atomic bool enough;
static void *copies(void *wrong)
{
    for (int i = 0; !enough; i++) {
        TR_SCOPE;
        tr_tensor *x = there(tr_mul(tr_ones(TR_SHAPE(30)), (double)(i % 100)));
        if (i % 50 == 0 && tr_get(tr_add(x, 1), 29) != i % 100 + 1) ++*(int *)wrong;
    }
    return NULL;
}

TEST(what_other_threads_ask_for_is_not_captured)
{
    int wrong = 0;
    pthread_t thread;
    enough = false;
    assert_int_equal(pthread_create(&thread, NULL, copies, &wrong), 0);
    for (int i = 0; i < 10; i++) {
        TR_SCOPE;
        training run = made(), replayed = made();
        tr_recording *r = recorded(&replayed);
        step(&run);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(tr_replay(r), 0);
            step(&run);
        }
        assert_int_equal(tr_recording_info_of(r).graphs, 1);
        assert_same_parameters(&run, &replayed);
    }
    enough = true;
    pthread_join(thread, NULL);
    assert_int_equal(wrong, 0);
}
