/* Who brings collectives on while the program computes.
 *
 * Where ranks share the busy cores of one host nobody is free to do it: the caller starts each collective and brings it on
 * whenever it comes by.  Where a network does the work, a thread of its own waits for it. */
#ifndef TRIREME_DIST_COURIER_H
#define TRIREME_DIST_COURIER_H

#include "dist/transport.h"

#include <pthread.h>

typedef struct {
    dist_transport *way;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came, done;
    dist_work *first, *last; /* borrowed: for the thread */
    bool busy, closing, failed;
    char message[512]; /* why it failed */
} dist_courier;

/* With `thread`, between post() and the wait() of what was posted nobody else may use `way`.  0, or -1 with an error
 * standing.  close() is for one that was opened, with nothing under way. */
int dist_courier_open(dist_courier *c, dist_transport *way, bool thread);
void dist_courier_close(dist_courier *c);

/* w is a collective; works are done in the order they are posted.  0, or -1 with an error standing. */
int dist_courier_post(dist_courier *c, dist_work *w);
int dist_courier_progress(dist_courier *c);
int dist_courier_wait(dist_courier *c, dist_work *w);

#endif
