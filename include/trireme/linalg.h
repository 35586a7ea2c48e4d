/* Linear algebra on square matrices of float32, float64 or complex numbers, or batches (..., n, n) of them. */
#ifndef TRIREME_LINALG_H
#define TRIREME_LINALG_H

#include <trireme/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

TR_API tr_tensor *(tr_inv)(tr_tensor *a); /* a singular matrix is an error */

/* x of a x = b.  b (..., n, m), whose batch broadcasts with a's, or a vector (n); a singular matrix is an error. */
TR_API tr_tensor *(tr_solve)(tr_tensor *a, tr_tensor *b);

TR_API tr_tensor *(tr_det)(tr_tensor *a);   /* a singular matrix's gradient takes n^2 determinants */
TR_API tr_tensor *(tr_trace)(tr_tensor *x); /* the sum of a matrix's diagonal; any shape of matrix, any type */

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_inv(a)      TR_TENSOR_((tr_inv)(a))
# define tr_solve(a, b) TR_TENSOR_((tr_solve)(a, b))
# define tr_det(a)      TR_TENSOR_((tr_det)(a))
# define tr_trace(x)    TR_TENSOR_((tr_trace)(x))
#endif

#endif
