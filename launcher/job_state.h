/* A job while it runs; for job.c, job_ranks.c and judge.c alone. */
#ifndef LAUNCHER_JOB_STATE_H
#define LAUNCHER_JOB_STATE_H

#include "launcher/job.h"
#include "launcher/starts.h"
#include "launcher/verdict.h"
#include "launcher/wire.h"

#include <poll.h>
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
    int absent;      /* the rank that others wait for in vain to start; -1: none */
    bool mpi_hangs;  /* all are in MPI_Init, and it does not end */
    int signal;      /* that told us to end */
    int passed_on;   /* SIGUSR1 or SIGUSR2, the last one that the ranks were sent; 0: none */
    int64_t stop_ms; /* a rank has left with TR_DIST_STOPPED: so will the others, until then; 0: none has */
} job;

enum { FAILED_GRACE_S = 2 }; /* others' time from SIGTERM to SIGKILL when a rank has failed */

/* ---- job.c ---- */

/* The ranks' programs get SIGTERM now, and SIGKILL after so long; and the job has failed. */
void job_end_ranks(job *j, int grace_s);
void job_fail(job *j);

/* poll(), in which signals come. */
int job_wait(struct pollfd *waits, nfds_t count, int ms);
bool job_wants_end(void);

/* ---- job_ranks.c: what the ranks are told, and tell ---- */

void job_tell_all(job *j, int type, int number);

/* waits[0] is who calls, waits[i + 1] the i-th caller's line. key: without it a caller is not ours. */
void job_listen(job *j, const struct pollfd *waits, const char *key);
int job_open_lines(const job *j);

/* ---- judge.c ---- */

/* Shows who sits where, from what the ranks told. */
void job_show_table(const job *j);

/* Says on stderr what went wrong, if anything did. */
job_end job_judge(const job *j);

#endif
