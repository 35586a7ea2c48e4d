/* One matrix product, as gemm.c hands it to whoever computes it:  c = alpha a b + beta c,  c (m, n), a (m, k), b (k, n),
 * every matrix with the strides of its rows and columns. */
#ifndef TRIREME_KERNELS_GEMM_H
#define TRIREME_KERNELS_GEMM_H

#include "kernels/kernels.h"

typedef struct {
    tr_dtype type;
    int64_t m, n, k;
    double alpha, beta; /* beta 0: c is not read */
    void *c;
    const void *a, *b;
    int64_t c_row, c_column, a_row, a_column, b_row, b_column;
} gemm;

/* A matrix as BLAS wants it. */
typedef struct {
    bool transposed; /* columns are dense, not rows */
    int64_t leading;
} gemm_layout;

/* The plain loops: every type, any strides, the reference that the others are tested against. */
void gemm_plain(const gemm *g);

/* float32 products that a library call costs more than they do, compiled for each level.  False: not one of them. */
typedef bool gemm_by_hand(const gemm *g);
gemm_by_hand *kernels_gemm_small_of_level(const char *name); /* NULL: as kernels_of_level */

/* Every product of a call: `small` takes those that it can, libraries the others; NULL: libraries all. */
int kernels_products(const kernel_call *call, gemm_by_hand *small);

/* float32 products that oneDNN computes fastest, with c's rows dense and all sizes an int.  False: not one of them, or
 * built without oneDNN. */
bool gemm_dnnl(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading);

/* A part of such a product, on this thread; `turns`: one factor lies transposed, and its rows are made dense first. */
void gemm_part(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading, bool turns);

/* The pieces of k that oneDNN adds up one after the other where rows are dense, with AVX-512: how many, and where one begins;
 * behind the last one, k. */
int64_t gemm_pieces(int64_t k);
int64_t gemm_piece_begin(int64_t k, int64_t piece);

/* float32 products that OpenBLAS computes fastest in parts, likewise. */
bool gemm_blas(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading);

/* c' = b' a' */
static inline gemm gemm_transposed(const gemm *g)
{
    gemm t = *g;
    t.m = g->n, t.n = g->m;
    t.a = g->b, t.a_row = g->b_column, t.a_column = g->b_row;
    t.b = g->a, t.b_row = g->a_column, t.b_column = g->a_row;
    t.c_row = g->c_column, t.c_column = g->c_row;
    return t;
}

#endif
