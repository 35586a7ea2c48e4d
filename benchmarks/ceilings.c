#include "ceilings.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"

/* Twelve sums that do not wait for each other hide the latency of every multiply-add, and fit sixteen registers. */
enum { SUMS = 12 };

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
} level;

static level best_level(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return (level){"v4", 16, fma_v4};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return (level){"v3", 8, fma_v3};
#elif defined(__aarch64__)
    return (level){"neon", 4, fma_neon};
#endif
    return (level){"scalar", 1, fma_scalar};
}

const char *ceiling_fma_level(void) { return best_level().name; }

enum { FMA_TIMES = 200000,
       FMA_TRIES = 12,
       MOST_THREADS = 64 };

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
