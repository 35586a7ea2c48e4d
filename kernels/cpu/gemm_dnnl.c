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
 * adds up k in pieces, then these: cut between them, and added in their order, not a bit is different. */
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/parallel.h"

#ifdef HAVE_DNNL
# include <dnnl.h>
# include <stdlib.h>

enum { THINNEST = 128,    /* columns of a piece */
       FEWEST = 64,       /* rows of a piece */
       LINE = 16,         /* floats in a cache line, where pieces begin */
       MULTIPLY_ADDS = 8, /* in a cheap step, as kernels_split counts */
       PACKED = 510,      /* m n / (m + n), from which on oneDNN packs its factors */
       WIDE = 256,        /* columns, from which on a transposed a is turned, */
       TALL = 1024,       /* and rows, from which on a transposed b is */
       NARROW = 512,      /* for no more columns; */
       ALIKE = 1024,      /* but not beside rows that are so far apart: they meet in the first cache's sets */
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
    bool by_rows, turns; /* turns: a transposed factor's rows are made dense first */
    float *sums;         /* k is cut: what its pieces behind the first add to c, dense */
} job;

/* Columns [from, to) of c. */
static void columns(const job *j, int64_t from, int64_t to)
{
    gemm part = *j->g;
    part.n = to - from;
    part.b = (const float *)part.b + from * (j->b.transposed ? j->b.leading : 1);
    part.c = (float *)part.c + from;
    gemm_part(&part, j->a, j->b, j->leading, j->turns);
}

/* Rows [from, to) of c. */
static void rows(const job *j, int64_t from, int64_t to)
{
    gemm part = *j->g;
    part.m = to - from;
    part.a = (const float *)part.a + from * (j->a.transposed ? 1 : j->a.leading);
    part.c = (float *)part.c + from * j->leading;
    gemm_part(&part, j->a, j->b, j->leading, j->turns);
}

/* Pieces [from, to) of k: the first into c, others into sums of their own. */
static void inner(const job *j, int64_t from, int64_t to)
{
    const gemm *g = j->g;
    for (int64_t i = from; i < to; i++) {
        const int64_t begin = gemm_piece_begin(g->k, i);
        gemm part = *g;
        part.k = gemm_piece_begin(g->k, i + 1) - begin;
        part.a = (const float *)g->a + begin;
        part.b = (const float *)g->b + begin * j->b.leading;
        part.c = i == 0 ? g->c : j->sums + (i - 1) * g->m * g->n;
        gemm_part(&part, j->a, j->b, i == 0 ? j->leading : g->n, false);
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

/* oneDNN reads the factors of a result that is not large in both directions as they lie; it packs those of others, so that it
 * is all the same to it how they do. */
static bool reads_as_they_lie(const gemm *g) { return has_avx512() && g->m * g->n < PACKED * (g->m + g->n); }

/* Whether a factor is turned depends on the shape alone.  b is worth it for many rows. */
static bool turns(const gemm *g, gemm_layout a, gemm_layout b)
{
    if (a.transposed == b.transposed || !reads_as_they_lie(g)) return false;
    if (a.transposed) return g->n >= WIDE && b.leading % ALIKE != 0;
    return g->m >= TALL && g->n <= NARROW && a.leading % ALIKE != 0;
}

/* Rows or columns is what leaves fewer threads idle. */
static job cut(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, int64_t threads)
{
    const int64_t by_columns = g->n / THINNEST, by_rows = g->m / FEWEST;
    job j = {.g = g, .a = a, .b = b, .leading = leading, .turns = turns(g, a, b)};
    if (b.transposed)
        j.by_rows = j.turns && by_columns < threads && by_columns < by_rows;
    else
        j.by_rows = (j.turns || !a.transposed) && has_avx512() && (by_rows >= threads || by_rows >= by_columns);
    j.pieces = j.by_rows ? by_rows : by_columns;
    if (j.pieces > threads) j.pieces = threads;
    if (j.pieces < 1) j.pieces = 1;
    return j;
}

/* Of other versions nobody has looked how they add up k. */
static bool adds_in_known_pieces(void) { return dnnl_version()->major == 2; }

/* Cuts k if b is worth it: whoever turns to c next reads others' sums of its half. */
static bool by_inner(job *j, int64_t threads)
{
    const gemm *g = j->g;
    const bool exact = adds_in_known_pieces() && !j->a.transposed && !j->b.transposed && reads_as_they_lie(g) && g->alpha == 1 && g->beta == 0;
    if (threads < 2 || gemm_pieces(g->k) != threads || !exact || 2 * g->m > g->k) return false;
    j->sums = aligned_alloc(LINE * sizeof *j->sums, sizeof *j->sums * (size_t)(((threads - 1) * g->m * g->n + LINE - 1) / LINE * LINE));
    if (j->sums) j->pieces = threads;
    return j->sums;
}

bool gemm_dnnl(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    if (!better(g, b.transposed)) return false;
    const int64_t work = g->m * g->n * g->k;
    job j = cut(g, a, b, leading, kernels_threads());
    if (by_inner(&j, kernels_threads())) {
        kernels_split(j.pieces, 1, work / MULTIPLY_ADDS, part, &j);
        add_pieces(&j);
        free(j.sums);
    } else if (j.pieces == 1 && !j.by_rows && work > ALONE) {
        columns(&j, 0, g->n);
    } else {
        kernels_split(j.pieces, 1, work / MULTIPLY_ADDS, part, &j);
    }
    return true;
}
#else
bool gemm_dnnl(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    (void)g, (void)a, (void)b, (void)leading;
    return false;
}
#endif
