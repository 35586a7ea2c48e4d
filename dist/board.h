/* What the ranks of a host can see of each other whatever they are doing: a page for each in memory that all of them map.
 *
 * A rank writes to its own page only: its thread of collectives counts there what it has called, what has begun to travel
 * (arrived) and what is done, which are three things, since works that were started wait for each other; its watchdog
 * (watchdog.h) writes there that the process is alive.  Nobody waits for anybody here, so it can be read when the ranks
 * themselves cannot meet any more.
 *
 * The memory is a file in /dev/shm whose name goes as soon as all have opened it. */
#ifndef TRIREME_DIST_BOARD_H
#define TRIREME_DIST_BOARD_H

#include "dist/transport.h"

#include <stdatomic.h>

enum { DIST_NOTES = 16,
       DIST_PAGE = 4096 };

typedef enum {
    DIST_WAITS_NOT,
    DIST_WAITS_COLLECTIVE,
    DIST_WAITS_MESSAGE,
    DIST_WAITS_END, /* in MPI_Finalize */
} dist_waits;

/* One collective: what it is, and who asked for it. */
typedef struct {
    _Atomic int64_t number; /* from 1; 0 while the rest is written */
    int32_t operation, dtype;
    int64_t n, peer;
    int32_t line;
    char file[48], label[112];
} dist_note;

typedef struct {
    _Atomic int32_t pid; /* written last; 0: a rank of another host */
    uint64_t pid_space;  /* in which the pid means something */
    char host[64];
    _Atomic int64_t called, arrived, done; /* collectives */
    _Atomic int64_t begun, ended;          /* collectives of its device, which are done for the rank before; begun > ended: it is in one */
    _Atomic int64_t messages;              /* that are done */
    _Atomic int waits;                     /* for others: a dist_waits */
    _Atomic int left;                      /* 1 in tr_dist_finish, with all others; 2 behind it */
    _Atomic int64_t beat_ms;               /* dist_now() of its watchdog */
    dist_note note[DIST_NOTES];            /* of collective number k: k % DIST_NOTES */
    dist_note message;
    char told; /* of another host's rank, in a copy (far.h): a letter of ps, or one of these; 0: look at its process */
} dist_page;

/* Where its own watchdog said nothing; the page is empty then. */
enum { DIST_TOLD_ENDED = 'X',     /* nobody listens any more */
       DIST_TOLD_MUTE = '-',      /* its host answers, it does not */
       DIST_TOLD_UNREACHED = '?', /* neither does */
};

/* What went wrong first.  One rank claims it, writes, and says it aloud. */
typedef struct {
    _Atomic int64_t claimed; /* 1 + the rank that tells; 0: nothing is wrong */
    _Atomic int64_t blamed;  /* 1 + the rank that failed; 0: not written yet */
    _Atomic int patient;     /* it waits in tr_dist_finish for all to hear of it, and nobody need be ended yet */
    char host[64], why[1024];
} dist_head;

typedef struct {
    int64_t rank, world;
    char *memory; /* owned, mapped; NULL: there is none */
    char name[64];
} dist_board;

/* Ranks with the same token meet; `group` tells apart hosts that are played on one.  0, or -1 (without an error: one can do
 * without).  After all ranks have called it, dist_board_hide() takes the name away. */
int dist_board_open(dist_board *b, uint64_t token, int64_t group, int64_t rank, int64_t world);
void dist_board_hide(dist_board *b);
void dist_board_close(dist_board *b);

/* An empty board for the same ranks, seen by this one alone; and what stands on `b` about this host's ranks.  0, or -1. */
int dist_board_like(dist_board *empty, const dist_board *b);
void dist_board_copy_near(dist_board *to, const dist_board *b);

dist_head *dist_board_head(const dist_board *b);
dist_page *dist_board_page(const dist_board *b, int64_t rank);

/* It is of this host, and its pid means the same here. */
bool dist_board_near(const dist_board *b, int64_t rank);

/* It is near, or what became of it was told. */
bool dist_board_known(const dist_board *b, int64_t rank);

/* This rank found that rank `blamed` failed (-1: nobody knows which one).  False: another was first. */
bool dist_board_claim(dist_board *b, int64_t blamed, const char *why);

/* It is in a collective, for which other devices may be missing. */
static inline bool dist_device_waits(const dist_page *p) { return atomic_load(&p->begun) > atomic_load(&p->ended); }

/* The note of collective `number`; NULL if it has been written over. */
const dist_note *dist_page_note(const dist_page *p, int64_t number);

#endif
