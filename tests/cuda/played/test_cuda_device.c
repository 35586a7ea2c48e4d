/* A CUDA device as programs meet it. */
#include <trireme/trireme.h>
#include "test.h"

BEFORE_ALL
{
    if (tr_cuda_is_available()) return 0;
    print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
    return TEST_SKIPPED;
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
