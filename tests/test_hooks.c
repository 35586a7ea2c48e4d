/* Hooks: told of each leaf's gradient when it is finished, last layer first, and of the end of backward. */
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

/* ---- a hook that remembers ---- */

typedef struct {
    int calls;
    const void *leaf[16];
    double value[16]; /* the gradient's first element when it was told */
} heard;

static void hear(tr_tensor *leaf, void *data)
{
    heard *h = data;
    h->leaf[h->calls] = leaf;
    h->value[h->calls++] = tr_get(tr_grad(leaf), 0);
}

static void hear_end(void *data)
{
    heard *h = data;
    h->leaf[h->calls++] = NULL;
}

/* ---- when ---- */

TEST(gradients_are_finished_last_layer_first)
{
    heard h = {0};
    tr_tensor *x = tr_rand(TR_SHAPE(2, 3)), *parameter[6];
    for (int i = 0; i < 3; i++) {
        parameter[2 * i] = leaf(tr_rand(TR_SHAPE(3, 3)));
        parameter[2 * i + 1] = leaf(tr_rand(TR_SHAPE(3)));
        x = tr_relu(tr_linear(x, parameter[2 * i], parameter[2 * i + 1]));
    }
    for (int i = 0; i < 6; i++) assert_true(tr_on_grad(parameter[i], hear, &h) > 0);
    assert_int_equal(tr_backward(tr_sum(x)), 0);
    assert_int_equal(h.calls, 6);
    for (int i = 0; i < 6; i++) assert_ptr_equal(h.leaf[i], parameter[5 - i]);
}

TEST(a_hook_is_told_once_a_pass_when_all_has_come)
{
    heard h = {0};
    tr_tensor *x = leaf(row(3)), *unused = leaf(row(1));
    assert_true(tr_on_grad(x, hear, &h) > 0);
    assert_true(tr_on_grad(unused, hear, &h) > 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_backward(tr_add(tr_mul(x, x), tr_mul(x, 4))), 0);
    assert_int_equal(h.calls, 2);
    assert_true(h.value[0] == 10 && h.value[1] == 20); /* with what had been gathered before */
}

TEST(several_hooks_are_told_in_the_order_they_came)
{
    heard first = {0}, second = {0};
    tr_tensor *x = leaf(row(3));
    int a = tr_on_grad(x, hear, &first), b = tr_on_grad(x, hear, &second);
    assert_true(a > 0 && b > a);
    assert_int_equal(tr_backward(tr_square(x)), 0);
    tr_remove_hook(x, a);
    tr_remove_hook(x, a); /* gone already */
    tr_remove_hook(NULL, b);
    assert_int_equal(tr_backward(tr_square(x)), 0);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 2);
}

TEST(only_leaves_that_require_grad_have_hooks)
{
    heard h = {0};
    assert_true(tr_on_grad(row(1), hear, &h) < 0);
    assert_error_says("tr_on_grad: (1,) float32 is not a leaf that requires grad");
    assert_true(tr_on_grad(tr_mul(leaf(row(1)), 2), hear, &h) < 0);
    assert_error_says("is not a leaf");
    assert_true(tr_on_grad(NULL, hear, &h) < 0);
    assert_error_says("tr_on_grad: an argument is NULL");
}

/* ---- what a hook may do ---- */

static void halve(tr_tensor *leaf, void *data)
{
    (void)data;
    tr_mul_(tr_grad(leaf), 0.5);
}

TEST(a_hook_may_change_the_gradient)
{
    tr_tensor *x = leaf(row(3));
    assert_true(tr_on_grad(x, halve, NULL) > 0);
    assert_int_equal(tr_backward(tr_square(x)), 0);
    assert_close(tr_grad(x), row(3), 0);
}

typedef struct {
    heard heard;
    tr_tensor *root;
    int id[3];
} party;

static void leave_with_all(tr_tensor *leaf, void *data)
{
    party *p = data;
    hear(leaf, &p->heard);
    for (int i = 0; i < 3; i++) tr_remove_hook(leaf, p->id[i]);
}

