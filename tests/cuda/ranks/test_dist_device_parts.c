/* Ranks on CUDA devices that each step their own part of the parameters, and steps that are recorded there. */
#define ON_DEVICE
#include "sharded.h"

#include <math.h>
#include <trireme/record.h>

static tr_tensor *here(tr_tensor *t) { return tr_to_device(t, tr_cpu()); }

static tr_optim *plain_adam(tr_tensors p) { return tr_adam(p, .lr = 0.01); }

static void assert_same_weights(tr_module *got, tr_module *want)
{
    for (int64_t i = 0; i < tr_parameters(want).count; i++) assert_close(here(tr_parameters(got).tensor[i]), here(tr_parameters(want).tensor[i]), 1e-6);
}

/* ---- parts ---- */

TEST(the_weights_are_those_of_whole_state)
{
    tr_optim *(*const kinds[])(tr_tensors) = {sgd, plain_adam};
    for (int k = 0; k < 2; k++) {
        tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *parts = in_parts(b);
        tr_optim *o = kinds[k](tr_parameters(a)), *mine = kinds[k](tr_shard_parameters(parts));
        train_both(all, o, parts, mine, 6);
        assert_same_weights(b, a);
        assert_int_equal(tr_check_replicas(b), 0);
    }
}

TEST(a_part_is_on_the_device)
{
    tr_tensors mine = tr_shard_parameters(in_parts(perceptron()));
    int64_t numbers = 0;
    for (int64_t i = 0; i < mine.count; i++) {
        assert_int_equal(tr_device_of(mine.tensor[i]).type, TR_CUDA);
        numbers += tr_numel(mine.tensor[i]);
    }
    tr_tensor *sum = tr_full(TR_SHAPE(1), (double)numbers, .dtype = TR_INT64);
    assert_int_equal(tr_all_reduce(sum), 0);
    assert_item(sum, 6 * 20 + 20 + 20 * 20 + 20 + 20 * 3 + 3, 0);
}

TEST(the_norm_is_that_of_all_gradients)
{
    tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *ranks = in_parts(b);
    tr_optim *o = sgd(tr_parameters(a)), *mine = sgd(tr_shard_parameters(ranks));
    tr_tensor *x, *y;
    draw(1, &x, &y);
    assert_true(tr_backward(tr_mse_loss(tr_forward(all, x), y)) == 0 && tr_backward(tr_mse_loss(tr_forward(ranks, x), y)) == 0);
    double norm = tr_clip_grad_norm(tr_parameters(a), 0.01);
    assert_true(norm > 0.01);
    assert_true(fabs(tr_clip_sharded_grad_norm(ranks, 0.01) - norm) <= 1e-5 * norm);
    assert_true(tr_step(o) == 0 && tr_step(mine) == 0 && tr_gather_parameters(ranks) == 0);
    assert_same_weights(b, a);
}

TEST(state_is_gathered_whole_and_scattered_again)
{
    tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *parts = in_parts(b);
    tr_optim *o = plain_adam(tr_parameters(a)), *mine = plain_adam(tr_shard_parameters(parts)), *later = plain_adam(tr_shard_parameters(parts));
    for (int i = 0; i < 6; i++) {
        step(all, o, i);
        tr_zero_grad(o);
        step(parts, i < 3 || tr_dist_world() == 1 ? mine : later, i); /* one rank's parts are the whole */
        assert_int_equal(tr_gather_parameters(parts), 0);
        tr_zero_grad(mine);
        if (i != 2) continue;
        tr_optim *gathered = tr_gather_optim(parts, mine);
        const char *name;
        tr_tensor *want, *got;
        int64_t states = 0;
        for (int64_t k = 0; tr_optim_state(o, k, &name, &want) && tr_dist_rank() == 0; k++, states++) {
            assert_true(tr_optim_state(gathered, k, &name, &got));
            assert_close(tr_to(here(got), TR_FLOAT64), tr_to(here(want), TR_FLOAT64), 1e-6);
        }
        assert_int_equal(states, tr_dist_rank() == 0 ? 3 * 6 : 0);
        assert_int_equal(tr_scatter_optim(parts, o, later), 0);
    }
    assert_same_weights(b, a);
}

/* ---- recorded ---- */

static void assert_replays_as_it_runs(tr_module *plain, tr_optim *o, tr_module *ranks, tr_optim *mine, bool parts)
{
    tr_tensor *x, *y;
    tr_recording *recording;
    draw(0, &x, &y);
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x, y)), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, x), y)), 0);
        assert_int_equal(tr_step(mine), 0);
        if (parts) assert_int_equal(tr_gather_parameters(ranks), 0);
        tr_zero_grad(mine);
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 6; i++) {
        TR_SCOPE;
        step(plain, o, i);
        if (parts) assert_int_equal(tr_gather_parameters(plain), 0);
        tr_zero_grad(o);
        if (i == 0) continue; /* recording ran it */
        draw(i, &x, &y);
        assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(x, y)), 0);
    }
}

TEST(a_recorded_step_is_summed_in_every_replay)
{
    tr_module *a = perceptron(), *b = perceptron(), *plain = whole(a), *ranks = whole(b);
    assert_replays_as_it_runs(plain, plain_adam(tr_parameters(a)), ranks, plain_adam(tr_parameters(b)), false);
    assert_same_weights(b, a);
}

TEST(a_recorded_step_with_state_in_parts_too)
{
    tr_module *a = perceptron(), *b = perceptron(), *plain = in_parts(a), *ranks = in_parts(b);
    assert_replays_as_it_runs(plain, plain_adam(tr_shard_parameters(plain)), ranks, plain_adam(tr_shard_parameters(ranks)), true);
    assert_same_weights(b, a);
}
