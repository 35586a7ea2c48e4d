/* float32 products by oneDNN, cut over the threads.
 *
 * Each thread multiplies into columns of its own and waits for nobody.  Two of oneDNN's own threads share the packing of
 * a factor and reach 1.4 to 1.9 times one (a batch of 128 between the widths 784 and 512), these 1.7 to 1.95; and at times
 * they cut k, which changes bits with the number of threads.  Columns can be cut freely as long as a piece is not so thin
 * that oneDNN takes another way through k; rows cannot. */
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/parallel.h"

#ifdef HAVE_DNNL
# include <cblas.h>
# include <dnnl.h>

enum { THINNEST = 128,    /* columns of a piece */
       LINE = 16,         /* floats in a cache line, where pieces begin */
       MULTIPLY_ADDS = 8, /* in a cheap step, as kernels_split counts */
       ALONE = 4000000 }; /* multiply-adds, below which oneDNN's own threads lose */

/* It reaches 80 to 95 % of a core's peak, OpenBLAS 60 to 90 %, but a call costs 0.3 us more.  Where b lies transposed
 * OpenBLAS leaves its small products early, unless k is much the longest. */
static bool better(const gemm *g, bool b_transposed)
{
    double work = (double)g->m * (double)g->n * (double)g->k;
    return work > 96.0 * 96 * 96 || (b_transposed && work > 50000 && (g->k <= 128 || g->k <= 4 * g->m));
}

typedef struct {
    const gemm *g;
    gemm_layout a, b;
    int64_t leading, pieces;
} job;

/* Columns [from, to) of c. */
static void columns(const job *j, int64_t from, int64_t to)
{
    const gemm *g = j->g;
    const float *b = (const float *)g->b + from * (j->b.transposed ? j->b.leading : 1), alpha = (float)g->alpha, beta = (float)g->beta;
    float *c = (float *)g->c + from;
    if (dnnl_sgemm(j->a.transposed ? 'T' : 'N', j->b.transposed ? 'T' : 'N', g->m, to - from, g->k, alpha, g->a, j->a.leading, b, j->b.leading, beta, c, j->leading) != dnnl_success)
        cblas_sgemm(CblasRowMajor, j->a.transposed ? CblasTrans : CblasNoTrans, j->b.transposed ? CblasTrans : CblasNoTrans, (int)g->m, (int)(to - from), (int)g->k, alpha, g->a, (int)j->a.leading, b, (int)j->b.leading, beta, c, (int)j->leading);
}

static int64_t begin_of(const job *j, int64_t piece) { return piece == j->pieces ? j->g->n : j->g->n * piece / j->pieces / LINE * LINE; }

static void part(void *data, int64_t from, int64_t to)
{
    const job *j = data;
    const int threads = tr_num_threads();
    tr_set_num_threads(1);
    columns(j, begin_of(j, from), begin_of(j, to));
    tr_set_num_threads(threads);
}

bool gemm_dnnl(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    if (!better(g, b.transposed)) return false;
    const int64_t threads = kernels_threads(), work = g->m * g->n * g->k;
    job j = {g, a, b, leading, g->n / THINNEST};
    if (j.pieces > threads) j.pieces = threads;
    if (j.pieces < 1) j.pieces = 1;
    if (j.pieces == 1 && work > ALONE)
        columns(&j, 0, g->n);
    else
        kernels_split(j.pieces, 1, work / MULTIPLY_ADDS, part, &j);
    return true;
}
#else
bool gemm_dnnl(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    (void)g, (void)a, (void)b, (void)leading;
    return false;
}
#endif