TEST(a_hook_may_remove_itself_and_those_after_it)
{
    party p = {0};
    tr_tensor *x = leaf(row(3));
    for (int i = 0; i < 3; i++) p.id[i] = tr_on_grad(x, leave_with_all, &p);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_backward(tr_square(x)), 0);
    assert_int_equal(p.heard.calls, 1);
}

static void drop_both(tr_tensor *leaf, void *data)
{
    party *p = data;
    hear(leaf, &p->heard);
    tr_drop(p->root);
    tr_drop(leaf);
}

TEST(a_hook_may_drop_its_leaf_and_the_root)
{
    party p = {0};
    tr_tensor *y = leaf(row(1)), *x;
    {
        TR_SCOPE;
        x = tr_keep(leaf(row(2)));
        p.root = tr_keep(tr_mul(tr_square(tr_mul(y, 3)), x));
    }
    assert_true(tr_on_grad(x, drop_both, &p) > 0);
    assert_true(tr_on_grad(x, hear, &p.heard) > 0); /* is not told: x is gone */
    assert_int_equal(tr_backward(p.root), 0);
    assert_int_equal(p.heard.calls, 1);
    assert_close(tr_grad(y), row(36), 0);
}

static void complain(tr_tensor *leaf, void *data)
{
    (void)leaf, (void)data;
    tr_fail("the hook says no");
}

TEST(a_hook_that_fails_ends_the_walk)
{
    heard h = {0};
    tr_tensor *x = leaf(row(3)), *y = leaf(row(1));
    int id = tr_on_grad(y, complain, NULL);
    assert_true(tr_on_grad(x, hear, &h) > 0);
    assert_true(tr_backward(tr_mul(tr_mul(x, 2), y)) < 0);
    assert_error_says("the hook says no");
    assert_int_equal(h.calls, 0);
    tr_remove_hook(y, id);
    assert_int_equal(tr_backward(tr_mul(tr_mul(x, 2), y)), 0);
    assert_close(tr_grad(x), row(2), 0);
}

static void walk_again(tr_tensor *leaf, void *data)
{
    (void)data;
    assert_true((tr_backward)(tr_sum(leaf), (tr_backward_options){0}) < 0);
}

TEST(backward_is_not_called_from_within_itself)
{
    tr_tensor *x = leaf(row(3));
    int id = tr_on_grad(x, walk_again, NULL);
    assert_true(tr_backward(tr_square(x)) < 0);
    assert_error_says("tr_backward: called from within a backward pass");
    tr_remove_hook(x, id);
    assert_int_equal(tr_backward(tr_square(x)), 0);
}

/* ---- the end ---- */

static void ask_for_the_end(tr_tensor *leaf, void *data)
{
    hear(leaf, data);
    assert_int_equal(tr_on_backward_end(hear_end, data), 0);
}

TEST(the_end_is_told_once_after_every_gradient)
{
    heard h = {0};
    tr_tensor *x = leaf(row(3)), *y = leaf(row(1));
    assert_true(tr_on_grad(x, hear, &h) > 0);
    assert_true(tr_on_grad(y, ask_for_the_end, &h) > 0);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(tr_backward(tr_mul(tr_square(x), y)), 0);
        assert_int_equal(h.calls, 3 * i);
        assert_null(h.leaf[3 * i - 1]);
    }
    assert_true(tr_on_backward_end(hear_end, &h) < 0);
    assert_error_says("tr_on_backward_end: no backward pass is running");
}

TEST(the_end_of_a_walk_that_failed_is_not_told)
{
    heard h = {0};
    tr_tensor *x = leaf(row(3)), *y = leaf(row(1));
    assert_true(tr_on_grad(y, ask_for_the_end, &h) > 0);
    assert_true(tr_on_grad(x, complain, NULL) > 0);
    assert_true(tr_backward(tr_mul(tr_square(x), y)) < 0);
    assert_error_says("the hook says no");
    assert_int_equal(h.calls, 1);
}
