/* Ranks on CUDA devices: what travels from device to device is what travels from host to host. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <trireme/dist.h>
#include <trireme/nn.h>
#include <trireme/optim.h>

BEFORE_ALL
{
    if (tr_cuda_is_available()) return tr_dist_init(argc, argv) < 0;
    print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
    return TEST_SKIPPED;
}
AFTER_ALL { return tr_dist_finish(); }

enum { SAMPLES = 11,
       IN = 4,
       OUT = 3 };

static tr_tensor *there(tr_tensor *t) { return tr_to_device(t, tr_dist_device()); }
static tr_tensor *here(tr_tensor *t) { return tr_to_device(t, tr_cpu()); }

/* ---- collectives on tensors ---- */

TEST(a_rank_s_device_is_the_one_of_its_number_on_the_host)
{
    assert_int_equal(tr_dist_device().type, TR_CUDA);
    assert_int_equal(tr_dist_device().index, tr_dist_local_rank() % tr_cuda_device_count());
}

TEST(sums_of_every_size_are_right)
{
    static const int64_t sizes[] = {0, 1, 33, 4097, 3 << 20}; /* the last is more than one chunk */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        TR_SCOPE;
        tr_tensor *t = there(tr_add(tr_remainder(tr_arange(0, (double)sizes[i], 1, .dtype = TR_FLOAT32), 7), (double)tr_dist_rank()));
        double world = (double)tr_dist_world();
        tr_tensor *want = tr_add(tr_mul(tr_remainder(tr_arange(0, (double)sizes[i], 1, .dtype = TR_FLOAT32), 7), world), world * (world - 1) / 2);
        assert_int_equal(tr_all_reduce(t), 0);
        assert_close(here(t), want, 0);
    }
}

TEST(sums_in_a_row_do_not_mix)
{
    TR_SCOPE;
    tr_tensor *a = there(tr_ones(TR_SHAPE(3 << 20))), *b = there(tr_full(TR_SHAPE(5), 2)), *c = tr_add(a, 1);
    assert_true(tr_all_reduce(a) == 0 && tr_all_reduce(b) == 0 && tr_all_reduce(c) == 0);
    double world = (double)tr_dist_world();
    assert_close(here(tr_narrow(a, 0, 1 << 20, 3)), row(world, world, world), 0);
    assert_item(here(tr_narrow(b, 0, 4, 1)), 2 * world, 0);
    assert_item(here(tr_narrow(c, 0, (3 << 20) - 1, 1)), 2 * world, 0);
}

TEST(halves_are_added_there_too)
{
    tr_tensor *t = there(tr_full(TR_SHAPE(100), 1.5, .dtype = TR_BFLOAT16));
    assert_int_equal(tr_all_reduce(t), 0);
    assert_close(tr_to(here(t), TR_FLOAT32), tr_full(TR_SHAPE(100), 1.5 * (double)tr_dist_world()), 0);
}

TEST(every_rank_has_what_the_root_had)
{
    int64_t root = tr_dist_world() - 1;
    tr_tensor *t = there(tr_full(TR_SHAPE(1500, 1000), (double)tr_dist_rank()));
    assert_int_equal(tr_broadcast(t, root), 0);
    assert_close(here(t), tr_full(TR_SHAPE(1500, 1000), (double)root), 0);
}

TEST(tensors_lie_one_after_the_other)
{
    enum { EACH = 300000 };
    tr_tensor *all = tr_all_gather(there(tr_full(TR_SHAPE(EACH), (double)tr_dist_rank(), .dtype = TR_FLOAT64)));
    assert_int_equal(tr_device_of(all).type, TR_CUDA);
    assert_shape(all, EACH * tr_dist_world());
    tr_tensor *h = here(all);
    for (int64_t r = 0; r < tr_dist_world(); r++) assert_close(tr_narrow(h, 0, r * EACH, EACH), tr_full(TR_SHAPE(EACH), (double)r, .dtype = TR_FLOAT64), 0);
}

TEST(what_the_device_was_asked_before_and_after_is_in_order)
{
    TR_SCOPE;
    tr_tensor *t = there(tr_ones(TR_SHAPE(100000)));
    for (int i = 0; i < 20; i++) {
        tr_mul_(t, 0.5);
        assert_int_equal(tr_all_reduce(t), 0);
        tr_mul_(t, 2.0 / (double)tr_dist_world());
    }
    assert_close(here(t), tr_ones(TR_SHAPE(100000)), 1e-6);
}

/* ---- data parallel ---- */

