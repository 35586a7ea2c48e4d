/* Sums of arrays that lie in the memory of several ranks. */
#ifndef TRIREME_DIST_SUM_H
#define TRIREME_DIST_SUM_H

#include <trireme/types.h>

/* All types but bool have one. */
bool dist_has_sum(tr_dtype dtype);

/* into[j][i] = from[0][i] + from[1][i] + ... in this order, for n elements and every j: the same bits whoever adds.
 * Halves are added in float32 and rounded once.  An `into` may be one of the `from`, but not overlap one otherwise. */
void dist_sum(tr_dtype dtype, const void *const *from, int ranks, void *const *into, int copies, int64_t n);

/* into[i] = the largest of from[0][i], from[1][i], ... */
void dist_max(const uint64_t *const *from, int ranks, uint64_t *into, int64_t n);

#endif
