/* One pass over parameter, sum and gradient in one type: included once per type with T, OF(). */
#include "kernels/formulas_adagrad_of.h"

static void OF(adagrad_part)(void *job_, int64_t from, int64_t to)
{
    const optim_job *job = job_;
    const OF(adagrad_numbers) k = OF(adagrad_numbers_of)(job->call, job->item);
    T *p = job->item->parameter, *sum = job->item->state[0];
    const T *g = job->item->gradient;
#pragma omp simd
    for (int64_t i = from; i < to; i++) p[i] = OF(adagrad_step)(&k, p[i], g[i], &sum[i]);
}
