/* float32 products by OpenBLAS in parts: such as it likes better than the whole, or as threads share out.
 *
 * Where b lies transposed, OpenBLAS has a kernel for up to 1200 sums that is twice as fast as what it does for more, or as
 * oneDNN: a network's last layer, 10 classes of 128 samples, takes 16.5 us whole and 9.3 by 64 rows.
 *
 * Products that are too small for oneDNN OpenBLAS's own threads leave to one of them: 128x10x512 takes 9 us, 6 where each has
 * its rows.
 *
 * With AVX-512 alone: there a part has the bits that it has in the whole. */
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/processor.h"

#include <cblas.h>

enum { FEW_COLUMNS = 16,    /* of c, below which its rows are taken in blocks */
       BLOCK_OF_ROWS = 64,  /* and the least of a thread */
       DEEP = 32,           /* products in a sum, from which on that pays */
       THINNEST = 128,      /* columns of a thread */
       SHARED = 262144,     /* multiply-adds that are worth two threads */
       MOST = 96 * 96 * 96, /* more is oneDNN's */
       MULTIPLY_ADDS = 8 }; /* in a cheap step, as kernels_split counts */

typedef struct {
    const gemm *g;
    gemm_layout a, b;
    int64_t leading;
} job;

static void multiply(const job *j, int64_t m, int64_t n, const float *a, const float *b, float *c)
{
    const gemm *g = j->g;
    cblas_sgemm(CblasRowMajor, j->a.transposed ? CblasTrans : CblasNoTrans, j->b.transposed ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)g->k, (float)g->alpha, a, (int)j->a.leading, b, (int)j->b.leading, (float)g->beta, c, (int)j->leading);
}

static void rows(const job *j, int64_t from, int64_t to)
{
    multiply(j, to - from, j->g->n, (const float *)j->g->a + from * (j->a.transposed ? 1 : j->a.leading), j->g->b, (float *)j->g->c + from * j->leading);
}

static void part_of_rows(void *data, int64_t from, int64_t to)
{
    const job *j = data;
    const int threads = tr_num_threads();
    const int64_t most = j->b.transposed ? BLOCK_OF_ROWS : to - from;
    tr_set_num_threads(1);
    for (int64_t i = from; i < to; i += most) rows(j, i, i + most < to ? i + most : to);
    tr_set_num_threads(threads);
}

static void part_of_columns(void *data, int64_t from, int64_t to)
{
    const job *j = data;
    const int threads = tr_num_threads();
    tr_set_num_threads(1);
    multiply(j, j->g->m, to - from, j->g->a, (const float *)j->g->b + from, (float *)j->g->c + from);
    tr_set_num_threads(threads);
}

static bool has_avx512(void) { return CPU_LEVELS == 3 && cpu_runs_level(2); }

bool gemm_blas(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    const int64_t work = g->m * g->n * g->k;
    const bool few = b.transposed && !a.transposed && g->n < FEW_COLUMNS && g->k >= DEEP, middle = !b.transposed && work >= SHARED && work <= MOST;
    job j = {g, a, b, leading};
    if (!has_avx512()) return false;
    if (few || (middle && g->m >= 2 * BLOCK_OF_ROWS))
        kernels_split(g->m, BLOCK_OF_ROWS, work / MULTIPLY_ADDS, part_of_rows, &j);
    else if (middle && g->n >= 2 * THINNEST)
        kernels_split(g->n, THINNEST, work / MULTIPLY_ADDS, part_of_columns, &j);
    else
        return false;
    return true;
}
