/* Collectives that a device was asked for and has not done, for the watchdog: the rank itself goes on meanwhile, and cannot
 * see that its device waits for another rank's.
 *
 *     asked   for #7   #9   #10   #12
 *             done     ^begun     ^not yet
 *
 * They are done in the order they are asked for. */
#ifndef TRIREME_DIST_UNDERWAY_H
#define TRIREME_DIST_UNDERWAY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <trireme/lanes.h>

enum { DIST_UNDERWAY = 64 };

typedef struct {
    pthread_mutex_t lock;
    const tr_lanes_ *lanes;
    struct {
        int64_t number, last; /* of the first collective that this is, and of the last */
        void *begins, *ends;  /* owned marks */
        bool begun;
    } part[DIST_UNDERWAY];
    unsigned first, end;
    int64_t begun, done; /* collectives' numbers; begun > done: the device is in it */
    bool blind;          /* a mark could not be asked */
} dist_underway;

void dist_underway_open(dist_underway *u, const tr_lanes_ *lanes);
void dist_underway_close(dist_underway *u);

/* Takes the marks.  Where there is no room it is told as one with the last. */
void dist_underway_add(dist_underway *u, int64_t number, void *begins, void *ends);

/* Which have begun and which are done by now. */
void dist_underway_look(dist_underway *u, int64_t *begun, int64_t *done);

#endif
