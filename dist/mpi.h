/* Ranks over MPI, as their three files see them: how works travel (mpi.c), how such ranks begin and end (mpi_open.c), and
 * which of them share memory (mpi_host.c). */
#ifndef TRIREME_DIST_MPI_H
#define TRIREME_DIST_MPI_H

#include "dist/mpi_calls.h"
#include "dist/transport.h"

typedef struct {
    dist_transport way;       /* first: a dist_transport * is one of these */
    dist_mpi_comm comm;       /* owned: a duplicate */
    dist_mpi_comm host;       /* owned: those of its ranks that share this host's memory; none: not asked for */
    dist_mpi_request request; /* of the piece under way */
    int64_t piece;            /* elements per call */
    int64_t count;            /* elements of the piece under way */
    void *stage;              /* owned: a piece that must be rearranged before it travels */
    size_t stage_bytes;
    struct memory *taken; /* owned */
    bool crowded;         /* more ranks on this host than cores they may use */
    char name[64];
} dist_mpi_ranks;

/* The ranks of a communicator, which is taken over, also on failure.  NULL with an error standing. */
dist_mpi_ranks *dist_mpi_over(dist_mpi_comm comm);

/* ---- mpi.c ---- */

/* As dist_transport.advance. */
int dist_mpi_advance(dist_transport *way, dist_work *w, double seconds);

#endif
