/* One pass over parameter, momentum and gradient in one type: included once per type with T, OF(). */
#include "kernels/formulas_sgd_of.h"

static void OF(sgd_part)(void *job_, int64_t from, int64_t to)
{
    const optim_job *job = job_;
    const OF(sgd_numbers) k = OF(sgd_numbers_of)(job->call, job->item);
    T *p = job->item->parameter, *v = job->item->state[0];
    const T *g = job->item->gradient;
    if (!v) {
#pragma omp simd
        for (int64_t i = from; i < to; i++) p[i] = OF(sgd_plain)(&k, p[i], g[i]);
        return;
    }
#pragma omp simd
    for (int64_t i = from; i < to; i++) p[i] = OF(sgd_step)(&k, p[i], g[i], &v[i]);
}
