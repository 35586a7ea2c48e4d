/* What became of the ranks of other hosts: asked of their watchdogs when somebody is missing, not before.
 *
 * Every watchdog listens on a TCP port, and all know where since the start.  Who asks gets that rank's page of its own
 * host's board, and the pages of its neighbours there that cannot speak for themselves.  No answer says something too:
 *
 *     refused           the process has ended
 *     taken, no answer  it is stopped: its host's kernel took the call
 *     not taken         the host is down, cut off, or behind a firewall
 *
 * Both sides hold the job's random token; a caller without it gets nothing. */
#ifndef TRIREME_DIST_FAR_H
#define TRIREME_DIST_FAR_H

#include "dist/board.h"

/* Where a rank's watchdog is asked. */
typedef struct {
    char host[64];
    int32_t pid;
    int32_t port;      /* 0: it cannot be asked */
    char address[184]; /* "10.0.0.1,192.168.0.1" */
} dist_address;

typedef struct {
    uint64_t token;
    int64_t rank, world;
    dist_address *address; /* owned: every rank's; NULL: nobody is far */
    int listening;         /* -1: not */
} dist_far;

/* Collective, if `way` spans hosts.  -1 if the ranks cannot meet. */
int dist_far_open(dist_far *f, dist_transport *way, uint64_t token);
void dist_far_close(dist_far *f);

/* To be called when the listening socket is readable. */
void dist_far_answer(const dist_far *f, const dist_board *mine);

/* All ranks' pages as they are now, in a board of its own (dist_board_close): those of this host copied, of others told.
 * Takes two seconds for each 256 ranks if they do not answer; answers itself meanwhile.  -1: out of memory. */
int dist_far_look(const dist_far *f, const dist_board *mine, dist_board *all);

/* ---- between the two sides (far.c, far_ask.c) ---- */

typedef struct {
    uint64_t token;
    int64_t from;
} dist_far_question;

typedef struct {
    uint64_t token;
    int64_t pages, page_bytes; /* then the pages */
} dist_far_head;

typedef struct {
    int64_t rank, silent_ms;
    dist_page page;
} dist_far_page;

#endif
