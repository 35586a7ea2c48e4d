/* Sums that do not depend on the number of ranks.
 *
 * Floating-point sums depend on how they are grouped.  So a global batch is cut into a fixed number of virtual shards, each
 * shard's gradient is computed by itself, and these are added in one fixed binary tree, whoever holds them:
 *
 *     [0, 24)                                  a node is halved at (lo + hi) / 2
 *     [0, 12)             [12, 24)
 *     [0, 6)   [6, 12)    [12, 18)   [18, 24)     3 ranks hold [0, 8), [8, 16), [16, 24):
 *     ...                                         rank 0 passes on [0, 6) and [6, 7), [7, 8) ... not the whole [6, 9)
 *
 * A rank adds up what it can as shards come, the way a binary counter carries, so it holds few sums at once.  Then the
 * owner of a node's first shard receives its right half from that half's owner and adds it; rank 0 has the sum in the end,
 * and everybody gets it from there.  Where ranks are a power of two each passes on one sum.
 *
 * The other way, exact sums of 64-bit integers, took 0.55 to 0.8 of the time (2.7 MB, 1 to 6 ranks), but its exponent is
 * known only when all shards of all ranks are, so that each rank must hold all of its shards' gradients; and what is much
 * smaller than the largest gradient loses digits. */
#ifndef TRIREME_DIST_TREE_H
#define TRIREME_DIST_TREE_H

#include "dist/bucket.h"

enum { DIST_TREE_DEPTH = 64 };

typedef struct {
    int64_t lo, hi;
    char *sum; /* owned: laid out as the plan's memory */
} dist_branch;

typedef struct {
    dist_transport *way;
    const dist_plan *plan; /* borrowed */
    int64_t shards;
    dist_branch branch[DIST_TREE_DEPTH]; /* that nothing here can be added to, in order */
    int branches;
    char *spare[DIST_TREE_DEPTH]; /* owned */
    int spares;
} dist_tree;

/* n r / W, rounded down: where part r of W begins among n. */
int64_t dist_share(int64_t n, int64_t r, int64_t world);

/* The next shard of this rank's: zeroed memory for its gradients, laid out as the plan's.  NULL with an error standing. */
char *dist_tree_push(dist_tree *t, int64_t shard);

/* That shard is complete. */
void dist_tree_carry(dist_tree *t);

/* The sum over all shards of all ranks, into the plan's memory on every rank.  Collective.  0, or -1 with an error standing. */
int dist_tree_sum(dist_tree *t);

void dist_tree_free(dist_tree *t);

#endif
