// CTEST DIST RANKS 1 2 3 4 8
/* Many ranks with a part of the batch each have the gradient that one rank has with all of it. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <trireme/dist.h>
#include <trireme/optim.h>
#include <trireme/record.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

enum { SAMPLES = 11,
       IN = 4,
       OUT = 3 };

/* How the samples are shared out over ranks. */
typedef struct {
    int64_t of[9][8];
} shares;
static const shares uneven = {
    .of = {[1] = {11}, [2] = {3, 8}, [3] = {5, 3, 3}, [4] = {5, 3, 1, 2}, [8] = {3, 2, 1, 1, 1, 1, 1, 1}}};
static const shares some_empty = {
    .of = {[1] = {11}, [2] = {0, 11}, [3] = {0, 11, 0}, [4] = {5, 0, 6, 0}, [8] = {5, 0, 2, 0, 1, 0, 3, 0}}};
static const shares even = {
    .of = {[1] = {4}, [2] = {2, 2}, [3] = {1, 1, 2}, [4] = {1, 1, 1, 1}, [8] = {1, 1, 1, 1, 1, 1, 1, 1}}};

static tr_tensor *part(tr_tensor *t, shares s)
{
    const int64_t *of = s.of[tr_dist_world()];
    int64_t start = 0;
    for (int64_t r = 0; r < tr_dist_rank(); r++) start += of[r];
    return tr_narrow(t, 0, start, of[tr_dist_rank()]);
}

static tr_module *perceptron(uint64_t seed)
{
    tr_manual_seed(seed);
    return tr_sequential(tr_linear_layer(IN, 8, .dtype = TR_FLOAT64), tr_tanh_layer(), tr_linear_layer(8, OUT, .dtype = TR_FLOAT64));
}

static void batch(uint64_t seed, tr_tensor **x, tr_tensor **y)
{
    tr_manual_seed(seed);
    *x = tr_randn(TR_SHAPE(SAMPLES, IN), .dtype = TR_FLOAT64);
    *y = tr_randn(TR_SHAPE(SAMPLES, OUT), .dtype = TR_FLOAT64);
}

static void backward(tr_module *m, tr_tensor *x, tr_tensor *y)
{
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(m, x), y)), 0);
}

static void assert_same_gradients(tr_module *got, tr_module *want)
{
    tr_tensors a = tr_parameters(got), b = tr_parameters(want);
    assert_int_equal(a.count, b.count);
    for (int64_t i = 0; i < a.count; i++) assert_close(tr_grad(a.tensor[i]), tr_grad(b.tensor[i]), 1e-12);
}

static void assert_gradient_of_all_samples(shares s, tr_module *ranks, tr_module *model, tr_module *alone)
{
    tr_tensor *x, *y;
    batch(7, &x, &y);
    int64_t n = 0;
    for (int64_t r = 0; r < tr_dist_world(); r++) n += s.of[tr_dist_world()][r];
    backward(alone, tr_narrow(x, 0, 0, n), tr_narrow(y, 0, 0, n));
    backward(ranks, part(x, s), part(y, s));
    assert_same_gradients(model, alone);
}

TEST(uneven_parts_give_the_gradient_of_the_whole)
{
    tr_module *model = perceptron(1);
    assert_gradient_of_all_samples(uneven, tr_data_parallel(model), model, perceptron(1));
}

TEST(ranks_without_samples_take_part_with_zero)
{
    tr_module *model = perceptron(1);
    assert_gradient_of_all_samples(some_empty, tr_data_parallel(model), model, perceptron(1));
}

/* The mean of the squares of every third sample: most ranks keep few of theirs, or none. */
static tr_tensor *masked(tr_module *m, tr_tensor *x, tr_tensor *y, int64_t first, int64_t *kept)
{
    double mask[SAMPLES] = {0};
    *kept = 0;
    for (int64_t i = 0; i < tr_size(x, 0); i++) *kept += (mask[i] = (first + i) % 3 == 0) != 0;
    tr_tensor *rows = tr_sum(tr_square(tr_sub(tr_forward(m, x), y)), TR_DIM(1));
    return tr_div(tr_sum(tr_mul(rows, tr_from_data(mask, TR_FLOAT64, TR_SHAPE(tr_size(x, 0))))), *kept);
}

