// CTEST DIST RANKS 1 2 3 4 8
/* Ranks that each step their own part of the parameters come to the weights of ranks that step all. */
#include "sharded.h"

#include <math.h>
#include <trireme/record.h>

enum { NUMBERS = 6 * 20 + 20 + 20 * 20 + 20 + 20 * 3 + 3 };

static tr_optim *adamw(tr_tensors p) { return tr_adamw(p, .lr = 0.01); }
static tr_optim *adagrad(tr_tensors p) { return tr_adagrad(p, .lr = 0.05); }

TEST(the_weights_are_those_of_whole_state_bit_for_bit)
{
    tr_optim *(*const kinds[])(tr_tensors) = {sgd, adam, adamw, rmsprop, adagrad};
    for (int k = 0; k < 5; k++) {
        tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *parts = in_parts(b);
        tr_optim *o = kinds[k](tr_parameters(a)), *mine = kinds[k](tr_shard_parameters(parts));
        train_both(all, o, parts, mine, 10);
        assert_same_bits(b, a);
    }
}

static int64_t sum_over_ranks(int64_t n)
{
    tr_tensor *sum = tr_full(TR_SHAPE(1), (double)n, .dtype = TR_INT64);
    assert_int_equal(tr_all_reduce(sum), 0);
    return (int64_t)tr_item(sum);
}

static int64_t numbers_of(tr_tensors list)
{
    int64_t numbers = 0;
    for (int64_t i = 0; i < list.count; i++) numbers += tr_numel(list.tensor[i]);
    return numbers;
}

TEST(every_number_is_one_rank_s_and_state_is_shared_out_evenly)
{
    tr_module *ranks = in_parts(perceptron());
    tr_tensors mine = tr_shard_parameters(ranks);
    tr_optim *o = tr_adam(mine);
    int64_t world = tr_dist_world(), numbers = numbers_of(mine), moments = 0;
    assert_int_equal(sum_over_ranks(numbers), NUMBERS);
    assert_true(numbers <= NUMBERS / world + 4); /* one more for each of four buckets */
    assert_true(numbers >= NUMBERS / world - 4 * world);
    step(ranks, o, 1);
    const char *name;
    tr_tensor *t;
    for (int64_t i = 0; tr_optim_state(o, i, &name, &t); i++)
        if (strncmp(name, "exp_avg", 7) == 0) moments += tr_numel(t);
    assert_int_equal(moments, 2 * numbers);
    assert_int_equal(tr_gather_parameters(ranks), 0);
}

TEST(ranks_may_be_more_than_numbers)
{
    tr_manual_seed(3);
    tr_module *model = tr_linear_layer(1, 1), *ranks = tr_data_parallel(model, .shard_state = true);
    tr_manual_seed(3);
    tr_module *same = tr_linear_layer(1, 1), *others = tr_data_parallel(same);
    tr_tensors mine = tr_shard_parameters(ranks);
    assert_true(mine.count > 0);
    assert_int_equal(sum_over_ranks(numbers_of(mine)), 2);
    tr_optim *o = tr_adam(mine, .lr = 0.1), *all = tr_adam(tr_parameters(same), .lr = 0.1);
    for (int i = 0; i < 5; i++) {
        TR_SCOPE;
        tr_tensor *x = tr_full(TR_SHAPE(2, 1), (double)i + (double)tr_dist_rank());
        assert_int_equal(tr_backward(tr_mean(tr_pow(tr_forward(others, x), 2))), 0);
        assert_int_equal(tr_step(all), 0);
        tr_zero_grad(all);
        assert_int_equal(tr_backward(tr_mean(tr_pow(tr_forward(ranks, x), 2))), 0);
        assert_int_equal(tr_step(o), 0);
        assert_int_equal(tr_gather_parameters(ranks), 0);
    }
    assert_same_bits(model, same);
}

/* ---- gradients ---- */

TEST(sums_are_the_parts_gradients_alone)
{
    tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *ranks = in_parts(b);
    tr_tensors mine = tr_shard_parameters(ranks);
    if (tr_dist_world() == 1) return;
    backward(all, 1);
    backward(ranks, 1);
    double squares = 0, expected = 0;
    for (int64_t i = 0; i < mine.count; i++)
        if (tr_numel(mine.tensor[i])) squares += tr_item(tr_sum(tr_pow(tr_to(tr_grad(mine.tensor[i]), TR_FLOAT64), 2)));
    for (int64_t i = 0; i < tr_parameters(a).count; i++) {
        expected += tr_item(tr_sum(tr_pow(tr_to(tr_grad(tr_parameters(a).tensor[i]), TR_FLOAT64), 2)));
        assert_null(tr_grad(tr_parameters(b).tensor[i]));
    }
    tr_tensor *sum = tr_full(TR_SHAPE(1), squares, .dtype = TR_FLOAT64);
    assert_int_equal(tr_all_reduce(sum), 0);
    assert_item(sum, expected, 1e-9 * expected);
    assert_int_equal(tr_gather_parameters(ranks), 0);
    assert_null(tr_grad(mine.tensor[0]));
}

TEST(a_backward_on_sums_that_stand_is_refused)
{
    tr_module *ranks = in_parts(perceptron());
    tr_optim *o = tr_adam(tr_shard_parameters(ranks));
    if (tr_dist_world() == 1) return;
    step(ranks, o, 1);
    tr_tensor *x, *y;
    draw(2, &x, &y);
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, x), y)), -1);
    assert_error_says("still stand in the parts of tr_shard_parameters()");
    tr_zero_grad(o);
    step(ranks, o, 3);
    assert_int_equal(tr_gather_parameters(ranks), 0);
}

