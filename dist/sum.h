/* Sums of arrays that lie in the memory of several ranks. */
#ifndef TRIREME_DIST_SUM_H
#define TRIREME_DIST_SUM_H

#include <trireme/types.h>

/* All types but bool have one. */
bool dist_has_sum(tr_dtype dtype);

/* into[j][i] = weight[0] from[0][i] + weight[1] from[1][i] + ... in this order, for n elements and every j: the same bits
 * whoever adds.  weight is NULL for plain sums, and always for other types than dist_scale's.  Halves are added in float32
 * and rounded once.  An `into` may be one of the `from`, but not overlap one otherwise. */
void dist_sum(tr_dtype dtype, const void *const *from, const double *weight, int ranks, void *const *into, int copies, int64_t n);

/* into[i] = the largest of from[0][i], from[1][i], ... */
void dist_max(const uint64_t *const *from, int ranks, uint64_t *into, int64_t n);

/* to[i] = weight * from[i], n numbers of float32, float64, complex64 or complex128, rounded once (a weight of 1/3 is not first made a float); exact zero
 * where the weight is 0, whatever stands there.  to may be from. */
void dist_scale(tr_dtype dtype, void *to, const void *from, int64_t n, double weight);

/* to[i] += weight * from[i]; nothing where the weight is 0. */
void dist_add_scaled(tr_dtype dtype, void *to, const void *from, int64_t n, double weight);

#endif
