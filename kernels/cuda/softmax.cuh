/* What softmax and its backward share: who takes what, and in which order a row is added up.
 *
 * Rows (inner is 1) are held in registers, up to 32 elements a lane: 8 lanes for less than 128 elements, a warp up to 1024,
 * a block up to 8192.  Columns, and longer rows, are read once per pass by a block that is some columns wide.  The CPU
 * (kernels/cpu/levels/softmax_of.h) adds a row up in lanes, as a whole or in blocks of BLOCK; up to 1024 elements, and in
 * columns of up to 64, this has its order and so its bits. */
#ifndef TRIREME_KERNELS_CUDA_SOFTMAX_CUH
#define TRIREME_KERNELS_CUDA_SOFTMAX_CUH

#include "kernels/cuda/team.cuh"
#include "kernels/cuda/walk.cuh"
#include "kernels/formulas.h"

enum { MOST_HELD = 32,
       BLOCK = 512,
       SHORT = 128,         /* less is added up in 8 lanes */
       LONG_ROW = 1024,     /* the longest that a warp takes */
       SHORT_COLUMN = 64 }; /* the longest column that a thread takes alone */

struct softmax_call {
    void *out;
    const void *a, *b; /* x; or dy and y */
    int64_t outer, n, inner;
    bool logarithm, wide;
    int team; /* lanes of a row, or columns side by side */
    divisor columns;
};

/* exp, of what is not above 0 too, and log of what softmax computes in. */
template <class W>
struct softmax_words {
    static __device__ float exp(float x) { return exp_f32(x); }
    static __device__ float below(float x) { return exp_below_f32(x); }
    static __device__ float log(float x) { return log_f32(x); }
};
template <>
struct softmax_words<double> {
    static __device__ double exp(double x) { return exp_f64(x); }
    static __device__ double below(double x) { return exp_f64(x); }
    static __device__ double log(double x) { return log_f64(x); }
};

/* ---- rows ---- */

/* The sum of term(j) over a row's elements, of which this lane holds the j-th: of the whole row, or block by block.  With
 * FOURS a warp adds four of a lane's up as they are before they are widened.
 * A last block of few elements is added up in 8 lanes, which take theirs from memory: at(i). */
template <int HELD, bool FOURS, class TERM, class AT>
static __device__ inline double sum_of_row(const softmax_call &s, int lane, bool in_blocks, double (&of_warp)[WARPS], TERM term, AT at)
{
    const int n = (int)s.n, lanes = s.team;
    double total = 0, part = 0;
    decltype(term(0)) four[4];
    UNROLLED
    for (int j = 0; j < HELD; j++) {
        int i = lane + j * lanes;
        if (j == BLOCK / WARP && in_blocks && j * lanes < n) {
            total = joined<sum_join>(part, lanes, of_warp);
            part = 0;
        }
        four[j % 4] = i < n ? term(j) : 0;
        const bool whole = FOURS && lanes == WARP && (j - j % 4 + 4) * WARP <= n;
        if (!whole && i < n) part += (double)four[j % 4];
        if (whole && j % 4 == 3) part += (double)((four[0] + four[1]) + (four[2] + four[3]));
    }
    if (in_blocks && lanes == WARP && n > BLOCK && n - BLOCK < SHORT) {
        part = 0;
        for (int i = BLOCK + lane; i < n && lane < 8; i += 8) part += (double)at(i);
    }
    return total + joined<sum_join>(part, lanes, of_warp);
}

/* ---- columns ---- */

/* f(x, i) for the elements i, i + step, ... below n, in order, four of them read ahead. */
template <class S, class F>
static __device__ inline void each(const S *x, int64_t i, int64_t n, int64_t step, int64_t inner, F f)
{
    for (; i + 3 * step < n; i += 4 * step) {
        S held[4];
        for (int k = 0; k < 4; k++) held[k] = x[(i + k * step) * inner];
        for (int k = 0; k < 4; k++) f(widened(held[k]), i + k * step);
    }
    for (; i < n; i += step) f(widened(x[i * inner]), i);
}

