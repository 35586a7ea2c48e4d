/* What modules count, and numbers are counted by: batches in virtual shards (tr_count_batch), and the requests of dropout
 * layers' generators.  It goes into a run's manifests, module by module in the order of their tree:
 *
 *     "batches.0": "120"                                         of the whole run, in rank 0's manifest
 *     "dropout.2": "00000000000000a1 00000000000000a1 4096"      of each rank: the layer's seed, its generator's, its place
 */
#ifndef TRIREME_NN_COUNTED_H
#define TRIREME_NN_COUNTED_H

#include "nn/manifest.h"
#include "nn/module.h"

typedef struct {
    uint64_t seed, generator_seed, offset;
} nn_dropout_place;

/* ---- dropout.c ---- */

bool nn_is_dropout(const tr_module *m);
nn_dropout_place nn_dropout_where(const tr_module *m);
void nn_dropout_put(tr_module *m, nn_dropout_place at);

/* ---- counted.c ---- */

typedef struct nn_counted nn_counted;

/* 0, or -1 with an error noted. */
int nn_counted_write(nn_manifest_writer *w, tr_module *m, bool first);

/* What the modules below m are to be brought to; belongs to the open scope.  `own` is NULL for a rank that the checkpoint
 * did not have: its layers take the first rank's seeds, and keep their places.  In an older manifest, that knows no places, all
 * layers keep theirs.  NULL with an error noted. */
nn_counted *nn_counted_read(const nn_manifest *first, const nn_manifest *own, tr_module *m);
void nn_counted_put(const nn_counted *c);

#endif
