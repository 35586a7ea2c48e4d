/* Threads that play ranks, for tests without MPI: the same windows and meetings, in memory of one process, on hosts of any
 * number; late, failing or missing as a script says.
 *
 *     static int body(dist_transport *way, void *data) { return dist_barrier(way); }
 *     dist_fake_run((dist_fake){.ranks = 3, .late_us = 50, .seed = 7}, body, NULL);                                   */
#ifndef TRIREME_DIST_FAKE_H
#define TRIREME_DIST_FAKE_H

#include "dist/transport.h"

typedef enum { DIST_FAULT_NONE,
               DIST_FAULT_FAILS,  /* the work is an error on this rank */
               DIST_FAULT_DROPS } /* this rank says that it is done, and takes no part */
dist_fault_kind;

typedef struct {
    dist_fault_kind kind;
    int64_t rank, work; /* the rank's work-th that ends or fails, from 0 */
} dist_fault;

typedef struct {
    int ranks, host_ranks; /* 0: all on one host */
    int late_us;           /* at most, before and after every step; 0: never */
    uint64_t seed;
    int64_t slot_bytes; /* default 4096 */
    dist_fault fault;
} dist_fake;

/* Runs body on every rank, each with its own transport, on a thread of its own.  Returns how many ranks' bodies did not
 * return 0; -1 with an error standing if they could not be started. */
int dist_fake_run(dist_fake how, int (*body)(dist_transport *way, void *data), void *data);

#endif
