/* The fused SGD against the values that PyTorch gives for f = sum([1, 3] x^2 - 3 x + 1) from [1, -2], lr 0.1. */
#include "kernels.h"

typedef struct {
    double momentum, dampening, decay;
    unsigned flags;
    double want[4][2];
} run;

static const run runs[] = {
    {0, 0, 0, 0, {{1.1, -0.5}, {1.1800001, 0.1}, {1.2440001, 0.34}, {1.2952001, 0.436}}},
    {.9, 0, 0, 0, {{1.1, -0.5}, {1.27, 1.45}, {1.469, 2.635}, {1.6543, 2.4204998}}},
    {.9, .5, 0, 0, {{1.1, -0.5}, {1.23, 1.1500001}, {1.3740001, 2.4400001}, {1.5162001, 3.0190001}}},
    {.9, 0, 0, KERNEL_OPTIM_NESTEROV, {{1.1900001, 0.85}, {1.3888, 1.6659999}, {1.554176, 1.26016}, {1.6624115, 0.6579616}}},
    {.9, 0, .1, 0, {{1.09, -0.48}, {1.2421, 1.4808}, {1.418149, 2.6422319}, {1.5787818, 2.3757591}}},
    {0, 0, 0, KERNEL_OPTIM_MAXIMIZE, {{0.9, -3.5}, {0.78, -5.9000001}, {0.636, -9.7400007}, {0.4632, -15.8840008}}},
};

TEST(sgd_takes_pytorchs_steps)
{
    for (int l = 0; l < levels(); l++)
        for (int r = 0; r < 6; r++) {
            float x[] = {1, -2}, v[2], g[2];
            double x64[] = {1, -2}, v64[2], g64[2];
            kernel_optim_item item = {.parameter = x, .gradient = g, .n = 2}, item64 = {.parameter = x64, .gradient = g64, .n = 2};
            if (runs[r].momentum != 0) item.state[0] = v, item64.state[0] = v64;
            for (int step = 0; step < 4; step++) {
                for (int i = 0; i < 2; i++) {
                    g[i] = (float)(i ? 6 : 2) * x[i] - 3;
                    g64[i] = (i ? 6 : 2) * x64[i] - 3;
                }
                item.first = item64.first = step == 0;
                kernel_call call = {
                    .kernel = KERNEL_SGD, .type = TR_FLOAT32, .flags = runs[r].flags, .n = 1, .at = {&item}, .number = {0.1, runs[r].momentum, runs[r].dampening, runs[r].decay}};
                run_on(l, &call);
                call.type = TR_FLOAT64;
                call.at[0] = &item64;
                run_on(l, &call);
                for (int i = 0; i < 2; i++) {
                    assert_near(x[i], runs[r].want[step][i], 2e-6);
                    assert_near(x64[i], runs[r].want[step][i], 2e-6);
                }
            }
        }
}
