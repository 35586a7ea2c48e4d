/* Collectives on the memory of this rank's device.
 *
 *     nccl.c     by NCCL from device to device, where each rank has one of its own
 *     staged.c   through memory of the host, and from there as the transport goes: where ranks share a device, too
 *
 * The device works on while they travel: who computes hands a work in, which says that what it reads is there once the
 * device has done what it was asked so far; and joins it when it is done, which says that what the device is asked from
 * then on comes after it.  Between the two any thread may bring it on (advance). */
#ifndef TRIREME_DIST_DEVICE_H
#define TRIREME_DIST_DEVICE_H

#include "dist/transport.h"
#include "dist/underway.h"

#include <trireme/lanes.h>

typedef struct dist_device dist_device;

struct dist_device {
    tr_device at;
    const tr_lanes_ *lanes;
    char name[240];           /* "through pinned memory: ranks 0 and 1 share a device" */
    char way[400];            /* "shared memory, mpi: Open MPI v4.1.4; cuda:1 by NCCL 2.28.9" */
    struct dist_pinned *pins; /* owned */
    dist_underway underway;
    bool widens;  /* halves are to be handed in as float32, which they are added in */
    bool pinless; /* nothing passes through a work's twin but `more` */

    int64_t graphs; /* that all ranks have captured together (data_parallel_graph.c) */

    int (*hand_in)(dist_device *d, dist_work *w);
    int (*advance)(dist_device *d, dist_transport *way, dist_work *w, double seconds); /* as a transport's */
    int (*note)(dist_device *d, dist_work *w);                                         /* into a graph, with those behind it; NULL: in none */
    void (*abort)(dist_device *d);                                                     /* ranks end, whatever they are doing; NULL: nothing to do */
    void (*finish)(dist_device *d);                                                    /* gives back all but pins */
};

/* Does a device's memory travel?  Of one rank only by NCCL, and where that is asked for by name: so that who has one device can
 * see what it does. */
bool dist_device_travels(const dist_transport *way);

/* This rank's device; the first time collective.  A rank has one.  NULL with an error standing. */
dist_device *dist_device_of(dist_transport *way, tr_device at);
void dist_device_close(dist_transport *way);

/* Ranks end by force: any thread. */
void dist_device_abort(dist_transport *way);

/* By the thread that computes; for a work of the host there is nothing to do.  0, or -1 with an error standing. */
int dist_device_hand_in(dist_work *w);
int dist_device_join(dist_work *w);

/* While a step is captured (trireme/lanes.h): the works are in the graph, together; without `more`.  Then the device's own
 * work comes after all of them.  0, or -1 with an error standing. */
int dist_device_note(dist_device *d, dist_work *works, int64_t n);
int dist_device_join_noted(dist_device *d);

/* Wait until the device has read what was to be copied to it: works' twins are the host's to change.  0, or -1 with an error
 * standing. */
int dist_device_has_read(dist_device *d);

/* What it was asked for is done, so that a trace and the ledger have it; or has not been for seconds. */
void dist_device_seen(dist_transport *way);

/* Memory of the host that copies are to come and go from without waiting, until unpin() or close(). */
void dist_device_pin(dist_device *d, void *memory, int64_t bytes);
void dist_device_unpin(dist_device *d, void *memory);

/* ---- ways ---- */

/* NULL with an error standing. */
dist_device *dist_staged_open(const tr_lanes_ *lanes);

/* Collective; every rank has NCCL.  NULL with an error standing. */
dist_device *dist_nccl_open(dist_transport *way, tr_device at, const tr_lanes_ *lanes);

#endif
