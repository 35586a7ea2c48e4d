/* A module: its names, modes and text, what forward hands out, and how long things live. */
#include "modules.h"

TEST(a_struct_a_function_and_names_make_a_module)
{
    tr_module *m = line_new(2, 1);
    tr_tensor *y = tr_forward(m, row(1, 2, 3));
    assert_close(y, row(3, 5, 7), 0);
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    const line *self = tr_module_self(m);
    assert_close(tr_grad(self->w), row(6), 0);
    assert_close(tr_grad(self->b), row(3), 0);
    assert_string_equal(tr_module_kind(m), "Line");
}

TEST(a_modules_own_memory_begins_as_zeros)
{
    const char *self = tr_module_self(tr_module_new("Big", same, 1000));
    for (int i = 0; i < 1000; i++) assert_int_equal(self[i], 0);
}

TEST(a_module_without_memory_of_its_own_is_one_too)
{
    assert_non_null(plain("Nothing"));
    assert_int_equal(tr_parameters(plain("Nothing")).count, 0);
    assert_false(tr_error_stands());
}

TEST(the_kind_is_copied)
{
    char kind[] = "Line";
    tr_module *m = plain(kind);
    kind[0] = 'W';
    assert_string_equal(tr_module_kind(m), "Line");
}

TEST(a_module_wants_a_kind_and_a_forward_function)
{
    assert_null(tr_module_new(NULL, same, 0));
    assert_error_says("tr_module_new: an argument is NULL");
    assert_null(tr_module_new("Line", NULL, 0));
    assert_error_says("tr_module_new: an argument is NULL");
    assert_null(tr_module_self(NULL));
    assert_string_equal(tr_module_kind(NULL), "");
}

/* ---- names ---- */

TEST(a_name_is_not_empty_and_holds_no_dot)
{
    tr_module *m = plain("Names");
    assert_null(tr_module_parameter(m, "", row(1)));
    assert_error_says("tr_module_parameter: \"\" is no name");
    assert_null(tr_module_buffer(m, "a.b", row(1)));
    assert_error_says("tr_module_buffer: \"a.b\" is no name");
    assert_null(tr_module_child(m, ".", plain("Child")));
    assert_error_says("tr_module_child: \".\" is no name");
}

TEST(a_name_is_given_once_whatever_it_names)
{
    tr_module *m = line_new(1, 1);
    assert_null(tr_module_parameter(m, "w", row(1)));
    assert_error_says("tr_module_parameter: Line has a \"w\" already");
    assert_null(tr_module_buffer(m, "w", row(1)));
    assert_error_says("Line has a \"w\" already");
    assert_null(tr_module_child(m, "b", plain("Child")));
    assert_error_says("Line has a \"b\" already");
    assert_int_equal(tr_parameters(m).count, 2);
}

TEST(a_tensor_that_was_refused_is_as_before)
{
    tr_tensor *t = row(1);
    assert_null(tr_module_parameter(line_new(1, 1), "w", t));
    assert_error_says("already");
    assert_false(tr_requires_grad(t));
}

TEST(null_is_nothing_to_name)
{
    tr_module *m = plain("Names");
    assert_null(tr_module_parameter(m, "w", NULL));
    assert_error_says("tr_module_parameter: an argument is NULL");
    assert_null(tr_module_parameter(NULL, "w", row(1)));
    assert_error_says("NULL");
    assert_null(tr_module_buffer(m, NULL, row(1)));
    assert_error_says("NULL");
    assert_null(tr_module_child(m, "child", NULL));
    assert_error_says("tr_module_child: an argument is NULL");
}

TEST(a_parameter_requires_grad_and_a_buffer_does_not)
{
    tr_module *m = plain("Names");
    assert_true(tr_requires_grad(tr_module_parameter(m, "w", row(1))));
    assert_false(tr_requires_grad(tr_module_buffer(m, "mean", row(1))));
    assert_int_equal(tr_parameters(m).count, 1);
}

TEST(integers_may_be_buffers_but_no_parameters)
{
    tr_module *m = plain("Names");
    tr_tensor *steps = tr_zeros(TR_SHAPE(1), .dtype = TR_INT64);
    assert_null(tr_module_parameter(m, "steps", steps));
    assert_error_says("\"steps\" is (1,) int64, which can have no gradient");
    assert_non_null(tr_module_buffer(m, "steps", steps));
}

