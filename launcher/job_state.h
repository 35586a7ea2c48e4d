/* A job while it runs; for job.c and judge.c alone. */
#ifndef LAUNCHER_JOB_STATE_H
#define LAUNCHER_JOB_STATE_H

#include "launcher/job.h"
#include "launcher/starts.h"
#include "launcher/verdict.h"
#include "launcher/wire.h"

#include <sys/types.h>

typedef struct {
    wire line;
    int rank; /* -1: has not said hello */
    int64_t heard_ms;
} caller;

typedef struct {
    job_wish wish;
    int listening;
    caller *caller;                   /* owned */
    int callers, room, present, over; /* over: ranks that ended or were lost */
    verdict_rank *rank;               /* owned */
    char **row;                       /* owned: what the ranks tell for the table */
    rank_start *start;                /* owned */
    pid_t mpirun;                     /* 0: it has ended */
    int mpirun_status;
    enum { STARTING,
           RUNNING,
           ENDING, /* the ranks were told */
           LEAVING /* all ranks have ended, or had their time: mpirun is next */
    } phase;
    int64_t deadline_ms; /* of the phase */
    bool failed, late;
    int absent;     /* the rank that others wait for in vain to start; -1: none */
    bool mpi_hangs; /* all are in MPI_Init, and it does not end */
    int signal;     /* that told us to end */
} job;

/* Shows who sits where, from what the ranks told. */
void job_show_table(const job *j);

/* Says on stderr what went wrong, if anything did. */
job_end job_judge(const job *j);

#endif
