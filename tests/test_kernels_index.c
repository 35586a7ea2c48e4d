/* Picking and adding by index and by mask. */
#include "core/dtype.h"
#include "kernels.h"

static void run(const kernel_call *call) { assert_int_equal(kernel_run(tr_cpu(), call), 0); }

TEST(rows_are_selected_and_added_back_in_every_type)
{
    double x[2 * 4 * 3 * 2], y[2 * 5 * 3 * 2], sum[2 * 4 * 3 * 2];
    int64_t index[] = {3, 0, 0, 2, 3};
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++) {
        for (int i = 0; i < 24; i++) core_element_set(x, type, i, i), core_element_set(sum, type, i, 1);
        kernel_call select = {
            .kernel = KERNEL_INDEX_SELECT, .type = (uint8_t)type, .n = 30, .at = {y, x, index}, .size = {2, 4, 3, 5}};
        run(&select);
        for (int o = 0; o < 2; o++)
            for (int i = 0; i < 5; i++)
                for (int j = 0; j < 3; j++) assert_near(core_element_get(y, type, (o * 5 + i) * 3 + j), (double)((o * 4 + index[i]) * 3 + j), 0);
        kernel_call add = {
            .kernel = KERNEL_INDEX_ADD, .type = (uint8_t)type, .n = 24, .at = {sum, y, index}, .size = {2, 4, 3, 5}};
        run(&add);
        static const int times[] = {2, 0, 1, 2};
        for (int o = 0; o < 2; o++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 3; j++) assert_near(core_element_get(sum, type, (o * 4 + i) * 3 + j), 1 + times[i] * ((o * 4 + i) * 3 + j), 0);
    }
}

TEST(elements_are_gathered_and_scattered)
{
    float x[] = {0, 1, 2, 10, 11, 12}, y[4], out[6] = {0};
    int64_t index[] = {2, 0, 1, 1};
    kernel_call gather = {
        .kernel = KERNEL_GATHER, .type = TR_FLOAT32, .n = 4, .ndim = 2, .split = 1, .at = {y, x, index}, .number = {3}, .size = {2, 2}, .stride = {{0}, {3, 1}}};
    run(&gather);
    assert_true(y[0] == 2 && y[1] == 0 && y[2] == 11 && y[3] == 11);
    kernel_call scatter = {
        .kernel = KERNEL_SCATTER_ADD, .type = TR_FLOAT32, .n = 6, .ndim = 2, .split = 1, .at = {out, y, index}, .number = {3}, .size = {2, 2}, .stride = {{3, 1}}};
    run(&scatter);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == 2 && out[3] == 0 && out[4] == 22 && out[5] == 0);
}

TEST(an_index_out_of_range_is_named_and_nothing_is_written)
{
    float x[3] = {1, 2, 3}, y[2] = {7, 7};
    int64_t index[] = {0, 3}, negative[] = {0, -1};
    kernel_call call = {
        .kernel = KERNEL_INDEX_SELECT, .type = TR_FLOAT32, .n = 2, .at = {y, x, index}, .size = {1, 3, 1, 2}};
    assert_int_equal(kernel_run(tr_cpu(), &call), -1);
    assert_error_says("tr_index_select: index 3 is out of bounds for dimension 0 with size 3");
    call.at[2] = negative;
    assert_int_equal(kernel_run(tr_cpu(), &call), -1);
    assert_error_says("index -1 is out of bounds");
    assert_true(y[0] == 7 && y[1] == 7);
    kernel_call gather = {
        .kernel = KERNEL_GATHER, .type = TR_FLOAT32, .n = 2, .ndim = 1, .at = {y, x, index}, .number = {3}, .size = {2}, .stride = {{0}, {1}}};
    assert_int_equal(kernel_run(tr_cpu(), &gather), -1);
    assert_error_says("gather: index 3 is out of bounds for dimension 0 with size 3");
}

TEST(a_mask_picks_and_puts_back)
{
    double x[10], y[10], z[10];
    bool mask[] = {true, false, false, true, true};
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++) {
        for (int i = 0; i < 5; i++) core_element_set(x, type, i, i + 1);
        kernel_call select = {
            .kernel = KERNEL_MASKED_SELECT, .type = (uint8_t)type, .n = 3, .at = {y, x, mask}, .size = {5}};
        run(&select);
        assert_true(core_element_get(y, type, 0) == 1 && core_element_get(y, type, 1) == 4 && core_element_get(y, type, 2) == 5);
        kernel_call scatter = {
            .kernel = KERNEL_MASKED_SCATTER, .type = (uint8_t)type, .n = 5, .at = {z, y, mask}, .size = {5}};
        run(&scatter);
        for (int i = 0; i < 5; i++) assert_near(core_element_get(z, type, i), mask[i] ? i + 1 : 0, 0);
    }
}