TEST(a_result_is_no_parameter)
{
    tr_tensor *w = tr_requires_grad_(row(1), true);
    assert_null(tr_module_parameter(plain("Names"), "w", tr_mul(w, 2)));
    assert_error_says("\"w\" is the result of MulBackward0; a parameter is a leaf");
}

TEST(many_names_find_room)
{
    tr_module *m = plain("Many");
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "w%d", i);
        assert_non_null(tr_module_parameter(m, name, row(i)));
    }
    assert_int_equal(tr_parameters(m).count, 100);
    for (int i = 0; i < 100; i++) assert_item(tr_parameters(m).tensor[i], i, 0);
}

/* ---- modes ---- */

TEST(a_module_begins_in_training_mode_and_takes_its_children_along)
{
    tr_module *m = plain("Net"), *child = plain("Child");
    tr_module_child(m, "child", child);
    assert_true(tr_is_training(m) && tr_is_training(child));
    tr_train(m, false);
    assert_true(!tr_is_training(m) && !tr_is_training(child));
    tr_train(child, true);
    assert_true(!tr_is_training(m) && tr_is_training(child));
    tr_train(NULL, true);
    assert_false(tr_is_training(NULL));
}

/* ---- text ---- */

TEST(a_module_prints_as_in_pytorch)
{
    tr_module *lin = plain("Lin");
    tr_module_child(lin, "net", tr_linear_layer(1, 1));
    assert_string_equal(tr_module_to_string(lin), "Lin(\n  (net): Linear(in_features=1, out_features=1, bias=True)\n)");
    tr_module *net = tr_sequential(lin, tr_relu_layer(), tr_linear_layer(20, 3, .bias_off = true));
    assert_string_equal(tr_module_to_string(net),
                        "Sequential(\n"
                        "  (0): Lin(\n"
                        "    (net): Linear(in_features=1, out_features=1, bias=True)\n"
                        "  )\n"
                        "  (1): ReLU()\n"
                        "  (2): Linear(in_features=20, out_features=3, bias=False)\n"
                        ")");
    assert_string_equal(tr_module_to_string(plain("Identity")), "Identity()");
    assert_string_equal(tr_module_to_string(NULL), "None");
}

TEST(parameters_are_no_part_of_the_text)
{
    assert_string_equal(tr_module_to_string(line_new(1, 2)), "Line()");
}

TEST(a_layer_with_children_prints_its_sizes_on_a_line_of_their_own)
{
    tr_module *m = tr_linear_layer(2, 3);
    tr_module_child(m, "norm", plain("Norm"));
    assert_string_equal(tr_module_to_string(m), "Linear(\n  in_features=2, out_features=3, bias=True\n  (norm): Norm()\n)");
}

/* ---- forward ---- */

TEST(forward_hands_out_its_result_and_nothing_else)
{
    tr_module *m = line_new(2, 1);
    tr_tensor *x = tr_zeros(TR_SHAPE(1000));
    TR_NO_GRAD;
    int64_t before = tr_memory(tr_cpu()).allocated_bytes;
    tr_tensor *y = tr_forward(m, x);
    int64_t one = tr_memory(tr_cpu()).allocated_bytes - before;
    assert_shape(y, 1000);
    assert_in_range(one, 4000, 5000); /* the product is gone, the sum is there */
}

TEST(the_result_belongs_to_the_callers_scope)
{
    tr_module *m = line_new(2, 1);
    int64_t before = tr_memory(tr_cpu()).allocated_bytes;
    {
        TR_SCOPE;
        tr_forward(m, tr_zeros(TR_SHAPE(1000)));
    }
    assert_int_equal(tr_memory(tr_cpu()).allocated_bytes, before);
}

static tr_tensor *forgets(tr_module *m, tr_tensor *x) { return (void)m, (void)x, NULL; }
static tr_tensor *refuses(tr_module *m, tr_tensor *x) { return (void)m, tr_fail("odd: %d inputs", tr_ndim(x)); }

TEST(a_forward_that_makes_nothing_is_an_error)
{
    assert_null(tr_forward(tr_module_new("Forgetful", forgets, 0), row(1)));
    assert_error_says("tr_forward: Forgetful made no result");
    assert_null(tr_forward(tr_module_new("Odd", refuses, 0), row(1)));
    assert_error_says("odd: 1 inputs");
}

