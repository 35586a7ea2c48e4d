/* One module on all ranks: the same names, shapes and types, then the same values. */
#ifndef TRIREME_DIST_SAME_MODULE_H
#define TRIREME_DIST_SAME_MODULE_H

#include <trireme/nn.h>

/* Compare m's parameters and buffers with every rank's.  Collective.  0, or -1 with an error standing on every rank that
 * names the first place where a rank differs from rank 0, and both sides. */
int dist_same_module(tr_module *m);

/* Copy rank 0's parameters and buffers to every rank.  Collective. */
int dist_same_values(tr_module *m);

#endif
