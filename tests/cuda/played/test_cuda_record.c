/* Recorded steps on a CUDA device: what they may contain, and what the device is asked for.  That replays have the bits of
 * running is tested by test_record.c and test_record_examples.c, on this device, too. */
#include "on_played.h"

static tr_tensor *there(tr_tensor *t) { return tr_to_device(t, tr_cuda(0)); }

TEST(a_copy_between_devices_cannot_be_recorded)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *y = there(x);
    tr_recording *step;
    assert_int_equal(tr_record(&step), 0);
    assert_null(tr_add(y, there(x)));
    assert_error_says("tr_to_device: a copy between devices, which a recorded step cannot replay");
    assert_null(tr_copy_(y, x));
    assert_int_equal(tr_record_end(), -1);
    assert_error_says("a copy between devices");
    assert_int_equal(tr_replay(step), -1);
    assert_error_says("not complete");
    assert_close(tr_copy_(y, tr_mul(x, 4)), row(4, 4, 4), 0); /* and the program goes on */
}

TEST(a_step_is_on_one_device)
{
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *y = there(x), *z;
    tr_recording *step;
    assert_int_equal(tr_record(&step), 0);
    z = tr_mul(y, 2);
    assert_null(tr_mul(x, 2));
    assert_int_equal(tr_record_end(), -1);
    assert_error_says("mul: on cpu, in a step that is recorded on cuda:0");
    assert_close(z, row(2, 2, 2), 0);
}

TEST(numbers_beside_tensors_are_recorded)
{
    tr_tensor *x = there(row(1, 2, 3)), *y;
    tr_recording *step;
    int64_t many = (INT64_C(1) << 53) + 1, got;
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        y = tr_keep(tr_add(tr_to(tr_mul(x, 0.0), TR_INT64), many));
        tr_add_(x, 1);
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(step), 0);
    assert_close(x, row(5, 6, 7), 0);
    assert_int_equal(tr_to_data(tr_select(y, 0, 2), TR_INT64, &got), 0);
    assert_true(got == many);
    tr_drop(y);
}

TEST(a_parameter_that_moved_is_noticed)
{
    tr_module *model = tr_linear_layer(3, 2);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1);
    tr_tensor *x = there(tr_ones(TR_SHAPE(4, 3)));
    tr_recording *step;
    assert_int_equal(tr_module_to(model, tr_cuda(0)), 0);
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mean(tr_forward(model, x))), 0);
        assert_int_equal(tr_step(sgd), 0);
        tr_zero_grad(sgd);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(step), 0);
    assert_int_equal(tr_module_to(model, tr_cpu()), 0);
    assert_int_equal(tr_replay(step), -1);
    assert_error_says("has other memory than when the step was recorded");
}
