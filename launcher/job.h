/* One start of a job, from its first rank to its last.
 *
 * mpirun starts the ranks and ends them when one fails: mostly. It waits a second or more to do it, for ever where a
 * host's network is gone, and does not say what the failed rank said. So every rank has a guard (guard.c) with a line of
 * its own to here, over which come its output, its end and a sign of life every second. When the first rank fails, when a
 * host falls silent, or when we are told to end, all guards are told to end their programs, with SIGTERM and soon with
 * SIGKILL; then mpirun is given a moment, and the same. */
#ifndef LAUNCHER_JOB_H
#define LAUNCHER_JOB_H

#include "launcher/command.h"

typedef struct {
    const command *command;
    int ranks;
    bool network; /* ranks on other hosts than this */
    bool table;   /* of the ranks, from what they tell before they start */
    const char *log_folder;
    int start_s;  /* all ranks must have called by then */
    int silent_s; /* a host not heard of for so long is dead */
    int grace_s;  /* from SIGTERM to SIGKILL when we are told to end */
} job_wish;

typedef struct {
    int status;   /* the exit status */
    bool restart; /* it failed in a way that another start may cure */
} job_end;

/* Runs the job; what failed stands on stderr when it returns. */
job_end job_run(job_wish wish);

#endif
