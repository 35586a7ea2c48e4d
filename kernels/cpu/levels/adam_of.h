/* One pass over parameter, averages and gradient in one type: included once per type with T, OF(). */
#include "kernels/formulas_adam_of.h"

static INLINE void OF(adam_loop)(const optim_job *job, int64_t from, int64_t to, bool amsgrad)
{
    const OF(adam_numbers) k = OF(adam_numbers_of)(job->call, job->item);
    T *p = job->item->parameter, *m = job->item->state[0], *v = job->item->state[1], *most = job->item->state[2];
    const T *g = job->item->gradient;
#pragma omp simd
    for (int64_t i = from; i < to; i++) p[i] = OF(adam_step)(&k, p[i], g[i], &m[i], &v[i], amsgrad ? &most[i] : NULL, amsgrad);
}

#define ADAM_LOOP OF(adam_loop)
static void OF(adam_part)(void *job, int64_t from, int64_t to)
{
    if (((const optim_job *)job)->item->state[2])
        ADAM_LOOP(job, from, to, true);
    else
        ADAM_LOOP(job, from, to, false);
}
#undef ADAM_LOOP
