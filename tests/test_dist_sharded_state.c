// CTEST DIST RANKS 1 2 3 4
/* Ranks that each step their own parameters come to the weights of ranks that step all. */
#include "test.h"

#include <string.h>
#include <trireme/dist.h>
#include <trireme/optim.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

static tr_module *perceptron(void)
{
    tr_manual_seed(1);
    return tr_sequential(tr_linear_layer(6, 20), tr_tanh_layer(), tr_linear_layer(20, 20), tr_tanh_layer(), tr_linear_layer(20, 3));
}

static void step(tr_module *ranks, tr_optim *o, int i)
{
    TR_SCOPE;
    tr_manual_seed((uint64_t)(100 * i + tr_dist_rank()));
    tr_tensor *x = tr_randn(TR_SHAPE(4 + tr_dist_rank(), 6)), *y = tr_randn(TR_SHAPE(4 + tr_dist_rank(), 3));
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, x), y)), 0);
    assert_int_equal(tr_step(o), 0);
}

TEST(the_weights_are_those_of_whole_state_bit_for_bit)
{
    tr_module *whole = perceptron(), *parts = perceptron();
    tr_module *a = tr_data_parallel(whole), *b = tr_data_parallel(parts);
    tr_optim *all = tr_adam(tr_parameters(whole), .lr = 0.01), *mine = tr_adam(tr_shard_parameters(b), .lr = 0.01);
    for (int i = 0; i < 20; i++) {
        step(a, all, i);
        tr_zero_grad(all);
        step(b, mine, i);
        assert_int_equal(tr_gather_parameters(b), 0);
        tr_module_zero_grad(b);
    }
    for (int64_t i = 0; i < tr_parameters(whole).count; i++) {
        tr_tensor *p = tr_parameters(whole).tensor[i], *q = tr_parameters(parts).tensor[i];
        assert_memory_equal(tr_data(p), tr_data(q), (size_t)(tr_numel(p) * 4));
    }
}

TEST(every_parameter_has_one_owner_and_they_are_shared_evenly)
{
    tr_module *model = perceptron(), *ranks = tr_data_parallel(model);
    tr_tensors mine = tr_shard_parameters(ranks), all = tr_parameters(model);
    int64_t numbers = 0, total = 0, largest = 0;
    for (int64_t i = 0; i < mine.count; i++) numbers += tr_numel(mine.tensor[i]);
    for (int64_t i = 0; i < all.count; i++) {
        total += tr_numel(all.tensor[i]);
        largest = tr_numel(all.tensor[i]) > largest ? tr_numel(all.tensor[i]) : largest;
    }
    tr_tensor *sum = tr_full(TR_SHAPE(1), (double)numbers, .dtype = TR_INT64);
    assert_int_equal(tr_all_reduce(sum), 0);
    assert_item(sum, (double)total, 0);
    assert_true(numbers <= total / tr_dist_world() + largest);
}
