/* When which bucket travels: the weighted sum  g = sum_r (n_r / N) g_r  of many gradients, while they are still being made.
 *
 *     begin    post { samples }: the weight n_r / N is known when the first bucket needs it (and whether all ranks hold
 *              one digest, if they were asked)
 *     ready    a gradient is finished; buckets that are full leave, in the plan's order, the same on every rank
 *     end      the rest leaves, full or not; wait for all
 *
 * Loading is the owner's: when a bucket may leave, full() is called, writes every gradient into its place, weighted or to be
 * weighted on the way, and says which were used, and then calls dist_reducer_send().  (So that a recorded step can do the same in every replay.) */
#ifndef TRIREME_DIST_REDUCER_H
#define TRIREME_DIST_REDUCER_H

#include "dist/bucket.h"
#include "dist/courier.h"
#include "dist/device.h"

#include <trireme/tensor.h>

enum { DIST_PIECES = 3 }; /* of a digest */

typedef struct {
    dist_plan plan;
    dist_courier courier;
    int64_t limits[2]; /* bytes of the first bucket, and of the others */
    int (*full)(void *owner, int64_t bucket);
    const char *(*name)(void *owner, int64_t item); /* for reports; NULL: items have none */
    void *owner;
    dist_device *on;  /* borrowed: whose memory gradients are in; NULL: the host's, in the plan's */
    tr_tensor *there; /* kept: the device's, laid out as the plan's memory is; that is its twin on the host */
    bool scatter;     /* a rank gets its part of each bucket alone (and the counts of those that used it) */
    bool settled;     /* the plan follows the order in which gradients are finished */

    bool launched;          /* the last time it was a graph */
    bool running, counted;  /* from begin() to the end of end(); the weight is known */
    bool compares, differs; /* there is a digest; and the ranks do not hold the same, known with the weight */
    int64_t samples;
    int64_t all[4 + 2 * DIST_PIECES]; /* of all ranks: samples; how many were told to stop (stop.h); graphs; digests */
    int64_t graph;                    /* begin()'s */
    int64_t piece[DIST_PIECES];       /* of this rank's digest */
    dist_work count;
    dist_work *work;  /* owned: a bucket's; as many as items */
    dist_work *uses;  /* owned: its counts', if they travel by themselves */
    bool *ready;      /* owned: an item's */
    int64_t *missing; /* owned: items that a bucket waits for */
    int64_t next;     /* bucket that leaves next */
    int64_t *order;   /* owned: items as they became ready, this time */
    int64_t ordered;

    int64_t early;          /* buckets that left before end(), this time */
    double wait_s, total_s; /* of waiting in end(); from begin() to the end of end() */
    double began;
} dist_reducer;

/* Buckets' limits and who brings them on, from what rank 0 asked for: {bytes of the first, of the others; 0: usual;
 * tr_overlap}.  0, or -1 with an error standing. */
int dist_reducer_choose(dist_reducer *r, const dist_transport *way, const int64_t asked[3], bool *thread);

/* item stays the caller's; limits, on, scatter, full and owner are set.  Collective.  0, or -1 with an error standing and nothing held. */
int dist_reducer_open(dist_reducer *r, dist_transport *way, const dist_item *item, int64_t items, bool thread);
void dist_reducer_close(dist_reducer *r);

/* All return 0, or -1 with an error standing.  digest: compared with the other ranks' (all have one, or none); or NULL.
 * graph: the number of one that this rank could launch in place of all that follows; 0: none. */
int dist_reducer_begin(dist_reducer *r, int64_t samples, const uint64_t *digest, int64_t graph);
int dist_reducer_ready(dist_reducer *r, int64_t item);
int dist_reducer_send(dist_reducer *r, int64_t bucket, double weight); /* what lies in it is still to be multiplied by; or 1 */
int dist_reducer_flush(dist_reducer *r);                               /* the rest leaves */
int dist_reducer_wait(dist_reducer *r);                                /* for all; and it is over */

/* n_r / N; waits for it.  NaN with an error standing. */
double dist_reducer_weight(dist_reducer *r);

/* With the weight it is known whether every rank could launch the graph of this number. */
bool dist_reducer_agrees(const dist_reducer *r);

/* While a step is captured: a bucket's sum is in the graph.  And what end() does for a step that was launched as one, in which
 * nothing is waited for. */
int dist_reducer_note(dist_reducer *r, int64_t bucket, double weight);
void dist_reducer_launched(dist_reducer *r);

/* Where an item's gradient lies: the device's memory, or the host's. */
void *dist_reducer_place(const dist_reducer *r, int64_t item);

/* Where a bucket begins, and this rank's part of it; likewise. */
void *dist_reducer_memory(const dist_reducer *r, const dist_bucket *b);
void *dist_reducer_part(const dist_reducer *r, const dist_bucket *b);

/* Did any rank use it, last time? */
bool dist_reducer_used(const dist_reducer *r, int64_t item);

/* After a first time: the plan takes rank 0's order, if it has more than one bucket to choose from.  Collective.  *moved:
 * the items' places are elsewhere now. */
int dist_reducer_settle(dist_reducer *r, bool *moved);

#endif
