/* The negative log likelihood on CUDA, its threads run as fibres, against the CPU's. */
#include "close_to_cpu.h"

#include <trireme/ops.h>

enum { MOST_SAMPLES = 20000,
       IGNORED = -100 };
static int64_t targets[MOST_SAMPLES];

static void *new_elements(tr_dtype type, int64_t n)
{
    void *x = malloc((size_t)(n * tr_dtype_size(type) + 1));
    assert_non_null(x);
    fill_tame(x, type, n);
    return x;
}

static kernel_call nll_call(int kernel, tr_dtype type, int64_t samples, int64_t classes, int reduction)
{
    for (int64_t b = 0; b < samples; b++) targets[b] = next_bits() % 4 ? (int64_t)(next_bits() % (uint64_t)classes) : IGNORED;
    return (kernel_call){.kernel = (uint16_t)kernel, .type = (uint8_t)type, .number = {reduction}, .size = {samples, classes}, .at = {NULL, NULL, NULL, targets}};
}

static void run(tr_dtype type, int64_t samples, int64_t classes)
{
    for (int reduction = TR_MEAN; reduction <= TR_NONE; reduction++) {
        int64_t counts[2] = {-1, -1}, losses = reduction == TR_NONE ? samples : 1;
        void *x = new_elements(type, samples * classes), *loss = new_elements(type, losses);
        kernel_call call = nll_call(KERNEL_NLL, type, samples, classes, reduction);
        call.at[1] = &counts[0], call.at[2] = x, call.at[0] = loss;
        assert_int_equal(on_cpu[KERNEL_NLL][type](&call), 0);
        call.at[1] = &counts[1];
        assert_close_to_cpu(call, type, losses, reduction == TR_NONE ? 0 : tolerance_of(type));
        assert_int_equal(counts[1], counts[0]);

        call.kernel = KERNEL_NLL_BACKWARD;
        call.at[1] = loss, call.at[2] = &counts[0];
        assert_close_to_cpu(call, type, samples * classes, 0);
        free(x);
        free(loss);
    }
}

TEST(losses_and_gradients_are_the_cpus)
{
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++) {
        run(type, 0, 3);
        run(type, 1, 1);
        run(type, 33, 10);
        run(type, 257, 3);
        run(type, 300, 7);
    }
    run(TR_FLOAT32, 12293, 1); /* in parts */
}

TEST(the_mean_over_nothing_is_nan_and_its_gradient_0)
{
    float x[6] = {1, 2, 3, 4, 5, 6}, loss = 7, dx[6];
    int64_t count = 7;
    kernel_call call = nll_call(KERNEL_NLL, TR_FLOAT32, 2, 3, TR_MEAN);
    targets[0] = targets[1] = IGNORED;
    call.at[0] = &loss, call.at[1] = &count, call.at[2] = x;
    assert_int_equal(on_gpu[KERNEL_NLL][TR_FLOAT32](&call), 0);
    assert_true(isnan(loss) && count == 0);
    call.kernel = KERNEL_NLL_BACKWARD;
    call.at[0] = dx, call.at[1] = &loss, call.at[2] = &count;
    assert_int_equal(on_gpu[KERNEL_NLL_BACKWARD][TR_FLOAT32](&call), 0);
    for (int i = 0; i < 6; i++) assert_true(dx[i] == 0);
}

TEST(a_target_that_is_no_class_is_noted_and_left_out)
{
    static const int64_t wrong[] = {-1, 5, INT64_MAX, INT64_MIN, -101};
    for (int w = 0; w < 5; w++) {
        float x[15], loss[3] = {9, 9, 9}, dloss[3] = {1, 1, 1}, dx[15];
        int64_t count = 3;
        fill_tame(x, TR_FLOAT32, 15);
        kernel_call call = nll_call(KERNEL_NLL, TR_FLOAT32, 3, 5, TR_NONE);
        targets[0] = 4, targets[1] = wrong[w], targets[2] = IGNORED;
        call.at[0] = loss, call.at[1] = &count, call.at[2] = x;
        trouble = (cuda_trouble){0};
        assert_int_equal(on_gpu[KERNEL_NLL][TR_FLOAT32](&call), 0);
        assert_true(trouble.found == KERNEL_NLL + 1 && trouble.value == wrong[w] && trouble.bound == 5);
        assert_true(count == 1 && loss[0] == -x[4] && loss[1] == 0 && loss[2] == 0);

        call.kernel = KERNEL_NLL_BACKWARD;
        call.at[0] = dx, call.at[1] = dloss, call.at[2] = &count;
        trouble = (cuda_trouble){0};
        assert_int_equal(on_gpu[KERNEL_NLL_BACKWARD][TR_FLOAT32](&call), 0);
        assert_true(trouble.found == KERNEL_NLL_BACKWARD + 1 && trouble.value == wrong[w] && trouble.bound == 5);
        for (int i = 0; i < 15; i++) assert_true(dx[i] == (i == 4 ? -1.0f : 0.0f));
    }
    trouble = (cuda_trouble){0};
}
