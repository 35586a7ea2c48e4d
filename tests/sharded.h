/* A perceptron whose optimiser's state is shared out over the ranks, beside one with whole state: on the CPU, or on each
 * rank's CUDA device where ON_DEVICE is defined. */
#ifndef SHARDED_H
#define SHARDED_H

#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/optim.h>

#ifdef ON_DEVICE
static inline tr_device sharded_on(void) { return tr_dist_device(); }
#else
static inline tr_device sharded_on(void) { return tr_cpu(); }
#endif

/* Eight ranks play two hosts. */
BEFORE_ALL
{
#ifdef ON_DEVICE
    if (!tr_cuda_is_available()) {
        print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
        return TEST_SKIPPED;
    }
#endif
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE");
    if (ranks && strcmp(ranks, "8") == 0) setenv("TRIREME_HOST_RANKS", "4", 1);
    return tr_dist_init(argc, argv) < 0;
}
AFTER_ALL { return tr_dist_finish(); }

static inline tr_module *perceptron(void)
{
    tr_manual_seed(1);
    tr_module *m = tr_sequential(tr_linear_layer(6, 20), tr_tanh_layer(), tr_linear_layer(20, 20), tr_tanh_layer(), tr_linear_layer(20, 3));
    assert_int_equal(tr_module_to(m, sharded_on()), 0);
    return m;
}

/* In four buckets. */
static inline tr_module *in_parts(tr_module *model) { return tr_data_parallel(model, .shard_state = true, .first_bucket_bytes = 256, .bucket_bytes = 512); }
static inline tr_module *whole(tr_module *model) { return tr_data_parallel(model, .first_bucket_bytes = 256, .bucket_bytes = 512); }

static inline void draw(int i, tr_tensor **x, tr_tensor **y)
{
    tr_manual_seed((uint64_t)(100 * i + tr_dist_rank()));
    *x = tr_to_device(tr_randn(TR_SHAPE(4 + tr_dist_rank(), 6)), sharded_on());
    *y = tr_to_device(tr_randn(TR_SHAPE(4 + tr_dist_rank(), 3)), sharded_on());
}

static inline void backward(tr_module *ranks, int i)
{
    tr_tensor *x, *y;
    draw(i, &x, &y);
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, x), y)), 0);
}

static inline void step(tr_module *ranks, tr_optim *o, int i)
{
    TR_SCOPE;
    backward(ranks, i);
    assert_int_equal(tr_step(o), 0);
}

static inline void assert_same_bits(tr_module *got, tr_module *want)
{
    for (int64_t i = 0; i < tr_parameters(want).count; i++) {
        tr_tensor *p = tr_parameters(got).tensor[i], *q = tr_parameters(want).tensor[i];
        assert_memory_equal(tr_data(p), tr_data(q), (size_t)(tr_numel(p) * 4));
    }
}

static inline tr_optim *sgd(tr_tensors p) { return tr_sgd(p, .lr = 0.05, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true); }
static inline tr_optim *adam(tr_tensors p) { return tr_adam(p, .lr = 0.01, .amsgrad = true); }
static inline tr_optim *rmsprop(tr_tensors p) { return tr_rmsprop(p, .lr = 0.01, .centered = true, .momentum = 0.5); }

/* The same steps with whole state and in parts. */
static inline void train_both(tr_module *all, tr_optim *o, tr_module *parts, tr_optim *mine, int steps)
{
    for (int i = 0; i < steps; i++) {
        step(all, o, i);
        tr_zero_grad(o);
        step(parts, mine, i);
        assert_int_equal(tr_gather_parameters(parts), 0);
        tr_zero_grad(mine);
    }
}

static inline void train(tr_module *ranks, tr_optim *o, int from, int to)
{
    for (int i = from; i < to; i++) {
        step(ranks, o, i);
        assert_int_equal(tr_gather_parameters(ranks), 0);
        tr_zero_grad(o);
    }
}

#endif
