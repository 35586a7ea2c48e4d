// CTEST DIST RANKS 1 2 3 8
/* With .reproducible the number of ranks cannot be seen in the weights. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include <trireme/checkpoint.h>
#include <trireme/dist.h>
#include <trireme/optim.h>
#if __has_include(<mpi.h>)
# include <mpi.h>

static int rank, world;

BEFORE_ALL
{
    if (MPI_Init(argc, argv) != MPI_SUCCESS) return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return MPI_Comm_size(MPI_COMM_WORLD, &world) != MPI_SUCCESS;
}
AFTER_ALL { return MPI_Finalize(); }

enum { SAMPLES = 500,
       IN = 20,
       OUT = 5,
       EPOCHS = 12 };

/* A played device is slow. */
static int few(int n) { return harness_device().type == TR_CPU ? n : (n + 11) / 12; }

static uint64_t digest(tr_module *m)
{
    uint64_t h = 0xcbf29ce484222325u;
    tr_tensors all = tr_parameters(m);
    for (int64_t i = 0; i < all.count; i++) {
        const unsigned char *bytes = tr_data(tr_to_device(tr_detach(all.tensor[i]), tr_cpu()));
        for (int64_t k = 0; k < tr_numel(all.tensor[i]) * tr_dtype_size(tr_dtype_of(all.tensor[i])); k++) h = (h ^ bytes[k]) * 0x100000001b3u;
    }
    return h;
}

static tr_module *perceptron(double p)
{
    tr_manual_seed(1);
    tr_module *m = tr_sequential(tr_linear_layer(IN, 33), tr_tanh_layer(), tr_dropout_layer(p), tr_linear_layer(33, OUT));
    assert_int_equal(tr_module_to(m, harness_device()), 0);
    return m;
}

static tr_loader *loader(int64_t shards)
{
    tr_manual_seed(2);
    tr_tensor *x = tr_randn(TR_SHAPE(SAMPLES, IN)), *y = tr_randn(TR_SHAPE(SAMPLES, OUT));
    return tr_loader_new(tr_dataset_tensors(x, y), .batch_size = 31, .shuffle = true, .shard = tr_dist_shard(), .virtual_shards = shards, .device = harness_device());
}

/* 17 steps an epoch, the last of 4 samples: more shards than samples. */
static uint64_t train(bool zero_grad)
{
    TR_SCOPE;
    tr_module *model = perceptron(0.25), *ranks = tr_data_parallel(model, .reproducible = true);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.01, .momentum = 0.5);
    tr_loader *l = loader(TR_VIRTUAL_SHARDS);
    for (int epoch = 0; epoch < (zero_grad ? few(EPOCHS) : 1); epoch++) {
        assert_int_equal(tr_loader_start(l, epoch), 0);
        for (tr_batch b; tr_loader_next(l, &b);) {
            for (tr_batch s = {0}; tr_next_shard(ranks, &b, &s);) {
                TR_SCOPE;
                assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, s.input), s.target)), 0);
            }
            assert_int_equal(tr_step(sgd), 0);
            if (zero_grad) tr_zero_grad(sgd);
        }
    }
    assert_false(tr_error_stands());
    return digest(model);
}

/* The same training by the first rank, the first two, three, ... */
static void assert_same_on_all(bool zero_grad)
{
    static const int numbers[] = {1, 2, 3, 4, 6, 8};
    uint64_t first = 0;
    for (int i = 0; i < 6 && numbers[i] <= world; i++) {
        MPI_Comm some;
        uint64_t h = 0, all[2];
        assert_int_equal(MPI_Comm_split(MPI_COMM_WORLD, rank < numbers[i] ? 0 : MPI_UNDEFINED, rank, &some), MPI_SUCCESS);
        if (rank < numbers[i]) {
            assert_int_equal(tr_dist_init_comm(&some), 0);
            assert_int_equal(tr_dist_world(), numbers[i]);
            h = train(zero_grad);
            assert_int_equal(tr_dist_finish(), 0);
            MPI_Comm_free(&some);
        }
        uint64_t mine[2] = {rank < numbers[i] ? h : 0, rank < numbers[i] ? ~h : 0};
        MPI_Allreduce(mine, all, 2, MPI_UINT64_T, MPI_MAX, MPI_COMM_WORLD);
        assert_true(all[0] == ~all[1]);
        if (i == 0) first = all[0];
        assert_true(all[0] == first);
    }
}

TEST(hundreds_of_shuffled_steps_with_dropout_give_the_same_bits_on_any_number_of_ranks) { assert_same_on_all(true); }

/* Steps up to `until`, from wherever the run stands. */
static void go_on(tr_module *ranks, tr_training *run, int64_t until)
{
    for (int64_t epoch = tr_loader_state(run->loader).epoch; run->step < until; epoch++) {
        assert_int_equal(tr_loader_start(run->loader, epoch), 0);
        for (tr_batch b; run->step < until && tr_loader_next(run->loader, &b); run->step++) {
            for (tr_batch s = {0}; tr_next_shard(ranks, &b, &s);) {
                TR_SCOPE;
                assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, s.input), s.target)), 0);
            }
            assert_int_equal(tr_step(run->optim), 0);
            tr_zero_grad(run->optim);
        }
    }
}

enum { BREAK = 40,
       END = 75 }; /* steps; 17 are an epoch */

