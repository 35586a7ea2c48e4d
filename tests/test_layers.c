/* Layers: their values at the start, their shapes, and what they refuse. */
#include <math.h>
#include <trireme/nn.h>
#include "test.h"

static tr_tensor *matrix(int64_t rows, int64_t columns, const float *values) { return tr_from_data(values, TR_FLOAT32, TR_SHAPE(rows, columns)); }

/* ---- linear ---- */

TEST(a_linear_layer_begins_with_the_numbers_of_torch)
{
    tr_module *m = tr_linear_layer(3, 2); /* after manual_seed(0) */
    tr_tensors p = tr_parameters(m);
    assert_int_equal(p.count, 2);
    assert_close(p.tensor[0], matrix(2, 3, (float[]){-0.00432252f, 0.30971584f, -0.47518533f, -0.42489460f, -0.22236897f, 0.15482073f}), 1e-8);
    assert_close(p.tensor[1], row(-0.01143914, 0.45777494), 1e-8);
    const char *name;
    assert_true(tr_named_parameter(m, 0, &name, NULL));
    assert_string_equal(name, "weight");
    assert_true(tr_named_parameter(m, 1, &name, NULL));
    assert_string_equal(name, "bias");
}

TEST(layers_draw_in_the_order_in_which_they_are_made)
{
    tr_module *first = tr_linear_layer(3, 2), *second = tr_linear_layer(3, 2);
    assert_true(tr_get(tr_parameters(first).tensor[0], 0) != tr_get(tr_parameters(second).tensor[0], 0));
    tr_manual_seed(0);
    tr_module *again = tr_linear_layer(3, 2);
    for (int i = 0; i < 2; i++) assert_close(tr_parameters(again).tensor[i], tr_parameters(first).tensor[i], 0);
}

TEST(a_generator_of_ones_own_is_drawn_from_instead)
{
    tr_module *m = tr_linear_layer(3, 2, .generator = tr_generator_new(TR_MT19937, 0));
    tr_module *unmoved = tr_linear_layer(3, 2); /* the default one stands where it stood */
    for (int i = 0; i < 2; i++) assert_close(tr_parameters(m).tensor[i], tr_parameters(unmoved).tensor[i], 0);
}

TEST(the_bound_is_one_over_the_root_of_the_inputs)
{
    tr_tensors p = tr_parameters(tr_linear_layer(400, 50));
    for (int i = 0; i < 2; i++) {
        assert_true(tr_item(tr_max(tr_abs(p.tensor[i]))) <= 0.05);
        assert_true(tr_item(tr_max(p.tensor[i])) > 0.04);
        assert_true(tr_item(tr_min(p.tensor[i])) < -0.04);
    }
}

TEST(linear_is_x_times_the_weights_transpose_and_the_bias)
{
    tr_module *m = tr_linear_layer(3, 2);
    tr_tensors p = tr_parameters(m);
    {
        TR_NO_GRAD;
        tr_copy_(p.tensor[0], matrix(2, 3, (float[]){1, 2, 3, 4, 5, 6}));
        tr_copy_(p.tensor[1], row(10, 20));
    }
    assert_close(tr_forward(m, matrix(1, 3, (float[]){1, 0, 2})), matrix(1, 2, (float[]){17, 36}), 0);
    assert_close(tr_forward(m, row(1, 0, 2)), row(17, 36), 0);
    assert_shape(tr_forward(m, tr_zeros(TR_SHAPE(4, 5, 3))), 4, 5, 2);
    assert_shape(tr_forward(m, tr_zeros(TR_SHAPE(0, 3))), 0, 2);
}

TEST(without_a_bias_there_is_only_the_weight)
{
    tr_module *m = tr_linear_layer(3, 2, .bias_off = true);
    assert_int_equal(tr_parameters(m).count, 1);
    assert_close(tr_forward(m, tr_zeros(TR_SHAPE(1, 3))), tr_zeros(TR_SHAPE(1, 2)), 0);
}

TEST(a_linear_layer_may_be_float64)
{
    tr_module *m = tr_linear_layer(3, 2, .dtype = TR_FLOAT64);
    assert_dtype(tr_parameters(m).tensor[0], TR_FLOAT64);
    assert_dtype(tr_parameters(m).tensor[1], TR_FLOAT64);
    assert_dtype(tr_forward(m, tr_zeros(TR_SHAPE(1, 3), .dtype = TR_FLOAT64)), TR_FLOAT64);
}

TEST(a_layer_may_have_no_inputs_or_no_outputs)
{
    tr_module *m = tr_linear_layer(0, 2);
    assert_close(tr_forward(m, tr_zeros(TR_SHAPE(1, 0))), tr_zeros(TR_SHAPE(1, 2)), 0); /* the bias is 0 */
    assert_shape(tr_forward(tr_linear_layer(2, 0), tr_zeros(TR_SHAPE(3, 2))), 3, 0);
}

