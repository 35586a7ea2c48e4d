/* What a data-parallel module holds. */
#ifndef TRIREME_DIST_DATA_PARALLEL_H
#define TRIREME_DIST_DATA_PARALLEL_H

#include "dist/gradients.h"
#include "dist/reducer.h"
#include "dist/owned.h"
#include "dist/shards.h"

typedef struct dist_data_parallel dist_data_parallel;

/* What a recorded call must know, also after other steps have run. */
typedef struct dist_call {
    dist_data_parallel *owner;
    int64_t samples, bucket, item;
    bool stays;            /* the module's, as it was */
    bool begun;            /* the samples are counted already: ranks did not agree on a graph */
    bool meets, all_tried; /* data_parallel_graph.c's own */
    struct {
        dist_load how;
        const void *from;
        bool used;
    } slot[];
} dist_call;

/* Of an item: in some backward this rank did not use it, though another did; no rank used it; and each has been said. */
enum { DIST_UNUSED_HERE = 1,
       DIST_UNUSED = 2,
       DIST_TOLD_HERE = 4,
       DIST_TOLD = 8 };

struct dist_data_parallel {
    dist_data_parallel *next_alive;
    tr_module *outer, *module; /* borrowed: whose self this is; our child, which keeps it */
    dist_reducer reducer;
    dist_item *item;         /* owned */
    dist_gradient *gradient; /* owned: item i's */
    int64_t items;
    char *unused;                   /* owned: item i's DIST_UNUSED_... */
    int64_t samples;                /* of the last forward */
    bool waiting;                   /* backward will call us at its end */
    bool stays;                     /* TR_NO_SYNC: in this backward gradients stay here */
    int64_t check_every, backwards; /* every so many of them digests are compared; 0: never */
    bool reproducible;
    dist_shards shards; /* if reproducible */
    bool sharded;       /* the optimiser's state is shared out */
    dist_owned *mine;   /* owned: this rank's part of item i; NULL: not sharded, or one rank */
    tr_tensor **list;   /* owned: what tr_shard_parameters gives; NULL until asked for */
    int64_t list_count;
    dist_work *gather; /* owned: a bucket's */

    tr_tensor *anchor; /* kept: a leaf that outputs hang on which no parameter reached */
    int anchor_hook;
};

/* NULL, without an error, if m is another module. */
dist_data_parallel *dist_data_parallel_of(const tr_module *m);

/* Parameters that train become items, unless they are already.  0, or -1 with an error standing. */
int dist_data_parallel_collect(dist_data_parallel *d);

/* "0.weight": valid until the module changes; "?" for what is none of its parameters. */
const char *dist_data_parallel_name(dist_data_parallel *d, const tr_tensor *parameter);

/* Where a ledger is wanted, each name that backward did not reach is said once (data_parallel_report.c). */
void dist_data_parallel_say_unused(dist_data_parallel *d);

/* ---- data_parallel_backward.c ---- */

/* Hear of gradients from now on; they have their places.  0, or -1 with an error standing. */
int dist_backward_watch(dist_data_parallel *d);
int dist_backward_full(void *owner, int64_t bucket);    /* reducer.h */
void dist_backward_came(tr_tensor *anchor, void *data); /* a backward came by our leaf */

/* ---- data_parallel_calls.c ---- */

/* make() takes it: it is freed when nobody calls any more, and keeps the module until then. */
dist_call *dist_call_new(dist_data_parallel *d, int64_t slots);
int dist_call_make(const tr_graph_call_ *how, dist_call *c);
void dist_call_dropped(void *data);

/* One more backward: is it one that compares the ranks' parameters?  And will the next be? */
bool dist_data_parallel_checks(dist_data_parallel *d);
bool dist_data_parallel_checks_next(const dist_data_parallel *d);

/* The samples are counted, and with them who could launch which graph (reducer.h).  0 or -1. */
int dist_call_count(dist_call *c, int64_t graph);

/* n_r / N; NaN with an error standing, also where the parameters are not one any more. */
double dist_call_weight(dist_data_parallel *d);

int dist_call_begin(void *data);
int dist_call_send(void *data);     /* load its bucket, and let it leave */
int dist_call_wait(void *data);     /* for all buckets */
int dist_call_gather(void *data);   /* TR_NO_SYNC: its item's gradient is added, weighted, to what has gathered */
int dist_call_gathered(void *data); /* and such a backward is over */

/* ---- data_parallel_graph.c ---- */

/* Sums and gathers may be in a graph. */
bool dist_graph_serves(const dist_data_parallel *d);

/* How these calls are made, in a graph if that can be. */
const tr_graph_call_ *dist_graph_begin(const dist_data_parallel *d);
const tr_graph_call_ *dist_graph_send(const dist_call *c);
const tr_graph_call_ *dist_graph_wait(const dist_data_parallel *d);

#endif