/* The whole of it; or up to BREAK, and saved; or, made of other random numbers, resumed, and on to END. */
static uint64_t train_in_parts(const char *folder, bool save, bool resume)
{
    TR_SCOPE;
    tr_module *model = perceptron(0.25);
    if (resume) {
        tr_manual_seed(99);
        model = tr_sequential(tr_linear_layer(IN, 33), tr_tanh_layer(), tr_dropout_layer(0.25), tr_linear_layer(33, OUT));
        assert_int_equal(tr_module_to(model, harness_device()), 0);
    }
    tr_module *ranks = tr_data_parallel(model, .reproducible = true);
    tr_training run = {.module = model, .optim = tr_sgd(tr_parameters(model), .lr = 0.01, .momentum = 0.5), .loader = loader(TR_VIRTUAL_SHARDS), .shard = tr_dist_shard()};
    if (resume) assert_int_equal(tr_training_resume(folder, &run), 0);
    assert_int_equal(run.step, resume ? few(BREAK) : 0);
    go_on(ranks, &run, save ? few(BREAK) : few(END));
    if (save) assert_int_equal(tr_training_save(folder, &run), 0);
    tr_barrier(); /* all manifests are there */
    return digest(model);
}

static uint64_t train_on(int ranks, const char *folder, bool save, bool resume)
{
    MPI_Comm some;
    uint64_t h = 0;
    assert_int_equal(MPI_Comm_split(MPI_COMM_WORLD, rank < ranks ? 0 : MPI_UNDEFINED, rank, &some), MPI_SUCCESS);
    if (rank >= ranks) return 0;
    assert_int_equal(tr_dist_init_comm(&some), 0);
    h = train_in_parts(folder, save, resume);
    assert_int_equal(tr_dist_finish(), 0);
    MPI_Comm_free(&some);
    return h;
}

TEST(a_run_resumed_on_another_number_of_ranks_draws_the_masks_of_the_unbroken_one)
{
    char folder[40], command[80];
    snprintf(folder, sizeof folder, "resumed-by-%d", world);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (rank == 0) assert_int_equal(system(command), 0);
    uint64_t unbroken = train_on(1, NULL, false, false);
    for (int before = 1; before <= world && before <= 2; before++) {
        train_on(before, folder, true, false);
        for (int after = 1; after <= world && after <= 4; after++) {
            uint64_t h = train_on(after, folder, false, true), first = h;
            MPI_Bcast(&first, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD);
            if (rank < after) assert_int_equal(h, first);
            if (rank == 0) assert_true(h == unbroken);
        }
        MPI_Barrier(MPI_COMM_WORLD);
    }
}

TEST(gradients_that_are_not_set_to_zero_add_up_the_same) { assert_same_on_all(false); }

static void join(void) { assert_int_equal(tr_dist_init_comm(&(MPI_Comm){MPI_COMM_WORLD}), 0); }

static void leave(void) { assert_int_equal(tr_dist_finish(), 0); }

TEST(it_is_the_gradient_of_the_global_batch)
{
    join();
    tr_module *model = perceptron(0), *ranks = tr_data_parallel(model, .reproducible = true), *alone = perceptron(0);
    tr_loader *l = loader(TR_VIRTUAL_SHARDS);
    tr_manual_seed(2);
    tr_tensor *x = tr_randn(TR_SHAPE(SAMPLES, IN)), *y = tr_randn(TR_SHAPE(SAMPLES, OUT));
    tr_loader *whole = tr_loader_new(tr_dataset_tensors(x, y), .batch_size = 31, .shuffle = true, .device = harness_device());
    tr_loader_start(l, 0);
    tr_loader_start(whole, 0);
    for (tr_batch b, w; tr_loader_next(l, &b) && tr_loader_next(whole, &w);) {
        tr_module_zero_grad(model);
        tr_module_zero_grad(alone);
        for (tr_batch s = {0}; tr_next_shard(ranks, &b, &s);) {
            TR_SCOPE;
            assert_int_equal(tr_backward(tr_mse_loss(tr_forward(ranks, s.input), s.target)), 0);
        }
        assert_int_equal(tr_backward(tr_mse_loss(tr_forward(alone, w.input), w.target)), 0);
        for (int64_t i = 0; i < tr_parameters(model).count; i++)
            assert_close(tr_grad(tr_parameters(model).tensor[i]), tr_grad(tr_parameters(alone).tensor[i]), 1e-6);
    }
    leave();
}

TEST(without_the_option_a_batch_is_one_shard)
{
    join();
    tr_module *model = perceptron(0), *ranks = tr_data_parallel(model);
    tr_loader *l = loader(0);
    tr_batch b, s = {0};
    tr_loader_start(l, 0);
    assert_true(tr_loader_next(l, &b));
    assert_true(tr_next_shard(ranks, &b, &s));
    assert_ptr_equal(s.input, b.input);
    assert_false(tr_next_shard(ranks, &b, &s));
    leave();
}

TEST(forward_outside_of_shards_is_refused)
{
    join();
    tr_module *ranks = tr_data_parallel(perceptron(0), .reproducible = true);
    assert_null(tr_forward(ranks, tr_zeros(TR_SHAPE(2, IN))));
    assert_error_says("tr_next_shard");
    leave();
}

#else
TEST(needs_mpi) { skip_because("built without MPI"); }
#endif
