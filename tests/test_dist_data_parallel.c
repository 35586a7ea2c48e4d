// CTEST DIST RANKS 1 2 3 4 8
/* Many ranks with a part of the batch each have the gradient that one rank has with all of it. */
#include "data_parallel.h"

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
