#include "ceilings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

/* Twelve sums that do not wait for each other hide the latency of every multiply-add, and fit sixteen registers. */
enum { SUMS = 12 };

/* Multiply-adds as a product makes them: `steps` times, two vectors of b are loaded, and each of so many rows' elements of
 * a, one after the other. */
enum { FED_STEPS = 128,
       MOST_ROWS = 12,
       VECTORS = 2 };

#if defined(__x86_64__)
# include <immintrin.h>

__attribute__((target("avx512f"))) static float fma_v4(int64_t times)
{
    __m512 sum[SUMS], a = _mm512_set1_ps(0.9999f), b = _mm512_set1_ps(1e-4f);
    for (int i = 0; i < SUMS; i++) sum[i] = _mm512_set1_ps((float)i);
    for (int64_t t = 0; t < times; t++)
# pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sum[i] = _mm512_fmadd_ps(sum[i], a, b);
    for (int i = 1; i < SUMS; i++) sum[0] = _mm512_add_ps(sum[0], sum[i]);
    return _mm512_cvtss_f32(sum[0]);
}

__attribute__((target("avx512f"))) static float fed_v4(const float *a, const float *b)
{
    __m512 sum[12][VECTORS];
    for (int i = 0; i < 12; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (int64_t step = 0; step < FED_STEPS; step++, a += 12, b += 16 * VECTORS) {
        const __m512 left = _mm512_load_ps(b), right = _mm512_load_ps(b + 16);
# pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            const __m512 row = _mm512_set1_ps(a[i]);
            sum[i][0] = _mm512_fmadd_ps(row, left, sum[i][0]);
            sum[i][1] = _mm512_fmadd_ps(row, right, sum[i][1]);
        }
    }
    for (int i = 0; i < 12; i++) sum[0][0] = _mm512_add_ps(sum[0][0], _mm512_add_ps(sum[i][0], sum[i][1]));
    return _mm512_cvtss_f32(sum[0][0]);
}

__attribute__((target("avx2,fma"))) static float fma_v3(int64_t times)
{
    __m256 sum[SUMS], a = _mm256_set1_ps(0.9999f), b = _mm256_set1_ps(1e-4f);
    for (int i = 0; i < SUMS; i++) sum[i] = _mm256_set1_ps((float)i);
    for (int64_t t = 0; t < times; t++)
# pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sum[i] = _mm256_fmadd_ps(sum[i], a, b);
    for (int i = 1; i < SUMS; i++) sum[0] = _mm256_add_ps(sum[0], sum[i]);
    return _mm256_cvtss_f32(sum[0]);
}

__attribute__((target("avx2,fma"))) static float fed_v3(const float *a, const float *b)
{
    __m256 sum[6][VECTORS];
    for (int i = 0; i < 6; i++) sum[i][0] = sum[i][1] = _mm256_setzero_ps();
    for (int64_t step = 0; step < FED_STEPS; step++, a += 6, b += 8 * VECTORS) {
        const __m256 left = _mm256_load_ps(b), right = _mm256_load_ps(b + 8);
# pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            const __m256 row = _mm256_set1_ps(a[i]);
            sum[i][0] = _mm256_fmadd_ps(row, left, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(row, right, sum[i][1]);
        }
    }
    for (int i = 0; i < 6; i++) sum[0][0] = _mm256_add_ps(sum[0][0], _mm256_add_ps(sum[i][0], sum[i][1]));
    return _mm256_cvtss_f32(sum[0][0]);
}
#elif defined(__aarch64__)
# include <arm_neon.h>

static float fma_neon(int64_t times)
{
    float32x4_t sum[SUMS], a = vdupq_n_f32(0.9999f), b = vdupq_n_f32(1e-4f);
    for (int i = 0; i < SUMS; i++) sum[i] = vdupq_n_f32((float)i);
    for (int64_t t = 0; t < times; t++)
# pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++) sum[i] = vfmaq_f32(b, sum[i], a);
    for (int i = 1; i < SUMS; i++) sum[0] = vaddq_f32(sum[0], sum[i]);
    return vgetq_lane_f32(sum[0], 0);
}
#endif

static float fma_scalar(int64_t times)
{
    float sum[SUMS] = {0};
    for (int64_t t = 0; t < times; t++)
        for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * 0.9999f + 1e-4f;
    for (int i = 1; i < SUMS; i++) sum[0] += sum[i];
    return sum[0];
}

typedef struct {
    const char *name;
    int lanes;
    float (*run)(int64_t times);
    int rows; /* of fed, which is NULL where it is not written */
    float (*fed)(const float *a, const float *b);
} level;

