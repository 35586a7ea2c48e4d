/* Products with 2 to 16 columns: a row of the result is one register of 16 floats, or two of 8.
 *
 *     c[i,:] += a[i,l] b[l,:]      for every l in order, of several rows i at a time; each product fused with its sum
 *
 * Libraries work on wider tiles, and ask more questions: 16x16x16 takes OpenBLAS 105 ns and this 68, 5x2x3 with b turned 70
 * and 20, 50x11x100 1.47 and 0.88 us. */
#include "kernels/cpu/levels/gemm_small.h"

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
# include <immintrin.h>

/* The loop is written out: what it counts through are registers. */
# if defined(__clang__)
#  define UNROLL _Pragma("clang loop unroll(full)")
# else
#  define UNROLL _Pragma("GCC unroll 32")
# endif

enum { COLUMNS = 16,
       MOST_INNER = 512 /* rows of b, which are copied to where no register's load crosses a cache line: 32 KiB */ };

/* A row of up to 16 floats; `some` says how many. */
# if defined(__AVX512F__)
enum { ROWS = 25, /* at most, at once: with DEEP rows of b they fill the registers */
       DEEP = 4 };
#  define COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25)
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
enum { ROWS = 6,
       DEEP = 1 };
#  define COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6)
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

/* Where a's elements stand: a place, and how far it is to the next row and along it. */
typedef struct {
    const float *at;
    int64_t next, step;
} place;

/* `count` sums, each with `deep` products more. */
static INLINE void add_products(int count, int deep, row *sum, place a, const float *b)
{
    row of_b[DEEP];
    UNROLL
    for (int l = 0; l < deep; l++) of_b[l] = load(b + l * COLUMNS);
    UNROLL
    for (int r = 0; r < count; r++) {
        UNROLL
        for (int l = 0; l < deep; l++) sum[r] = add(sum[r], a.at + l * a.step, of_b[l]);
        a.at += a.next;
    }
}

/* `count` rows of c. */
static INLINE void rows(int count, int deep, const gemm *g, some s, place a, float *c, const float *b)
{
    row sum[ROWS];
    UNROLL
    for (int r = 0; r < count; r++) sum[r] = zeros();
    int64_t l = 0;
    for (; l + deep <= g->k; l += deep, a.at += deep * a.step, b += deep * COLUMNS) add_products(count, deep, sum, a, b);
    for (; deep > 1 && l < g->k; l++, a.at += a.step, b += COLUMNS) add_products(count, 1, sum, a, b);
    UNROLL
    for (int r = 0; r < count; r++) store(s, c + r * g->c_row, sum[r]);
}

/* All rows, in as few parts as there can be and of nearly the same size: a few rows alone would wait for their own sums. */
static INLINE void all_rows(const gemm *g, some s, int most, int deep, int64_t next, int64_t step, const float *b)
{
    int32_t m = (int32_t)g->m, parts = (m + most - 1) / most;
    place a = {g->a, next, step};
    float *c = g->c;
    for (; parts > 0; parts--) {
        const int32_t count = parts == 1 ? m : (m + parts - 1) / parts;
# define CASE(n)                               \
 case n:                                       \
  if (n <= most) rows(n, deep, g, s, a, c, b); \
  break;
        switch (count) {
            COUNTS(CASE)
        }
# undef CASE
        a.at += count * next;
        c += count * g->c_row;
        m -= count;
    }
}

/* k = 1 */
static void outer(const gemm *g, some s, const float *b)
{
    const row of_b = load(b);
    for (int64_t i = 0; i < g->m; i++) store(s, (float *)g->c + i * g->c_row, times((const float *)g->a + i * g->a_row, of_b));
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
    else if (g->a_row == 1) /* what is next to a place is in all rows */
        all_rows(g, s, ROWS, 1, 1, g->a_column, b);
    else if (g->a_column == 1) /* an address for each row serves DEEP products */
        all_rows(g, s, ROWS, DEEP, g->a_row, 1, b);
    else
        all_rows(g, s, 4, 1, g->a_row, g->a_column, b);
    return true;
}

#else
bool gemm_narrow(const gemm *g)
{
    (void)g;
    return false;
}
#endif
