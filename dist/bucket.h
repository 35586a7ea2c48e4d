/* Gradients that travel together.
 *
 * A message per parameter would spend its time on starting messages; one message for all could not start before the last
 * gradient is finished.  So gradients fill buckets, in the order in which they are finished; until that is known the last
 * parameter comes first:
 *
 *     parameters   0.weight  0.bias   2.weight  2.bias  4.weight  4.bias
 *     buckets     [         2                ][        1       ][  0   ]     0 is small (1 MiB), so that it leaves early
 *
 * A bucket closes with the gradient that brings it to its limit, and holds one element type; float16 and bfloat16
 * gradients lie and are added in it as float32.  Where each rank is to get a part of the sums alone, a bucket's gradients lie
 * close together, and all parts are as long, so that ranks share all numbers out evenly.  Behind its gradients a bucket has a number for each: how many ranks used
 * it, added up on the same way.  The plan depends on sizes, types and order alone, so all ranks make the same.
 *
 * Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020. */
#ifndef TRIREME_DIST_BUCKET_H
#define TRIREME_DIST_BUCKET_H

#include "dist/transport.h"

/* A gradient: n numbers of a type. */
typedef struct {
    int64_t n;
    tr_dtype dtype;
} dist_item;

typedef struct {
    int64_t item;
    int64_t n;
    void *place; /* n numbers of the bucket's type, on a cache line of their own */
} dist_slot;

typedef struct {
    tr_dtype dtype;
    void *memory;
    int64_t n;       /* numbers in memory, those that count ranks included */
    int64_t part;    /* gradients' numbers that are one rank's, where the plan has parts; else all of them */
    dist_slot *slot; /* borrowed from the plan */
    int64_t slots;
    char words[112]; /* "gradients, bucket 0 of 3: 4.bias .. 2.weight" (reducer.c) */
} dist_bucket;

typedef struct {
    const dist_item *item; /* borrowed */
    int64_t items;
    dist_slot *slot;     /* owned, all buckets' one after the other */
    dist_slot **home;    /* owned: item i's */
    dist_bucket *bucket; /* owned */
    int64_t buckets;
    void *memory; /* of all buckets: the transport's, until it finishes; enough for any order of these items */
    int64_t bytes;
    int64_t parts;       /* of each bucket, all as long; 1 or the number of ranks */
    dist_transport *way; /* borrowed */
    int generation;      /* of ranks, that it is for (ranks.h) */
} dist_plan;

/* The type that gradients of a type are added in. */
tr_dtype dist_sum_type(tr_dtype dtype);

/* Share items out, the last first; limits in bytes.  Collective over `way`, whose zeroed memory the buckets lie in.  0, or
 * -1 with an error standing and nothing held. */
int dist_plan_make(dist_plan *plan, dist_transport *way, const dist_item *item, int64_t items, int64_t first_limit, int64_t limit, bool in_parts);
void dist_plan_free(dist_plan *plan);

/* Share out anew, in the same memory; what stood there moves along.  Not for a plan in parts.  0, or -1 with an error standing and nothing changed. */
int dist_plan_reorder(dist_plan *plan, const int64_t *order, int64_t first_limit, int64_t limit);

/* The ranks that it was made for have finished, and its memory is gone. */
bool dist_plan_is_over(const dist_plan *plan);

/* How many ranks used b's slot s: written before b is summed, read afterwards. */
void dist_bucket_set_used(dist_bucket *b, int64_t s, bool used);
bool dist_bucket_used(const dist_bucket *b, int64_t s);

#endif