TEST(a_mean_over_what_a_mask_leaves_is_counted_as_such)
{
    tr_module *model = perceptron(1), *alone = perceptron(1), *ranks = tr_data_parallel(model);
    tr_tensor *x, *y;
    batch(7, &x, &y);
    int64_t first = 0, kept;
    for (int64_t r = 0; r < tr_dist_rank(); r++) first += uneven.of[tr_dist_world()][r];
    assert_int_equal(tr_backward(masked(alone, x, y, 0, &kept)), 0);
    for (int pass = 0; pass < 2; pass++) {
        tr_module_zero_grad(model);
        tr_tensor *loss = masked(ranks, part(x, uneven), part(y, uneven), first, &kept);
        assert_int_equal(tr_data_parallel_count(ranks, kept), 0);
        assert_int_equal(tr_backward(loss), 0);
        assert_same_gradients(model, alone);
    }
    assert_int_equal((tr_data_parallel_count)(model, 1), -1);
    assert_error_says("tr_data_parallel_count: 1 of Sequential");
    assert_int_equal((tr_data_parallel_count)(ranks, -1), -1);
    assert_error_says("-1 of DataParallel");
}

TEST(any_size_of_buckets_gives_the_same)
{
    tr_module *model = perceptron(1);
    assert_gradient_of_all_samples(uneven, tr_data_parallel(model, .bucket_bytes = 100, .first_bucket_bytes = 1), model, perceptron(1));
}

TEST(a_thread_of_its_own_gives_the_same)
{
    tr_module *model = perceptron(1);
    tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 100, .first_bucket_bytes = 1, .overlap = TR_OVERLAP_THREAD);
    assert_non_null(ranks);
    for (int i = 0; i < 3; i++) {
        tr_module_zero_grad(model);
        assert_gradient_of_all_samples(uneven, ranks, model, perceptron(1));
    }
    if (tr_dist_world() > 1) assert_true(tr_data_parallel_report_of(ranks).by_thread);
}

TEST(buckets_leave_while_backward_goes_on)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model, .bucket_bytes = 1, .first_bucket_bytes = 1);
    for (int i = 0; i < 2; i++) {
        tr_module_zero_grad(model);
        assert_gradient_of_all_samples(uneven, ranks, model, perceptron(1));
        tr_data_parallel_report r = tr_data_parallel_report_of(ranks);
        if (tr_dist_world() == 1) continue;
        assert_int_equal(r.buckets, 4);
        assert_int_equal(r.early, 4);
        assert_true(r.ordered);
        assert_non_null(strstr(r.words, "4 gradients in 4 buckets"));
    }
}

/* ---- gradients that stay ---- */

static const shares *micro_batch(int i)
{
    static const shares *const of[] = {&uneven, &even, &some_empty, &uneven};
    return of[i];
}

/* Three micro-batches are gathered, the fourth sums; twice, the second time on gradients that were not set to zero. */
static void gather(tr_module *ranks, tr_module *alone, int times)
{
    tr_tensor *x, *y;
    for (int i = 0; i < 4 * times; i++) {
        batch((uint64_t)i, &x, &y);
        const shares *s = micro_batch(i % 4);
        int64_t n = 0;
        for (int64_t r = 0; r < tr_dist_world(); r++) n += s->of[tr_dist_world()][r];
        backward(alone, tr_narrow(x, 0, 0, n), tr_narrow(y, 0, 0, n));
        bool before = tr_set_gradient_sync(i % 4 == 3);
        backward(ranks, part(x, *s), part(y, *s));
        tr_set_gradient_sync(before);
    }
}

TEST(gathered_gradients_count_each_sample_once)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model, .check_every = 1), *alone = perceptron(1);
    gather(ranks, alone, 2);
    assert_same_gradients(model, alone);
}

TEST(without_sync_a_gradient_is_this_rank_s_part)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *mine = perceptron(1);
    tr_tensor *x, *y;
    batch(3, &x, &y);
    {
        TR_NO_SYNC;
        backward(ranks, part(x, uneven), part(y, uneven));
    }
    backward(mine, part(x, uneven), part(y, uneven));
    double weight = (double)uneven.of[tr_dist_world()][tr_dist_rank()] / SAMPLES;
    tr_tensors got = tr_parameters(model), want = tr_parameters(mine);
    for (int64_t i = 0; i < got.count; i++)
        assert_close(tr_grad(got.tensor[i]), tr_mul(tr_grad(want.tensor[i]), weight), 1e-12);
}

