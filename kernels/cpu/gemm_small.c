/* Small float32 products by hand, where a library call (100 ns and more) costs more than the work: a matrix with few
 * columns times a vector, one or two dot products, an outer product.  Measured against OpenBLAS and oneDNN: 12 ns
 * against 105 for 100x2x1. */
#include "kernels/cpu/gemm.h"

#include <string.h>

enum { LANES = 8 };

/* Four floats, which every processor of ours takes at once. */
typedef float four __attribute__((vector_size(16)));
typedef struct {
    four first, second;
} pairs;

static inline four load(const float *x)
{
    four v;
    memcpy(&v, x, sizeof v);
    return v;
}
static inline void store(float *to, four v) { memcpy(to, &v, sizeof v); }

/* x0 y0 x1 y1 x2 y2 x3 y3, as x0 x1 x2 x3 and y0 y1 y2 y3 */
static inline pairs pairs_at(const float *x)
{
    const four a = load(x), b = load(x + 4);
#if defined(__has_builtin)
# if __has_builtin(__builtin_shufflevector)
    return (pairs){__builtin_shufflevector(a, b, 0, 2, 4, 6), __builtin_shufflevector(a, b, 1, 3, 5, 7)};
# endif
#endif
    return (pairs){{a[0], a[2], b[0], b[2]}, {a[1], a[3], b[1], b[3]}}; /* the same; gcc makes moves of it */
}

static float joined(const gemm *g, float sum, float before)
{
    float y = g->alpha == 1 ? sum : (float)g->alpha * sum;
    return g->beta != 0 ? y + (float)g->beta * before : y;
}

/* k = 1: c[i,j] = a[i] b[j]. */
static inline __attribute__((always_inline)) void outer_dense(const gemm *g, int64_t n)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c;
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < n; j++) c[i * n + j] = a[i] * b[j];
}

static void outer(const gemm *g)
{
    const float *a = g->a, *b = g->b;
    if (g->alpha == 1 && g->beta == 0 && g->c_column == 1 && g->c_row == g->n && g->a_row == 1 && g->b_column == 1) {
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

/* n = 1, few columns: c[i] = a[i,:] b. */
static inline __attribute__((always_inline)) void rows(const gemm *g, int64_t k)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c, x[16];
    for (int64_t l = 0; l < k; l++) x[l] = b[l * g->b_row];
    bool dense = g->a_column == 1 && g->a_row == k && g->c_row == 1 && g->alpha == 1 && g->beta == 0;
    for (int64_t i = 0; i < g->m; i++) {
        float sum = 0;
        if (dense) {
            for (int64_t l = 0; l < k; l++) sum += a[i * k + l] * x[l];
            c[i] = sum;
        } else {
            for (int64_t l = 0; l < k; l++) sum += a[i * g->a_row + l * g->a_column] * x[l];
            c[i * g->c_row] = joined(g, sum, g->beta != 0 ? c[i * g->c_row] : 0);
        }
    }
}

/* Two columns, dense: four rows at a time; the first columns' products and the second's stand apart, then add up. */
static int64_t rows_of_two(const gemm *g)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c;
    if (g->a_column != 1 || g->a_row != 2 || g->c_row != 1 || g->alpha != 1 || g->beta != 0) return 0;
    const four first = {b[0], b[0], b[0], b[0]}, second = {b[g->b_row], b[g->b_row], b[g->b_row], b[g->b_row]};
    int64_t i = 0;
    for (; i + 4 <= g->m; i += 4) {
        pairs p = pairs_at(a + 2 * i);
        store(c + i, (four){0} + p.first * first + p.second * second);
    }
    return i;
}

static void few_columns(const gemm *g)
{
    switch (g->k) {
    case 2: {
        gemm rest = *g;
        int64_t done = rows_of_two(g);
        rest.m -= done;
        rest.a = (const float *)g->a + done * g->a_row;
        rest.c = (float *)g->c + done * g->c_row;
        rows(&rest, 2);
        break;
    }
    case 3: rows(g, 3); break;
    case 4: rows(g, 4); break;
    default: rows(g, g->k); break;
    }
}

/* n = 1, one or two rows: dot products, in lanes of a fixed order. */
static float folded(const float *lane)
{
    return lane[0] + lane[4] + (lane[2] + lane[6]) + (lane[1] + lane[5] + (lane[3] + lane[7]));
}

/* The lanes of a row, up to the last whole eight; returns how many terms these are. */
static int64_t lanes_dense(const float *a, const float *b, int64_t k, float *lane)
{
    four low = {0}, high = {0};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES) {
        low += load(a + l) * load(b + l);
        high += load(a + l + 4) * load(b + l + 4);
    }
    store(lane, low);
    store(lane + 4, high);
    return l;
}

/* The same of two rows that lie as pairs: the turned half of a matrix of two columns. */
static int64_t lanes_of_pairs(const float *a, const float *b, int64_t k, float lane[2][LANES])
{
    four low[2] = {{0}}, high[2] = {{0}};
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES) {
        pairs p = pairs_at(a + 2 * l), q = pairs_at(a + 2 * l + 8);
        four x = load(b + l), y = load(b + l + 4);
        low[0] += p.first * x;
        low[1] += p.second * x;
        high[0] += q.first * y;
        high[1] += q.second * y;
    }
    for (int i = 0; i < 2; i++) {
        store(lane[i], low[i]);
        store(lane[i] + 4, high[i]);
    }
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
    gemm g = given->m == 1 && given->n != 1 ? gemm_transposed(given) : *given;
    if (g.m * g.n * g.k > 65536) return false;
    if (g.k == 1)
        outer(given);
    else if (g.n == 1 && g.k <= 16)
        few_columns(&g);
    else if (g.n == 1 && g.m <= 2)
        dots(&g);
    else
        return false;
    return true;
}
