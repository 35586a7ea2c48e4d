/* The inverse of a square matrix by LAPACK's LU decomposition. */
#include "core/fail.h"
#include "kernels/cpu/cpu.h"

#include <limits.h>
#include <stdlib.h>

/* LAPACK's own names, in OpenBLAS: LU decomposition, and the inverse from it. */
#define LAPACK(T, GETRF, GETRI)                                                        \
 void GETRF(const int *m, const int *n, T *a, const int *lda, int *pivots, int *info); \
 void GETRI(const int *n, T *a, const int *lda, const int *pivots, T *work, const int *size, int *info);
LAPACK(float, sgetrf_, sgetri_)
LAPACK(double, dgetrf_, dgetri_)
LAPACK(float _Complex, cgetrf_, cgetri_)
LAPACK(double _Complex, zgetrf_, zgetri_)

/* LAPACK wants columns.  The inverse of the transpose would do, but its zero would stand elsewhere on the diagonal. */
#define INVERT(t, T, GETRF, GETRI)                                                             \
 static void transpose_##t(T *out, const T *a, int64_t n)                                      \
 {                                                                                             \
  for (int64_t i = 0; i < n; i++)                                                              \
   for (int64_t j = i; j < n; j++) {                                                           \
    T above = a[i * n + j], below = a[j * n + i];                                              \
    out[i * n + j] = below;                                                                    \
    out[j * n + i] = above;                                                                    \
   }                                                                                           \
 }                                                                                             \
 static int invert_##t(void *y, const void *a, const int n, int *pivots, void *work, int size) \
 {                                                                                             \
  int info = 0;                                                                                \
  transpose_##t(y, a, n);                                                                      \
  GETRF(&n, &n, y, &n, pivots, &info);                                                         \
  if (info == 0) GETRI(&n, y, &n, pivots, work, &size, &info);                                 \
  if (info == 0) transpose_##t(y, y, n);                                                       \
  return info;                                                                                 \
 }
INVERT(f32, float, sgetrf_, sgetri_)
INVERT(f64, double, dgetrf_, dgetri_)
INVERT(c64, float _Complex, cgetrf_, cgetri_)
INVERT(c128, double _Complex, zgetrf_, zgetri_)

static int inverse(const kernel_call *call)
{
    int (*const invert)(void *y, const void *a, int n, int *pivots, void *work, int size) =
        call->type == TR_FLOAT32 ? invert_f32 : call->type == TR_FLOAT64 ? invert_f64
                                            : call->type == TR_COMPLEX64 ? invert_c64
                                                                         : invert_c128;
    const int64_t bytes = tr_dtype_size(call->type);
    if (call->size[0] == 0) return 0;
    if (call->size[0] > INT_MAX / 64) return core_fail_status("tr_inv: a matrix of %lld rows is too large", (long long)call->size[0]);
    const int n = (int)call->size[0], size = 64 * n;
    int info = 0;
    int *pivots = malloc((size_t)n * sizeof *pivots);
    void *work = malloc((size_t)size * (size_t)bytes);
    if (!pivots || !work) {
        core_fail_memory("tr_inv", size * bytes);
        info = -1;
        goto out;
    }
    info = invert(call->at[0], call->at[1], n, pivots, work, size);
    if (info > 0) core_fail_status("tr_inv: the matrix is singular: the diagonal element %d is zero, the inversion could not be completed because the input matrix is singular.", info);
    if (info < 0) core_fail_status("tr_inv: LAPACK refused its argument %d", -info);
out:
    free(pivots);
    free(work);
    return info ? -1 : 0;
}

void kernels_inverse(kernel_table table)
{
    table[KERNEL_INVERSE][TR_FLOAT32] = table[KERNEL_INVERSE][TR_FLOAT64] = inverse;
    table[KERNEL_INVERSE][TR_COMPLEX64] = table[KERNEL_INVERSE][TR_COMPLEX128] = inverse;
}
