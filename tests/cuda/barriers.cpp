/* A sum by one block, with the barrier that it needs and without: what fibres.h is there to tell apart. */
#include "kernels/cuda/gpu.h"

template <bool waits>
static __global__ void sum(float *out, const float *x, int64_t n)
{
    SHARED(float, part, [THREADS / 32]);
    float v = 0;
    for (int64_t i = threadIdx.x; i < n; i += THREADS) v += x[i];
    for (int lanes = 16; lanes > 0; lanes /= 2) v += __shfl_xor_sync(0xffffffffu, v, lanes);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    if (waits) __syncthreads();
    if (threadIdx.x > 0) return;
    *out = 0;
    for (int i = 0; i < THREADS / 32; i++) *out += part[i];
}

extern "C" float sum_of(const float *x, int64_t n, bool waits)
{
    float out = 0;
    if (waits)
        LAUNCH(sum<true>, 1, THREADS, &out, x, n);
    else
        LAUNCH(sum<false>, 1, THREADS, &out, x, n);
    return out;
}
