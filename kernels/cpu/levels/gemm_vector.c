/* Small float32 matrices times a vector, c (m) = a (m, k) b (k): few columns, or one or two rows.  No product is fused with
 * its sum, and sums of many terms run in lanes: the same bits from every level. */
#include "kernels/cpu/levels/gemm_small.h"

#include "kernels/cpu/levels/lanes.h"

/* Two columns, dense: compilers that are left alone gather them one by one. */
static INLINE void rows_of_two(int64_t m, float *c, const float *a, float first, float second)
{
    floats x, y;
    int64_t i = 0;
    for (; i + WIDTH <= m; i += WIDTH) {
        pairs_of(load(a + 2 * i), load(a + 2 * i + WIDTH), &x, &y);
        store(c + i, (0 + x * first) + y * second);
    }
    if (i == m) return;
    if (m > WIDTH) { /* the last ones once more, with those before */
        i = m - WIDTH;
        pairs_of(load(a + 2 * i), load(a + 2 * i + WIDTH), &x, &y);
        store(c + i, (0 + x * first) + y * second);
        return;
    }
    pairs_of(load_some(a + 2 * i, 2 * (m - i)), load_some(a + 2 * i + WIDTH, 2 * (m - i) - WIDTH), &x, &y);
    store_some(c + i, (0 + x * first) + y * second, m - i);
}

/* Two rows that lie as pairs: the turned half of a matrix of two columns. */
static INLINE void sums_of_pairs(int64_t k, const float *a, const float *b, float *c0, float *c1)
{
    floats sum[2][PARTS] = {{{0}}}, x, y;
    int64_t l = 0;
    for (; l + LANES <= k; l += LANES)
        for (int p = 0; p < PARTS; p++) {
            const int64_t at = l + p * WIDTH;
            pairs_of(load(a + 2 * at), load(a + 2 * at + WIDTH), &x, &y);
            sum[0][p] += x * load(b + at);
            sum[1][p] += y * load(b + at);
        }
    for (int p = 0; p < PARTS && l + p * WIDTH < k; p++) { /* zeros change no lane */
        const int64_t at = l + p * WIDTH, left = k - at;
        pairs_of(load_some(a + 2 * at, 2 * left), load_some(a + 2 * at + WIDTH, 2 * left - WIDTH), &x, &y);
        sum[0][p] += x * load_some(b + at, left);
        sum[1][p] += y * load_some(b + at, left);
    }
    *c0 = folded(sum[0]);
    *c1 = folded(sum[1]);
}

/* A matrix of two columns, as it lies or turned, times a vector, straight from the call: what every line that is fitted to
 * points asks for. */
bool gemm_of_two(const kernel_call *call)
{
    const int64_t m = call->size[1], k = call->size[3], a_row = call->stride[1][1], a_column = call->stride[1][2];
    if (call->size[2] != 1 || call->size[0] != 1 || call->number[0] != 1 || call->number[1] != 0) return false;
    const float *a = call->at[1], *b = call->at[2];
    float *c = call->at[0];
    if (k == 2 && a_row == 2 && a_column == 1 && call->stride[0][1] == 1)
        rows_of_two(m, c, a, b[0], b[call->stride[2][1]]);
    else if (m == 2 && a_row == 1 && a_column == 2 && call->stride[2][1] == 1 && k > LANES && k <= 32768)
        sums_of_pairs(k, a, b, c, c + call->stride[0][1]);
    else
        return false;
    return true;
}

/* Up to 4 columns: c[i] = a[i,:] b. */
static INLINE void rows(const gemm *g, int64_t k)
{
    const float *a = g->a, *b = g->b;
    float *c = g->c, x[4];
    for (int64_t l = 0; l < k; l++) x[l] = b[l * g->b_row];
    if (gemm_is_plain(g) && g->a_column == 1 && g->a_row == k && g->c_row == 1) {
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
        c[i * g->c_row] = gemm_joined(g, sum, g->beta != 0 ? c[i * g->c_row] : 0);
    }
}

#if WIDTH > 4
/* Up to 16 columns, dense: the products of a row are lanes, and those of eight rows fold together. */
static INLINE __m256 lanes_of(const float *a, const __m256i these[2], const __m256 x[2])
{
    return _mm256_maskload_ps(a, these[0]) * x[0] + _mm256_maskload_ps(a + 8, these[1]) * x[1];
}

