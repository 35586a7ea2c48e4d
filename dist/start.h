/* The limit of tr_dist_init, where ranks wait for each other inside MPI_Init and no board is there yet.
 *
 * Under trireme run the launcher is told who has come, and watches (TRIREME_GUARD names a socket to its part on this
 * host).  Else each rank holds a name of its own in this host's kernel, and has a thread that says, when TRIREME_TIMEOUT (or
 * five seconds, if that is less) has passed, whose name is missing.  MPI that does not end although nobody is known to be
 * missing gets three times as long, and half a minute at least. */
#ifndef TRIREME_DIST_START_H
#define TRIREME_DIST_START_H

#include "dist/launcher.h"

#include <stdint.h>

/* Between these two this process waits for others. */
void dist_start_begin(dist_launch launch);
void dist_start_end(void);

/* The launcher knows ranks by numbers of its own.  To ours: this is `rank` of `world` in a communicator that `token` tells from
 * others of the job. */
void dist_start_numbers(int64_t rank, int64_t world, uint64_t token);

#endif
