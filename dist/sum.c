#include "dist/sum.h"

#include "dist/half.h"

#include <string.h>

/* The loops below are all there is to speed here, and gcc's -O2 leaves most of them scalar. */
#if defined(__GNUC__) && !defined(__clang__)
# pragma GCC optimize("O3")
#endif

enum { BLOCK = 4096 }; /* bytes that are summed at a time: they stay in the nearest cache */

/* Whole numbers wrap around, as tensors' do. */
#define ADDS(type, name)                                                                                 \
 static void first_##name(void *restrict sum, const void *restrict a, const void *restrict b, int64_t n) \
 {                                                                                                       \
  type *restrict s = sum;                                                                                \
  const type *restrict x = a, *restrict y = b;                                                           \
  for (int64_t i = 0; i < n; i++) s[i] = (type)(x[i] + y[i]);                                            \
 }                                                                                                       \
 static void next_##name(void *restrict sum, const void *restrict a, int64_t n)                          \
 {                                                                                                       \
  type *restrict s = sum;                                                                                \
  const type *restrict x = a;                                                                            \
  for (int64_t i = 0; i < n; i++) s[i] = (type)(s[i] + x[i]);                                            \
 }                                                                                                       \
 static void both_##name(void *restrict a, void *restrict b, int64_t n)                                  \
 {                                                                                                       \
  type *restrict x = a, *restrict y = b;                                                                 \
  for (int64_t i = 0; i < n; i++) x[i] = y[i] = (type)(x[i] + y[i]);                                     \
 }

ADDS(uint8_t, u8)
ADDS(uint32_t, u32)
ADDS(uint64_t, u64)
ADDS(float, f32)
ADDS(double, f64)

typedef struct {
    int64_t size; /* of one number */
    int each;     /* numbers in one element */
    void (*first)(void *restrict, const void *restrict, const void *restrict, int64_t);
    void (*next)(void *restrict, const void *restrict, int64_t);
    void (*both)(void *restrict, void *restrict, int64_t); /* x = y = x + y */
} adder;

static const adder adders[TR_DTYPES] = {
    [TR_UINT8] = {1, 1, first_u8, next_u8, both_u8},
    [TR_INT32] = {4, 1, first_u32, next_u32, both_u32},
    [TR_INT64] = {8, 1, first_u64, next_u64, both_u64},
    [TR_FLOAT32] = {4, 1, first_f32, next_f32, both_f32},
    [TR_FLOAT64] = {8, 1, first_f64, next_f64, both_f64},
    [TR_COMPLEX64] = {4, 2, first_f32, next_f32, both_f32},
    [TR_COMPLEX128] = {8, 2, first_f64, next_f64, both_f64},
};

static bool is_half(tr_dtype dtype) { return dtype == TR_FLOAT16 || dtype == TR_BFLOAT16; }

bool dist_has_sum(tr_dtype dtype) { return dtype >= 0 && dtype < TR_DTYPES && (is_half(dtype) || adders[dtype].first); }

static void add_halves(float *sum, const uint16_t *x, int64_t n, bool bfloat, bool first)
{
    for (int64_t i = 0; i < n; i++) {
        float wide = bfloat ? dist_from_bfloat16(x[i]) : dist_from_float16(x[i]);
        sum[i] = first ? wide : sum[i] + wide;
    }
}

static void sum_halves(tr_dtype dtype, const void *const *from, int ranks, void *const *into, int copies, int64_t n)
{
    enum { ELEMENTS = BLOCK / sizeof(float) };
    float sum[ELEMENTS];
    uint16_t rounded[ELEMENTS];
    bool bfloat = dtype == TR_BFLOAT16;
    for (int64_t at = 0; at < n; at += ELEMENTS) {
        int64_t m = n - at < ELEMENTS ? n - at : ELEMENTS;
        add_halves(sum, (const uint16_t *)from[0] + at, m, bfloat, true);
        for (int r = 1; r < ranks; r++) add_halves(sum, (const uint16_t *)from[r] + at, m, bfloat, false);
        for (int64_t i = 0; i < m; i++) rounded[i] = bfloat ? dist_to_bfloat16(sum[i]) : dist_to_float16(sum[i]);
        for (int j = 0; j < copies; j++) memcpy((uint16_t *)into[j] + at, rounded, (size_t)m * sizeof *rounded);
    }
}

void dist_sum(tr_dtype dtype, const void *const *from, int ranks, void *const *into, int copies, int64_t n)
{
    if (is_half(dtype)) {
        sum_halves(dtype, from, ranks, into, copies, n);
        return;
    }
    const adder *a = &adders[dtype];
    int64_t bytes = n * a->each * a->size;
    if (ranks == 2 && copies == 2 && from[0] == into[0] && from[1] == into[1]) {
        a->both(into[0], into[1], n * a->each);
        return;
    }
    _Alignas(64) char sum[BLOCK];
    for (int64_t at = 0; at < bytes; at += BLOCK) {
        int64_t m = bytes - at < BLOCK ? bytes - at : BLOCK;
        if (ranks == 1)
            memcpy(sum, (const char *)from[0] + at, (size_t)m);
        else
            a->first(sum, (const char *)from[0] + at, (const char *)from[1] + at, m / a->size);
        for (int r = 2; r < ranks; r++) a->next(sum, (const char *)from[r] + at, m / a->size);
        for (int j = 0; j < copies; j++) memcpy((char *)into[j] + at, sum, (size_t)m);
    }
}

void dist_max(const uint64_t *const *from, int ranks, uint64_t *into, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t most = from[0][i];
        for (int r = 1; r < ranks; r++)
            if (from[r][i] > most) most = from[r][i];
        into[i] = most;
    }
}
