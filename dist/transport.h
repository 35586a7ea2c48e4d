/* How ranks reach each other: a few blocking collectives on raw memory, one struct of functions per way to travel.
 * mpi.c is one (no_mpi.c in its place says that it is missing), alone.c the other: one rank that has nobody to meet.
 * Shared windows and NCCL are to be further ones.
 *
 * Every function that is no query is collective: every rank calls it, in one order, with one size and type.  They return
 * 0, or -1 with an error standing; after that only abort() makes sense, since nobody knows where the others are. */
#ifndef TRIREME_DIST_TRANSPORT_H
#define TRIREME_DIST_TRANSPORT_H

#include <trireme/types.h>

typedef struct dist_transport dist_transport;

struct dist_transport {
    const char *name; /* "mpi: Open MPI v4.1.4"; tr_dist_transport() says it */
    int64_t rank, world, local_rank;
    int threads;       /* this rank's share of the cores that its host's ranks may use; 0: not known */
    bool ends_process; /* we started it, so the process must not end before finish() */

    /* data[i] = sum over ranks of data[i], n elements in place.  Every type but bool; halves are added in float32. */
    int (*all_reduce)(dist_transport *way, void *data, int64_t n, tr_dtype dtype);

    /* data = root's data. */
    int (*broadcast)(dist_transport *way, void *data, int64_t bytes, int64_t root);

    /* all = mine of rank 0, mine of rank 1, ...; `bytes` of each. */
    int (*all_gather)(dist_transport *way, const void *mine, void *all, int64_t bytes);

    /* words[i] = max over ranks of words[i], for a few words: how ranks agree on something.  seconds < 0 waits for ever;
     * otherwise 1 is returned if not every rank came in time. */
    int (*largest)(dist_transport *way, uint64_t *words, int n, double seconds);

    int (*barrier)(dist_transport *way);

    /* End every rank, this one included, whatever they are doing. */
    void (*abort)(dist_transport *way, int status);

    /* Give back what opening took. */
    int (*finish)(dist_transport *way);
};

/* One rank, always there. */
dist_transport *dist_alone(void);

/* Over MPI_COMM_WORLD, started if nobody has; over the communicator that `const MPI_Comm *comm` points at; over a Fortran
 * handle.  NULL with an error standing. */
dist_transport *dist_mpi_world(int *argc, char ***argv);
dist_transport *dist_mpi_join(const void *comm);
dist_transport *dist_mpi_join_fortran(int comm);

/* The application has started MPI by itself. */
bool dist_mpi_runs(void);

#endif
