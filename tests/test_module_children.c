/* Modules in modules: whose parameters and buffers are found, in which order, and under which names. */
#include "modules.h"

static void assert_named(tr_module *m, int64_t i, const char *expected, tr_tensor *is)
{
    const char *name = NULL;
    tr_tensor *t = NULL;
    assert_true(tr_named_parameter(m, i, &name, &t));
    assert_string_equal(name, expected);
    assert_ptr_equal(t, is);
}

TEST(parameters_come_in_the_order_in_which_they_were_named)
{
    tr_module *m = plain("Net"), *inner = plain("Inner");
    tr_tensor *a = row(1), *b = row(2), *c = row(3), *d = row(4);
    tr_module_parameter(inner, "b", b);
    tr_module_parameter(m, "a", a);
    tr_module_child(m, "inner", inner);
    tr_module_parameter(m, "d", d);
    tr_module_parameter(inner, "c", c); /* after its module had become a child */
    assert_named(m, 0, "a", a);
    assert_named(m, 1, "inner.b", b);
    assert_named(m, 2, "inner.c", c);
    assert_named(m, 3, "d", d);
    assert_false(tr_named_parameter(m, 4, NULL, NULL));
    assert_false(tr_named_parameter(m, -1, NULL, NULL));
    assert_named(inner, 0, "b", b);
}

TEST(buffers_are_walked_apart)
{
    tr_module *m = plain("Net"), *inner = plain("Inner");
    tr_module_child(m, "inner", inner);
    tr_tensor *mean = tr_module_buffer(inner, "mean", row(1)), *t;
    const char *name;
    assert_true(tr_named_buffer(m, 0, &name, &t));
    assert_string_equal(name, "inner.mean");
    assert_ptr_equal(t, mean);
    assert_false(tr_named_buffer(m, 1, &name, &t));
    assert_false(tr_named_parameter(m, 0, &name, &t));
}

TEST(a_shared_parameter_comes_once_under_its_first_name)
{
    tr_module *m = plain("Net"), *a = line_new(1, 2), *b = plain("Tied");
    tr_tensor *w = ((line *)tr_module_self(a))->w;
    tr_module_child(m, "a", a);
    tr_module_child(m, "b", b);
    tr_module_parameter(b, "w", w);
    tr_module_child(m, "again", a);
    assert_int_equal(tr_parameters(m).count, 2);
    assert_named(m, 0, "a.w", w);
    assert_named(b, 0, "w", w);
}

TEST(children_are_walked_by_number)
{
    tr_module *m = plain("Net"), *a = plain("A"), *b = plain("B");
    tr_module_child(m, "first", a);
    tr_module_parameter(m, "w", row(1));
    tr_module_child(m, "second", b);
    const char *name = NULL;
    assert_ptr_equal(tr_module_get_child(m, 0, &name), a);
    assert_string_equal(name, "first");
    assert_ptr_equal(tr_module_get_child(m, 1, &name), b);
    assert_string_equal(name, "second");
    assert_null(tr_module_get_child(m, 2, &name));
    assert_null(tr_module_get_child(m, -1, NULL));
    assert_null(tr_module_get_child(NULL, 0, NULL));
}

TEST(no_module_becomes_a_part_of_itself)
{
    tr_module *a = plain("A"), *b = plain("B"), *c = plain("C");
    assert_null(tr_module_child(a, "self", a));
    assert_error_says("tr_module_child: \"self\" holds the A");
    tr_module_child(a, "b", b);
    tr_module_child(b, "c", c);
    assert_null(tr_module_child(c, "a", a));
    assert_error_says("\"a\" holds the C it would become a child of");
    assert_int_equal(tr_parameters(a).count, 0);
}

TEST(the_list_stays_until_the_module_changes)
{
    tr_module *m = line_new(1, 2);
    tr_tensors before = tr_parameters(m);
    tr_forward(m, row(1));
    tr_train(m, false);
    tr_module_zero_grad(m);
    assert_ptr_equal(tr_parameters(m).tensor, before.tensor);
    tr_module_child(m, "child", line_new(3, 4));
    tr_tensors after = tr_parameters(m);
    assert_int_equal(after.count, 4);
    assert_item(after.tensor[3], 4, 0);
}

TEST(a_change_deep_below_is_seen_above)
{
    tr_module *a = plain("A"), *b = plain("B"), *c = plain("C");
    tr_module_child(a, "b", b);
    tr_module_child(b, "c", c);
    assert_int_equal(tr_parameters(a).count, 0);
    tr_tensor *w = tr_module_parameter(c, "w", row(1));
    assert_named(a, 0, "b.c.w", w);
}

TEST(nobodys_parameters_are_none)
{
    assert_int_equal(tr_parameters(NULL).count, 0);
    assert_error_says("tr_parameters: an argument is NULL");
    assert_false(tr_named_parameter(NULL, 0, NULL, NULL));
    tr_module_zero_grad(NULL);
    tr_error_clear();
}

TEST(zero_grad_forgets_the_gradients_of_children_too)
{
    tr_module *m = tr_sequential(line_new(2, 1), line_new(3, 1));
    assert_int_equal(tr_backward(tr_forward(m, row(1))), 0);
    for (int i = 0; i < 4; i++) assert_non_null(tr_grad(tr_parameters(m).tensor[i]));
    tr_module_zero_grad(m);
    for (int i = 0; i < 4; i++) assert_null(tr_grad(tr_parameters(m).tensor[i]));
}
