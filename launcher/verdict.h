/* Who failed first, and why: from what the ranks were heard to do, and when.
 *
 * A rank that fails takes the others with it within milliseconds, in many ways: MPI ends them, the library ends them, we
 * do. What tells the first from the rest: it was not asked to end, or it said why it ends all others.
 *
 * Ranks speak of each other by the numbers that they have in the communicator they joined, which may be a part of the job. */
#ifndef LAUNCHER_VERDICT_H
#define LAUNCHER_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char host[254];
    bool ended;         /* with status and signal; else it runs, or was lost */
    bool asked;         /* to end, by us or by mpirun, before it did */
    bool lost;          /* the line went down, or was silent for too long */
    int status, signal; /* 128 + signal, signal; signal 0: none */
    int silent_s;       /* lost after so many seconds of silence; 0: its line went down */
    int64_t end_ms;     /* when it ended or was lost */
    int64_t said_ms;    /* when it said why it ends all ranks; 0: it did not */
    char words[512];    /* that, or its last line on standard error */
    int number, of;     /* its own, in a communicator of so many; of 0: not told, and the job's */
    uint64_t group;     /* which communicator that is */
} verdict_rank;

/* "ranks 1 2 GROUP": the rank has joined. False for other words. */
bool verdict_hears(verdict_rank *rank, const char *words);

/* The rank that failed first, -1 if none did. */
int verdict_first(const verdict_rank *rank, int ranks);

/* The exit status that this rank gives the job: never 0. */
int verdict_status(const verdict_rank *rank);

/* How all[which] failed: "exit status 3", "killed by signal 9 (Killed)", "no word from it for 5 s ...", or what another
 * rank's report says of it: "after 2 s (TRIREME_TIMEOUT) it has not come to #7 ...: its process 12 is stopped". */
void verdict_how(char *text, size_t bytes, const verdict_rank *all, int ranks, int which);

/* What it said, without the library's "trireme: rank 1 of 2 on HOST: ". */
const char *verdict_words(const verdict_rank *rank);

/* No rank is to blame alone: each of `which`'s communicator has said the same, but for the function it called and its line. */
bool verdict_all_say_the_same(const verdict_rank *rank, int ranks, int which);

/* Nor where this one has said that ranks disagree, and so ended the others before they could. */
bool verdict_is_disagreement(const verdict_rank *rank);

/* How many ranks its communicator has. */
int verdict_together(const verdict_rank *rank, int ranks);

#endif
