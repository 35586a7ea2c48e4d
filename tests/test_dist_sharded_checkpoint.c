// CTEST DIST RANKS 1 2 3 4 8
/* State that is shared out goes into a checkpoint as whole state does, and comes back for any number of ranks. */
#include "sharded.h"

#include <stdio.h>
#include <trireme/checkpoint.h>

TEST(whole_state_goes_into_a_checkpoint_and_comes_back_in_parts)
{
    tr_optim *(*const kinds[])(tr_tensors) = {sgd, adam, rmsprop};
    char path[64];
    for (int k = 0; k < 3; k++) {
        tr_module *a = perceptron(), *b = perceptron(), *all = in_parts(a), *again = in_parts(b);
        tr_optim *o = kinds[k](tr_shard_parameters(all)), *mine = kinds[k](tr_shard_parameters(again));
        snprintf(path, sizeof path, "sharded-%lld.safetensors", (long long)tr_dist_world());
        train(all, o, 0, 3);
        assert_int_equal(tr_set_learning_rate(o, 0.004), 0);
        {
            TR_SCOPE;
            tr_optim *whole = tr_gather_optim(all, o);
            if (tr_dist_rank() == 0) assert_int_equal(tr_checkpoint_save(path, a, whole, 3), 0);
            if (tr_dist_world() > 1) {
                assert_int_equal(tr_checkpoint_save("parts.safetensors", a, o, 3), -1);
                assert_error_says("is a part of");
            }
            assert_int_equal(tr_barrier(), 0);
            tr_optim *read = tr_gather_optim(again, mine);
            assert_int_equal(tr_checkpoint_load(path, b, read, NULL), 0);
            assert_int_equal(tr_scatter_optim(again, read, mine), 0);
            assert_int_equal(tr_barrier(), 0);
        }
        train(all, o, 3, 6);
        train(again, mine, 3, 6);
        assert_same_bits(b, a);
        assert_true(tr_learning_rate(mine) == 0.004);
    }
}

typedef struct {
    tr_module *line;
    tr_tensor *scale;
} scaled;

static tr_tensor *forward_scaled(tr_module *m, tr_tensor *x)
{
    scaled *s = tr_module_self(m);
    return tr_mul(tr_forward(s->line, x), s->scale);
}

/* With a parameter of no dim. */
static tr_module *scaled_line(void)
{
    tr_manual_seed(2);
    tr_module *m = tr_module_new("Scaled", forward_scaled, sizeof(scaled));
    scaled *s = tr_module_self(m);
    s->line = tr_module_child(m, "line", tr_linear_layer(6, 3));
    s->scale = tr_module_parameter(m, "scale", tr_full(TR_SHAPE(), 2.0));
    return m;
}

TEST(a_run_goes_on_with_its_schedulers)
{
    char folder[64];
    snprintf(folder, sizeof folder, "sharded-run-%lld", (long long)tr_dist_world());
    tr_module *a = scaled_line(), *b = scaled_line(), *all = in_parts(a), *again = in_parts(b);
    tr_optim *o = adam(tr_shard_parameters(all)), *mine = adam(tr_shard_parameters(again));
    tr_scheduler *rate = tr_exponential_lr(o, 0.5), *other = tr_exponential_lr(mine, 0.5);
    tr_training run = {.module = a, .schedulers = TR_SCHEDULERS(rate), .step = 3, .shard = tr_dist_shard(), .keep = 1};
    for (int i = 0; i < 3; i++) {
        train(all, o, i, i + 1);
        tr_scheduler_step(rate);
    }
    {
        TR_SCOPE;
        run.optim = tr_gather_optim(all, o);
        assert_int_equal(tr_training_save(folder, &run), 0);
        assert_int_equal(tr_barrier(), 0);
        run = (tr_training){.module = b, .optim = tr_gather_optim(again, mine), .schedulers = TR_SCHEDULERS(other), .shard = tr_dist_shard()};
        assert_int_equal(tr_training_resume(folder, &run), 0);
        assert_int_equal(tr_scatter_optim(again, run.optim, mine), 0);
        assert_int_equal(tr_barrier(), 0);
    }
    assert_int_equal(run.step, 3);
    assert_true(tr_learning_rate(mine) == tr_learning_rate(o));
    for (int i = 3; i < 6; i++) {
        train(all, o, i, i + 1);
        tr_scheduler_step(rate);
        train(again, mine, i, i + 1);
        tr_scheduler_step(other);
    }
    assert_same_bits(b, a);
}

/* What one rank reads is what an optimiser of whole parameters has written. */
TEST(a_checkpoint_is_the_same_with_state_in_parts_or_whole)
{
    tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *parts = in_parts(b);
    tr_optim *o = adam(tr_parameters(a)), *mine = adam(tr_shard_parameters(parts));
    for (int i = 0; i < 3; i++) {
        step(all, o, i);
        tr_zero_grad(o);
    }
    train(parts, mine, 0, 3);
    tr_optim *gathered = tr_gather_optim(parts, mine);
    const char *name;
    tr_tensor *want, *got;
    int64_t states = 0;
    for (int64_t i = 0; tr_optim_state(o, i, &name, &want) && tr_dist_rank() == 0; i++, states++) {
        assert_true(tr_optim_state(gathered, i, &name, &got));
        assert_int_equal(tr_numel(got), tr_numel(want));
        assert_memory_equal(tr_data(got), tr_data(want), (size_t)(tr_numel(want) * tr_dtype_size(tr_dtype_of(want))));
    }
    assert_int_equal(states, tr_dist_rank() == 0 ? 4 * 6 : 0); /* three tensors and a count */
    assert_true(tr_dist_world() == 1 || !tr_optim_state(mine, 4 * tr_shard_parameters(parts).count, &name, &got));
}

TEST(another_optimiser_is_not_gathered)
{
    tr_module *a = perceptron(), *ranks = in_parts(a);
    tr_optim *other = adam(tr_parameters(a)), *mine = adam(tr_shard_parameters(ranks));
    if (tr_dist_world() == 1) return;
    train(ranks, mine, 0, 1);
    assert_null(tr_gather_optim(ranks, NULL));
    assert_error_says("NULL instead of an optimiser");
    assert_int_equal(tr_scatter_optim(ranks, NULL, other), -1);
    assert_error_says("NULL instead of an optimiser");
    assert_null(tr_gather_optim(a, mine));
    assert_error_says("expected a module of tr_data_parallel()");
}
