/* Ranks of one host in memory that they share, and the hosts over another transport.
 *
 * A window is of a fixed size: SLOTS slots for each rank, through which arrays of any length travel in chunks, one slot each.
 * A collective is a list of two to five stages (stages.h) that every chunk goes through (rounds.c).  In round r each rank does stage s
 * of chunk r - s, for all s, latest first, and then meets the others once (meet.h); so a chunk's stage s begins when
 * everybody has ended its stage s - 1, and the stages of neighbouring chunks overlap:
 *
 *     round        0      1      2      3      4
 *     chunk 0      in     add    out                    all-reduce on one host: copy in what others add, add one's own
 *     chunk 1             in     add    out             slice over all ranks, copy out what others have added
 *     chunk 2                    in     add    out
 *
 * A slot is used again SLOTS chunks later, when all have left it, in this collective or a later one.  Memory from take()
 * lies in a window itself: sums over it need no slots. */
#ifndef TRIREME_DIST_WINDOW_H
#define TRIREME_DIST_WINDOW_H

#include "dist/meet.h"

enum { DIST_SLOTS = 4,
       DIST_STAGES = 5 };

/* Memory of take(). */
typedef struct dist_region {
    struct dist_region *next;
    void **piece; /* owned: where each rank's is; NULL: not shared */
    void *mine;
    int64_t bytes;
    bool taken;
} dist_region;

typedef struct {
    int64_t at, n; /* elements */
    int64_t place; /* of its slot among a rank's slots, bytes */
} dist_chunk;

typedef struct dist_window dist_window;
typedef int (*dist_stage)(dist_window *v, const dist_work *w, dist_chunk c);

struct dist_window {
    dist_transport way; /* first */
    dist_host *host;    /* owned */
    dist_meeting meet;
    char **slots; /* owned: where each rank's begin */
    int64_t slot_bytes;
    int64_t chunks_before; /* that have used slots */
    dist_region *region;   /* owned: a list */
    char name[80];

    /* The collective under way. */
    const dist_stage *stage;
    int stages;
    int64_t size, per, chunks, round; /* bytes of an element, elements of a chunk */
    const dist_region *direct;        /* data lie here, `offset` from its beginning; NULL: anywhere */
    int64_t offset;
    const void **from; /* room for a pointer to each rank's */
    void **into;
    double *weight; /* room for each rank's */
};

/* Takes `host` over, but not if it fails.  Collective.  NULL with an error standing on every rank. */
dist_transport *dist_window_open(dist_host *host, int64_t slot_bytes);

/* The same ranks as `mpi`, and the best way that TRIREME_TRANSPORT allows; takes it over.  NULL with an error standing. */
dist_transport *dist_choose(dist_transport *mpi);

/* ---- rounds.c ---- */

/* This window serves it itself (the others go over host->all). */
bool dist_rounds_serve(const dist_window *v, const dist_work *w);

int dist_rounds_begin(dist_window *v, dist_work *w);

/* As dist_transport.advance. */
int dist_rounds_advance(dist_window *v, dist_work *w, double seconds);

#endif
