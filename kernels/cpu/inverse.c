/* The inverse of a square matrix by LAPACK's LU decomposition. */
#include "core/fail.h"
#include "kernels/cpu/cpu.h"

#include <limits.h>
#include <stdlib.h>

/* LAPACK's own names, in OpenBLAS. */
void sgetrf_(const int *m, const int *n, float *a, const int *lda, int *pivots, int *info);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivots, int *info);
void sgetri_(const int *n, float *a, const int *lda, const int *pivots, float *work, const int *size, int *info);
void dgetri_(const int *n, double *a, const int *lda, const int *pivots, double *work, const int *size, int *info);

/* LAPACK wants columns.  The inverse of the transpose would do, but its zero would stand elsewhere on the diagonal. */
#define TRANSPOSE(t, T)                                   \
 static void transpose_##t(T *out, const T *a, int64_t n) \
 {                                                        \
  for (int64_t i = 0; i < n; i++)                         \
   for (int64_t j = i; j < n; j++) {                      \
    T above = a[i * n + j], below = a[j * n + i];         \
    out[i * n + j] = below;                               \
    out[j * n + i] = above;                               \
   }                                                      \
 }
TRANSPOSE(f32, float)
TRANSPOSE(f64, double)

static int inverse(const kernel_call *call)
{
    const bool wide = call->type == TR_FLOAT64;
    if (call->size[0] == 0) return 0;
    if (call->size[0] > INT_MAX / 64) return core_fail_status("inverse: a matrix of %lld rows is too large", (long long)call->size[0]);
    const int n = (int)call->size[0], size = 64 * n;
    int info = 0;
    int *pivots = malloc((size_t)n * sizeof *pivots);
    void *work = malloc((size_t)size * sizeof(double));
    if (!pivots || !work) {
        core_fail_memory("inverse", (int64_t)size * (int64_t)sizeof(double));
        info = -1;
        goto out;
    }
    if (wide) {
        transpose_f64(call->at[0], call->at[1], n);
        dgetrf_(&n, &n, call->at[0], &n, pivots, &info);
        if (info == 0) dgetri_(&n, call->at[0], &n, pivots, work, &size, &info);
        if (info == 0) transpose_f64(call->at[0], call->at[0], n);
    } else {
        transpose_f32(call->at[0], call->at[1], n);
        sgetrf_(&n, &n, call->at[0], &n, pivots, &info);
        if (info == 0) sgetri_(&n, call->at[0], &n, pivots, work, &size, &info);
        if (info == 0) transpose_f32(call->at[0], call->at[0], n);
    }
    if (info > 0) core_fail_status("inverse: the matrix is singular: the diagonal element %d is zero, the inversion could not be completed because the input matrix is singular.", info);
    if (info < 0) core_fail_status("inverse: LAPACK refused its argument %d", -info);
out:
    free(pivots);
    free(work);
    return info ? -1 : 0;
}

void kernels_inverse(kernel_table table)
{
    table[KERNEL_INVERSE][TR_FLOAT32] = inverse;
    table[KERNEL_INVERSE][TR_FLOAT64] = inverse;
}
