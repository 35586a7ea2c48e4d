/* One pass over parameter, sum and gradient in one type: included once per type with T, OF(). */
static void OF(adagrad_part)(void *job_, int64_t from, int64_t to)
{
    const optim_job *job = job_;
    const double *number = job->call->number;
    const T rate = (T)(number[0] / (1 + (double)(job->item->step - 1) * number[1])), decay = (T)number[2], eps = (T)number[3];
    const T sign = job->call->flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    T *p = job->item->parameter, *sum = job->item->state[0];
    const T *gradient = job->item->gradient;
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        T g = sign * gradient[i] + decay * p[i];
        sum[i] += g * g;
        p[i] -= rate * g / (OF(sqrt)(sum[i]) + eps);
    }
}
