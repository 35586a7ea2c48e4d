/* Linear systems and determinants by LAPACK's LU decomposition, matrix after matrix of a batch.
 *
 * LAPACK wants columns, so it sees a' where we have a: of the same determinant, and its solver can turn it back. */
#include "core/fail.h"
#include "kernels/cpu/cpu.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK's own names, in OpenBLAS: LU decomposition, and solutions from it. */
#define LAPACK(T, GETRF, GETRS)                                                        \
 void GETRF(const int *m, const int *n, T *a, const int *lda, int *pivots, int *info); \
 void GETRS(const char *turned, const int *n, const int *m, const T *a, const int *lda, const int *pivots, T *b, const int *ldb, int *info);
LAPACK(float, sgetrf_, sgetrs_)
LAPACK(double, dgetrf_, dgetrs_)
LAPACK(float _Complex, cgetrf_, cgetrs_)
LAPACK(double _Complex, zgetrf_, zgetrs_)

/* One matrix: x of a x = b, or (b NULL) one element, the determinant.  `lu` has room for n (n + m), as has `x`.
 * Returns LAPACK's info: positive where a is singular. */
#define ONE(t, T, WIDE, GETRF, GETRS)                                                               \
 static int one_##t(void *x_, const void *a, const void *b_, int n, int m, void *lu_, int *pivots)  \
 {                                                                                                  \
  T *x = x_, *lu = lu_;                                                                             \
  const T *b = b_;                                                                                  \
  int info = 0, ld = n > 0 ? n : 1;                                                                 \
  T *columns = lu + (int64_t)n * n;                                                                 \
  memcpy(lu, a, (size_t)n *(size_t)n * sizeof *lu);                                                 \
  GETRF(&n, &n, lu, &ld, pivots, &info);                                                            \
  if (!b) {                                                                                         \
   WIDE det = 1;                                                                                    \
   for (int i = 0; i < n; i++) det *= (WIDE)lu[(int64_t)i * n + i] * (pivots[i] == i + 1 ? 1 : -1); \
   *x = (T)det;                                                                                     \
   return info < 0 ? info : 0;                                                                      \
  }                                                                                                 \
  if (info) return info;                                                                            \
  for (int64_t i = 0; i < n; i++)                                                                   \
   for (int64_t j = 0; j < m; j++) columns[j * n + i] = b[i * m + j];                               \
  GETRS("T", &n, &m, lu, &ld, pivots, columns, &ld, &info);                                         \
  for (int64_t i = 0; i < n; i++)                                                                   \
   for (int64_t j = 0; j < m; j++) x[i * m + j] = columns[j * n + i];                               \
  return info;                                                                                      \
 }
ONE(f32, float, double, sgetrf_, sgetrs_)
ONE(f64, double, double, dgetrf_, dgetrs_)
ONE(c64, float _Complex, double _Complex, cgetrf_, cgetrs_)
ONE(c128, double _Complex, double _Complex, zgetrf_, zgetrs_)

static int run(const kernel_call *call)
{
    const bool solve = call->kernel == KERNEL_SOLVE;
    int (*const one)(void *x, const void *a, const void *b, int n, int m, void *lu, int *pivots) =
        call->type == TR_FLOAT32 ? one_f32 : call->type == TR_FLOAT64 ? one_f64
                                         : call->type == TR_COMPLEX64 ? one_c64
                                                                      : one_c128;
    const int64_t batch = call->size[0], n = call->size[1], m = solve ? call->size[2] : 0, bytes = tr_dtype_size(call->type);
    if (n > 32768 || m > INT_MAX / 64) return core_fail_status("tr_%s: a matrix of %lld rows is too large", kernel_name(call->kernel), (long long)n);
    int64_t room = n * (n + m) * bytes + 1;
    int *pivots = malloc((size_t)n * sizeof *pivots + 1), info = 0;
    void *lu = malloc((size_t)room);
    if (!pivots || !lu) {
        core_fail_memory(kernel_name(call->kernel), room);
        info = -1;
        goto out;
    }
    for (int64_t i = 0; i < batch && info == 0; i++) {
        char *x = (char *)call->at[0] + i * (solve ? n * m : 1) * bytes;
        const char *a = (const char *)call->at[1] + i * n * n * bytes, *b = solve ? (const char *)call->at[2] + i * n * m * bytes : NULL;
        info = one(x, a, b, (int)n, (int)m, lu, pivots);
        if (info > 0) core_fail_status("tr_%s: matrix %lld is singular: the diagonal element %d is zero", kernel_name(call->kernel), (long long)i, info);
        if (info < 0) core_fail_status("tr_%s: LAPACK refused its argument %d", kernel_name(call->kernel), -info);
    }
out:
    free(pivots);
    free(lu);
    return info ? -1 : 0;
}

void kernels_solve(kernel_table table)
{
    for (int k = KERNEL_SOLVE; k <= KERNEL_DET; k++) table[k][TR_FLOAT32] = table[k][TR_FLOAT64] = table[k][TR_COMPLEX64] = table[k][TR_COMPLEX128] = run;
}