TEST(a_failure_inside_is_the_error_of_the_whole)
{
    tr_module *m = tr_sequential(plain("Same"), tr_linear_layer(3, 2), tr_relu_layer());
    assert_null(tr_forward(m, tr_zeros(TR_SHAPE(4, 5))));
    assert_error_says("(4, 5)");
}

TEST(forward_may_return_its_input)
{
    tr_tensor *x = row(1, 2);
    tr_tensor *y = tr_forward(plain("Identity"), x);
    assert_ptr_equal(y, x);
    assert_close(y, row(1, 2), 0);
}

static tr_tensor *weight_alone(tr_module *m, tr_tensor *x) { return (void)x, ((const line *)tr_module_self(m))->w; }

TEST(forward_may_return_a_parameter)
{
    tr_module *m = tr_module_new("Constant", weight_alone, sizeof(line));
    ((line *)tr_module_self(m))->w = tr_module_parameter(m, "w", row(5));
    {
        TR_SCOPE;
        assert_item(tr_forward(m, row(1)), 5, 0);
        assert_int_equal(tr_backward(tr_forward(m, row(1))), 0);
    }
    assert_item(tr_parameters(m).tensor[0], 5, 0);
    assert_item(tr_grad(tr_parameters(m).tensor[0]), 1, 0);
}

TEST(forward_wants_a_module_and_an_input)
{
    assert_null(tr_forward(NULL, row(1)));
    assert_error_says("tr_forward: an argument is NULL");
    assert_null(tr_forward(plain("Identity"), NULL));
    assert_error_says("tr_forward: an argument is NULL");
}

/* ---- how long things live ---- */

static int freed;
static double freed_weight;
static void count_freed(tr_module *m)
{
    freed++;
    freed_weight = tr_item(tr_parameters(m).tensor[0]); /* all of it is still there */
}

TEST(a_module_goes_with_its_scope)
{
    freed = 0;
    {
        TR_SCOPE;
        tr_module_on_free(line_new(7, 1), count_freed);
        assert_int_equal(freed, 0);
    }
    assert_int_equal(freed, 1);
    assert_true(freed_weight == 7);
    tr_module_on_free(NULL, count_freed);
}

TEST(a_module_that_is_kept_outlives_its_scope)
{
    freed = 0;
    tr_module *m;
    {
        TR_SCOPE;
        m = tr_module_keep(line_new(2, 1));
        tr_module_on_free(m, count_freed);
    }
    assert_int_equal(freed, 0);
    assert_close(tr_forward(m, row(3)), row(7), 0);
    tr_module_drop(m);
    assert_int_equal(freed, 1);
    assert_null(tr_module_keep(NULL));
    tr_module_drop(NULL);
}

TEST(a_parent_keeps_its_children)
{
    freed = 0;
    tr_module *m = tr_module_new("Parent", same, 0);
    {
        TR_SCOPE;
        tr_module *child = tr_module_child(m, "child", line_new(2, 1));
        tr_module_on_free(child, count_freed);
    }
    assert_int_equal(freed, 0);
    assert_close(tr_forward(tr_module_get_child(m, 0, NULL), row(3)), row(7), 0);
    tr_module_drop(tr_module_keep(m));
    assert_int_equal(freed, 0);
}

TEST(a_parameter_that_is_kept_outlives_its_module)
{
    tr_tensor *w;
    {
        TR_SCOPE;
        w = tr_keep(tr_parameters(line_new(4, 1)).tensor[0]);
    }
    assert_item(w, 4, 0);
    tr_drop(w);
}

/* ---- devices ---- */

TEST(a_device_that_is_not_there_leaves_the_module_where_it_was)
{
    tr_module *m = line_new(2, 1);
    tr_tensor *w = tr_parameters(m).tensor[0];
    void *data = tr_data(w);
    assert_int_equal(tr_module_to(m, tr_cpu()), 0);
    assert_int_equal(tr_module_to(m, tr_cuda(99)), -1);
    assert_error_says("cuda:99");
    assert_ptr_equal(tr_data(w), data);
    assert_int_equal(tr_module_to(NULL, tr_cpu()), -1);
    assert_error_says("NULL");
}
