/* A global batch, virtual shard after virtual shard: the reproducible way of data parallel. */
#ifndef TRIREME_DIST_SHARDS_H
#define TRIREME_DIST_SHARDS_H

#include "dist/gradients.h"
#include "dist/tree.h"

#include <trireme/dist.h>

typedef struct {
    dist_tree tree;
    dist_gradient *gradient; /* borrowed: item i's */
    int64_t items;
    tr_tensor **before;        /* owned, each kept: what gradients held before the batch */
    tr_tensor *input, *target; /* kept: the shard's */
    tr_module *module;         /* borrowed: counts batches */
    uint64_t step;             /* the number of this one */
    bool open;                 /* between the first and the last call for a batch */
    int64_t shard;             /* that is being worked on */
} dist_shards;

int dist_shards_open(dist_shards *s, dist_transport *way, const dist_plan *plan, tr_module *module, dist_gradient *gradient, int64_t items, int64_t shards);
void dist_shards_close(dist_shards *s);

/* As tr_next_shard. */
bool dist_shards_next(dist_shards *s, const tr_batch *batch, tr_batch *shard);

#endif
