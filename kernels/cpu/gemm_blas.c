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

enum { NARROW = 16,         /* columns of c, below which its rows are taken in blocks */
       BLOCK = 64,          /* rows, and the fewest of a thread */
       DEEP = 32,           /* products in a sum, from which on that pays */
       SHARED = 262144,     /* multiply-adds that are worth two threads */
       MOST = 96 * 96 * 96, /* more is oneDNN's */
       MULTIPLY_ADDS = 8 }; /* in a cheap step, as kernels_split counts */

typedef struct {
    const gemm *g;
    gemm_layout a, b;
    int64_t leading;
} job;

static void rows(const job *j, int64_t from, int64_t to)
{
    const gemm *g = j->g;
    const float *a = (const float *)g->a + from * (j->a.transposed ? 1 : j->a.leading);
    cblas_sgemm(CblasRowMajor, j->a.transposed ? CblasTrans : CblasNoTrans, j->b.transposed ? CblasTrans : CblasNoTrans, (int)(to - from), (int)g->n, (int)g->k, (float)g->alpha, a, (int)j->a.leading, g->b, (int)j->b.leading, (float)g->beta, (float *)g->c + from * j->leading, (int)j->leading);
}

static void part(void *data, int64_t from, int64_t to)
{
    const job *j = data;
    const int threads = tr_num_threads();
    const int64_t most = j->b.transposed ? BLOCK : to - from;
    tr_set_num_threads(1);
    for (int64_t i = from; i < to; i += most) rows(j, i, i + most < to ? i + most : to);
    tr_set_num_threads(threads);
}

static bool has_avx512(void) { return CPU_LEVELS == 3 && cpu_runs_level(2); }

bool gemm_blas(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    const int64_t work = g->m * g->n * g->k;
    const bool narrow = b.transposed && !a.transposed && g->n < NARROW && g->k >= DEEP;
    const bool shared = !b.transposed && work >= SHARED && work <= MOST && g->m >= 2 * BLOCK;
    if (!has_avx512() || (!narrow && !shared)) return false;
    job j = {g, a, b, leading};
    kernels_split(g->m, BLOCK, work / MULTIPLY_ADDS, part, &j);
    return true;
}
