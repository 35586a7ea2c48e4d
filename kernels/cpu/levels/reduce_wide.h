/* What reduce_of.h has of sums, for floats: in vectors of doubles.  LANES as there. */
#include "kernels/cpu/levels/doubles.h"

static INLINE int64_t lane_sums_f32(double *lane, const float *x, int64_t n, int lanes)
{
    doubles sum[LANES / WIDTH] = {{0}};
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
#pragma GCC unroll 16
        for (int v = 0; v < lanes / WIDTH; v++) sum[v] += load_doubles(x + i + v * WIDTH);
    memcpy(lane, sum, sizeof sum);
    return i;
}

static void sum_columns_f32(void *accumulators, const void *x_, int64_t n)
{
    double *sum = accumulators;
    const float *x = x_;
    int64_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        doubles s;
        memcpy(&s, sum + i, sizeof s);
        s += load_doubles(x + i);
        memcpy(sum + i, &s, sizeof s);
    }
    for (; i < n; i++) sum[i] += (double)x[i];
}