static level best_level(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return (level){"v4", 16, fma_v4, 12, fed_v4};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return (level){"v3", 8, fma_v3, 6, fed_v3};
#elif defined(__aarch64__)
    return (level){"neon", 4, fma_neon, 0, NULL};
#endif
    return (level){"scalar", 1, fma_scalar, 0, NULL};
}

const char *ceiling_fma_level(void) { return best_level().name; }

enum { FMA_TIMES = 200000,
       FMA_TRIES = 12,
       MOST_THREADS = 64 };
static const double FED_SECONDS = 1e-3;

static pthread_barrier_t together;
static volatile float sink;

/* The seconds of tries that all threads begin together. */
static void *fma_worker(void *took)
{
    level l = best_level();
    double *seconds = took;
    for (int i = 0; i < FMA_TRIES; i++) {
        pthread_barrier_wait(&together);
        double start = bench_seconds();
        sink = l.run(FMA_TIMES);
        seconds[i] = bench_seconds() - start;
    }
    return NULL;
}

double ceiling_fma(int threads)
{
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    pthread_t thread[MOST_THREADS];
    double seconds[MOST_THREADS][FMA_TRIES], best = 0;
    pthread_barrier_init(&together, NULL, (unsigned)threads);
    for (int i = 1; i < threads; i++)
        if (pthread_create(&thread[i], NULL, fma_worker, seconds[i]) != 0) abort();
    fma_worker(seconds[0]);
    for (int i = 1; i < threads; i++) pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&together);
    for (int i = 0; i < FMA_TRIES; i++) { /* a try lasts as long as its slowest thread */
        double slowest = 0;
        for (int t = 0; t < threads; t++)
            if (seconds[t][i] > slowest) slowest = seconds[t][i];
        double rate = 2.0 * SUMS * best_level().lanes * FMA_TIMES * threads / slowest / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

double ceiling_fma_fed(int64_t bytes)
{
    const level l = best_level();
    const int64_t width = (int64_t)VECTORS * l.lanes, panels = bytes / (FED_STEPS * width * 4);
    if (!l.fed || panels < 1) return 0;
    float *a = aligned_alloc(64, FED_STEPS * MOST_ROWS * 4), *b = aligned_alloc(64, (size_t)(panels * FED_STEPS * width) * 4);
    double best = 0;
    if (a && b) {
        bench_fill(a, (int64_t)FED_STEPS * MOST_ROWS, 1);
        bench_fill(b, panels * FED_STEPS * width, 2);
        for (int i = 0; i < FMA_TRIES; i++) {
            const double flop = 2.0 * (double)(width * l.rows * FED_STEPS);
            int64_t calls = 0;
            double start = bench_seconds(), took;
            do {
                for (int64_t p = 0; p < panels; p++, calls++) sink = l.fed(a, b + p * FED_STEPS * width);
            } while ((took = bench_seconds() - start) < FED_SECONDS);
            const double rate = flop * (double)calls / took / 1e9;
            if (rate > best) best = rate;
        }
    }
    free(a);
    free(b);
    return best;
}

/* The copy is made as the machine likes it best at this size: by the C library, or past the caches. */
static void copy_streaming(float *to, const float *from, int64_t n)
{
#if defined(__x86_64__)
    for (int64_t i = 0; i + 4 <= n; i += 4) _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
    _mm_sfence();
#else
    memcpy(to, from, (size_t)n * sizeof *to);
#endif
}

double ceiling_copy(int64_t bytes)
{
    int64_t n = bytes / 4;
    size_t room = (size_t)(n + 16) / 16 * 64;
    float *from = aligned_alloc(64, room), *to = aligned_alloc(64, room);
    double best = 0;
    if (from && to) {
        memset(from, 1, room);
        memset(to, 1, room);
        int64_t times = 1 + INT64_C(4000000) / bytes;
        for (int streaming = 0; streaming < 2; streaming++)
            for (int i = 0; i < 9; i++) {
                double start = bench_seconds();
                for (int64_t t = 0; t < times; t++) {
                    if (streaming)
                        copy_streaming(to, from, n);
                    else
                        memcpy(to, from, (size_t)n * 4);
                    __asm__ volatile(""
                                     :
                                     : "r"(to), "r"(from)
                                     : "memory");
                }
                double rate = 2.0 * (double)bytes * (double)times / (bench_seconds() - start) / 1e9;
                if (rate > best) best = rate;
            }
    }
    free(from);
    free(to);
    return best;
}
