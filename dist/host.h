/* The ranks of one host, and memory that all of them see.  mpi_host.c makes it of MPI-3 shared windows, fake.c of one process's
 * own memory. */
#ifndef TRIREME_DIST_HOST_H
#define TRIREME_DIST_HOST_H

#include "dist/transport.h"

typedef struct dist_host dist_host;

struct dist_host {
    int ranks, me;   /* on this host */
    int64_t *number; /* owned: what these are among all ranks */
    int64_t hosts;
    int *host_of;            /* owned: which of the hosts each of all ranks is on, 0 .. hosts - 1 as their leaders are numbered; NULL: one */
    bool crowded;            /* they are more than the cores they may use */
    dist_transport *all;     /* owned: every rank, without shared memory; NULL: nothing but this host's ranks */
    dist_transport *leaders; /* owned: rank 0 of every host; NULL on others, and where there is one host */

    /* piece[i] = `bytes` of memory of this host's rank i, zeroed, beginning on a multiple of 128; there until close().
     * Collective over all ranks of all hosts: 0, or -1 with an error standing on every one of them. */
    int (*share)(dist_host *host, int64_t bytes, void **piece);

    void (*pause)(dist_host *host); /* called between steps, for tests that want to be late; NULL: none */

    int (*close)(dist_host *host);
};

/* The host's ranks of an MPI transport, which is the host's from then on (but stays the caller's if this fails). */
dist_host *dist_mpi_host(dist_transport *mpi);

#endif
