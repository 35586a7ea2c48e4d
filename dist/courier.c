#include "dist/courier.h"

#include "dist/device.h"
#include "dist/watch.h"

#include <stdio.h>
#include <string.h>
#include <trireme/error.h>

/* ---- the thread ---- */

static dist_work *take_next(dist_courier *c)
{
    while (!c->first && !c->closing) pthread_cond_wait(&c->came, &c->lock);
    dist_work *w = c->first;
    if (w) c->first = w->next;
    if (!c->first) c->last = NULL;
    return w;
}

/* The work itself is run from a copy: its status is the caller's to read, under the lock. */
static void *carry(void *courier)
{
    dist_courier *c = courier;
    tr_trace_thread_("courier");
    pthread_mutex_lock(&c->lock);
    for (dist_work *w; (w = take_next(c));) {
        dist_work mine = *w;
        mine.next = NULL;
        bool refused = c->failed;
        pthread_mutex_unlock(&c->lock);
        int status = refused ? -1 : dist_run(c->way, &mine);
        pthread_mutex_lock(&c->lock);
        if (status < 0 && !c->failed) {
            c->failed = true;
            snprintf(c->message, sizeof c->message, "%s", tr_error_message());
            tr_error_clear(); /* an error is the thread's that waits */
        }
        w->mark = mine.mark;
        w->begins = NULL;
        w->status = status < 0 ? -1 : 1;
        pthread_cond_broadcast(&c->done);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- both ---- */

int dist_courier_open(dist_courier *c, dist_transport *way, bool thread)
{
    *c = (dist_courier){.way = way};
    if (!thread) return 0;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->came, NULL);
    pthread_cond_init(&c->done, NULL);
    c->has_thread = pthread_create(&c->thread, NULL, carry, c) == 0;
    if (c->has_thread) return 0;
    tr_fail("a thread for communication cannot be started");
    return -1;
}

void dist_courier_close(dist_courier *c)
{
    if (!c->has_thread) return;
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_cond_signal(&c->came);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->done);
    pthread_cond_destroy(&c->came);
    pthread_mutex_destroy(&c->lock);
    c->has_thread = false;
}

int dist_courier_post(dist_courier *c, dist_work *w)
{
    if (!c->has_thread) return dist_start(c->way, w);
    if (!w->file) w->file = tr_here_(&w->line); /* the thread's own is nowhere */
    if (dist_device_hand_in(w) < 0) return -1;
    pthread_mutex_lock(&c->lock);
    w->next = NULL;
    if (c->last)
        c->last->next = w;
    else
        c->first = w;
    c->last = w;
    pthread_cond_signal(&c->came);
    pthread_mutex_unlock(&c->lock);
    return 0;
}

int dist_courier_progress(dist_courier *c) { return c->has_thread ? 0 : dist_progress(c->way); }

int dist_courier_wait(dist_courier *c, dist_work *w)
{
    if (!c->has_thread) return dist_wait(c->way, w);
    DIST_WAITS(w->label);
    pthread_mutex_lock(&c->lock);
    while (w->status == 0) pthread_cond_wait(&c->done, &c->lock);
    int status = w->status < 0 ? -1 : 0;
    pthread_mutex_unlock(&c->lock);
    if (status < 0) tr_fail("%s", c->message);
    return status < 0 ? -1 : dist_device_join(w);
}