TEST(setting_gradients_to_zero_forgets_what_was_gathered)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *alone = perceptron(1);
    tr_tensor *x, *y;
    batch(3, &x, &y);
    for (int between = 0; between < 2; between++) {
        {
            TR_NO_SYNC;
            backward(ranks, part(x, uneven), part(y, uneven));
        }
        tr_module_zero_grad(alone);
        backward(alone, x, y);
        tr_tensor *loss = tr_mse_loss(tr_forward(ranks, part(x, uneven)), part(y, uneven));
        tr_module_zero_grad(model); /* between forward and backward, where many programs do it */
        assert_int_equal(tr_backward(loss), 0);
        assert_same_gradients(model, alone);
    }
}

/* ---- a recorded step ---- */

static const double *step_weights(bool recorded)
{
    static double weights[2][64];
    double *w = weights[recorded];
    TR_SCOPE;
    tr_module *model = perceptron(1);
    tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 100, .first_bucket_bytes = 1, .check_every = 2);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1, .momentum = 0.9);
    tr_recording *step = NULL;
    for (int i = 0; i < 6; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch((uint64_t)i, &x, &y);
        shares s = i == 4 ? even : uneven; /* one that does not fit between those that do */
        x = tr_contiguous(part(x, s));
        y = tr_contiguous(part(y, s));
        bool fits = step && s.of[2][0] == uneven.of[2][0];
        if (fits) {
            assert_int_equal(tr_replay(step, .inputs = TR_TENSORS(x, y)), 0);
            continue;
        }
        if (recorded && i == 1) {
            assert_int_equal(tr_record(&step, .inputs = TR_TENSORS(x, y)), 0);
            tr_recording_keep(step);
        }
        {
            TR_SCOPE;
            tr_zero_grad(sgd);
            backward(ranks, x, y);
            tr_step(sgd);
        }
        if (recorded && i == 1) assert_int_equal(tr_record_end(), 0);
    }
    int n = 0;
    tr_tensors all = tr_parameters(model);
    for (int64_t i = 0; i < all.count; i++)
        for (int64_t k = 0; k < tr_numel(all.tensor[i]) && n < 64; k++) w[n++] = ((const double *)tr_data(all.tensor[i]))[k];
    tr_recording_drop(step);
    return w;
}

TEST(a_recorded_step_gives_the_bits_of_running_it)
{
    const double *run = step_weights(false), *replayed = step_weights(true);
    for (int i = 0; i < 64; i++) assert_true(run[i] == replayed[i]);
    assert_true(run[0] != 0);
}

static void gathering_step(tr_module *ranks, tr_optim *sgd, tr_tensor *x, tr_tensor *y)
{
    TR_SCOPE;
    tr_zero_grad(sgd);
    for (int i = 0; i < 3; i++) {
        bool before = tr_set_gradient_sync(i == 2);
        backward(ranks, tr_mul(x, i + 1), y);
        tr_set_gradient_sync(before);
    }
    assert_int_equal(tr_step(sgd), 0);
}

TEST(a_recorded_step_gathers_as_running_it_does)
{
    tr_module *a = perceptron(1), *b = perceptron(1);
    tr_module *run = tr_data_parallel(a, .bucket_bytes = 100, .first_bucket_bytes = 1), *replayed = tr_data_parallel(b, .bucket_bytes = 100, .first_bucket_bytes = 1);
    tr_optim *of_a = tr_sgd(tr_parameters(a), .lr = 0.1, .momentum = 0.9), *of_b = tr_sgd(tr_parameters(b), .lr = 0.1, .momentum = 0.9);
    tr_recording *step = NULL;
    for (int i = 0; i < 5; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch((uint64_t)i, &x, &y);
        x = tr_contiguous(part(x, uneven));
        y = tr_contiguous(part(y, uneven));
        gathering_step(run, of_a, x, y);
        if (i == 1) assert_int_equal(tr_record(&step, .inputs = TR_TENSORS(x, y)), 0);
        if (i == 1) tr_recording_keep(step);
        if (i < 2)
            gathering_step(replayed, of_b, x, y);
        else
            assert_int_equal(tr_replay(step, .inputs = TR_TENSORS(x, y)), 0);
        if (i == 1) assert_int_equal(tr_record_end(), 0);
    }
    for (int64_t i = 0; i < tr_parameters(a).count; i++) {
        tr_tensor *p = tr_parameters(a).tensor[i], *q = tr_parameters(b).tensor[i];
        assert_memory_equal(tr_data(q), tr_data(p), (size_t)tr_numel(p) * sizeof(double));
    }
    tr_recording_drop(step);
}

