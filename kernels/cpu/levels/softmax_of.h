/* Softmax in one type: included once per type with T, OF(), EXP, BELOW (exp of what is not above 0),
 * LOG, SUM, POSITIVE_SUM.  n elements along the dim, `inner` between
 * neighbours; a row where inner is 1, else columns, TILE of them at once. */

/* The largest of a row that may have NaN: whatever comes out then, the sum of exp(x - m) is NaN. */
static T OF(row_max)(const T *x, int64_t n)
{
    enum { LANES = 64 }; /* as many as four AVX-512 registers hold: each waits for itself alone */
    T lane[LANES], m = -INFINITY;
    int64_t i = 0;
    if (n >= LANES) {
        for (int j = 0; j < LANES; j++) lane[j] = x[j];
        for (i = LANES; i + LANES <= n; i += LANES)
            for (int j = 0; j < LANES; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int j = 0; j < half; j++) lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
        m = lane[0];
    }
    for (; i < n; i++) m = x[i] > m ? x[i] : m;
    return m;
}

static void OF(softmax_row)(T *y, const T *x, const T *unused, int64_t n, int64_t inner, int64_t columns, bool logarithm)
{
    (void)unused, (void)inner, (void)columns;
    T m = OF(row_max)(x, n);

    double sum = 0;
    if (logarithm) {
        for (int64_t from = 0; from < n; from += BLOCK) {
            T block[BLOCK];
            int64_t count = n - from < BLOCK ? n - from : BLOCK;
#pragma omp simd
            for (int64_t k = 0; k < count; k++) block[k] = BELOW(x[from + k] - m);
            sum += POSITIVE_SUM(block, count);
        }
        T shift = LOG((T)sum);
#pragma omp simd
        for (int64_t k = 0; k < n; k++) y[k] = x[k] - m - shift;
        return;
    }
#pragma omp simd
    for (int64_t k = 0; k < n; k++) y[k] = BELOW(x[k] - m);
    sum = POSITIVE_SUM(y, n);
    T scale = (T)(1 / sum);
#pragma omp simd
    for (int64_t k = 0; k < n; k++) y[k] *= scale;
}

static void OF(softmax_columns)(T *y, const T *x, const T *unused, int64_t n, int64_t inner, int64_t columns, bool logarithm)
{
    (void)unused;
    T m[TILE], shift[TILE];
    double sum[TILE] = {0};
    memcpy(m, x, (size_t)columns * sizeof *m);
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = 0; j < columns; j++) m[j] = x[i * inner + j] > m[j] || x[i * inner + j] != x[i * inner + j] ? x[i * inner + j] : m[j];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < columns; j++) sum[j] += (double)BELOW(x[i * inner + j] - m[j]);
    for (int64_t j = 0; j < columns; j++) shift[j] = logarithm ? LOG((T)sum[j]) : (T)(1 / sum[j]);
    for (int64_t i = 0; i < n; i++) {
        T *to = y + i * inner;
        const T *from = x + i * inner;
#pragma omp simd
        for (int64_t j = 0; j < columns; j++) to[j] = logarithm ? from[j] - m[j] - shift[j] : BELOW(from[j] - m[j]) * shift[j];
    }
}

/* dx = y (dy - sum dy y), and dx = dy - exp(y) sum dy. */
static void OF(backward_columns)(T *dx, const T *dy, const T *y, int64_t n, int64_t inner, int64_t columns, bool logarithm)
{
    double sum[TILE] = {0};
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < columns; j++) {
            int64_t at = i * inner + j;
            sum[j] += (double)(logarithm ? dy[at] : dy[at] * y[at]);
        }
    for (int64_t i = 0; i < n; i++) {
        T *to = dx + i * inner;
        const T *dy_row = dy + i * inner, *y_row = y + i * inner;
        if (logarithm) {
#pragma omp simd
            for (int64_t j = 0; j < columns; j++) to[j] = dy_row[j] - EXP(y_row[j]) * (T)sum[j];
        } else {
#pragma omp simd
            for (int64_t j = 0; j < columns; j++) to[j] = y_row[j] * (dy_row[j] - (T)sum[j]);
        }
    }
}

static void OF(backward_row)(T *dx, const T *dy, const T *y, int64_t n, int64_t inner, int64_t columns, bool logarithm)
{
    (void)inner, (void)columns;
    double sum = 0;
    for (int64_t from = 0; from < n; from += BLOCK) {
        T block[BLOCK];
        int64_t count = n - from < BLOCK ? n - from : BLOCK;
#pragma omp simd
        for (int64_t k = 0; k < count; k++) block[k] = logarithm ? dy[from + k] : dy[from + k] * y[from + k];
        sum += SUM(block, count);
    }
    T s = (T)sum;
    if (logarithm) {
#pragma omp simd
        for (int64_t k = 0; k < n; k++) dx[k] = dy[k] - EXP(y[k]) * s;
    } else {
#pragma omp simd
        for (int64_t k = 0; k < n; k++) dx[k] = y[k] * (dy[k] - s);
    }
}

typedef void (*OF(softmax_step))(T *out, const T *a, const T *b, int64_t n, int64_t inner, int64_t columns, bool logarithm);

/* Units of work are rows, or tiles of columns: unit u is tile u % tiles of outer index u / tiles. */
static void OF(softmax_part)(void *job, int64_t begin, int64_t end)
{
    const kernel_call *call = job;
    int64_t n = call->size[1], inner = call->size[2], tiles = (inner + TILE - 1) / TILE;
    bool logarithm = call->kernel == KERNEL_LOG_SOFTMAX || call->kernel == KERNEL_LOG_SOFTMAX_BACKWARD;
    bool backward = call->kernel == KERNEL_SOFTMAX_BACKWARD || call->kernel == KERNEL_LOG_SOFTMAX_BACKWARD;
    OF(softmax_step)
    step = backward ? OF(backward_columns) : OF(softmax_columns);
    if (inner == 1) step = backward ? OF(backward_row) : OF(softmax_row);
    for (int64_t u = begin; u < end; u++) {
        int64_t column = u % tiles * TILE, columns = inner - column < TILE ? inner - column : TILE;
        int64_t at = u / tiles * n * inner + column;
        T *out = (T *)call->at[0] + at;
        const T *a = (const T *)call->at[1] + at, *b = backward ? (const T *)call->at[2] + at : NULL;
        step(out, a, b, n, inner, columns, logarithm);
    }
}

static int OF(softmax)(const kernel_call *call)
{
    int64_t units = call->size[0] * ((call->size[2] + TILE - 1) / TILE);
    if (call->size[0] <= 0 || call->size[1] <= 0 || call->size[2] <= 0) return 0;
    kernels_split(units, 1, call->size[0] * call->size[1] * call->size[2] * 12, OF(softmax_part), (void *)(uintptr_t)call);
    return 0;
}
