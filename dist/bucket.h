/* Gradients that travel together.
 *
 * A message per parameter would spend its time on starting messages; one message for all could not start before the last
 * gradient is finished.  So parameters fill buckets, the last parameter first, since backward finishes it first:
 *
 *     parameters   0.weight  0.bias   2.weight  2.bias  4.weight  4.bias
 *     buckets     [         2                ][        1       ][  0   ]     0 is small (1 MiB), so that it leaves early
 *
 * A bucket closes with the parameter that brings it to its limit, and holds one element type; float16 and bfloat16
 * gradients lie and are added in it as float32.  The plan depends on shapes and types alone, so all ranks make the same.
 *
 * Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020. */
#ifndef TRIREME_DIST_BUCKET_H
#define TRIREME_DIST_BUCKET_H

#include "dist/transport.h"

#include <trireme/autograd.h>

typedef struct {
    tr_tensor *parameter; /* kept */
    tr_tensor *place;     /* kept: its part of the bucket's memory, in its shape */
    int64_t number;       /* of the slot, in the plan */
} dist_slot;

typedef struct {
    tr_tensor *memory; /* kept: 1-D, row-major, zero where nothing was ever put */
    dist_slot *slot;   /* borrowed from the plan */
    int64_t slots;
} dist_bucket;

typedef struct {
    dist_slot *slot; /* owned, all buckets' one after the other */
    int64_t slots;
    dist_bucket *bucket; /* owned */
    int64_t buckets;
    void *memory;   /* of all buckets: the transport's, until it finishes */
    int generation; /* of ranks, that it is for (ranks.h) */
} dist_plan;

/* Share the parameters that train out; limits in bytes.  Collective over `way`, whose memory the buckets lie in.  0, or -1
 * with an error standing and nothing held. */
int dist_plan_make(dist_plan *plan, dist_transport *way, tr_tensors parameters, int64_t first_limit, int64_t limit);
void dist_plan_free(dist_plan *plan);

/* The ranks that it was made for have finished, and its memory is gone. */
bool dist_plan_is_over(const dist_plan *plan);

/* Some slot of b counts in used[number]. */
bool dist_bucket_used(const dist_bucket *b, const int64_t *used);

/* memory = weight * gradients; exact zero where there is none, or where the weight is 0 (whatever the gradient: NaN). */
int dist_bucket_load(dist_bucket *b, double weight);

/* gradients = memory, of the slots that count in used[number]; the others stay as they are. */
int dist_bucket_store(dist_bucket *b, const int64_t *used);

#endif