static void rows_of_lanes(const gemm *g, const float *b)
{
    const __m256i first = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), count = _mm256_set1_epi32((int)g->k);
    const __m256i these[2] = {_mm256_cmpgt_epi32(count, first), _mm256_cmpgt_epi32(count, _mm256_add_epi32(first, _mm256_set1_epi32(8)))};
    const __m256 x[2] = {_mm256_maskload_ps(b, these[0]), _mm256_maskload_ps(b + 8, these[1])};
    const int64_t a_row = g->a_row;
    const float *a = g->a;
    float *c = g->c;
    int64_t i = 0;
    for (; i + 8 <= g->m; i += 8) {
        __m256 lane[8];
# pragma GCC unroll 8
        for (int r = 0; r < 8; r++, a += a_row) lane[r] = lanes_of(a, these, x);
        _mm256_storeu_ps(c + i, folded_together(lane));
    }
    for (; i < g->m; i++, a += a_row) c[i] = folded_eight(lanes_of(a, these, x));
}
# define HAVE_LANES true
#else
static void rows_of_lanes(const gemm *g, const float *b)
{
    (void)g, (void)b;
}
# define HAVE_LANES false
#endif

/* Up to 16 columns. */
static void rows_of_few(const gemm *g)
{
    const float *b = g->b;
    float x[LANES] = {0};
    for (int64_t l = 0; l < g->k; l++) x[l] = b[l * g->b_row];
    if (HAVE_LANES && gemm_is_plain(g) && g->a_column == 1 && g->c_row == 1) {
        rows_of_lanes(g, g->b_row == 1 ? b : x);
        return;
    }
    for (int64_t i = 0; i < g->m; i++) {
        const float *a = (const float *)g->a + i * g->a_row;
        float *c = (float *)g->c + i * g->c_row, lane[LANES] = {0};
        for (int64_t l = 0; l < g->k; l++) lane[l] = a[l * g->a_column] * x[l];
        *c = gemm_joined(g, folded_one_by_one(lane), g->beta != 0 ? *c : 0);
    }
}

void gemm_few_columns(const gemm *g)
{
    switch (g->k) {
    case 2:
        if (gemm_is_plain(g) && g->a_column == 1 && g->a_row == 2 && g->c_row == 1)
            rows_of_two(g->m, g->c, g->a, *(const float *)g->b, ((const float *)g->b)[g->b_row]);
        else
            rows(g, 2);
        break;
    case 3: rows(g, 3); break;
    case 4: rows(g, 4); break;
    default: rows_of_few(g); break;
    }
}

static INLINE float dot(int64_t k, const float *a, int64_t a_step, const float *b, int64_t b_step)
{
    floats sum[PARTS] = {{0}};
    int64_t l = 0;
    if (a_step != 1 || b_step != 1) {
        float lane[LANES] = {0};
        for (; l < k; l++) lane[l % LANES] += a[l * a_step] * b[l * b_step];
        return folded_one_by_one(lane);
    }
    for (; l + LANES <= k; l += LANES)
        for (int p = 0; p < PARTS; p++) sum[p] += load(a + l + p * WIDTH) * load(b + l + p * WIDTH);
    for (int p = 0; p < PARTS && l < k; p++, l += WIDTH) sum[p] += load_some(a + l, k - l) * load_some(b + l, k - l);
    return folded(sum);
}

void gemm_dots(const gemm *g)
{
    float sum[2];
    const float *a = g->a, *b = g->b;
    if (g->m == 2 && g->a_row == 1 && g->a_column == 2 && g->b_row == 1)
        sums_of_pairs(g->k, a, b, &sum[0], &sum[1]);
    else
        for (int64_t i = 0; i < g->m; i++) sum[i] = dot(g->k, a + i * g->a_row, g->a_column, b, g->b_row);
    for (int64_t i = 0; i < g->m; i++) {
        float *c = (float *)g->c + i * g->c_row;
        *c = gemm_joined(g, sum[i], g->beta != 0 ? *c : 0);
    }
}
