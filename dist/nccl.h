/* A device that reaches others by NCCL: what its files share. */
#ifndef TRIREME_DIST_NCCL_H
#define TRIREME_DIST_NCCL_H

#include "dist/device.h"
#include "dist/nccl_calls.h"

typedef struct {
    dist_device device; /* first */
    const nccl_calls *calls;
    void *comm;             /* owned */
    pthread_mutex_t inside; /* a thread calls NCCL, which is for one at a time */
    int add;                /* owned: how the work under way adds, unless it is NCCL_ADD */
    dist_work counts;       /* its `more` numbers, over the host */
    enum { SETTLES,
           MEETS } phase;
    int broken;        /* what NCCL said outside of any call; NCCL_DONE: nothing */
    char trouble[300]; /* and in words */
} dist_nccl_device;

/* ---- nccl_ask.c ---- */

/* What NCCL says of a status, in words; and such an error, always -1. */
void dist_nccl_describe(const dist_nccl_device *v, int status, char *text, size_t bytes);
int dist_nccl_fail(const dist_nccl_device *v, const char *doing, int status);

/* Did a call go well, so far? */
bool dist_nccl_is_good(int status);

/* 1: the last call has ended; 0: not within `seconds` (negative: ever, while a watchdog looks; else within the limit); -1. */
int dist_nccl_settle(dist_nccl_device *v, const char *doing, double seconds);

/* device.h's */
int dist_nccl_hand_in(dist_device *d, dist_work *w);
int dist_nccl_advance(dist_device *d, dist_transport *way, dist_work *w, double seconds);
int dist_nccl_note(dist_device *d, dist_work *w);

#endif
