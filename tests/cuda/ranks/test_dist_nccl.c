/* Ranks whose devices meet by NCCL: sums, orders, and that nobody waits.  (test_dist_device.c runs this way, too.) */
#include "by_nccl.h"
#include "learner.h"

BEFORE_ALL { return begin_by_nccl(argc, argv, 14, 0); }
AFTER_ALL { return tr_dist_finish(); }

static tr_tensor *there(tr_tensor *t) { return tr_to_device(t, tr_dist_device()); }
static tr_tensor *here(tr_tensor *t) { return tr_to_device(t, tr_cpu()); }
static double world(void) { return (double)tr_dist_world(); }

static int64_t waits(void) { return counted().waits; }

/* ---- collectives ---- */

TEST(every_type_is_summed_as_the_host_does)
{
    static const tr_dtype types[] = {TR_FLOAT32, TR_FLOAT64, TR_FLOAT16, TR_BFLOAT16, TR_INT64, TR_INT32, TR_UINT8, TR_COMPLEX64, TR_COMPLEX128};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        TR_SCOPE;
        tr_tensor *t = tr_to(tr_add(tr_arange(0, 50, 1), 3 * (double)tr_dist_rank()), types[i]), *on_host = tr_clone(t), *on_device = there(t);
        assert_true(tr_all_reduce(on_host) == 0 && tr_all_reduce(on_device) == 0);
        assert_int_equal(tr_dtype_of(on_device), types[i]);
        assert_close(tr_to(here(on_device), TR_COMPLEX128), tr_to(on_host, TR_COMPLEX128), 0);
    }
}

/* 1 + 2^-8 of each of two: rounded at once it is 2, added in float32 2 + 2^-7, which bfloat16 keeps. */
TEST(halves_are_added_in_float32)
{
    tr_tensor *t = there(tr_full(TR_SHAPE(9), tr_dist_rank() < 2 ? 0.00390625 : 256, .dtype = TR_BFLOAT16));
    if (tr_dist_world() == 2) tr_add_(t, tr_to(there(tr_full(TR_SHAPE(9), 1)), TR_BFLOAT16)); /* 1.00390625 is between two */
    tr_tensor *wide = tr_to(here(t), TR_FLOAT32);
    assert_int_equal(tr_all_reduce(wide), 0);
    assert_int_equal(tr_all_reduce(t), 0);
    assert_close(tr_to(here(t), TR_FLOAT32), tr_to(tr_to(wide, TR_BFLOAT16), TR_FLOAT32), 0);
}

TEST(what_has_no_sum_is_copied)
{
    tr_tensor *t = there(tr_gt(tr_arange(0, 7, 1), (double)tr_dist_rank()));
    tr_tensor *all = here(tr_all_gather(t));
    for (int64_t r = 0; r < tr_dist_world(); r++)
        for (int64_t i = 0; i < 7; i++) assert_item(tr_to(tr_select(all, 0, 7 * r + i), TR_FLOAT32), i > r, 0);
    assert_int_equal(tr_broadcast(t, tr_dist_world() - 1), 0);
    assert_item(tr_sum(tr_to(here(t), TR_FLOAT32)), 7 - world(), 0);
}

TEST(in_every_order_of_streams_sums_come_between_what_was_asked_before_and_after)
{
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *a = there(tr_ones(TR_SHAPE(5000))), *b = there(tr_full(TR_SHAPE(40), 1 + (double)tr_dist_rank()));
        for (int i = 0; i < 12; i++) {
            tr_mul_(a, 0.5);
            assert_int_equal(tr_all_reduce(a), 0);
            tr_tensor *c = tr_add(b, a ? 1.0 : 0);
            assert_int_equal(tr_all_reduce(c), 0);
            tr_mul_(a, 2 / world());
            assert_item(here(tr_select(c, 0, 39)), world() + world() * (world() + 1) / 2, 0);
        }
        assert_close(here(a), tr_ones(TR_SHAPE(5000)), 1e-6);
    }
    in_order(PLAYED_AT_RANDOM);
}

/* Also where there is but one rank, whose device alone would have anything to send. */
TEST(gradients_of_a_model_of_the_host_are_whole)
{
    tr_module *m = tr_linear_layer(4, 3);
    assert_int_equal(tr_backward(tr_sum(tr_forward(tr_data_parallel(m), tr_ones(TR_SHAPE(2, 4))))), 0);
    assert_close(tr_grad(tr_parameters(m).tensor[0]), tr_full(TR_SHAPE(3, 4), 2), 1e-6);
}

/* ---- together ---- */

static int64_t launches(void) { return counted_by_nccl("fake_nccl_launches"); }

