/* The ranks that this process is one of, and what every collective does before and after it travels. */
#ifndef TRIREME_DIST_RANKS_H
#define TRIREME_DIST_RANKS_H

#include "dist/transport.h"

#include <trireme/error.h>

/* The way to the other ranks; alone before tr_dist_init and after tr_dist_finish.  NULL with an error standing where
 * tr_dist_init failed: ranks that cannot meet must not go on, each as if it were the only one. */
dist_transport *dist_way(void);

/* Counts every start and every finish of ranks: what was made for some of them is of no use to the next. */
int dist_generation(void);

/* TRIREME_CHECK is on: collectives are compared before they run (check.h). */
bool dist_checked(void);

/* Called first in every collective.  With an error standing and others who may wait for us, ends all ranks. */
void dist_stop_if_failed(void);

/* A collective's last word: passes a status on, but ends all ranks if the way itself failed (others may be stuck in it). */
int dist_done(int status);

/* MPI_Finalize has been called, and will return after this: where ranks have not finished, they are parted now. */
void dist_mpi_ends(void);

/* The ranks are about to finish, and what lies in their memory must leave it (data_parallel.c). */
void dist_leave_memory(void);

#endif
