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

static bool is_double(tr_dtype dtype) { return adders[dtype].next == next_f64; }
static bool is_half(tr_dtype dtype) { return dtype == TR_FLOAT16 || dtype == TR_BFLOAT16; }

bool dist_has_sum(tr_dtype dtype) { return dtype >= 0 && dtype < TR_DTYPES && (is_half(dtype) || adders[dtype].first); }

/* ---- weights ---- */

static int64_t reals(tr_dtype dtype, int64_t n) { return tr_dtype_is_complex(dtype) ? 2 * n : n; }

/* A float's product with a weight that is a float is the same, rounded once, in either type. */
static void scale_floats(float *to, const float *from, int64_t n, double weight)
{
    float w = (float)weight;
    if ((double)w == weight)
        for (int64_t i = 0; i < n; i++) to[i] = w * from[i];
    else
        for (int64_t i = 0; i < n; i++) to[i] = (float)(weight * (double)from[i]);
}

void dist_scale(tr_dtype dtype, void *to, const void *from, int64_t n, double weight)
{
    if (weight == 0) {
        memset(to, 0, (size_t)(n * tr_dtype_size(dtype)));
    } else if (weight == 1) {
        if (to != from) memcpy(to, from, (size_t)(n * tr_dtype_size(dtype)));
    } else if (is_double(dtype)) {
        double *y = to;
        const double *x = from;
        for (int64_t i = 0; i < reals(dtype, n); i++) y[i] = weight * x[i];
    } else {
        scale_floats(to, from, reals(dtype, n), weight);
    }
}

void dist_add_scaled(tr_dtype dtype, void *to, const void *from, int64_t n, double weight)
{
    if (weight == 0) return;
    if (is_double(dtype)) {
        double *y = to;
        const double *x = from;
        for (int64_t i = 0; i < reals(dtype, n); i++) y[i] += weight * x[i];
    } else if (weight == 1) {
        float *y = to;
        const float *x = from;
        for (int64_t i = 0; i < reals(dtype, n); i++) y[i] += x[i];
    } else {
        float *y = to;
        const float *x = from;
        for (int64_t i = 0; i < reals(dtype, n); i++) y[i] = (float)((double)y[i] + weight * (double)x[i]);
    }
}

/* ---- sums ---- */

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

/* Two ranks that both want the sum where their numbers stand: one pass. */
static bool sum_both(const adder *a, void *x, void *y, const double *weight, int64_t n)
{
    if (!weight) {
        a->both(x, y, n);
        return true;
    }
    float u = (float)weight[0], v = (float)weight[1];
    if (a->both != both_f32 || (double)u != weight[0] || (double)v != weight[1]) return false;
    float *restrict p = x, *restrict q = y;
    for (int64_t i = 0; i < n; i++) p[i] = q[i] = u * p[i] + v * q[i];
    return true;
}

/* sum = weighted numbers of one rank, or sum += those. */
static void take_in(const adder *a, tr_dtype dtype, char *sum, const char *from, double weight, int64_t bytes, bool first)
{
    _Alignas(64) char weighted[BLOCK];
    int64_t elements = bytes / (a->each * a->size);
    if (first && weight == 1)
        memcpy(sum, from, (size_t)bytes);
    else if (first)
        dist_scale(dtype, sum, from, elements, weight);
    else if (weight == 1)
        a->next(sum, from, bytes / a->size);
    else {
        dist_scale(dtype, weighted, from, elements, weight);
        a->next(sum, weighted, bytes / a->size);
    }
}

void dist_sum(tr_dtype dtype, const void *const *from, const double *weight, int ranks, void *const *into, int copies, int64_t n)
{
    if (is_half(dtype)) {
        sum_halves(dtype, from, ranks, into, copies, n);
        return;
    }
    const adder *a = &adders[dtype];
    int64_t bytes = n * a->each * a->size;
    bool in_place = ranks == 2 && copies == 2 && from[0] == into[0] && from[1] == into[1];
    if (in_place && sum_both(a, into[0], into[1], weight, n * a->each)) return;
    _Alignas(64) char sum[BLOCK];
    for (int64_t at = 0; at < bytes; at += BLOCK) {
        int64_t m = bytes - at < BLOCK ? bytes - at : BLOCK;
        int r = 0;
        if (!weight && ranks > 1) {
            a->first(sum, (const char *)from[0] + at, (const char *)from[1] + at, m / a->size);
            r = 2;
        }
        for (; r < ranks; r++) take_in(a, dtype, sum, (const char *)from[r] + at, weight ? weight[r] : 1, m, r == 0);
        for (int j = 0; j < copies; j++) memcpy((char *)into[j] + at, sum, (size_t)m);
    }
}

/* ---- the largest ---- */

void dist_max(const uint64_t *const *from, int ranks, uint64_t *into, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t most = from[0][i];
        for (int r = 1; r < ranks; r++)
            if (from[r][i] > most) most = from[r][i];
        into[i] = most;
    }
}
