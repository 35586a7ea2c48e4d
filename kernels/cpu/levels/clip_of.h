/* Loops of gradient clipping in one type: included once per type with T, OF(). */
static void OF(squares_part)(void *job_, int64_t from, int64_t to)
{
    clip_job *job = job_;
    for (int64_t k = from; k < to; k++) {
        const T *x = (const T *)job->array->parameter + k * job->piece;
        int64_t n = job->array->n - k * job->piece, i = 0;
        if (n > job->piece) n = job->piece;
        double lane[LANES] = {0};
        for (; i + LANES <= n; i += LANES)
            for (int j = 0; j < LANES; j++) lane[j] += (double)x[i + j] * (double)x[i + j];
        for (int j = 0; i < n; i++, j++) lane[j] += (double)x[i] * (double)x[i];
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int j = 0; j < half; j++) lane[j] += lane[j + half];
        job->sum[k] = lane[0];
    }
}

static void OF(scale_part)(void *job_, int64_t from, int64_t to)
{
    const clip_job *job = job_;
    T *x = job->array->parameter;
    const T factor = (T)job->factor;
#pragma omp simd
    for (int64_t i = from; i < to; i++) x[i] *= factor;
}
