/* A rank's part of a parameter: what its optimiser steps where state is shared out.
 *
 *     bucket      [ part of rank 0      |  part of rank 1      |  part of rank 2     ]
 *     gradients   [ 4.bias |   4.weight      |  2.bias |           2.weight       |..]
 *
 * The bucket's memory serves twice a step: in backward for gradients, whose sums each rank gets in its part, and in
 * gathering for the parameters' new values, which stand where their gradients stood. */
#ifndef TRIREME_DIST_OWNED_H
#define TRIREME_DIST_OWNED_H

#include "dist/gradients.h"

#include <trireme/nn.h>

typedef struct {
    int64_t first, n;    /* which of the parameter's numbers; n may be 0 */
    tr_tensor *part;     /* kept: these, over the parameter's memory */
    tr_tensor *gradient; /* kept: and theirs, over the bucket's */
} dist_owned;

/* Numbers [first, first + n) of a parameter, whose gradient has its place.  0, or -1 with an error standing. */
int dist_owned_make(dist_owned *o, const dist_gradient *g, int64_t first, int64_t n);
void dist_owned_drop(dist_owned *o);

/* After a sum: it is the part's gradient, if some rank used the parameter; the parameter has none. */
int dist_owned_store(dist_owned *o, dist_gradient *g, bool used);

/* The bucket's memory is about to go. */
int dist_owned_leave(dist_owned *o);

/* ---- of a whole module (sharded_state.c) ---- */

struct dist_data_parallel;

/* Find this rank's parts.  0, or -1 with an error standing. */
int dist_own_parts(struct dist_data_parallel *d);

/* The module m, if it shares state out and its ranks are these; NULL with an error standing. */
struct dist_data_parallel *dist_own_sharded(tr_module *m, const char *function);

/* A backward begins: are the sums of the last one done with? */
int dist_own_check(struct dist_data_parallel *d);

#endif