TEST(gradients_accumulate_without_being_scaled_twice)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *alone = perceptron(1);
    tr_tensor *x, *y;
    shares steps[] = {uneven, some_empty, even, uneven};
    for (int i = 0; i < 4; i++) {
        batch((uint64_t)i, &x, &y);
        int64_t n = 0;
        for (int64_t r = 0; r < tr_dist_world(); r++) n += steps[i].of[tr_dist_world()][r];
        backward(alone, tr_narrow(x, 0, 0, n), tr_narrow(y, 0, 0, n));
        backward(ranks, part(x, steps[i]), part(y, steps[i]));
    }
    assert_same_gradients(model, alone);
}

TEST(a_second_backward_of_one_forward_is_averaged_too)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *alone = perceptron(1);
    tr_tensor *x, *y;
    batch(7, &x, &y);
    tr_tensor *whole = tr_mse_loss(tr_forward(alone, x), y);
    tr_tensor *mine = tr_mse_loss(tr_forward(ranks, part(x, uneven)), part(y, uneven));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(tr_backward(whole, .retain_graph = true), 0);
        assert_int_equal(tr_backward(mine, .retain_graph = true), 0);
    }
    assert_same_gradients(model, alone);
}

TEST(a_forward_without_gradients_does_not_count)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *alone = perceptron(1);
    tr_tensor *x, *y;
    batch(7, &x, &y);
    backward(alone, x, y);
    tr_tensor *loss = tr_mse_loss(tr_forward(ranks, part(x, uneven)), part(y, uneven));
    {
        TR_NO_GRAD;
        assert_non_null(tr_forward(ranks, x));
    }
    assert_int_equal(tr_backward(loss), 0);
    assert_same_gradients(model, alone);
}

TEST(rank_0_values_win)
{
    tr_module *model = perceptron((uint64_t)tr_dist_rank()), *zero = perceptron(0);
    assert_non_null(tr_data_parallel(model));
    for (int64_t i = 0; i < tr_parameters(zero).count; i++)
        assert_close(tr_parameters(model).tensor[i], tr_parameters(zero).tensor[i], 0);
}

static tr_tensor *pass(tr_module *m, tr_tensor *x)
{
    (void)m;
    return x;
}

TEST(large_and_small_values_arrive)
{
    double mine = (double)tr_dist_rank();
    tr_module *m = tr_module_new("Sizes", pass, 0);
    tr_module_parameter(m, "small", tr_full(TR_SHAPE(3), 1 + mine));
    tr_module_parameter(m, "large", tr_full(TR_SHAPE(300000), 2 + mine));
    tr_module_parameter(m, "next", tr_full(TR_SHAPE(2), 3 + mine, .dtype = TR_FLOAT64));
    tr_module_buffer(m, "steps", tr_full(TR_SHAPE(), 4 + mine, .dtype = TR_INT64));
    tr_module_buffer(m, "none", tr_zeros(TR_SHAPE(0, 2)));
    assert_non_null(tr_data_parallel(m));
    const char *name;
    tr_tensor *t;
    for (int64_t i = 0; tr_named_parameter(m, i, &name, &t); i++) assert_close(t, tr_full(tr_shape_of_tensor(t), (double)i + 1), 0);
    assert_true(tr_named_buffer(m, 0, &name, &t));
    assert_item(t, 4, 0);
}

/* ---- parameters that are not used ---- */

typedef struct {
    tr_tensor *a, *b, *c;
    bool uses_a, uses_b;
} branches;

static tr_tensor *take_branches(tr_module *m, tr_tensor *x)
{
    branches *self = tr_module_self(m);
    tr_tensor *y = tr_mul(x, 1);
    if (self->uses_a) y = tr_mul(y, self->a);
    if (self->uses_b) y = tr_mul(y, self->b);
    return y;
}

static tr_module *branching(bool uses_a, bool uses_b)
{
    tr_module *m = tr_module_new("Branching", take_branches, sizeof(branches));
    branches *self = tr_module_self(m);
    *self = (branches){.uses_a = uses_a, .uses_b = uses_b};
    self->a = tr_module_parameter(m, "a", tr_full(TR_SHAPE(1), 2, .dtype = TR_FLOAT64));
    self->b = tr_module_parameter(m, "b", tr_full(TR_SHAPE(1), 3, .dtype = TR_FLOAT64));
    self->c = tr_module_parameter(m, "c", tr_full(TR_SHAPE(1), 5, .dtype = TR_FLOAT64));
    return m;
}