TEST(impossible_linear_layers_are_refused)
{
    assert_null(tr_linear_layer(-1, 2));
    assert_error_says("tr_linear_layer: from -1 to 2 features");
    assert_null(tr_linear_layer(INT64_MAX, INT64_MAX));
    assert_error_says("more elements than memory can hold");
    assert_null(tr_linear_layer(2, 2, .dtype = TR_INT64));
    assert_true(tr_error_stands());
    tr_error_clear();
}

TEST(a_wrong_input_is_named_with_its_shape)
{
    assert_null(tr_forward(tr_linear_layer(3, 2), tr_zeros(TR_SHAPE(4, 5))));
    assert_error_says("(4, 5)");
    assert_null(tr_forward(tr_linear_layer(3, 2), tr_zeros(TR_SHAPE(4, 3), .dtype = TR_FLOAT64)));
    assert_error_says("float64");
}

TEST(gradients_reach_weight_and_bias)
{
    tr_module *m = tr_linear_layer(2, 1);
    assert_int_equal(tr_backward(tr_sum(tr_forward(m, matrix(2, 2, (float[]){1, 2, 3, 4})))), 0);
    assert_close(tr_grad(tr_parameters(m).tensor[0]), matrix(1, 2, (float[]){4, 6}), 0);
    assert_close(tr_grad(tr_parameters(m).tensor[1]), row(2), 0);
}

/* ---- the others ---- */

TEST(activations_are_their_functions)
{
    tr_tensor *x = row(-1, 0, 2);
    assert_close(tr_forward(tr_relu_layer(), x), row(0, 0, 2), 0);
    assert_close(tr_forward(tr_tanh_layer(), x), row(tanh(-1), 0, tanh(2)), 1e-7);
    assert_close(tr_forward(tr_sigmoid_layer(), x), row(1 / (1 + exp(1)), 0.5, 1 / (1 + exp(-2))), 1e-7);
    assert_string_equal(tr_module_to_string(tr_tanh_layer()), "Tanh()");
    assert_string_equal(tr_module_to_string(tr_sigmoid_layer()), "Sigmoid()");
}

TEST(flatten_keeps_the_batch)
{
    assert_shape(tr_forward(tr_flatten_layer(), tr_zeros(TR_SHAPE(5, 2, 3, 4))), 5, 24);
    assert_shape(tr_forward(tr_flatten_layer(), tr_zeros(TR_SHAPE(5, 2))), 5, 2);
    assert_shape(tr_forward(tr_flatten_layer(), tr_zeros(TR_SHAPE(0, 2, 3))), 0, 6);
    tr_tensor *images = tr_transpose(tr_reshape(tr_arange(0, 12, 1), TR_SHAPE(2, 2, 3)), 1, 2); /* not contiguous */
    assert_close(tr_forward(tr_flatten_layer(), images), matrix(2, 6, (float[]){0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}), 0);
}

/* ---- sequential ---- */

TEST(sequential_runs_its_modules_in_order)
{
    tr_module *m = tr_sequential(tr_flatten_layer(), tr_linear_layer(6, 4), tr_relu_layer(), tr_linear_layer(4, 2));
    assert_shape(tr_forward(m, tr_zeros(TR_SHAPE(5, 2, 3))), 5, 2);
    const char *const names[] = {"1.weight", "1.bias", "3.weight", "3.bias"}, *name;
    for (int i = 0; i < 4; i++) {
        assert_true(tr_named_parameter(m, i, &name, NULL));
        assert_string_equal(name, names[i]);
    }
    assert_int_equal(tr_parameters(m).count, 4);
}

TEST(sequential_of_one_is_that_one)
{
    tr_module *m = tr_linear_layer(2, 2);
    assert_close(tr_forward(tr_sequential(m), row(1, 2)), tr_forward(m, row(1, 2)), 0);
}

TEST(a_module_may_stand_twice_in_a_sequence)
{
    tr_module *m = tr_linear_layer(2, 2), *twice = tr_sequential(m, m);
    assert_close(tr_forward(twice, row(1, 2)), tr_forward(m, tr_forward(m, row(1, 2))), 0);
    assert_int_equal(tr_parameters(twice).count, 2);
}

TEST(a_sequence_may_have_parameters_of_its_own)
{
    tr_module *m = tr_sequential(tr_relu_layer());
    tr_module_parameter(m, "scale", row(1));
    assert_close(tr_forward(m, row(-1, 1)), row(0, 1), 0);
}

TEST(a_module_that_failed_makes_no_sequence)
{
    assert_null(tr_sequential(tr_relu_layer(), tr_linear_layer(-1, 2)));
    assert_error_says("tr_linear_layer: from -1 to 2 features");
    assert_null((tr_sequential_of)(NULL, 1));
    assert_error_says("tr_sequential: an argument is NULL");
}