TEST(large_parameters_begin_in_one_launch)
{
    tr_manual_seed(100 + (uint64_t)tr_dist_rank());
    tr_module *m = tr_sequential(tr_linear_layer(300, 300), tr_linear_layer(300, 300), tr_linear_layer(300, 400)); /* biases are small */
    assert_int_equal(tr_module_to(m, tr_dist_device()), 0);
    int64_t before = launches();
    assert_non_null(tr_data_parallel(m));
    assert_int_equal(launches() - before, before > 0);
    assert_int_equal(tr_check_replicas(m), 0);
}

/* Up to 8 MiB at a time: of the large ones the last weight is a launch, and the bias before it. */
TEST(parameters_are_gathered_in_one_launch)
{
    if (tr_dist_world() == 1) skip_because("one rank's state is not shared out");
    enum { STEPS = 3,
           PARAMETERS = 4 };
    for (int large = 0; large < 2; large++) {
        TR_SCOPE;
        tr_manual_seed(3);
        tr_module *m = tr_sequential(tr_linear_layer(4, 8), tr_tanh_layer(), tr_linear_layer(8, large ? 300000 : 2));
        assert_int_equal(tr_module_to(m, tr_dist_device()), 0);
        tr_module *ranks = tr_data_parallel(m, .bucket_bytes = 1, .first_bucket_bytes = 1, .shard_state = true);
        tr_optim *o = tr_adam(tr_shard_parameters(ranks), .lr = 0.01);
        for (int i = 0; i < (large ? 1 : STEPS); i++) {
            TR_SCOPE;
            tr_tensor *x = tr_randn(TR_SHAPE(2, 4), .device = tr_dist_device());
            int64_t before = launches();
            assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, x))), 0);
            assert_int_equal(tr_step(o), 0);
            assert_int_equal(launches() - before, before > 0 ? PARAMETERS : 0);
            assert_int_equal(tr_gather_parameters(ranks), 0);
            assert_int_equal(launches() - before, before > 0 ? PARAMETERS + (large ? 3 : 1) : 0);
        }
        assert_int_equal(tr_check_replicas(m), 0);
    }
}

/* ---- data parallel ---- */

/* Rank r has r + 1 samples. */
static learner make_learner(tr_dtype dtype)
{
    learner l = learner_of(4, 8, 2, dtype, TR_OVERLAP_AUTO);
    tr_manual_seed(10 + (uint64_t)tr_dist_rank());
    learn_from(&l, 1 + tr_dist_rank(), 4, 2, dtype);
    return l;
}

TEST(a_step_waits_for_no_device)
{
    needs_played_device();
    learner l = make_learner(TR_FLOAT32);
    for (int i = 0; i < 3; i++) step(&l);
    int64_t before = waits();
    for (int i = 0; i < 5; i++) step(&l);
    assert_int_equal(waits() - before, 0);
    assert_int_equal(tr_check_replicas(l.model), 0);
}

/* Against the gradient of all samples, of the same type on the host. */
TEST(in_every_order_weights_are_the_shares_of_samples)
{
    in_every_order(order)
    {
        TR_SCOPE;
        tr_dtype dtype = order % 2 ? TR_FLOAT64 : TR_FLOAT32;
        learner l = make_learner(dtype);
        tr_manual_seed(3);
        tr_module *alone = tr_sequential(tr_linear_layer(4, 8, .dtype = dtype), tr_tanh_layer(), tr_linear_layer(8, 2, .dtype = dtype));
        tr_tensor *losses[8] = {NULL};
        double all = world() * (world() + 1) / 2;
        for (int64_t r = 0; r < tr_dist_world(); r++) {
            tr_manual_seed(10 + (uint64_t)r);
            tr_tensor *x = tr_randn(TR_SHAPE(r + 1, 4), .dtype = dtype), *y = tr_randn(TR_SHAPE(r + 1, 2), .dtype = dtype);
            losses[r] = tr_mul(tr_mse_loss(tr_forward(alone, x), y), (double)(r + 1) / all);
            if (r > 0) losses[0] = tr_add(losses[0], losses[r]);
        }
        assert_int_equal(tr_backward(losses[0]), 0);
        for (int i = 0; i < 2; i++) {
            tr_zero_grad(l.sgd);
            assert_int_equal(tr_backward(tr_mse_loss(tr_forward(l.ranks, l.x), l.y)), 0);
            for (int64_t p = 0; p < tr_parameters(alone).count; p++)
                assert_close(here(tr_grad(tr_parameters(l.model).tensor[p])), tr_grad(tr_parameters(alone).tensor[p]), dtype == TR_FLOAT64 ? 1e-14 : 1e-6);
        }
        assert_int_equal(tr_data_parallel_report_of(l.ranks).early, 4);
    }
    in_order(PLAYED_AT_RANDOM);
}
