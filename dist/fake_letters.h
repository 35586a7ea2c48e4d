/* Messages between the threads of fake.c: letters in one box that all ranks see, each taken out by the rank it is for. */
#ifndef TRIREME_DIST_FAKE_LETTERS_H
#define TRIREME_DIST_FAKE_LETTERS_H

#include "dist/transport.h"

#include <pthread.h>

typedef struct dist_letter dist_letter;

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t posted;
    dist_letter *first; /* owned, oldest first */
} dist_letters;

void dist_letters_open(dist_letters *box);
void dist_letters_close(dist_letters *box); /* with all that nobody took */

/* The works DIST_SEND and DIST_RECEIVE of rank `me`, as a transport's advance() does them. */
int dist_letters_send(dist_letters *box, int64_t me, const dist_work *w);
int dist_letters_receive(dist_letters *box, int64_t me, dist_work *w, double seconds);

#endif
