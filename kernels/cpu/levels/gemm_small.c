/* Small float32 products by hand, where a library call (100 ns and more) costs more than the work: a matrix with few
 * columns times a vector, one or two dot products, an outer product, a result of few columns (gemm_narrow.c).  No product
 * is fused with its sum but in the last, so that a value has the same bits from every level. */
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/levels/gemm_narrow.h"

enum { LANES = 8 };

/* As many floats as fill a register; LANES of them are one or two. */
#if defined(__AVX__)
# define WIDTH 8
#else
# define WIDTH 4
#endif
enum { PARTS = LANES / WIDTH };
typedef float floats __attribute__((vector_size(WIDTH * 4)));

static INLINE floats load(const float *x)
{
    floats v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* The first `count` of them, and zeros. */
#if defined(__AVX2__)
# include <immintrin.h>
typedef __m256i some;
static INLINE some some_of(int64_t count)
{
    static const int32_t all[2 * WIDTH] = {-1, -1, -1, -1, -1, -1, -1, -1};
    some these;
    memcpy(&these, all + WIDTH - (count < WIDTH ? count > 0 ? count : 0 : WIDTH), sizeof these);
    return these;
}
static INLINE floats load_these(const float *x, some these) { return (floats)_mm256_maskload_ps(x, these); }
static INLINE floats load_some(const float *x, int64_t count) { return load_these(x, some_of(count)); }
# define HAVE_SOME
#endif

/* The sum of 8 lanes, always in this order. */
static INLINE float folded(const float *lane)
{
    return lane[0] + lane[4] + (lane[2] + lane[6]) + (lane[1] + lane[5] + (lane[3] + lane[7]));
}
#if defined(HAVE_SOME)
static INLINE float folded_register(floats lane)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128((__m256)lane), _mm256_extractf128_ps((__m256)lane, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
#endif

/* x0 y0 x1 y1 ..., in a and b, as x0 x1 ... and y0 y1 ... */
#if defined(__has_builtin)
# if __has_builtin(__builtin_shufflevector)
#  define HAVE_SHUFFLES
# endif
#endif
static INLINE void pairs_of(floats a, floats b, floats *x, floats *y)
{
#if defined(HAVE_SHUFFLES) && WIDTH == 8
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
static INLINE void load_pairs(const float *at, floats *x, floats *y) { pairs_of(load(at), load(at + WIDTH), x, y); }

static float joined(const gemm *g, float sum, float before)
{
    float y = g->alpha == 1 ? sum : (float)g->alpha * sum;
    return g->beta != 0 ? y + (float)g->beta * before : y;
}

/* Nothing but c = a b. */
static bool is_plain(const gemm *g) { return g->alpha == 1 && g->beta == 0; }

/* k = 1: c[i,j] = a[i] b[j]. */
static INLINE void outer_dense(const gemm *g, int64_t n)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c;
    if (n == 1) {
        const float one = *b;
#pragma omp simd
        for (int64_t i = 0; i < g->m; i++) c[i] = a[i] * one;
        return;
    }
    for (int64_t i = 0; i < g->m; i++)
#pragma omp simd
        for (int64_t j = 0; j < n; j++) c[i * n + j] = a[i] * b[j];
}

static void outer(const gemm *g)
{
    const float *a = g->a, *b = g->b;
    if (is_plain(g) && g->n > 3 && gemm_narrow(g)) return;
    if (is_plain(g) && g->c_column == 1 && g->c_row == g->n && g->a_row == 1 && g->b_column == 1) {
        switch (g->n) {
        case 1: outer_dense(g, 1); break;
        case 2: outer_dense(g, 2); break;
        case 3: outer_dense(g, 3); break;
        default: outer_dense(g, g->n); break;
        }
        return;
    }
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            float *c = (float *)g->c + i * g->c_row + j * g->c_column;
            *c = joined(g, a[i * g->a_row] * b[j * g->b_column], g->beta != 0 ? *c : 0);
        }
}

/* n = 1, up to 4 columns: c[i] = a[i,:] b. */
static INLINE void rows(const gemm *g, int64_t k)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c, x[4];
    for (int64_t l = 0; l < k; l++) x[l] = b[l * g->b_row];
    if (is_plain(g) && g->a_column == 1 && g->a_row == k && g->c_row == 1) {
#pragma omp simd
        for (int64_t i = 0; i < g->m; i++) {
            float sum = 0;
            for (int64_t l = 0; l < k; l++) sum += a[i * k + l] * x[l];
            c[i] = sum;
        }
        return;
    }
    for (int64_t i = 0; i < g->m; i++) {
        float sum = 0;
        for (int64_t l = 0; l < k; l++) sum += a[i * g->a_row + l * g->a_column] * x[l];
        c[i * g->c_row] = joined(g, sum, g->beta != 0 ? c[i * g->c_row] : 0);
    }
}

/* Two columns, dense: compilers that are left alone gather them one by one. */
static INLINE void rows_of_two(const gemm *g)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c;
    const float first = b[0], second = b[g->b_row];
    int64_t i = 0;
    for (; i + WIDTH <= g->m; i += WIDTH) {
        floats x, y;
        load_pairs(a + 2 * i, &x, &y);
        const floats sum = (0 + x * first) + y * second;
        memcpy(c + i, &sum, sizeof sum);
    }
    for (; i < g->m; i++) c[i] = (0 + a[2 * i] * first) + a[2 * i + 1] * second;
}