template <class S, class F>
static __device__ inline void each(const S *x, const S *y, int64_t i, int64_t n, int64_t step, int64_t inner, F f)
{
    for (; i + 3 * step < n; i += 4 * step) {
        S held[4], other[4];
        for (int k = 0; k < 4; k++) held[k] = x[(i + k * step) * inner], other[k] = y[(i + k * step) * inner];
        for (int k = 0; k < 4; k++) f(widened(held[k]), widened(other[k]), i + k * step);
    }
    for (; i < n; i += step) f(widened(x[i * inner]), widened(y[i * inner]), i);
}

/* Where this thread's column of tile t begins; behind the last column stands the last. */
static __device__ inline int64_t column_at(const softmax_call &s, int64_t t, bool *mine)
{
    int64_t columns = s.outer * s.inner, c = t * s.team + (int)threadIdx.x % s.team;
    *mine = c < columns;
    if (!*mine) c = columns - 1;
    int64_t outer = quotient(c, s.columns, s.wide);
    return outer * s.n * s.inner + (c - outer * s.inner);
}

/* ---- the launch ---- */
/* Rows that teams hold? */
static inline bool holds_rows(const softmax_call &s) { return s.inner == 1 && s.n <= MOST_HELD * THREADS; }

static inline softmax_call softmax_call_of(const kernel_call *call)
{
    softmax_call s;
    s.out = call->at[0], s.a = call->at[1], s.b = call->at[2];
    s.outer = call->size[0], s.n = call->size[1], s.inner = call->size[2];
    s.logarithm = call->kernel == KERNEL_LOG_SOFTMAX || call->kernel == KERNEL_LOG_SOFTMAX_BACKWARD;
    int64_t columns = s.outer * s.inner;
    s.wide = columns > MOST_NARROW;
    s.columns = divisor_of(s.inner);
    if (s.inner == 1) {
        s.team = s.n < SHORT ? 8 : s.n <= LONG_ROW ? (int)WARP
                                                   : (int)THREADS;
    } else {
        s.team = s.n <= SHORT_COLUMN ? (int)THREADS : (int)WARP;
        while (s.n > SHORT_COLUMN && s.team / 2 >= columns) s.team /= 2;
    }
    if (s.inner == 1 && !holds_rows(s)) s.team = 1;
    return s;
}

static inline int64_t blocks_of(const softmax_call &s)
{
    int64_t side_by_side = holds_rows(s) ? THREADS / s.team : s.team;
    return (s.outer * s.inner + side_by_side - 1) / side_by_side;
}

/* KERNELS launches them: rows<HELD>(grid, s), columns(grid, s). */
template <class KERNELS>
static int softmax(const kernel_call *call)
{
    if (call->size[0] <= 0 || call->size[1] <= 0 || call->size[2] <= 0) return 0;
    const softmax_call s = softmax_call_of(call);
    const unsigned grid = grid_of(blocks_of(s));
    if (!holds_rows(s))
        KERNELS::columns(grid, s);
    else if (s.n <= 4 * s.team)
        KERNELS::template rows<4>(grid, s);
    else if (s.n <= 16 * s.team)
        KERNELS::template rows<16>(grid, s);
    else
        KERNELS::template rows<MOST_HELD>(grid, s);
    return launched(call);
}

#define PUT_SOFTMAX(KERNEL, KERNELS)                           \
 table[KERNEL][TR_FLOAT32] = softmax<KERNELS<float, float>>;   \
 table[KERNEL][TR_FLOAT64] = softmax<KERNELS<double, double>>; \
 table[KERNEL][TR_FLOAT16] = softmax<KERNELS<f16, float>>;     \
 table[KERNEL][TR_BFLOAT16] = softmax<KERNELS<bf16, float>>;

#endif
