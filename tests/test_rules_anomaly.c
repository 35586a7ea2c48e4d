/* Anomaly mode names the operation whose derivative made the first NaN, and the line that called it. */
#include <stdio.h>
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

TEST(the_operation_and_its_line_are_named)
{
    TR_ANOMALY;
    tr_tensor *x = leaf(row(1, 0)), *zero = tr_mul(x, 0);
    tr_tensor *root = tr_sqrt(zero), *line_before = root; /* sqrt'(0) is infinite, 0 times that is NaN */
    int line = __LINE__ - 1;
    tr_tensor *loss = tr_sum(tr_mul(line_before, 0));
    assert_int_equal(tr_backward(loss), -1);
    char says[200];
    snprintf(says, sizeof says, "test_rules_anomaly.c:%d", line);
    assert_error_says(says);
    assert_int_equal(tr_backward(tr_sum(tr_mul(tr_sqrt(tr_mul(x, 0)), 0))), -1);
    assert_error_says("Function 'SqrtBackward0' returned nan values in its 0th output");
    assert_null(tr_grad(x));
}

TEST(without_it_nans_go_through)
{
    tr_tensor *x = leaf(row(0));
    assert_int_equal(tr_backward(tr_sum(tr_mul(tr_sqrt(x), 0))), 0);
    assert_true(tr_get(tr_grad(x), 0) != tr_get(tr_grad(x), 0));
}

TEST(what_was_made_before_has_no_line)
{
    tr_tensor *x = leaf(row(0)), *root = tr_sqrt(x);
    TR_ANOMALY;
    tr_tensor *loss = tr_sum(tr_mul(root, 0));
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("the derivative of sqrt, called where anomaly mode was off");
}

TEST(operations_made_of_operations_have_the_line_of_their_call)
{
    TR_ANOMALY;
    tr_tensor *x = leaf(tr_zeros(TR_SHAPE(2, 3))), *target = tr_full(TR_SHAPE(2), 1, .dtype = TR_INT64);
    tr_tensor *lost = tr_cross_entropy(tr_log(tr_sub(x, 1)), target); /* NaN forward: the first derivative shows it */
    int line = __LINE__ - 1;
    assert_int_equal(tr_backward(lost), -1);
    char says[200];
    snprintf(says, sizeof says, "LogSoftmaxBackward0' returned nan values in its 0th output: the derivative of log_softmax, called at test_rules_anomaly.c:%d", line);
    assert_error_says(says);
}

TEST(the_switch_is_put_back)
{
    assert_false(tr_set_anomaly(false));
    {
        TR_ANOMALY;
        {
            TR_ANOMALY;
        }
        assert_true(tr_set_anomaly(true));
    }
    assert_false(tr_set_anomaly(false));
}
