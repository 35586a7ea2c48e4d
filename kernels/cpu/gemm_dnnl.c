/* float32 products by oneDNN, cut over the threads.
 *
 * Each thread multiplies into columns or rows of its own and waits for nobody.  Two of oneDNN's own threads share the packing
 * of a factor and reach 1.4 to 1.9 times one (a batch of 128 between the widths 784 and 512), these 1.7 to 1.95; and at times
 * they cut k, which changes bits with the number of threads.  Columns can be cut freely as long as a piece is not so thin
 * that oneDNN takes another way through k; rows only with AVX-512, and where neither factor lies transposed.  Rows are
 * preferred: what goes over a result next, element by element, cuts it so, and finds its half in its own core's cache.
 *
 * Where a lies transposed, as in a weight's gradient, oneDNN is 4 to 10 % slower than where its rows are dense, and turning
 * them first, each thread its own, costs 2 %. */
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/parallel.h"

#ifdef HAVE_DNNL
# include <cblas.h>
# include <dnnl.h>
# include <stdlib.h>

enum { THINNEST = 128,        /* columns of a piece */
       FEWEST = 64,           /* rows of a piece */
       LINE = 16,             /* floats in a cache line, where pieces begin */
       MULTIPLY_ADDS = 8,     /* in a cheap step, as kernels_split counts */
       WIDE = 256,            /* columns, from which on a transposed a is turned, */
       MOST_TURNED = 1 << 18, /* if it stays in the second cache: 1 MiB */
       ALONE = 4000000 };     /* multiply-adds, below which oneDNN's own threads lose */
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
    bool by_rows, turns; /* turns: a's rows are made dense first */
} job;

/* c (m, n) of these, dense but for the rows' distances. */
static void multiply(const job *j, int64_t m, int64_t n, const float *a, gemm_layout of_a, const float *b, float *c)
{
    const gemm *g = j->g;
    const float alpha = (float)g->alpha, beta = (float)g->beta;
    if (dnnl_sgemm(of_a.transposed ? 'T' : 'N', j->b.transposed ? 'T' : 'N', m, n, g->k, alpha, a, of_a.leading, b, j->b.leading, beta, c, j->leading) != dnnl_success)
        cblas_sgemm(CblasRowMajor, of_a.transposed ? CblasTrans : CblasNoTrans, j->b.transposed ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)g->k, alpha, a, (int)of_a.leading, b, (int)j->b.leading, beta, c, (int)j->leading);
}

/* Columns [from, to) of c. */
static void columns(const job *j, int64_t from, int64_t to)
{
    const gemm *g = j->g;
    multiply(j, g->m, to - from, g->a, j->a, (const float *)g->b + from * (j->b.transposed ? j->b.leading : 1), (float *)g->c + from);
}

/* Rows [from, from + m) of a transposed a, dense; NULL if there is no memory.  The table's copy without its span: a part of
 * the product, in whatever thread. */
static float *turned(const job *j, int64_t from, int64_t m)
{
    const gemm *g = j->g;
    float *copy = aligned_alloc(LINE * sizeof *copy, (size_t)((m * g->k + LINE - 1) / LINE * LINE) * sizeof *copy);
    kernel_call call = {.kernel = KERNEL_COPY, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = m * g->k, .at = {copy, (float *)(uintptr_t)g->a + from}, .size = {m, g->k}, .stride = {{g->k, 1}, {1, j->a.leading}}};
    if (copy) (*kernels_cpu())[KERNEL_COPY][TR_FLOAT32](&call);
    return copy;
}

/* Rows [from, to) of c. */
static void rows(const job *j, int64_t from, int64_t to)
{
    const gemm *g = j->g;
    float *copy = j->turns ? turned(j, from, to - from) : NULL, *c = (float *)g->c + from * j->leading;
    if (copy)
        multiply(j, to - from, g->n, copy, (gemm_layout){false, g->k}, g->b, c);
    else
        multiply(j, to - from, g->n, (const float *)g->a + from * (j->a.transposed ? 1 : j->a.leading), j->a, g->b, c);
    free(copy);
}

static int64_t begin_of(const job *j, int64_t piece)
{
    const int64_t n = j->by_rows ? j->g->m : j->g->n;
    return piece == j->pieces ? n : n * piece / j->pieces / LINE * LINE;
}

static void part(void *data, int64_t from, int64_t to)
{
    const job *j = data;
    const int threads = tr_num_threads();
    tr_set_num_threads(1);
    (j->by_rows ? rows : columns)(j, begin_of(j, from), begin_of(j, to));
    tr_set_num_threads(threads);
}

static bool has_avx512(void) { return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core; }

/* Whether a is turned depends on the shape alone; rows or columns is what leaves fewer threads idle. */
static job cut(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, int64_t threads)
{
    const int64_t by_columns = g->n / THINNEST, by_rows = g->m / FEWEST;
    job j = {.g = g, .a = a, .b = b, .leading = leading};
    if (!b.transposed && has_avx512()) {
        j.turns = a.transposed && g->n >= WIDE && g->m * g->k <= MOST_TURNED;
        j.by_rows = (j.turns || !a.transposed) && (by_rows >= threads || by_rows >= by_columns);
    }
    j.pieces = j.by_rows ? by_rows : by_columns;
    if (j.pieces > threads) j.pieces = threads;
    if (j.pieces < 1) j.pieces = 1;
    return j;
}

bool gemm_dnnl(const gemm *given, gemm_layout a, gemm_layout b, int64_t leading)
{
    if (!better(given, b.transposed)) return false;
    gemm g = *given;
    const int64_t work = g.m * g.n * g.k;
    job j = cut(&g, a, b, leading, kernels_threads());
    float *copy = j.turns && !j.by_rows ? turned(&j, 0, g.m) : NULL;
    if (copy) {
        g.a = copy;
        j.a = (gemm_layout){false, g.k};
    }
    if (j.pieces == 1 && !j.by_rows && work > ALONE)
        columns(&j, 0, g.n);
    else
        kernels_split(j.pieces, 1, work / MULTIPLY_ADDS, part, &j);
    free(copy);
    return true;
}
#else
bool gemm_dnnl(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    (void)g, (void)a, (void)b, (void)leading;
    return false;
}
#endif
