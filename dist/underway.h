/* What a device was asked for and has not done: collectives, and where a backward's own work ends.  The rank itself goes on
 * meanwhile, so that others look: the watchdog, which is to know that the device waits for another rank's, and who wants to
 * know how long it all took.  Nobody waits for it.
 *
 *     asked   for #7   #9   #10   #12
 *             done     ^begun     ^not yet
 *
 * They are done in the order they are asked for. */
#ifndef TRIREME_DIST_UNDERWAY_H
#define TRIREME_DIST_UNDERWAY_H

#include "dist/overlap.h"
#include "dist/watch.h"

#include <pthread.h>
#include <trireme/lanes.h>

enum { DIST_UNDERWAY = 128 };

/* Seconds in which a device was at the sums of a backward, and how many of them lay before the backward's own end. */
typedef struct {
    double busy, hidden;
} dist_there;

typedef enum { DIST_COLLECTIVE,
               DIST_BACKWARD_BEGINS,
               DIST_BACKWARD_ENDS } dist_part;

typedef struct {
    pthread_mutex_t lock;
    const tr_lanes_ *lanes;
    const char *way; /* borrowed: for the trace */
    struct {
        dist_part what;
        int64_t number, last; /* of the first collective that this is, and of the last */
        void *begins, *ends;  /* owned marks */
        bool begun;
        const void *whose; /* backward */
        dist_trace_words words;
    } part[DIST_UNDERWAY];
    unsigned first, end;
    int64_t begun, done; /* collectives' numbers; begun > done: the device is in it */
    bool blind;          /* a mark could not be asked */

    dist_overlap overlap; /* of the backward that is being looked at, */
    bool whole;           /* all of whose collectives are in it */
    dist_there there;     /* of the last one that ended */
    const void *whose;
    dist_there all; /* of all that are known to have ended */
    int64_t backwards;
} dist_underway;

void dist_underway_open(dist_underway *u, const tr_lanes_ *lanes, const char *way);
void dist_underway_close(dist_underway *u);

/* Takes the timed marks.  Where there is no room it is told as one with the last. */
void dist_underway_add(dist_underway *u, const dist_work *w, void *begins, void *ends);

/* What is added between the two is the sums of one backward, whose own work ends at the timed mark, which is taken. */
void dist_underway_backward_begins(dist_underway *u);
void dist_underway_backward_ends(dist_underway *u, const void *whose, void *ends);

/* Which have begun and which are done by now. */
void dist_underway_look(dist_underway *u, int64_t *begun, int64_t *done);

/* All are done; or so many seconds are over. */
void dist_underway_wait(dist_underway *u, double seconds);

/* What the device did in all backwards that are known to have ended, and how many they are. */
dist_there dist_underway_all(dist_underway *u, int64_t *backwards);

/* What the device did in the last backward that is known to have ended, if that was this one's; else zero. */
dist_there dist_underway_there(dist_underway *u, const void *whose);

#endif
