/* Matrix products: which library computes what.
 *   float32   our own loops for the smallest (a few sums with a vector in double), OpenBLAS up to about 96x96x96, oneDNN
 *             above and for some where b lies transposed (gemm_dnnl.c); OpenBLAS by parts where that is faster (gemm_blas.c)
 *   float64, complex   OpenBLAS
 *   halves    as float32, through copies
 *   integers, and what is too large for BLAS's int   the plain loops
 * Libraries take matrices whose rows or columns are dense; others are copied first. */
#include "core/fail.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/gemm.h"

#include <cblas.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool layout_of(int64_t rows, int64_t columns, int64_t row, int64_t column, gemm_layout *found)
{
    if ((column == 1 || columns == 1) && (row >= columns || rows == 1)) {
        *found = (gemm_layout){false, rows == 1 || row < 1 ? columns : row};
        return true;
    }
    if ((row == 1 || rows == 1) && (column >= rows || columns == 1)) {
        *found = (gemm_layout){true, columns == 1 || column < 1 ? rows : column};
        return true;
    }
    return false;
}

static bool fits(const gemm *g, int64_t a, int64_t b, int64_t c)
{
    return g->m <= INT_MAX && g->n <= INT_MAX && g->k <= INT_MAX && a <= INT_MAX && b <= INT_MAX && c <= INT_MAX;
}

/* With c's rows dense and both operands as BLAS wants them. */
static void product_by_library(const gemm *g, gemm_layout a, gemm_layout b, int64_t leading)
{
    if (!fits(g, a.leading, b.leading, leading)) {
        gemm_plain(g);
        return;
    }
    if (g->type == TR_FLOAT32 && (gemm_blas(g, a, b, leading) || gemm_dnnl(g, a, b, leading))) return;

    const CBLAS_TRANSPOSE ta = a.transposed ? CblasTrans : CblasNoTrans, tb = b.transposed ? CblasTrans : CblasNoTrans;
    const int m = (int)g->m, n = (int)g->n, k = (int)g->k, lda = (int)a.leading, ldb = (int)b.leading, ldc = (int)leading;
    const float alpha_c64[2] = {(float)g->alpha, 0}, beta_c64[2] = {(float)g->beta, 0};
    const double alpha_c128[2] = {g->alpha, 0}, beta_c128[2] = {g->beta, 0};
    switch (g->type) {
    case TR_FLOAT32: cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, (float)g->alpha, g->a, lda, g->b, ldb, (float)g->beta, g->c, ldc); break;
    case TR_FLOAT64: cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, g->alpha, g->a, lda, g->b, ldb, g->beta, g->c, ldc); break;
    case TR_COMPLEX64: cblas_cgemm(CblasRowMajor, ta, tb, m, n, k, alpha_c64, g->a, lda, g->b, ldb, beta_c64, g->c, ldc); break;
    default: cblas_zgemm(CblasRowMajor, ta, tb, m, n, k, alpha_c128, g->a, lda, g->b, ldb, beta_c128, g->c, ldc); break;
    }
}

/* A dense copy of another type or other strides, through the table's own copy; only the memory where `at` is NULL.
 * NULL with an error noted. */
static void *copied(tr_dtype type, tr_dtype from, const void *at, int64_t rows, int64_t columns, int64_t row, int64_t column)
{
    int64_t bytes = rows * columns * tr_dtype_size(type);
    void *copy = malloc((size_t)bytes);
    if (!copy) return core_fail_memory("gemm", bytes);
    if (!at) return copy;
    kernel_call call = {
        .kernel = KERNEL_COPY, .type = (uint8_t)type, .from = (uint8_t)from, .form = KERNEL_STRIDED, .ndim = 2, .n = rows * columns, .at = {copy, (void *)(uintptr_t)at}, .size = {rows, columns}, .stride = {{columns, 1}, {row, column}}};
    kernel_run(tr_cpu(), &call);
    return copy;
}

static void copy_back(const gemm *g, tr_dtype from, const void *copy)
{
    kernel_call call = {
        .kernel = KERNEL_COPY, .type = (uint8_t)g->type, .from = (uint8_t)from, .form = KERNEL_STRIDED, .ndim = 2, .n = g->m * g->n, .at = {g->c, (void *)(uintptr_t)copy}, .size = {g->m, g->n}, .stride = {{g->c_row, g->c_column}, {g->n, 1}}};
    kernel_run(tr_cpu(), &call);
}

static bool is_half(tr_dtype type) { return type == TR_FLOAT16 || type == TR_BFLOAT16; }