TEST(a_parameter_unused_here_gets_the_gradient_of_there)
{
    tr_module *m = branching(true, tr_dist_rank() == 0);
    branches *self = tr_module_self(m);
    tr_module *ranks = tr_data_parallel(m);
    double world = (double)tr_dist_world();
    for (int step = 1; step <= 2; step++) {
        assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(2, 1), .dtype = TR_FLOAT64)))), 0);
        assert_item(tr_grad(self->a), step * (3 + (world - 1)) / world, 1e-12);
        assert_item(tr_grad(self->b), step * 2 / world, 1e-12);
    }
}

static void assert_left_alone(int64_t bucket_bytes)
{
    tr_module *m = branching(true, false);
    branches *self = tr_module_self(m);
    tr_module *ranks = tr_data_parallel(m, .bucket_bytes = bucket_bytes, .first_bucket_bytes = bucket_bytes);
    tr_set_grad(self->c, tr_full(TR_SHAPE(1), 0.1, .dtype = TR_FLOAT64));
    assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(3, 1), .dtype = TR_FLOAT64)))), 0);
    assert_null(tr_grad(self->b));
    assert_item(tr_grad(self->c), 0.1, 0);
    if (tr_dist_world() > 1) assert_non_null(strstr(tr_data_parallel_report_of(ranks).words, "; not used by any rank: b, c"));
}

TEST(a_parameter_that_nobody_uses_is_left_alone)
{
    assert_left_alone(1);    /* in a bucket of its own */
    assert_left_alone(1000); /* together with one that is used */
}

TEST(an_output_past_all_parameters_still_meets_the_others)
{
    tr_module *m = branching(tr_dist_rank() == 0, false);
    branches *self = tr_module_self(m);
    tr_module *ranks = tr_data_parallel(m);
    for (int step = 1; step <= 2; step++) {
        tr_tensor *x = tr_ones(TR_SHAPE(2, 1), .dtype = TR_FLOAT64, .requires_grad = step == 2);
        assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, x))), 0);
        assert_item(tr_grad(self->a), step / (double)tr_dist_world(), 1e-12);
    }
}

typedef struct {
    tr_tensor *p[61];
} many;

static tr_tensor *take_many(tr_module *m, tr_tensor *x)
{
    many *self = tr_module_self(m);
    tr_tensor *y = tr_mul(x, self->p[60]);
    for (int i = 0; i < 60 && tr_dist_rank() > 0; i += 2) y = tr_mul(y, self->p[i]);
    return y;
}

static void assert_ends_with(const char *text, const char *end)
{
    assert_true(strlen(text) >= strlen(end));
    assert_string_equal(text + strlen(text) - strlen(end), end);
}

TEST(a_report_that_is_full_says_how_many_names_it_leaves_out)
{
    if (tr_dist_world() == 1) skip_because("one rank reports nothing");
    char name[40];
    tr_module *m = tr_module_new("Many", take_many, sizeof(many));
    many *self = tr_module_self(m);
    for (int i = 0; i <= 60; i++) {
        snprintf(name, sizeof name, "one_that_has_a_long_name_%d", i);
        self->p[i] = tr_module_parameter(m, name, tr_ones(TR_SHAPE(1)));
    }
    tr_module *ranks = tr_data_parallel(m);
    assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(2, 1))))), 0);
    tr_data_parallel_report r = tr_data_parallel_report_of(ranks);
    const char *here = strstr(r.words, "; not used by this rank: one_that_has_a_long_name_0, "), *any = strstr(r.words, "; not used by any rank: one_that_has_a_long_name_1, ");
    assert_non_null(any);
    assert_ends_with(r.words, " more");
    assert_true(tr_dist_rank() == 0 ? here && here < any && strncmp(any - 5, " more", 5) == 0 : !here);
}

TEST(a_frozen_parameter_is_not_averaged)
{
    tr_module *m = branching(true, true);
    branches *self = tr_module_self(m);
    tr_requires_grad_(self->b, false);
    tr_module *ranks = tr_data_parallel(m);
    assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(2, 1), .dtype = TR_FLOAT64)))), 0);
    assert_item(tr_grad(self->a), 3, 1e-12);
    assert_null(tr_grad(self->b));
}

