#include "dist/underway.h"

#include <time.h>
#include <trireme/error.h>

enum { KEPT_FREE = DIST_UNDERWAY / 4 }; /* for collectives, whatever else is left out */

void dist_underway_open(dist_underway *u, const tr_lanes_ *lanes, const char *way)
{
    *u = (dist_underway){.lanes = lanes, .way = way};
    pthread_mutex_init(&u->lock, NULL);
}

static void forget_first(dist_underway *u)
{
    unsigned i = u->first++ % DIST_UNDERWAY;
    u->lanes->forget(u->part[i].begins);
    u->lanes->forget(u->part[i].ends);
}

void dist_underway_close(dist_underway *u)
{
    while (u->first != u->end) forget_first(u);
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

/* ---- what is done ---- */

/* The end first: it may know more of the device's clock. */
static void collective_done(dist_underway *u, unsigned i)
{
    int64_t end = u->lanes->when(u->part[i].ends), begin = u->lanes->when(u->part[i].begins);
    u->begun = u->done = u->part[i].last;
    if (!begin || !end) {
        u->whole = false;
        return;
    }
    dist_overlap_add(&u->overlap, begin, end);
    if (u->part[i].words.name[0]) dist_trace_there(&u->part[i].words, u->way, begin, end);
}

static void backward_ended(dist_underway *u, unsigned i)
{
    int64_t ended = u->lanes->when(u->part[i].ends);
    if (u->whole && ended) {
        int64_t busy = dist_overlap_busy(&u->overlap);
        u->there = (dist_there){1e-9 * (double)busy, 1e-9 * (double)(busy - dist_overlap_exposed(&u->overlap, ended))};
        u->whose = u->part[i].whose;
        u->all.busy += u->there.busy;
        u->all.hidden += u->there.hidden;
        u->backwards++;
    }
    u->whole = false;
}

static void look(dist_underway *u)
{
    for (; u->first != u->end; forget_first(u)) {
        unsigned i = u->first % DIST_UNDERWAY;
        if (u->part[i].what == DIST_BACKWARD_BEGINS) {
            u->overlap.spans = 0;
            u->whole = true;
            continue;
        }
        if (u->part[i].what == DIST_COLLECTIVE && !u->part[i].begun) {
            if (!reached(u, u->part[i].begins)) return;
            u->part[i].begun = true;
            u->begun = u->part[i].number;
        }
        if (!reached(u, u->part[i].ends)) return;
        if (u->part[i].what == DIST_COLLECTIVE)
            collective_done(u, i);
        else
            backward_ended(u, i);
    }
}

/* ---- adding ---- */

static unsigned room(const dist_underway *u) { return DIST_UNDERWAY - (u->end - u->first); }

void dist_underway_add(dist_underway *u, const dist_work *w, void *begins, void *ends)
{
    pthread_mutex_lock(&u->lock);
    if (room(u) == 0) look(u);
    if (room(u) == 0) { /* the last is a collective, too */
        unsigned i = (u->end - 1) % DIST_UNDERWAY;
        u->lanes->forget(begins);
        u->lanes->forget(u->part[i].ends);
        u->part[i].ends = ends;
        u->part[i].last = w->number;
    } else {
        unsigned i = u->end++ % DIST_UNDERWAY;
        u->part[i].what = DIST_COLLECTIVE;
        u->part[i].number = u->part[i].last = w->number;
        u->part[i].begins = begins;
        u->part[i].ends = ends;
        u->part[i].begun = false;
        u->part[i].words = dist_trace_words_of(w);
    }
    pthread_mutex_unlock(&u->lock);
}

/* What finds no room is left out, and with it what the backward is told by. */
static void add_backward(dist_underway *u, dist_part what, const void *whose, void *ends)
{
    pthread_mutex_lock(&u->lock);
    look(u);
    bool fits = room(u) > KEPT_FREE;
    if (fits) {
        unsigned i = u->end++ % DIST_UNDERWAY;
        u->part[i].what = what;
        u->part[i].whose = whose;
        u->part[i].begins = NULL;
        u->part[i].ends = ends;
    }
    pthread_mutex_unlock(&u->lock);
    if (!fits) u->lanes->forget(ends);
}

void dist_underway_backward_begins(dist_underway *u) { add_backward(u, DIST_BACKWARD_BEGINS, NULL, NULL); }
void dist_underway_backward_ends(dist_underway *u, const void *whose, void *ends) { add_backward(u, DIST_BACKWARD_ENDS, whose, ends); }

/* ---- looking ---- */

void dist_underway_look(dist_underway *u, int64_t *begun, int64_t *done)
{
    pthread_mutex_lock(&u->lock);
    look(u);
    *begun = u->begun;
    *done = u->done;
    pthread_mutex_unlock(&u->lock);
}

void dist_underway_wait(dist_underway *u, double seconds)
{
    const double end = dist_now() + seconds;
    for (bool more = true; more && dist_now() < end;) {
        pthread_mutex_lock(&u->lock);
        look(u);
        more = u->first != u->end && !u->blind;
        pthread_mutex_unlock(&u->lock);
        if (more) nanosleep(&(struct timespec){0, 100000}, NULL);
    }
}

dist_there dist_underway_there(dist_underway *u, const void *whose)
{
    pthread_mutex_lock(&u->lock);
    look(u);
    dist_there there = u->whose == whose ? u->there : (dist_there){0, 0};
    pthread_mutex_unlock(&u->lock);
    return there;
}

dist_there dist_underway_all(dist_underway *u, int64_t *backwards)
{
    pthread_mutex_lock(&u->lock);
    look(u);
    dist_there all = u->all;
    *backwards = u->backwards;
    pthread_mutex_unlock(&u->lock);
    return all;
}
