/* What reduce_of.h has of sums, for floats: in vectors of doubles.  LANES as there.
 *
 * Converting takes more time than adding, so that in long rows four elements of a lane are added up as floats first:
 * two roundings for each, an error of at most 2^-23 (|x_0| + |x_1| + ...), however long the row is. */
#include "kernels/cpu/levels/doubles.h"

enum { LONG = 2048,  /* shorter rows come from the first cache, and are exact but for the last rounding */
       FAR = 32768,  /* longer ones from memory, perhaps, */
       AHEAD = 2048, /* and are asked for so many elements before: the processor stops asking where a page ends */
       LINE = 16 };  /* floats in a cache line */

static INLINE floats sum_of_four(const float *x, int step)
{
    return (load_floats(x) + load_floats(x + step)) + (load_floats(x + 2 * step) + load_floats(x + 3 * step));
}

enum { FEW = 8 }; /* lanes of a short row */

/* `count` more elements, at most FEW, into as many lanes: zeros change no lane. */
static INLINE void add_some(doubles *sum, const float *x, int64_t count)
{
#if WIDTH > 2
    static const int32_t all[2 * FEW] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const __m256 some = _mm256_maskload_ps(x, _mm256_loadu_si256((const __m256i *)(const void *)(all + FEW - count)));
# if WIDTH == 8
    *sum += doubles_of((floats)some);
# else
    sum[0] += doubles_of((floats)_mm256_castps256_ps128(some));
    sum[1] += doubles_of((floats)_mm256_extractf128_ps(some, 1));
# endif
#else
    double lane[FEW];
    memcpy(lane, sum, sizeof lane);
    for (int64_t j = 0; j < count; j++) lane[j] += (double)x[j];
    memcpy(sum, lane, sizeof lane);
#endif
}

/* FEW lanes: those 4 apart, then those 2 and 1 apart. */
static INLINE double folded(const doubles *sum)
{
#if WIDTH > 2
# if WIDTH == 8
    const __m256d four = _mm512_castpd512_pd256((__m512d)sum[0]) + _mm512_extractf64x4_pd((__m512d)sum[0], 1);
# else
    const __m256d four = sum[0] + sum[1];
# endif
    const __m128d two = _mm256_castpd256_pd128(four) + _mm256_extractf128_pd(four, 1);
#else
    const doubles two = (sum[0] + sum[2]) + (sum[1] + sum[3]);
#endif
    return two[0] + two[1];
}

/* Lanes stay in registers. */
static INLINE double sum_short_f32(const float *x, int64_t n)
{
    doubles sum[FEW / WIDTH] = {{0}};
    int64_t i = 0;
    for (; i + FEW <= n; i += FEW)
#pragma GCC unroll 4
        for (int v = 0; v < FEW / WIDTH; v++) sum[v] += load_doubles(x + i + v * WIDTH);
    if (i < n) add_some(sum, x + i, n - i);
    return folded(sum);
}

/* In fours where there are `fours` elements. */
static INLINE double sum_long_f32(const float *x, int64_t n, int64_t fours)
{
    doubles sum[LANES / WIDTH] = {{0}};
    int64_t i = 0;
    if (n >= fours)
        for (; i + 4 * LANES <= n; i += 4 * LANES) {
            if (n >= FAR)
#pragma GCC unroll 8
                for (int at = 0; at < 4 * LANES; at += LINE) __builtin_prefetch(x + i + AHEAD + at);
#pragma GCC unroll 16
            for (int v = 0; v < LANES / WIDTH; v++) sum[v] += doubles_of(sum_of_four(x + i + v * WIDTH, LANES));
        }
    for (; i + LANES <= n; i += LANES)
#pragma GCC unroll 16
        for (int v = 0; v < LANES / WIDTH; v++) sum[v] += load_doubles(x + i + v * WIDTH);
#pragma GCC unroll 4
    for (int v = 0; v < LANES / WIDTH; v += FEW / WIDTH, i += FEW)
        if (i < n) add_some(sum + v, x + i, n - i < FEW ? n - i : FEW);
#pragma GCC unroll 4
    for (int half = LANES / 2; half >= FEW; half /= 2)
#pragma GCC unroll 16
        for (int v = 0; v < half / WIDTH; v++) sum[v] += sum[v + half / WIDTH];
    return folded(sum);
}

static double sum_run_f32(const float *x, int64_t n) { return n < 4 * LANES ? sum_short_f32(x, n) : sum_long_f32(x, n, LONG); }

static void sum_columns_f32(void *accumulators, const void *x_, int64_t n)
{
    double *sum = accumulators;
    const float *x = x_;
    int64_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        doubles s;
        memcpy(&s, sum + i, sizeof s);
        s += load_doubles(x + i);
        memcpy(sum + i, &s, sizeof s);
    }
    for (; i < n; i++) sum[i] += (double)x[i];
}

/* The same of several rows at a time, so that a sum is fetched and put back once for all of them. */
static void sum_matrix_f32(void *accumulators, const void *x_, int64_t next, int64_t rows, int64_t n)
{
    enum { ROWS = 8 };
    double *sum = accumulators;
    const float *x = x_;
    for (; rows >= ROWS; rows -= ROWS, x += ROWS * next) {
        int64_t i = 0;
        for (; i + WIDTH <= n; i += WIDTH) {
            doubles s;
            memcpy(&s, sum + i, sizeof s);
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) s += load_doubles(x + r * next + i);
            memcpy(sum + i, &s, sizeof s);
        }
        for (; i < n; i++)
            for (int r = 0; r < ROWS; r++) sum[i] += (double)x[r * next + i];
    }
    for (; rows > 0; rows--, x += next) sum_columns_f32(sum, x, n);
}
