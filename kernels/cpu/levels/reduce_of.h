/* Loops of the reductions in one type: included once per type with T, OF(), A the type that sums run in, IS_NAN(), and
 * START_MAX, START_MIN, what a maximum and a minimum begin with; WIDE_SUMS where sum_run() and sum_columns() stand
 * already. */

/* In each lane the sum of its elements, up to the last whole round of the lanes; returns how many elements these are. */
#ifndef WIDE_SUMS
static INLINE int64_t OF(lane_sums)(A *lane, const T *x, int64_t n, int lanes)
{
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes)
        for (int j = 0; j < lanes; j++) lane[j] += (A)x[i + j];
    return i;
}

/* Short rows do not fill many lanes, and folding costs: few lanes, chosen by the length alone. */
static INLINE A OF(sum_lanes)(const T *x, int64_t n, int lanes)
{
    A lane[LANES] = {0};
    int64_t i = OF(lane_sums)(lane, x, n, lanes);
    for (int j = 0; i < n; i++, j++) lane[j] += (A)x[i];
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) lane[j] += lane[j + half];
    return lane[0];
}

static A OF(sum_run)(const T *x, int64_t n)
{
    return n < 4 * LANES ? OF(sum_lanes)(x, n, 8) : OF(sum_lanes)(x, n, LANES);
}
#endif

static void OF(sum_row)(void *accumulator, const void *x, int64_t n)
{
    *(A *)accumulator += OF(sum_run)(x, n);
}

#ifndef WIDE_SUMS
static void OF(sum_columns)(void *accumulators, const void *x_, int64_t n)
{
    A *sum = accumulators;
    const T *x = x_;
    for (int64_t i = 0; i < n; i++) sum[i] += (A)x[i];
}
#endif

/* NaN wins, and stays. */
static inline T OF(larger)(T m, T x) { return x > m || IS_NAN(x) ? x : m; }
static inline T OF(smaller)(T m, T x) { return x < m || IS_NAN(x) ? x : m; }

typedef T (*OF(pick))(T m, T x);

static INLINE void OF(pick_row)(OF(pick) pick, T start, void *accumulator, const T *x, int64_t n)
{
    T *m = accumulator, lane[LANES];
    int64_t i = 0;
    for (int j = 0; j < LANES; j++) lane[j] = start;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) lane[j] = pick(lane[j], x[i + j]);
    for (; i < n; i++) *m = pick(*m, x[i]);
    if (n >= LANES)
        for (int j = 0; j < LANES; j++) *m = pick(*m, lane[j]);
}

static INLINE void OF(pick_columns)(OF(pick) pick, void *accumulators, const T *x, int64_t n)
{
    T *m = accumulators;
    for (int64_t i = 0; i < n; i++) m[i] = pick(m[i], x[i]);
}

#define PICK_ROW     OF(pick_row)
#define PICK_COLUMNS OF(pick_columns)
static void OF(max_row)(void *accumulator, const void *x, int64_t n)
{
    PICK_ROW(OF(larger), START_MAX, accumulator, x, n);
}
static void OF(min_row)(void *accumulator, const void *x, int64_t n) { PICK_ROW(OF(smaller), START_MIN, accumulator, x, n); }
static void OF(max_columns)(void *accumulators, const void *x, int64_t n) { PICK_COLUMNS(OF(larger), accumulators, x, n); }
static void OF(min_columns)(void *accumulators, const void *x, int64_t n) { PICK_COLUMNS(OF(smaller), accumulators, x, n); }
#undef PICK_ROW
#undef PICK_COLUMNS

static const T OF(start_max) = START_MAX, OF(start_min) = START_MIN;

static void OF(prod_row)(void *accumulator, const void *x_, int64_t n)
{
    A *product = accumulator;
    const T *x = x_;
    for (int64_t i = 0; i < n; i++) *product *= (A)x[i];
}

static void OF(prod_columns)(void *accumulators, const void *x_, int64_t n)
{
    A *product = accumulators;
    const T *x = x_;
    for (int64_t i = 0; i < n; i++) product[i] *= (A)x[i];
}

static const A OF(one) = 1;
