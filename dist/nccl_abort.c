/* NCCL's abort may itself wait: for kernels, for memory that a rank on this host still maps, for one that has died without
 * aborting.  A job that ends must not wait with it. */
#include "dist/nccl_calls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { TRIES = 200,
       MS = 1000000,
       SIDES = 2 };

typedef struct {
    const nccl_calls *calls;
    void *comm;
    atomic_int sides; /* that still look at this */
} job;

static void leave(job *j)
{
    if (atomic_fetch_sub(&j->sides, 1) == 1) free(j);
}

static void *work(void *data)
{
    job *j = data;
    (void)j->calls->abort(j->comm);
    leave(j);
    return NULL;
}

void dist_nccl_abort(const nccl_calls *calls, void *comm)
{
    pthread_t thread;
    job *j = malloc(sizeof *j);
    if (!j) return;
    j->calls = calls;
    j->comm = comm;
    atomic_init(&j->sides, SIDES);
    if (pthread_create(&thread, NULL, work, j) != 0) {
        free(j);
        return;
    }
    (void)pthread_detach(thread);
    for (int i = 0; i < TRIES && atomic_load(&j->sides) == SIDES; i++) nanosleep(&(struct timespec){0, 5 * MS}, NULL);
    leave(j);
}
