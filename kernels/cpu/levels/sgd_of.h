/* One pass over parameter, momentum and gradient in one type: included once per type with T, OF(). */
static void OF(sgd_part)(void *job_, int64_t from, int64_t to)
{
    const optim_job *job = job_;
    const double *number = job->call->number;
    const unsigned flags = job->call->flags;
    const T lr = (T)number[0], momentum = (T)number[1], keep = (T)(1 - number[2]), decay = (T)number[3];
    const T sign = flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    const bool first = job->item->first, nesterov = (flags & KERNEL_OPTIM_NESTEROV) != 0;
    T *p = job->item->parameter, *v = job->item->state[0];
    const T *g = job->item->gradient;
    if (!v) {
#pragma omp simd
        for (int64_t i = from; i < to; i++) p[i] -= lr * (sign * g[i] + decay * p[i]);
        return;
    }
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        T step = sign * g[i] + decay * p[i];
        T speed = first ? step : momentum * v[i] + keep * step;
        v[i] = speed;
        p[i] -= lr * (nesterov ? step + momentum * speed : speed);
    }
}
