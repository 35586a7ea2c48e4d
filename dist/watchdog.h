/* Each rank's watchdog: a thread that sees what the rank itself, stuck somewhere, cannot.
 *
 *     beat     ten times a second it writes on its page of the board (board.h) that the process is alive
 *     death    it is woken when the process of a rank of this host ends, and ends this one if that was before its time
 *     device   it looks whether the rank's device waits for others', which the rank itself may not know
 *     limit    when the rank or its device has waited for others for TRIREME_TIMEOUT seconds it finds out who is missing and why, asks the
 *              watchdogs of other hosts (far.h), reports what each rank asked for last, and ends all ranks
 *
 * A rank that waits is not to blame, and one that counts fewest collectives need not be: verdict.c tells apart processes
 * that ended, are stopped (no beat), ask for something else, or are alive and have not come.  Of several watchdogs that
 * find something the first speaks. */
#ifndef TRIREME_DIST_WATCHDOG_H
#define TRIREME_DIST_WATCHDOG_H

#include "dist/board.h"
#include "dist/notes.h"

/* Ends all ranks with these lines; does not return. */
typedef void dist_ender(const char *lines);

/* Collective.  Without memory to share or threads there is no watchdog, and that is no error; -1 if the ranks cannot meet. */
int dist_watchdog_start(dist_transport *way, uint64_t token, dist_ender *end);

/* All ranks have agreed to end: those that do so from now on have not failed.  finalizes(): this one waits for all others
 * to come to MPI_Finalize.  After leaves() the ender is not to speak to the transport. */
void dist_watchdog_leaves(void);
void dist_watchdog_finalizes(void);
void dist_watchdog_stop(void);

/* It runs, and so gives up and finds the dead for those who wait in shared memory (meet.h). */
bool dist_watchdog_runs(void);

/* This rank failed, and why.  If another did before: "rank 1 on HOST failed first: WHY" in `line`, else "". */
void dist_watchdog_failed(const char *why, char *line, size_t bytes);

/* The same in tr_dist_finish, where it may still be told to all in peace; failed() then ends the peace. */
void dist_watchdog_fails_in_peace(const char *why);

/* Called at each beat, by the watchdog's thread: the last collective that the rank's device has begun, and the last that it
 * has ended; why it cannot go on, or NULL.  A looker of NULL: no more, and no call is under way. */
typedef const char *dist_looker(void *data, int64_t *begun, int64_t *ended);
void dist_watchdog_looks(dist_looker *look, void *data);

/* ---- verdict.c ---- */

enum { DIST_REPORT = 1 << 16 };

/* Who keeps this rank waiting, "rank 1 on HOST: why": the number of one to blame, or -1 if it is nobody that the board
 * knows. */
int64_t dist_verdict(const dist_board *b, char *text, size_t bytes);

/* The first rank that waits for others and is alive; -1: none. */
int64_t dist_verdict_first_waiting(const dist_board *b);

/* "#12 all_reduce of 20 float32 (WHAT FOR) at train.c:30", the last collective that a rank called. */
const char *dist_verdict_last(const dist_page *p, char *text, size_t bytes);

/* A line for each rank of which something is known. */
void dist_verdict_table(const dist_board *b, char *text, size_t bytes);

#endif