/* How the samples are shared out over ranks. */
typedef struct {
    int64_t of[5][4];
} shares;
static const shares uneven = {.of = {[1] = {11}, [2] = {3, 8}, [4] = {5, 3, 1, 2}}};
static const shares some_empty = {.of = {[1] = {11}, [2] = {0, 11}, [4] = {5, 0, 6, 0}}};

static tr_tensor *part(tr_tensor *t, shares s)
{
    const int64_t *of = s.of[tr_dist_world()];
    int64_t start = 0;
    for (int64_t r = 0; r < tr_dist_rank(); r++) start += of[r];
    return there(tr_contiguous(tr_narrow(t, 0, start, of[tr_dist_rank()])));
}

static tr_module *perceptron(tr_dtype dtype)
{
    tr_manual_seed(1);
    return tr_sequential(tr_linear_layer(IN, 8, .dtype = dtype), tr_tanh_layer(), tr_linear_layer(8, OUT, .dtype = dtype));
}

static tr_module *perceptron_there(tr_dtype dtype)
{
    tr_module *m = perceptron(dtype);
    assert_int_equal(tr_module_to(m, tr_dist_device()), 0);
    return m;
}

static void batch(uint64_t seed, tr_dtype dtype, tr_tensor **x, tr_tensor **y)
{
    tr_manual_seed(seed);
    *x = tr_randn(TR_SHAPE(SAMPLES, IN), .dtype = dtype);
    *y = tr_randn(TR_SHAPE(SAMPLES, OUT), .dtype = dtype);
}

static double backward(tr_module *m, tr_tensor *x, tr_tensor *y)
{
    tr_tensor *loss = tr_mse_loss(tr_forward(m, x), y);
    assert_int_equal(tr_backward(loss), 0);
    return tr_item(loss);
}

static void assert_same_gradients(tr_module *got, tr_module *want, double tolerance)
{
    tr_tensors a = tr_parameters(got), b = tr_parameters(want);
    assert_int_equal(a.count, b.count);
    for (int64_t i = 0; i < a.count; i++) {
        assert_int_equal(tr_device_of(tr_grad(a.tensor[i])).type, TR_CUDA);
        assert_close(here(tr_grad(a.tensor[i])), tr_grad(b.tensor[i]), tolerance);
    }
}

static void assert_gradient_of_all_samples(shares s, tr_module *ranks, tr_module *model, tr_module *alone, double tolerance)
{
    tr_tensor *x, *y;
    tr_dtype dtype = tr_dtype_of(tr_parameters(model).tensor[0]);
    batch(7, dtype, &x, &y);
    backward(alone, x, y);
    backward(ranks, part(x, s), part(y, s));
    assert_same_gradients(model, alone, tolerance);
}

TEST(uneven_parts_give_the_gradient_of_the_whole)
{
    tr_module *model = perceptron_there(TR_FLOAT64);
    assert_gradient_of_all_samples(uneven, tr_data_parallel(model), model, perceptron(TR_FLOAT64), 1e-12);
}

TEST(ranks_without_samples_take_part_with_zero)
{
    tr_module *model = perceptron_there(TR_FLOAT64);
    assert_gradient_of_all_samples(some_empty, tr_data_parallel(model), model, perceptron(TR_FLOAT64), 1e-12);
}

TEST(buckets_move_once_and_keep_what_they_hold)
{
    for (int overlap = TR_OVERLAP_AUTO; overlap <= TR_OVERLAP_THREAD; overlap++) {
        TR_SCOPE;
        tr_module *model = perceptron_there(TR_FLOAT64), *alone = perceptron(TR_FLOAT64);
        tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 1, .first_bucket_bytes = 1, .overlap = (tr_overlap)overlap, .check_every = 2);
        for (int i = 0; i < 3; i++) assert_gradient_of_all_samples(uneven, ranks, model, alone, 1e-12); /* each adds to the last */
        if (tr_dist_world() == 1) continue;
        tr_data_parallel_report r = tr_data_parallel_report_of(ranks);
        assert_int_equal(r.early, 4);
        if (overlap != TR_OVERLAP_AUTO) assert_int_equal(r.by_thread, overlap == TR_OVERLAP_THREAD);
    }
}

TEST(gathered_gradients_count_each_sample_once)
{
    tr_module *model = perceptron_there(TR_FLOAT64), *ranks = tr_data_parallel(model), *alone = perceptron(TR_FLOAT64);
    tr_tensor *x, *y;
    for (int i = 0; i < 6; i++) {
        batch((uint64_t)i, TR_FLOAT64, &x, &y);
        shares s = i % 2 ? uneven : some_empty;
        backward(alone, x, y);
        bool before = tr_set_gradient_sync(i % 3 == 2);
        backward(ranks, part(x, s), part(y, s));
        tr_set_gradient_sync(before);
    }
    assert_same_gradients(model, alone, 1e-12);
}

