/* Do all ranks hold the same parameters?  A digest of 64 bits tells, and what it cannot tell is looked up. */
#ifndef TRIREME_DIST_REPLICAS_H
#define TRIREME_DIST_REPLICAS_H

#include <trireme/nn.h>

/* Of all bits of m's parameters: a pass over them.  0, or -1 with an error standing. */
int dist_replicas_digest(tr_module *m, uint64_t *digest);

/* Compare them, and fail on every rank, as `function`, with the first that differs and the ranks whose it is.  Collective.
 * 0, or -1 with an error standing. */
int dist_replicas_compare(const char *function, tr_module *m);

#endif
