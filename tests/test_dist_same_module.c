// CTEST DIST RANKS 1 2 3 4 8
/* How data parallel begins: every rank gets rank 0's values, and modules that differ are found. */
#include "data_parallel.h"

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
