#include "dist/underway.h"

#include <trireme/error.h>

void dist_underway_open(dist_underway *u, const tr_lanes_ *lanes)
{
    *u = (dist_underway){.lanes = lanes};
    pthread_mutex_init(&u->lock, NULL);
}

void dist_underway_close(dist_underway *u)
{
    for (; u->first != u->end; u->first++) {
        u->lanes->forget(u->part[u->first % DIST_UNDERWAY].begins);
        u->lanes->forget(u->part[u->first % DIST_UNDERWAY].ends);
    }
    pthread_mutex_destroy(&u->lock);
}

/* What a device met is told by who waits for it. */
static bool reached(dist_underway *u, void *mark)
{
    bool stood = tr_error_stands();
    int status = u->blind ? 0 : u->lanes->reached(mark, false);
    if (status < 0 && !stood) tr_error_clear();
    u->blind = u->blind || status < 0;
    return status > 0;
}

static void look(dist_underway *u)
{
    for (; u->first != u->end; u->first++) {
        unsigned i = u->first % DIST_UNDERWAY;
        if (!u->part[i].begun && !reached(u, u->part[i].begins)) return;
        u->part[i].begun = true;
        u->begun = u->part[i].number;
        if (!reached(u, u->part[i].ends)) return;
        u->begun = u->done = u->part[i].last;
        u->lanes->forget(u->part[i].begins);
        u->lanes->forget(u->part[i].ends);
    }
}

void dist_underway_add(dist_underway *u, int64_t number, void *begins, void *ends)
{
    pthread_mutex_lock(&u->lock);
    if (u->end - u->first == DIST_UNDERWAY) look(u);
    if (u->end - u->first == DIST_UNDERWAY) {
        unsigned i = (u->end - 1) % DIST_UNDERWAY;
        u->lanes->forget(begins);
        u->lanes->forget(u->part[i].ends);
        u->part[i].ends = ends;
        u->part[i].last = number;
    } else {
        unsigned i = u->end++ % DIST_UNDERWAY;
        u->part[i].number = u->part[i].last = number;
        u->part[i].begins = begins;
        u->part[i].ends = ends;
        u->part[i].begun = false;
    }
    pthread_mutex_unlock(&u->lock);
}

void dist_underway_look(dist_underway *u, int64_t *begun, int64_t *done)
{
    pthread_mutex_lock(&u->lock);
    look(u);
    *begun = u->begun;
    *done = u->done;
    pthread_mutex_unlock(&u->lock);
}
