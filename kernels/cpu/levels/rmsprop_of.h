/* One pass over parameter, averages and gradient in one type: included once per type with T, OF(). */
static INLINE void OF(rmsprop_loop)(const optim_job *job, int64_t from, int64_t to, bool has_momentum, bool centered)
{
    const double *number = job->call->number, alpha = number[2];
    const T lr = (T)number[0], momentum = (T)number[1], keep = (T)alpha, add = (T)(1 - alpha), eps = (T)number[3], decay = (T)number[4];
    const T sign = job->call->flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    const bool near = 1 - alpha < 0.5; /* lerp goes from the nearer end */
    const T part = near ? add : add - 1;
    T *p = job->item->parameter, *s = job->item->state[0], *v = job->item->state[1], *a = job->item->state[2];
    const T *gradient = job->item->gradient;
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        T g = sign * gradient[i] + decay * p[i];
        T square = keep * s[i] + add * g * g, spread = square;
        s[i] = square;
        if (centered) {
            T mean = (near ? a[i] : g) + part * (g - a[i]);
            a[i] = mean;
            spread = square - mean * mean;
            spread = spread < 0 ? 0 : spread; /* rounding may take it below, where PyTorch gets NaN */
        }
        T root = OF(sqrt)(spread) + eps;
        if (has_momentum) {
            T speed = momentum * v[i] + g / root;
            v[i] = speed;
            p[i] -= lr * speed;
        } else {
            p[i] -= lr * g / root;
        }
    }
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