TEST(gradients_of_float32_are_averaged_too)
{
    tr_module *model = perceptron_there(TR_FLOAT32), *alone = perceptron(TR_FLOAT32);
    assert_gradient_of_all_samples(uneven, tr_data_parallel(model), model, alone, 1e-6);
}

/* Rank 0's values are everybody's from the start. */
TEST(parameters_begin_as_rank_0_s)
{
    tr_manual_seed(100 + (uint64_t)tr_dist_rank());
    tr_module *model = tr_sequential(tr_linear_layer(IN, OUT), tr_linear_layer(OUT, 600 * 200)); /* one of them large */
    assert_int_equal(tr_module_to(model, tr_dist_device()), 0);
    assert_non_null(tr_data_parallel(model));
    assert_int_equal(tr_check_replicas(model), 0);
    tr_manual_seed(100);
    tr_module *first = tr_sequential(tr_linear_layer(IN, OUT), tr_linear_layer(OUT, 600 * 200));
    for (int64_t i = 0; i < tr_parameters(first).count; i++) assert_close(here(tr_parameters(model).tensor[i]), tr_parameters(first).tensor[i], 0);
}

TEST(learning_is_that_of_one_rank_on_the_cpu)
{
    tr_module *model = perceptron_there(TR_FLOAT64), *ranks = tr_data_parallel(model), *alone = perceptron(TR_FLOAT64);
    tr_optim *o = tr_sgd(tr_parameters(model), .lr = 0.1, .momentum = 0.9), *p = tr_sgd(tr_parameters(alone), .lr = 0.1, .momentum = 0.9);
    for (int i = 0; i < 20; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch((uint64_t)i, TR_FLOAT64, &x, &y);
        shares s = i % 3 ? uneven : some_empty;
        double want = backward(alone, x, y), loss = backward(ranks, part(x, s), part(y, s));
        int64_t mine = s.of[tr_dist_world()][tr_dist_rank()];
        tr_tensor *mean = tr_tensor_of_list(mine ? loss * (double)mine / SAMPLES : 0);
        assert_int_equal(tr_all_reduce(mean), 0);
        assert_item(mean, want, 1e-5);
        assert_true(tr_step(o) == 0 && tr_step(p) == 0);
        tr_zero_grad(o);
        tr_zero_grad(p);
    }
    for (int64_t i = 0; i < tr_parameters(model).count; i++) assert_close(here(tr_parameters(model).tensor[i]), tr_parameters(alone).tensor[i], 1e-12);
}

/* y = a x, and b on the first rank alone; c on none. */
typedef struct {
    tr_tensor *a, *b, *c;
} branches;

static tr_tensor *take_branches(tr_module *m, tr_tensor *x)
{
    branches *self = tr_module_self(m);
    return tr_mul(x, tr_dist_rank() == 0 ? tr_mul(self->a, self->b) : self->a);
}

static void assert_unused_are_told_apart(int64_t bucket_bytes)
{
    tr_module *m = tr_module_new("Branching", take_branches, sizeof(branches));
    branches *self = tr_module_self(m);
    self->a = tr_module_parameter(m, "a", tr_full(TR_SHAPE(1), 2, .dtype = TR_FLOAT64));
    self->b = tr_module_parameter(m, "b", tr_full(TR_SHAPE(1), 3, .dtype = TR_FLOAT64));
    self->c = tr_module_parameter(m, "c", tr_full(TR_SHAPE(1), 5, .dtype = TR_FLOAT64));
    assert_int_equal(tr_module_to(m, tr_dist_device()), 0);
    tr_module *ranks = tr_data_parallel(m, .bucket_bytes = bucket_bytes, .first_bucket_bytes = bucket_bytes);
    double world = (double)tr_dist_world();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tr_backward(tr_sum(tr_forward(ranks, there(tr_ones(TR_SHAPE(1), .dtype = TR_FLOAT64))))), 0);
        assert_item(tr_grad(self->a), (3 + world - 1) / world, 1e-15);
        assert_item(tr_grad(self->b), 2 / world, 1e-15);
        assert_null(tr_grad(self->c));
        tr_module_zero_grad(m);
    }
}

TEST(a_parameter_that_one_rank_used_has_a_gradient_everywhere)
{
    assert_unused_are_told_apart(1);
    assert_unused_are_told_apart(1000);
}