/* A product whose matrices may lie anyhow: copies those that libraries cannot take. */
static int product(const gemm *given)
{
    gemm g = *given;
    gemm_layout a, b, c;
    void *a_copy = NULL, *b_copy = NULL, *c_copy = NULL;
    int status = -1;
    const tr_dtype type = is_half(g.type) ? TR_FLOAT32 : g.type;
    const bool half = is_half(g.type);

    if (half || !layout_of(g.m, g.n, g.c_row, g.c_column, &c)) {
        if (!(c_copy = copied(type, g.type, g.beta != 0 ? g.c : NULL, g.m, g.n, g.c_row, g.c_column))) goto out;
        g.c = c_copy, g.c_row = g.n, g.c_column = 1;
        c = (gemm_layout){false, g.n};
    }
    if (half || !layout_of(g.m, g.k, g.a_row, g.a_column, &a)) {
        if (!(a_copy = copied(type, g.type, g.a, g.m, g.k, g.a_row, g.a_column))) goto out;
        g.a = a_copy, g.a_row = g.k, g.a_column = 1;
        a = (gemm_layout){false, g.k};
    }
    if (half || !layout_of(g.k, g.n, g.b_row, g.b_column, &b)) {
        if (!(b_copy = copied(type, g.type, g.b, g.k, g.n, g.b_row, g.b_column))) goto out;
        g.b = b_copy, g.b_row = g.n, g.b_column = 1;
        b = (gemm_layout){false, g.n};
    }
    g.type = type;
    if (c.transposed) {
        const gemm t = gemm_transposed(&g);
        product_by_library(&t, (gemm_layout){!b.transposed, b.leading}, (gemm_layout){!a.transposed, a.leading}, c.leading);
    } else {
        product_by_library(&g, a, b, c.leading);
    }
    if (c_copy) copy_back(given, type, c_copy);
    status = 0;
out:
    free(a_copy);
    free(b_copy);
    free(c_copy);
    return status;
}

/* k = 0: what remains is beta c. */
static void scale(const gemm *g)
{
    gemm empty = *g;
    empty.alpha = 0;
    gemm_plain(&empty);
}

/* A vector on either side, and so few sums that a library's call costs as much as they do: they may run in double.  By the
 * shape alone.  Beyond these bounds the library is faster, up to twice. */
static bool is_matvec(const gemm *g)
{
    return g->type == TR_FLOAT32 && (g->n == 1 || g->m == 1) && g->m * g->n <= 16 && g->k <= 512 && g->alpha == 1 && g->beta == 0;
}

static int matvec(const gemm *given)
{
    const gemm g = given->n == 1 ? *given : gemm_transposed(given);
    kernel_call call = {
        .kernel = KERNEL_MATVEC, .type = TR_FLOAT32, .n = g.m, .at = {g.c, (void *)(uintptr_t)g.a, (void *)(uintptr_t)g.b}, .size = {g.m, g.k}, .stride = {{g.c_row}, {g.a_row, g.a_column}, {g.b_row}}};
    return kernel_run(tr_cpu(), &call);
}

static int one_product(const gemm *g, gemm_by_hand *small)
{
    if (g->k == 0)
        scale(g);
    else if (!small || !small(g))
        return is_matvec(g) ? matvec(g) : product(g);
    return 0;
}

int kernels_products(const kernel_call *call, gemm_by_hand *small)
{
    const int64_t bytes = tr_dtype_size(call->type);
    gemm g = {.type = call->type, .m = call->size[1], .n = call->size[2], .k = call->size[3], .alpha = call->number[0], .beta = call->number[1], .c_row = call->stride[0][1], .c_column = call->stride[0][2], .a_row = call->stride[1][1], .a_column = call->stride[1][2], .b_row = call->stride[2][1], .b_column = call->stride[2][2]};
    if (g.m <= 0 || g.n <= 0) return 0;
    for (int64_t i = 0; i < call->size[0]; i++) {
        g.c = (char *)call->at[0] + i * call->stride[0][0] * bytes;
        g.a = (const char *)call->at[1] + i * call->stride[1][0] * bytes;
        g.b = (const char *)call->at[2] + i * call->stride[2][0] * bytes;
        if (one_product(&g, small) < 0) return -1;
    }
    return 0;
}

static bool by_loops(const gemm *g)
{
    gemm_plain(g);
    return true;
}

static int gemm_by_library(const kernel_call *call) { return kernels_products(call, NULL); }
static int gemm_by_loops(const kernel_call *call) { return kernels_products(call, by_loops); }

/* Float32's stands in the levels. */
void kernels_gemm(kernel_table table)
{
    for (tr_dtype type = TR_UINT8; type <= TR_INT64; type++) table[KERNEL_GEMM][type] = gemm_by_loops;
    for (tr_dtype type = TR_FLOAT16; type <= TR_COMPLEX128; type++)
        if (type != TR_FLOAT32) table[KERNEL_GEMM][type] = gemm_by_library;
}
