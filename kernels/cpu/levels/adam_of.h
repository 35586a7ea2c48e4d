/* One pass over parameter, averages and gradient in one type: included once per type with T, OF(). */
static INLINE void OF(adam_loop)(const optim_job *job, int64_t from, int64_t to, bool amsgrad)
{
    const double *number = job->call->number, lr = number[0], beta1 = number[1], beta2 = number[2], t = (double)job->item->step;
    const unsigned flags = job->call->flags;
    const bool decoupled = (flags & KERNEL_OPTIM_DECOUPLED) != 0;
    const T sign = flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1, shrink = (T)(decoupled ? 1 - lr * number[4] : 1), decay = (T)(decoupled ? 0 : number[4]);
    const bool near = 1 - beta1 < 0.5; /* lerp goes from the nearer end: m + (1 - beta1) (g - m), or g - beta1 (g - m) */
    const T part = near ? (T)(1 - beta1) : (T)(1 - beta1) - 1;
    const T keep = (T)beta2, add = (T)(1 - beta2);
    const T rate = (T)(lr / (1 - pow(beta1, t))), root = (T)sqrt(1 - pow(beta2, t)), eps = (T)number[3];
    T *p = job->item->parameter, *m = job->item->state[0], *v = job->item->state[1], *most = job->item->state[2];
    const T *gradient = job->item->gradient;
#pragma omp simd
    for (int64_t i = from; i < to; i++) {
        T x = p[i] * shrink, g = sign * gradient[i] + decay * x;
        T mean = (near ? m[i] : g) + part * (g - m[i]);
        T square = keep * v[i] + add * g * g;
        m[i] = mean;
        v[i] = square;
        if (amsgrad) most[i] = square = square <= most[i] || most[i] != most[i] ? most[i] : square; /* NaN stays */
        p[i] = x - rate * mean / (OF(sqrt)(square) / root + eps);
    }
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
