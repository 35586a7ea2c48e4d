/* Products with 2 to 16 columns: a row of the result is one register of 16 floats, or two of 8.
 *
 *     c[i,:] += a[i,l] b[l,:]      for every l in order, of several rows i at a time; each product fused with its sum
 *
 * Libraries work on wider tiles, and ask more questions: 16x16x16 takes OpenBLAS 105 ns and this 77, 5x2x3 with b turned 70
 * and 20, 50x11x100 1.47 and 1.06 us. */
#include "kernels/cpu/levels/gemm_narrow.h"

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
# include <immintrin.h>

enum { COLUMNS = 16,
       MOST_INNER = 512 /* rows of b, which are copied to where no register's load crosses a cache line: 32 KiB */ };

/* A row of up to 16 floats; `some` says how many. */
# if defined(__AVX512F__)
enum { ROWS = 12 }; /* at once: more than the eight sums that hide how long one takes */
typedef __m512 row;
typedef __mmask16 some;

static INLINE some some_of(int64_t n) { return (some)(0xffffu >> (COLUMNS - n)); }
static INLINE row zeros(void) { return _mm512_setzero_ps(); }
static INLINE row load(const float *x) { return _mm512_load_ps(x); }
static INLINE row load_some(some s, const float *x) { return _mm512_maskz_loadu_ps(s, x); }
static INLINE void store(some s, float *to, row r) { _mm512_mask_storeu_ps(to, s, r); }
static INLINE void store_all(float *to, row r) { _mm512_store_ps(to, r); }
static INLINE row add(row sum, const float *a, row b) { return _mm512_fmadd_ps(_mm512_set1_ps(*a), b, sum); }
static INLINE row times(const float *a, row b) { return _mm512_mul_ps(_mm512_set1_ps(*a), b); }
# else
enum { ROWS = 6 };
typedef struct {
    __m256 low, high;
} row;
typedef struct {
    __m256i low, high;
} some;

static INLINE some some_of(int64_t n)
{
    const __m256i count = _mm256_set1_epi32((int)n), low = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return (some){_mm256_cmpgt_epi32(count, low), _mm256_cmpgt_epi32(count, _mm256_add_epi32(low, _mm256_set1_epi32(8)))};
}
static INLINE row zeros(void) { return (row){_mm256_setzero_ps(), _mm256_setzero_ps()}; }
static INLINE row load(const float *x) { return (row){_mm256_load_ps(x), _mm256_load_ps(x + 8)}; }
static INLINE row load_some(some s, const float *x) { return (row){_mm256_maskload_ps(x, s.low), _mm256_maskload_ps(x + 8, s.high)}; }
static INLINE void store(some s, float *to, row r)
{
    _mm256_maskstore_ps(to, s.low, r.low);
    _mm256_maskstore_ps(to + 8, s.high, r.high);
}
static INLINE void store_all(float *to, row r)
{
    _mm256_store_ps(to, r.low);
    _mm256_store_ps(to + 8, r.high);
}
static INLINE row add(row sum, const float *a, row b)
{
    const __m256 x = _mm256_broadcast_ss(a);
    return (row){_mm256_fmadd_ps(x, b.low, sum.low), _mm256_fmadd_ps(x, b.high, sum.high)};
}
static INLINE row times(const float *a, row b)
{
    const __m256 x = _mm256_broadcast_ss(a);
    return (row){_mm256_mul_ps(x, b.low), _mm256_mul_ps(x, b.high)};
}
# endif

/* `count` rows of c from here.  Where a's columns are dense, one place and what is next to it serve all rows; else four
 * rows share a place, so that a few registers hold all that addresses are made of. */
static INLINE void rows(int count, const gemm *g, some s, bool dense_columns, int64_t i, const float *b)
{
    const int64_t next = dense_columns ? 1 : g->a_row, step = g->a_column;
    row sum[ROWS];
    const float *at[(ROWS + 3) / 4];
# pragma GCC unroll 12
    for (int r = 0; r < count; r++) sum[r] = zeros();
# pragma GCC unroll 3
    for (int r = 0; r < count; r += 4) at[r / 4] = (const float *)g->a + (i + r) * next;
    for (int64_t l = g->k; l > 0; l--) {
        const row of_b = load(b);
        b += COLUMNS;
# pragma GCC unroll 12
        for (int r = 0; r < count; r++) sum[r] = add(sum[r], at[r / 4] + r % 4 * next, of_b);
# pragma GCC unroll 3
        for (int r = 0; r < count; r += 4) at[r / 4] += step;
    }
# pragma GCC unroll 12
    for (int r = 0; r < count; r++) store(s, (float *)g->c + (i + r) * g->c_row, sum[r]);
}

/* k = 1 */
static void outer(const gemm *g, some s, const float *b)
{
    const row of_b = load(b);
    for (int64_t i = 0; i < g->m; i++) store(s, (float *)g->c + i * g->c_row, times((const float *)g->a + i * g->a_row, of_b));
}

static INLINE void all_rows(const gemm *g, some s, bool dense_columns, const float *b)
{
    int64_t i = 0;
    for (; i + ROWS <= g->m; i += ROWS) rows(ROWS, g, s, dense_columns, i, b);
    for (; i + 4 <= g->m; i += 4) rows(4, g, s, dense_columns, i, b);
    for (; i + 2 <= g->m; i += 2) rows(2, g, s, dense_columns, i, b);
    if (i < g->m) rows(1, g, s, dense_columns, i, b);
}

static void copy_rows(const gemm *g, some s, float *b)
{
    const float *from = g->b;
    for (int64_t l = 0; l < g->k; l++) store_all(b + l * COLUMNS, g->b_column == 1 ? load_some(s, from + l * g->b_row) : zeros());
    for (int64_t j = 0; j < g->n && g->b_column != 1; j++)
        for (int64_t l = 0; l < g->k; l++) b[l * COLUMNS + j] = from[l * g->b_row + j * g->b_column];
}

/* A call of a library costs as much as a few hundred steps.  More of them have to fill half of a row, and many rows what it
 * takes to turn b. */
static bool pays(const gemm *g)
{
    return g->m * g->k <= 512 || (g->n >= COLUMNS / 2 && (g->b_column == 1 || g->m >= 2 * g->k));
}

bool gemm_narrow(const gemm *g)
{
    if (g->n < 2 || g->n > COLUMNS || g->c_column != 1 || g->k > MOST_INNER || !pays(g)) return false;
    const some s = some_of(g->n);
    _Alignas(64) float b[MOST_INNER * COLUMNS];
    copy_rows(g, s, b);
    if (g->k == 1)
        outer(g, s, b);
    else if (g->a_row == 1)
        all_rows(g, s, true, b);
    else
        all_rows(g, s, false, b);
    return true;
}

#else
bool gemm_narrow(const gemm *g)
{
    (void)g;
    return false;
}
#endif