TEST(gathered_gradients_are_those_of_one_backward)
{
    tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *ranks = in_parts(b);
    tr_optim *o = sgd(tr_parameters(a)), *mine = sgd(tr_shard_parameters(ranks));
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            bool before = tr_set_gradient_sync(k == 2);
            backward(all, 10 * i + k);
            backward(ranks, 10 * i + k);
            tr_set_gradient_sync(before);
        }
        assert_int_equal(tr_step(o), 0);
        assert_int_equal(tr_step(mine), 0);
        assert_int_equal(tr_gather_parameters(ranks), 0);
        tr_zero_grad(o);
        tr_zero_grad(mine);
    }
    assert_same_bits(b, a);
}

TEST(gathering_parameters_over_gathered_gradients_is_refused)
{
    tr_module *model = perceptron(), *ranks = in_parts(model);
    if (tr_dist_world() == 1) return;
    {
        TR_NO_SYNC;
        backward(ranks, 1);
    }
    assert_int_equal(tr_gather_parameters(ranks), -1);
    assert_error_says("gathered under TR_NO_SYNC");
    tr_module_zero_grad(model);
    assert_int_equal(tr_gather_parameters(ranks), 0);
}

typedef struct {
    tr_module *used, *here, *never;
} branches;

static tr_tensor *forward_branches(tr_module *m, tr_tensor *x)
{
    branches *b = tr_module_self(m);
    tr_tensor *y = tr_forward(b->used, x);
    return tr_dist_rank() == tr_dist_world() - 1 ? tr_forward(b->here, y) : y;
}

TEST(unused_parameters_are_left_alone)
{
    tr_manual_seed(5);
    tr_module *m = tr_module_new("Branches", forward_branches, sizeof(branches));
    branches *b = tr_module_self(m);
    b->used = tr_module_child(m, "used", tr_linear_layer(6, 6));
    b->here = tr_module_child(m, "here", tr_linear_layer(6, 6));
    b->never = tr_module_child(m, "never", tr_linear_layer(6, 6));
    tr_tensor *before = tr_clone(tr_parameters(b->never).tensor[0]), *other = tr_clone(tr_parameters(b->here).tensor[0]);
    tr_module *ranks = tr_data_parallel(m, .shard_state = true, .first_bucket_bytes = 64, .bucket_bytes = 64);
    tr_optim *o = tr_adamw(tr_shard_parameters(ranks), .weight_decay = 0.5); /* with a gradient of zero it would change them */
    for (int i = 0; i < 3; i++) {
        TR_SCOPE;
        tr_tensor *x = tr_randn(TR_SHAPE(2, 6));
        assert_int_equal(tr_backward(tr_mean(tr_pow(tr_forward(ranks, x), 2))), 0);
        assert_int_equal(tr_step(o), 0);
        assert_int_equal(tr_gather_parameters(ranks), 0);
        tr_zero_grad(o);
    }
    assert_memory_equal(tr_data(tr_parameters(b->never).tensor[0]), tr_data(before), 36 * sizeof(float));
    assert_memory_not_equal(tr_data(tr_parameters(b->here).tensor[0]), tr_data(other), 36 * sizeof(float));
    assert_int_equal(tr_check_replicas(m), 0);
}

/* ---- clipping ---- */

TEST(the_norm_is_that_of_all_gradients)
{
    tr_module *a = perceptron(), *b = perceptron(), *all = whole(a), *ranks = in_parts(b);
    tr_tensors mine = tr_shard_parameters(ranks);
    backward(all, 1);
    backward(ranks, 1);
    double norm = tr_clip_grad_norm(tr_parameters(a), 0.01);
    assert_true(norm > 0.01);
    assert_true(fabs(tr_clip_sharded_grad_norm(ranks, 0.01) - norm) <= 1e-6 * norm);
    assert_true(fabs(tr_clip_sharded_grad_norm(ranks, INFINITY) - 0.01) <= 1e-5);
    assert_true(mine.count > 0);
    assert_true(isnan(tr_clip_sharded_grad_norm(ranks, -1)));
    assert_error_says("max_norm -1");
}

/* ---- recorded ---- */

TEST(a_recorded_step_gives_the_bits_of_running_it)
{
    tr_module *a = perceptron(), *b = perceptron(), *plain = in_parts(a), *ranks = in_parts(b);
    tr_optim *o = adam(tr_shard_parameters(plain)), *mine = adam(tr_shard_parameters(ranks));
    tr_tensor *x, *y;
    tr_recording *recording;
    draw(0, &x, &y);
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x, y)), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, x), y)), 0);
        assert_int_equal(tr_step(mine), 0);
        assert_int_equal(tr_gather_parameters(ranks), 0);
        tr_zero_grad(mine);
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 5; i++) {
        TR_SCOPE;
        step(plain, o, i);
        assert_int_equal(tr_gather_parameters(plain), 0);
        tr_zero_grad(o);
        if (i == 0) continue; /* recording ran it */
        draw(i, &x, &y);
        assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(x, y)), 0);
    }
    assert_same_bits(b, a);
}

/* ---- what is refused ---- */

TEST(parts_want_the_option)
{
    tr_module *ranks = tr_data_parallel(perceptron());
    tr_tensors none = tr_shard_parameters(ranks);
    assert_int_equal(none.count, 0);
    assert_error_says(".shard_state = true");
    assert_int_equal(tr_gather_parameters(ranks), -1);
    assert_error_says(".shard_state = true");
    assert_null(tr_data_parallel(perceptron(), .shard_state = true, .reproducible = true));
    assert_error_says("does not go with .reproducible");
}

TEST(a_type_that_no_optimiser_takes_is_refused)
{
    if (tr_dist_world() == 1) return;
    assert_null(tr_data_parallel(tr_linear_layer(4, 4, .dtype = TR_BFLOAT16), .shard_state = true));
    assert_error_says("parameter weight is bfloat16");
}
