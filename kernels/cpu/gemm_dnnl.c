/* float32 products by oneDNN, cut over the threads.
 *
 * Each thread multiplies into columns or rows of its own and waits for nobody.  Two of oneDNN's own threads share the packing
 * of a factor and reach 1.4 to 1.9 times one (a batch of 128 between the widths 784 and 512), these 1.7 to 1.95; and at times
 * they cut k, which changes bits with the number of threads.  Columns can be cut freely as long as a piece is not so thin
 * that oneDNN takes another way through k; rows only with AVX-512, and where neither factor lies transposed.  Rows are
 * preferred: what goes over a result next, element by element, cuts it so, and finds its half in its own core's cache.
 *
 * Where a weight is much the largest matrix, as for the gradient of a small batch's input, k is cut: each core reads the rows
 * of b that are its own, those that its optimiser wrote and will write, and no line of them goes from core to core.  oneDNN
 * adds up k in pieces, then these: cut between them, and added in their order, not a bit is different.
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
       PIECE_OF_K = 384,      /* at most, with AVX-512 and dense rows; what is less than twice that is halved */
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
    float *sums;         /* k is cut: what its pieces behind the first add to c, dense */
} job;

/* A part of the product, its rows as far apart as the whole's. */
static void multiply(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    const float alpha = (float)g->alpha, beta = (float)g->beta;
    if (dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', g->m, g->n, g->k, alpha, g->a, a.leading, g->b, b.leading, beta, g->c, leading) != dnnl_success)
        cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans, (int)g->m, (int)g->n, (int)g->k, alpha, g->a, (int)a.leading, g->b, (int)b.leading, beta, g->c, (int)leading);
}

/* Columns [from, to) of c. */
static void columns(const job *j, int64_t from, int64_t to)
{
    gemm part = *j->g;
    part.n = to - from;
    part.b = (const float *)part.b + from * (j->b.transposed ? j->b.leading : 1);
    part.c = (float *)part.c + from;
    multiply(&part, j->a, j->b, j->leading);
}

/* Memory that begins at a cache line; NULL if there is none. */
static float *floats(int64_t n) { return aligned_alloc(LINE * sizeof(float), (size_t)((n + LINE - 1) / LINE * LINE) * sizeof(float)); }

/* Rows [from, from + m) of a transposed a, dense; NULL if there is no memory.  The table's copy without its span: a part of
 * the product, in whatever thread. */
static float *turned(const job *j, int64_t from, int64_t m)
{
    const gemm *g = j->g;
    float *copy = floats(m * g->k);
    kernel_call call = {.kernel = KERNEL_COPY, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = m * g->k, .at = {copy, (float *)(uintptr_t)g->a + from}, .size = {m, g->k}, .stride = {{g->k, 1}, {1, j->a.leading}}};
    if (copy) (*kernels_cpu())[KERNEL_COPY][TR_FLOAT32](&call);
    return copy;
}

/* Rows [from, to) of c. */
static void rows(const job *j, int64_t from, int64_t to)
{
    gemm part = *j->g;
    float *copy = j->turns ? turned(j, from, to - from) : NULL;
    part.m = to - from;
    part.a = copy ? copy : (const float *)part.a + from * (j->a.transposed ? 1 : j->a.leading);
    part.c = (float *)part.c + from * j->leading;
    multiply(&part, copy ? (gemm_layout){false, part.k} : j->a, j->b, j->leading);
    free(copy);
}

static int64_t pieces_of(int64_t k) { return (k + PIECE_OF_K - 1) / PIECE_OF_K; }

/* Where a piece of k begins, as oneDNN has it. */
static int64_t begin_in(int64_t k, int64_t piece)
{
    int64_t begin = 0;
    for (; piece > 0; piece--) begin += k - begin >= 2 * PIECE_OF_K ? PIECE_OF_K : (k - begin + 1) / 2;
    return begin;
}

/* Pieces [from, to) of k: the first into c, others into sums of their own. */
static void inner(const job *j, int64_t from, int64_t to)
{
    const gemm *g = j->g;
    for (int64_t i = from; i < to; i++) {
        const int64_t begin = begin_in(g->k, i), end = i + 1 < j->pieces ? begin_in(g->k, i + 1) : g->k;
        gemm part = *g;
        part.k = end - begin;
        part.a = (const float *)g->a + begin;
        part.b = (const float *)g->b + begin * j->b.leading;
        part.c = i == 0 ? g->c : j->sums + (i - 1) * g->m * g->n;
        multiply(&part, j->a, j->b, i == 0 ? j->leading : g->n);
    }
}

/* ... and then all into c, by the table's sum without its span, which cuts it as it cuts what goes over c next. */
static void add_pieces(const job *j)
{
    const gemm *g = j->g;
    kernel_call call = {.kernel = KERNEL_ADD, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = g->m * g->n, .at = {g->c, g->c}, .size = {g->m, g->n}, .stride = {{j->leading, 1}, {j->leading, 1}, {g->n, 1}}};
    for (int64_t i = 1; i < j->pieces; i++) {
        call.at[2] = j->sums + (i - 1) * g->m * g->n;
        (*kernels_cpu())[KERNEL_ADD][TR_FLOAT32](&call);
    }
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
    if (j->sums)
        inner(j, from, to);
    else
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

/* Cuts k if b is worth it: whoever turns to c next reads others' sums of its half. */
static bool by_inner(job *j, int64_t threads)
{
    const gemm *g = j->g;
    const bool exact = !j->a.transposed && !j->b.transposed && has_avx512() && g->alpha == 1 && g->beta == 0;
    if (threads < 2 || pieces_of(g->k) != threads || !exact || 2 * g->m > g->k) return false;
    j->sums = floats((threads - 1) * g->m * g->n);
    if (j->sums) j->pieces = threads;
    return j->sums;
}

bool gemm_dnnl(const gemm *given, gemm_layout a, gemm_layout b, int64_t leading)
{
    if (!better(given, b.transposed)) return false;
    gemm g = *given;
    const int64_t work = g.m * g.n * g.k;
    job j = cut(&g, a, b, leading, kernels_threads());
    if (by_inner(&j, kernels_threads())) {
        kernels_split(j.pieces, 1, work / MULTIPLY_ADDS, part, &j);
        add_pieces(&j);
        free(j.sums);
        return true;
    }
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
