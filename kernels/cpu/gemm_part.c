/* A part of a float32 product by oneDNN, on the calling thread.
 *
 * With AVX-512 oneDNN is 5 to 10 % slower where a factor lies transposed than where both have dense rows, and turning such a
 * factor costs 2 %: it is turned tile by tile, each small enough to stay in the second cache until it was used.  Its rows lie a
 * line farther apart than they are long, so that they do not meet in the first cache's sets.  k is cut where oneDNN cuts it. */
#include "kernels/cpu/gemm.h"

#ifdef HAVE_DNNL
# include <cblas.h>
# include <dnnl.h>
# include <stdlib.h>

enum { LINE = 16,    /* floats in a cache line */
       SIDE = 256,   /* rows, or columns, of c for which a tile serves, at most */
       DEEP = 384 }; /* rows of b that oneDNN takes at once, with AVX-512 and dense rows; less than twice that is halved */

int64_t gemm_pieces(int64_t k) { return (k + DEEP - 1) / DEEP; }

int64_t gemm_piece_begin(int64_t k, int64_t piece)
{
    int64_t begin = 0;
    for (; piece > 0 && begin < k; piece--) begin += k - begin >= 2 * DEEP ? DEEP : k - begin > DEEP ? (k - begin + 1) / 2
                                                                                                     : k - begin;
    return begin;
}

static void multiply(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    const float alpha = (float)g->alpha, beta = (float)g->beta;
    if (dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', g->m, g->n, g->k, alpha, g->a, a.leading, g->b, b.leading, beta, g->c, leading) != dnnl_success)
        cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans, (int)g->m, (int)g->n, (int)g->k, alpha, g->a, (int)a.leading, g->b, (int)b.leading, beta, g->c, (int)leading);
}

/* tile (rows, columns) = from', by the table's copy without its span. */
static void turn(float *tile, int64_t rows, int64_t columns, int64_t leading, const float *from, int64_t from_leading)
{
    const kernel_call call = {.kernel = KERNEL_COPY, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = rows * columns, .at = {tile, (float *)(uintptr_t)from}, .size = {rows, columns}, .stride = {{leading, 1}, {1, from_leading}}};
    (*kernels_cpu())[KERNEL_COPY][TR_FLOAT32](&call);
}

/* One tile of a, rows [from, to) of c. */
static void rows_by_tile(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, int64_t from, int64_t to, float *tile)
{
    gemm t = *g;
    t.m = to - from;
    t.a = tile;
    t.c = (float *)g->c + from * leading;
    turn(tile, t.m, g->k, g->k + LINE, (const float *)g->a + from, a.leading);
    multiply(&t, (gemm_layout){false, g->k + LINE}, b, leading);
}

/* One tile of b, columns [from, to) of c. */
static void columns_by_tile(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, int64_t from, int64_t to, float *tile)
{
    gemm t = *g;
    t.n = to - from;
    t.b = tile;
    t.c = (float *)g->c + from;
    turn(tile, g->k, t.n, t.n + LINE, (const float *)g->b + from * b.leading, b.leading);
    multiply(&t, a, (gemm_layout){false, t.n + LINE}, leading);
}

/* A piece of k. */
static void by_tiles(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, float *tile)
{
    const int64_t n = a.transposed ? g->m : g->n, tiles = (n + SIDE - 1) / SIDE;
    for (int64_t i = 0, from = 0; i < tiles; i++) {
        const int64_t to = i + 1 < tiles ? n * (i + 1) / tiles / LINE * LINE : n;
        (a.transposed ? rows_by_tile : columns_by_tile)(g, a, b, leading, from, to, tile);
        from = to;
    }
}

void gemm_part(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, bool turns)
{
    float *tile = turns ? aligned_alloc(LINE * sizeof *tile, sizeof *tile * (SIDE + 2 * LINE) * (DEEP + LINE)) : NULL;
    if (!tile) {
        multiply(g, a, b, leading);
        return;
    }
    gemm piece = *g;
    for (int64_t begin = 0, i = 1; begin < g->k; begin += piece.k, i++) {
        piece.k = gemm_piece_begin(g->k, i) - begin;
        piece.a = (const float *)g->a + begin * (a.transposed ? a.leading : 1);
        piece.b = (const float *)g->b + begin * (b.transposed ? 1 : b.leading);
        by_tiles(&piece, a, b, leading, tile);
        piece.beta = 1;
    }
    free(tile);
}
#endif