/* Up to 16 columns: of a row's products those 8 apart are added first, then the lanes fold. */
static void rows_of_few(const gemm *g)
{
    const float *b = g->b;
    float x[2 * LANES] = {0};
    for (int64_t l = 0; l < g->k; l++) x[l] = b[l * g->b_row];
#if defined(HAVE_SOME)
    if (is_plain(g) && g->a_column == 1) {
        const int64_t m = g->m, a_row = g->a_row, c_row = g->c_row;
        const some low = some_of(g->k), high = some_of(g->k - LANES);
        const floats x_low = load(x), x_high = load(x + LANES);
        const float *a = g->a;
        float *c = g->c;
        for (int64_t i = 0; i < m; i++, a += a_row, c += c_row) *c = folded_register(load_these(a, low) * x_low + load_these(a + LANES, high) * x_high);
        return;
    }
#endif
    for (int64_t i = 0; i < g->m; i++) {
        const float *a = (const float *)g->a + i * g->a_row;
        float *c = (float *)g->c + i * g->c_row, lane[2 * LANES] = {0};
        for (int64_t l = 0; l < g->k; l++) lane[l] = a[l * g->a_column] * x[l];
        for (int j = 0; j < LANES; j++) lane[j] += lane[j + LANES];
        *c = joined(g, folded(lane), g->beta != 0 ? *c : 0);
    }
}

static void few_columns(const gemm *g)
{
    if (g->k == 2 && is_plain(g) && g->a_column == 1 && g->a_row == 2 && g->c_row == 1) {
        rows_of_two(g);
        return;
    }
    switch (g->k) {
    case 2: rows(g, 2); break;
    case 3: rows(g, 3); break;
    case 4: rows(g, 4); break;
    default: rows_of_few(g); break;
    }
}

/* n = 1, one or two rows: dot products, in lanes of a fixed order. */

/* The lanes of a row, up to the last whole eight, or all: zeros change no lane.  Returns how many terms these are. */
static INLINE int64_t lanes_dense(const float *a, const float *b, int64_t k, float *lane)
{
    floats sum[PARTS] = {{0}};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES)
        for (int p = 0; p < PARTS; p++) sum[p] += load(a + l + p * WIDTH) * load(b + l + p * WIDTH);
#if defined(HAVE_SOME)
    sum[0] += load_some(a + l, k - l) * load_some(b + l, k - l);
    l = k;
#endif
    memcpy(lane, sum, sizeof sum);
    return l;
}

/* The same of two rows that lie as pairs: the turned half of a matrix of two columns. */
static INLINE int64_t lanes_of_pairs(const float *a, const float *b, int64_t k, float lane[2][LANES])
{
    floats sum[2][PARTS] = {{{0}}};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES)
        for (int p = 0; p < PARTS; p++) {
            const int64_t at = l + p * WIDTH;
            floats x, y;
            load_pairs(a + 2 * at, &x, &y);
            sum[0][p] += x * load(b + at);
            sum[1][p] += y * load(b + at);
        }
#if defined(HAVE_SOME)
    floats x, y;
    pairs_of(load_some(a + 2 * l, 2 * (k - l)), load_some(a + 2 * l + WIDTH, 2 * (k - l) - WIDTH), &x, &y);
    sum[0][0] += x * load_some(b + l, k - l);
    sum[1][0] += y * load_some(b + l, k - l);
    l = k;
#endif
    memcpy(lane[0], sum[0], sizeof sum[0]);
    memcpy(lane[1], sum[1], sizeof sum[1]);
    return l;
}

static void dots(const gemm *g)
{
    const float *b = g->b;
    float lane[2][LANES] = {{0}};
    bool as_pairs = g->m == 2 && g->a_row == 1 && g->a_column == 2 && g->b_row == 1;
    int64_t pairs_done = as_pairs ? lanes_of_pairs(g->a, b, g->k, lane) : 0;
    for (int64_t i = 0; i < g->m; i++) {
        const float *a = (const float *)g->a + i * g->a_row;
        float *c = (float *)g->c + i * g->c_row;
        int64_t l = as_pairs ? pairs_done : g->a_column == 1 && g->b_row == 1 ? lanes_dense(a, b, g->k, lane[i])
                                                                              : 0;
        for (; l < g->k; l++) lane[i][l % LANES] += a[l * g->a_column] * b[l * g->b_row];
        *c = joined(g, folded(lane[i]), g->beta != 0 ? *c : 0);
    }
}

bool gemm_small(const gemm *given)
{
    gemm turned;
    const gemm *g = given;
    if (g->m == 1 && g->n != 1) {
        turned = gemm_transposed(given);
        g = &turned;
    }
    if (g->m * g->n * g->k > 65536) return false;
    if (g->k == 1)
        outer(given);
    else if (g->n == 1 && g->k <= 16)
        few_columns(g);
    else if (g->n == 1 && g->m <= 2)
        dots(g);
    else
        return is_plain(given) && gemm_narrow(given);
    return true;
}