TEST(a_dropped_wrapper_leaves_the_gradients_alone)
{
    tr_module *m = branching(true, true);
    branches *self = tr_module_self(m);
    {
        TR_SCOPE;
        assert_non_null(tr_data_parallel(m));
    }
    tr_tensor *mine = tr_full(TR_SHAPE(2, 1), 1 + (double)tr_dist_rank(), .dtype = TR_FLOAT64);
    assert_int_equal(tr_backward(tr_mean(tr_forward(m, mine))), 0);
    assert_item(tr_grad(self->a), 3 * (1 + (double)tr_dist_rank()), 1e-12);
}

/* ---- modules that differ ---- */

static bool alone(void) { return tr_dist_world() == 1; }
static bool last(void) { return tr_dist_rank() == tr_dist_world() - 1; }

TEST(another_shape_is_found_at_construction)
{
    if (alone()) skip_because("one rank agrees with itself");
    assert_null(tr_data_parallel(tr_sequential(tr_linear_layer(IN, 8), tr_linear_layer(8, last() ? 5 : 3))));
    assert_non_null(strstr(tr_error_message(), "rank 0 has parameter 1.weight float32 (3, 8)"));
    assert_error_says("has parameter 1.weight float32 (5, 8)");
}

TEST(another_name_is_found_at_construction)
{
    if (alone()) skip_because("one rank agrees with itself");
    tr_module *m = tr_module_new("Line", pass, 0);
    tr_module_parameter(m, last() ? "bias" : "b", tr_zeros(TR_SHAPE(1)));
    assert_null(tr_data_parallel(m));
    assert_non_null(strstr(tr_error_message(), "rank 0 has parameter b float32 (1,)"));
    assert_error_says("has parameter bias float32 (1,)");
}

TEST(another_type_is_found_at_construction)
{
    if (alone()) skip_because("one rank agrees with itself");
    assert_null(tr_data_parallel(tr_linear_layer(2, 2, .dtype = last() ? TR_FLOAT64 : TR_FLOAT32)));
    assert_error_says("has parameter weight float64 (2, 2)");
}

TEST(a_longer_module_is_found_at_construction)
{
    if (alone()) skip_because("one rank agrees with itself");
    assert_null(tr_data_parallel(tr_linear_layer(2, 2, .bias_off = last())));
    assert_error_says("has nothing more");
}

TEST(a_module_without_training_is_refused)
{
    if (alone()) skip_because("one rank only forwards");
    assert_null(tr_data_parallel(tr_relu_layer()));
    assert_error_says("no parameter requires a gradient");
}

TEST(bad_options_are_refused)
{
    assert_null(tr_data_parallel(perceptron(1), .bucket_bytes = -1));
    assert_error_says("bucket_bytes -1");
}

/* ---- element types ---- */

static tr_tensor *scale(tr_module *m, tr_tensor *x) { return tr_mul(x, *(tr_tensor **)tr_module_self(m)); }

/* d mean(w x) / dw = mean x, which is `value` on every rank. */
static void assert_average(tr_dtype dtype, double value, double tolerance)
{
    TR_SCOPE;
    tr_module *m = tr_module_new("Scale", scale, sizeof(tr_tensor *));
    tr_tensor **w = tr_module_self(m);
    *w = tr_module_parameter(m, "w", tr_ones(TR_SHAPE(1), .dtype = dtype));
    tr_module *ranks = tr_data_parallel(m);
    int64_t samples = 100 + 2 * tr_dist_rank();
    tr_tensor *y = tr_forward(ranks, tr_full(TR_SHAPE(samples, 1), value, .dtype = dtype));
    tr_tensor *one = tr_full(TR_SHAPE(samples, 1), 0, .dtype = dtype);
    assert_non_null(tr_fill_(tr_narrow(one, 0, 0, 1), 1));
    assert_int_equal(tr_backward(y, .gradient = one), 0);
    assert_item(tr_grad(*w), value, tolerance * value);
}

/* Weighted by hundreds of samples a float16 of 60000 would be infinite; added as they are, halves would lose bits. */
TEST(every_floating_type_is_averaged_in_float32_at_least)
{
    assert_average(TR_FLOAT16, 60000, 0);
    assert_average(TR_BFLOAT16, 255 * 128, 0);
    assert_average(TR_FLOAT32, 0x1p126, 1e-6);
    assert_average(TR_FLOAT64, 0x1p1000, 1e-15);
}
