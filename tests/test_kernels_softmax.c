/* Softmax, its logarithm, and the losses that follow. */
#include "core/dtype.h"
#include "kernels.h"

#include <trireme/ops.h>

enum { OUTER = 3,
       LENGTH = 37,
       INNER = 5,
       MOST = OUTER * LENGTH * INNER };

static double logits[MOST], want[MOST], want_log[MOST], grad[MOST], want_dx[MOST], want_dx_log[MOST];

/* In double, along the middle dim of (outer, n, inner). */
static void by_definition(int64_t outer, int64_t n, int64_t inner)
{
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < inner; j++) {
            double most = -INFINITY, sum = 0, dot = 0, total = 0;
            int64_t base = o * n * inner + j;
            for (int64_t i = 0; i < n; i++) most = fmax(most, logits[base + i * inner]);
            for (int64_t i = 0; i < n; i++) sum += exp(logits[base + i * inner] - most);
            for (int64_t i = 0; i < n; i++) {
                want[base + i * inner] = exp(logits[base + i * inner] - most) / sum;
                want_log[base + i * inner] = logits[base + i * inner] - most - log(sum);
                dot += grad[base + i * inner] * want[base + i * inner];
                total += grad[base + i * inner];
            }
            for (int64_t i = 0; i < n; i++) {
                want_dx[base + i * inner] = want[base + i * inner] * (grad[base + i * inner] - dot);
                want_dx_log[base + i * inner] = grad[base + i * inner] - want[base + i * inner] * total;
            }
        }
}

TEST(softmax_and_its_backward_in_every_type_and_direction)
{
    static double x[MOST], y[MOST], dy[MOST], dx[MOST];
    static const int64_t shapes[][3] = {
        {OUTER, LENGTH, INNER},
        {OUTER * INNER, LENGTH, 1},
        {1, 1, 7},
        {1, 3, 150}};
    static const double tolerance[TR_DTYPES] = {[TR_FLOAT16] = 2e-3, [TR_BFLOAT16] = 2e-2, [TR_FLOAT32] = 1e-6, [TR_FLOAT64] = 1e-14};
    for (int l = 0; l < levels(); l++)
        for (int s = 0; s < 4; s++)
            for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++) {
                int64_t n = shapes[s][0] * shapes[s][1] * shapes[s][2];
                for (int64_t i = 0; i < n; i++) {
                    core_element_set(x, type, i, 3 * next_number());
                    core_element_set(dy, type, i, next_number());
                    logits[i] = core_element_get(x, type, i);
                    grad[i] = core_element_get(dy, type, i);
                }
                by_definition(shapes[s][0], shapes[s][1], shapes[s][2]);
                for (int kernel = KERNEL_SOFTMAX; kernel <= KERNEL_LOG_SOFTMAX; kernel++) {
                    bool logarithm = kernel == KERNEL_LOG_SOFTMAX;
                    kernel_call call = {
                        .kernel = (uint16_t)kernel, .type = (uint8_t)type, .n = n, .at = {y, x}, .size = {shapes[s][0], shapes[s][1], shapes[s][2]}};
                    run_on(l, &call);
                    call.kernel = logarithm ? KERNEL_LOG_SOFTMAX_BACKWARD : KERNEL_SOFTMAX_BACKWARD;
                    call.at[0] = dx, call.at[1] = dy, call.at[2] = y;
                    run_on(l, &call);
                    for (int64_t i = 0; i < n; i++) {
                        assert_near(core_element_get(y, type, i), logarithm ? want_log[i] : want[i], tolerance[type] * (logarithm ? 10 : 1));
                        assert_near(core_element_get(dx, type, i), logarithm ? want_dx_log[i] : want_dx[i], tolerance[type] * 20);
                    }
                }
            }
}

TEST(softmax_survives_huge_logits_and_keeps_nan)
{
    float huge[] = {1000, 1001}, broken[] = {1, NAN}, masked[] = {-INFINITY, 3}, y[2];
    for (int l = 0; l < levels(); l++)
        for (int form = 0; form < 2; form++) { /* a row, and two columns of one */
            kernel_call call = {
                .kernel = KERNEL_SOFTMAX, .type = TR_FLOAT32, .n = 2, .at = {y, huge}, .size = {1, 2, 1}};
            run_on(l, &call);
            assert_near(y[0], 0.268941, 1e-6);
            assert_near(y[1], 0.731059, 1e-6);
            call.at[1] = broken;
            run_on(l, &call);
            assert_true(isnan(y[0]) && isnan(y[1]));
            call.at[1] = masked;
            run_on(l, &call);
            assert_true(y[0] == 0 && y[1] == 1);
        }
}

TEST(nll_counts_what_is_not_ignored)
{
    float x[] = {-1, -2, -3, -4, -5, -6}, loss[3], dx[6], dloss[] = {1, 2, 3};
    int64_t count;
    int64_t target[] = {1, -100, 0};
    kernel_call call = {
        .kernel = KERNEL_NLL, .type = TR_FLOAT32, .n = 1, .at = {loss, &count, x, target}, .number = {TR_MEAN}, .size = {3, 2}};
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    assert_near(loss[0], 3.5, 0);
    assert_int_equal(count, 2);
    call.number[0] = TR_SUM;
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    assert_near(loss[0], 7, 0);
    call.number[0] = TR_NONE;
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    assert_true(loss[0] == 2 && loss[1] == 0 && loss[2] == 5);

    kernel_call backward = {
        .kernel = KERNEL_NLL_BACKWARD, .type = TR_FLOAT32, .n = 6, .at = {dx, dloss, &count, target}, .number = {TR_NONE}, .size = {3, 2}};
    assert_int_equal(kernel_run(tr_cpu(), &backward), 0);
    const float each[] = {0, -1, 0, 0, -3, 0};
    assert_bits(dx, each, sizeof dx);
    backward.number[0] = TR_MEAN;
    assert_int_equal(kernel_run(tr_cpu(), &backward), 0);
    assert_true(dx[1] == -0.5f && dx[2] == 0 && dx[4] == -0.5f);
}

TEST(nll_names_the_bad_target)
{
    float x[4] = {0}, loss;
    int64_t count;
    int64_t target[] = {1, 2};
    kernel_call call = {
        .kernel = KERNEL_NLL, .type = TR_FLOAT32, .n = 1, .at = {&loss, &count, x, target}, .size = {2, 2}};
    assert_int_equal(kernel_run(tr_cpu(), &call), -1);
    assert_error_says("tr_nll_loss: target 2 of sample 1 is not in [0, 2)");
}
