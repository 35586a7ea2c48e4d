/* Which of the small float32 products is whose: a matrix with few columns times a vector, one or two dot products
 * (gemm_vector.c), a result of few columns (gemm_narrow.c), an outer product.  No product is fused with its sum but in
 * gemm_narrow.c, so that a value has the same bits from every level. */
#include "kernels/cpu/levels/gemm_small.h"

#include "kernels/cpu/levels/lanes.h"

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

/* Two columns: a row beside the next. */
static INLINE void outer_of_two(int64_t m, float *c, const float *a, const float *b)
{
    floats x, y, of_b;
    for (int j = 0; j < WIDTH; j++) of_b[j] = b[j % 2];
    int64_t i = 0;
    for (; i + WIDTH <= m; i += WIDTH) {
        twice(load(a + i), &x, &y);
        store(c + 2 * i, x * of_b);
        store(c + 2 * i + WIDTH, y * of_b);
    }
    if (i == m) return;
    twice(load_some(a + i, m - i), &x, &y);
    store_some(c + 2 * i, x * of_b, 2 * (m - i));
    store_some(c + 2 * i + WIDTH, y * of_b, 2 * (m - i) - WIDTH);
}

static void outer(const gemm *g)
{
    const float *a = g->a, *b = g->b;
    if (gemm_is_plain(g) && g->n > 3 && gemm_narrow(g)) return;
    if (gemm_is_plain(g) && g->c_column == 1 && g->c_row == g->n && g->a_row == 1 && g->b_column == 1) {
        switch (g->n) {
        case 1: outer_dense(g, 1); break;
        case 2: outer_of_two(g->m, g->c, a, b); break;
        case 3: outer_dense(g, 3); break;
        default: outer_dense(g, g->n); break;
        }
        return;
    }
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            float *c = (float *)g->c + i * g->c_row + j * g->c_column;
            *c = gemm_joined(g, a[i * g->a_row] * b[j * g->b_column], g->beta != 0 ? *c : 0);
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
    else if (g->n == 1 && g->k <= LANES)
        gemm_few_columns(g);
    else if (g->n == 1 && g->m <= 2)
        gemm_dots(g);
    else
        return gemm_is_plain(given) && gemm_narrow(given);
    return true;
}

/* All float32 products of the CPU begin here. */
static int gemm_f32(const kernel_call *call) { return gemm_of_two(call) ? 0 : kernels_products(call, gemm_small); }

void kernels_gemm_f32(kernel_table table) { table[KERNEL_GEMM][TR_FLOAT32] = gemm_f32; }
