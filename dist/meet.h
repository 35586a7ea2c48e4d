/* How the ranks of a host meet: a flag of each in shared memory, on which it counts the steps that it has taken.
 *
 *     post    count one step up, and wake who sleeps on my flag
 *     wait    until every flag has counted as far as mine
 *
 * Counts only ever rise; they are compared by their difference, so they may wrap around.  Waiting spins for a moment, gives
 * the core away for a while, then sleeps; where ranks are more than cores it hardly spins, since the one that is waited for
 * may need this very core.  Every wait has a limit, and finds out who is missing: it has failed (and said why on its flag),
 * its process has ended, or it has not come.
 *
 * With the first step of a work ranks say what it is, and wait() compares: another operation, size or type is an error that
 * says who asked for what.  Two works' words fit beside a flag: nobody is ever two ahead of another. */
#ifndef TRIREME_DIST_MEET_H
#define TRIREME_DIST_MEET_H

#include "dist/host.h"

#include <stdatomic.h>

typedef struct {
    uint64_t words[3]; /* operation, type and root; n; the place in shared memory */
} dist_asked;

/* In shared memory.  What others look at all the time is one line of the cache, written once for each step. */
typedef struct {
    _Alignas(128) _Atomic uint64_t word; /* steps, and above them a digest of what is asked */
    _Atomic uint32_t sleepers;
    _Atomic uint32_t failed;
    int32_t pid;
    _Alignas(128) dist_asked asked[2];
    double weight[2]; /* of what is asked: a rank's own affair */
    char why[384];    /* it failed */
} dist_flag;

typedef struct {
    dist_host *host;  /* borrowed */
    dist_flag **flag; /* owned: every rank's */
    int *death;       /* owned: descriptors that tell of a process's end; -1: none */
    uint32_t steps;   /* as on our flag */
    uint32_t digest;  /* of what we ask */
    uint32_t works;
    bool fresh;    /* what is asked has not been compared */
    double since;  /* when this wait left its first moments; 0: it has not */
    double looked; /* for the dead, last */
    double limit;  /* seconds; 0: none */
    int spins;
    dist_operation operation; /* under way */
} dist_meeting;

/* flag[i] is where rank i's dist_flag lies.  Collective: nobody goes on before all flags say whose they are. */
int dist_meeting_open(dist_meeting *m, dist_host *host, void *const *flag, double limit);
void dist_meeting_close(dist_meeting *m);

/* A work begins; post() then counts its first step. */
void dist_meeting_begin(dist_meeting *m, dist_operation operation, dist_asked asked, double weight);
void dist_meeting_post(dist_meeting *m);

/* 1: all have come; 0: not within `seconds` (0: only look; negative: the limit, and then it is an error); -1. */
int dist_meeting_wait(dist_meeting *m, double seconds);

/* What a rank that has come began with. */
static inline double dist_meeting_weight(const dist_meeting *m, int rank) { return m->flag[rank]->weight[m->works % 2]; }

/* Tell the others that this rank has failed, and why. */
void dist_meeting_fail(dist_meeting *m, const char *why);

#endif
