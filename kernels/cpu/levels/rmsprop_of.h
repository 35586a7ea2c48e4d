/* One pass over parameter, averages and gradient in one type: included once per type with T, OF(). */
#include "kernels/formulas_rmsprop_of.h"

static INLINE void OF(rmsprop_loop)(const optim_job *job, int64_t from, int64_t to, bool has_momentum, bool centered)
{
    const OF(rmsprop_numbers) k = OF(rmsprop_numbers_of)(job->call, job->item);
    T *p = job->item->parameter, *s = job->item->state[0], *v = job->item->state[1], *a = job->item->state[2];
    const T *g = job->item->gradient;
#pragma omp simd
    for (int64_t i = from; i < to; i++) p[i] = OF(rmsprop_step)(&k, p[i], g[i], &s[i], has_momentum ? &v[i] : NULL, centered ? &a[i] : NULL, has_momentum, centered);
}

#define RMSPROP_LOOP OF(rmsprop_loop)
static void OF(rmsprop_part)(void *job, int64_t from, int64_t to)
{
    const kernel_optim_item *item = ((const optim_job *)job)->item;
    const bool momentum = item->state[1] != NULL, centered = item->state[2] != NULL;
    if (momentum && centered)
        RMSPROP_LOOP(job, from, to, true, true);
    else if (momentum)
        RMSPROP_LOOP(job, from, to, true, false);
    else if (centered)
        RMSPROP_LOOP(job, from, to, false, true);
    else
        RMSPROP_LOOP(job, from, to, false, false);
}
#undef RMSPROP_LOOP
