/* A CUDA device as programs meet it. */
#include "on_played.h"

static int pools_asked_for_badly(void)
{
    setenv("TRIREME_CUDA_POOLS", "some", 1);
    tr_on_error(NULL, NULL);
    if (tr_ones(TR_SHAPE(1), .device = tr_cuda(0))) return 1;
    return strstr(tr_error_message(), "TRIREME_CUDA_POOLS=some: expected on or off") ? 0 : 2;
}

TEST(a_variable_that_means_nothing_is_refused) /* the first: no device has begun */
{
    needs_played_device(); /* a real one's driver is of no use in a child */
    assert_int_equal(in_a_child(pools_asked_for_badly), 0);
}

TEST(there_is_a_device_and_nothing_missing)
{
    assert_true(tr_cuda_device_count() >= 1);
    assert_null(tr_cuda_missing());
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
}

TEST(a_tensor_goes_there_and_comes_back)
{
    TR_SCOPE;
    tr_tensor *x = tr_tensor_of_list(1, 2, 3), *there = tr_to_device(x, tr_cuda(0));
    assert_string_equal(tr_device_name(tr_device_of(there)), "cuda:0");
    tr_tensor *y = tr_to_device(tr_add(tr_mul(there, there), 1), tr_cpu());
    for (int i = 0; i < 3; i++) assert_float_equal(tr_get(y, i), (float)((i + 1) * (i + 1) + 1), 1e-6);
}

TEST(devices_do_not_mix)
{
    TR_SCOPE;
    tr_tensor *here = tr_ones(TR_SHAPE(3)), *there = tr_ones(TR_SHAPE(3), .device = tr_cuda(0));
    assert_null(tr_add(here, there));
    assert_error_says("cuda:0");
}

TEST(a_device_that_is_not_there_is_named)
{
    assert_null(tr_ones(TR_SHAPE(1), .device = tr_cuda(63)));
    assert_error_says("cuda:63: there are");
}

TEST(what_is_held_there_is_counted)
{
    TR_SCOPE;
    int64_t before = tr_memory(tr_cuda(0)).allocated_bytes;
    assert_non_null(tr_empty(TR_SHAPE(1000), .device = tr_cuda(0)));
    assert_true(tr_memory(tr_cuda(0)).allocated_bytes >= before + 4000);
}
