/* Floats in registers of whatever width this level has, and sums of sixteen lanes that are folded in one order
 * everywhere: a value has the same bits from every level. */
#ifndef TRIREME_KERNELS_LANES_H
#define TRIREME_KERNELS_LANES_H

#include "kernels/cpu/levels/level.h"

#if defined(__AVX512F__)
# include <immintrin.h>
# define WIDTH 16
#elif defined(__AVX2__)
# include <immintrin.h>
# define WIDTH 8
#else
# define WIDTH 4
#endif
enum { LANES = 16,
       PARTS = LANES / WIDTH }; /* registers that hold them */

typedef float floats __attribute__((vector_size(WIDTH * 4)));

static INLINE floats load(const float *x)
{
    floats v;
    memcpy(&v, x, sizeof v);
    return v;
}
static INLINE void store(float *to, floats v) { memcpy(to, &v, sizeof v); }

/* The first `count`, and zeros; none if it is negative. */
#if defined(__AVX512F__)
typedef __mmask16 some;
static INLINE some some_of(int64_t count) { return (some)((1u << (count < 0 ? 0 : count > WIDTH ? WIDTH
                                                                                                : count)) -
                                                          1); }
static INLINE floats load_these(const float *x, some these) { return (floats)_mm512_maskz_loadu_ps(these, x); }
static INLINE void store_these(float *to, floats v, some these) { _mm512_mask_storeu_ps(to, these, (__m512)v); }
#elif defined(__AVX2__)
typedef __m256i some;
static INLINE some some_of(int64_t count)
{
    static const int32_t all[2 * WIDTH] = {-1, -1, -1, -1, -1, -1, -1, -1};
    some these;
    memcpy(&these, all + WIDTH - (count < WIDTH ? count > 0 ? count : 0 : WIDTH), sizeof these);
    return these;
}
static INLINE floats load_these(const float *x, some these) { return (floats)_mm256_maskload_ps(x, these); }
static INLINE void store_these(float *to, floats v, some these) { _mm256_maskstore_ps(to, these, (__m256)v); }
#else
typedef int64_t some;
static INLINE some some_of(int64_t count) { return count; }
static INLINE floats load_these(const float *x, some these)
{
    floats v = {0};
    for (int j = 0; j < WIDTH && j < these; j++) v[j] = x[j];
    return v;
}
static INLINE void store_these(float *to, floats v, some these)
{
    for (int j = 0; j < WIDTH && j < these; j++) to[j] = v[j];
}
#endif
static INLINE floats load_some(const float *x, int64_t count)
{
    return load_these(x, some_of(count));
}
static INLINE void store_some(float *to, floats v, int64_t count) { store_these(to, v, some_of(count)); }

/* Those 8 apart are added, then those 4, 2 and 1 apart. */
#if WIDTH > 4
static INLINE float folded_eight(__m256 lane)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(lane), _mm256_extractf128_ps(lane, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
#endif
/* The same of eight registers, a sum for each. */
#if WIDTH > 4
static INLINE __m256 folded_together(const __m256 *lane)
{
    __m256 four[4], two[2]; /* lanes of the even sums in the lower half, of the odd ones in the upper */
# pragma GCC unroll 4
    for (int r = 0; r < 4; r++) four[r] = _mm256_permute2f128_ps(lane[2 * r], lane[2 * r + 1], 0x20) + _mm256_permute2f128_ps(lane[2 * r], lane[2 * r + 1], 0x31);
# pragma GCC unroll 2
    for (int r = 0; r < 2; r++) two[r] = _mm256_shuffle_ps(four[2 * r], four[2 * r + 1], 0x44) + _mm256_shuffle_ps(four[2 * r], four[2 * r + 1], 0xee);
    const __m256 one = _mm256_shuffle_ps(two[0], two[1], 0x88) + _mm256_shuffle_ps(two[0], two[1], 0xdd);
    return _mm256_permutevar8x32_ps(one, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
#endif
static INLINE float folded(const floats *lane)
{
#if WIDTH == 16
    const __m512d all = (__m512d)lane[0];
    return folded_eight(_mm256_add_ps(_mm512_castps512_ps256((__m512)all), (__m256)_mm512_extractf64x4_pd(all, 1)));
#elif WIDTH == 8
    return folded_eight((__m256)(lane[0] + lane[1]));
#else
    const floats four = (lane[0] + lane[2]) + (lane[1] + lane[3]);
    return (four[0] + four[2]) + (four[1] + four[3]);
#endif
}

/* Of lanes that were just written one by one: read as a register, they would be waited for. */
static INLINE float folded_one_by_one(const float *lane)
{
    float four[4];
    for (int j = 0; j < 4; j++) four[j] = (lane[j] + lane[j + 8]) + (lane[j + 4] + lane[j + 12]);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

/* x0 y0 x1 y1 ..., in a and b, as x0 x1 ... and y0 y1 ..., and back */
#if defined(__has_builtin)
# if __has_builtin(__builtin_shufflevector)
#  define HAVE_SHUFFLES
# endif
#endif
static INLINE void pairs_of(floats a, floats b, floats *x, floats *y)
{
#if defined(HAVE_SHUFFLES) && WIDTH == 16
    *x = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *y = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif defined(HAVE_SHUFFLES) && WIDTH == 8
    *x = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    *y = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#elif defined(HAVE_SHUFFLES)
    *x = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    *y = __builtin_shufflevector(a, b, 1, 3, 5, 7);
#else
    for (int i = 0; i < WIDTH; i++) {
        (*x)[i] = i < WIDTH / 2 ? a[2 * i] : b[2 * i - WIDTH];
        (*y)[i] = i < WIDTH / 2 ? a[2 * i + 1] : b[2 * i + 1 - WIDTH];
    }
#endif
}
static INLINE void twice(floats x, floats *a, floats *b) /* x0 x0 x1 x1 ... */
{
#if defined(HAVE_SHUFFLES) && WIDTH == 16
    *a = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    *b = __builtin_shufflevector(x, x, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
#elif defined(HAVE_SHUFFLES) && WIDTH == 8
    *a = __builtin_shufflevector(x, x, 0, 0, 1, 1, 2, 2, 3, 3);
    *b = __builtin_shufflevector(x, x, 4, 4, 5, 5, 6, 6, 7, 7);
#elif defined(HAVE_SHUFFLES)
    *a = __builtin_shufflevector(x, x, 0, 0, 1, 1);
    *b = __builtin_shufflevector(x, x, 2, 2, 3, 3);
#else
    for (int i = 0; i < WIDTH; i++) {
        (*a)[i] = x[i / 2];
        (*b)[i] = x[(i + WIDTH) / 2];
    }
#endif
}

#endif
