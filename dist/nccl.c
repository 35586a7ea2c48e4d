/* A device's memory travels to other devices by NCCL, and the host only asks for it (nccl_ask.c).  NCCL is told not to block.
 *
 * Whether a device waits for another's is seen from outside: the watchdog looks (underway.h).  When ranks end, whoever ends
 * them aborts the communicator first, if nobody is inside NCCL. */
#include "dist/nccl.h"

#include "dist/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>

/* ---- seen from outside ---- */

static const char *look(void *data, int64_t *begun, int64_t *ended)
{
    dist_nccl_device *v = data;
    dist_underway_look(&v->device.underway, begun, ended);
    if (v->broken == NCCL_DONE && pthread_mutex_trylock(&v->inside) == 0) {
        int state = NCCL_DONE;
        if (v->calls->state(v->comm, &state) == NCCL_DONE && state != NCCL_DONE && state != NCCL_GOES_ON) {
            v->broken = state;
            dist_nccl_describe(v, state, v->trouble, sizeof v->trouble);
        }
        pthread_mutex_unlock(&v->inside);
    }
    return v->broken == NCCL_DONE ? NULL : v->trouble;
}

/* Who is inside may be stuck there, or about to leave. */
static void end_it(dist_device *d)
{
    enum { TRIES = 20,
           MS = 1000000 };
    dist_nccl_device *v = (dist_nccl_device *)d;
    for (int i = 0; i < TRIES; i++) {
        if (pthread_mutex_trylock(&v->inside) == 0) { /* and nobody comes inside any more */
            dist_nccl_abort(v->calls, v->comm);
            return;
        }
        nanosleep(&(struct timespec){0, 5 * MS}, NULL);
    }
}

/* ---- opening and closing ---- */

/* All ranks are here, or the communicator has failed anyway. */
static void finish(dist_device *d)
{
    dist_nccl_device *v = (dist_nccl_device *)d;
    dist_watchdog_looks(NULL, NULL);
    bool stood = tr_error_stands();
    pthread_mutex_lock(&v->inside); /* for ever, if somebody has just aborted it: the process ends */
    int status = v->calls->finalize(v->comm);
    pthread_mutex_unlock(&v->inside);
    bool ended = dist_nccl_is_good(status) && dist_nccl_settle(v, "ending", -1) == 1;
    if (ended)
        (void)v->calls->destroy(v->comm);
    else
        dist_nccl_abort(v->calls, v->comm);
    if (!stood) tr_error_clear(); /* nothing was asked of it any more */
    dist_underway_close(&v->device.underway);
    pthread_mutex_destroy(&v->inside);
    free(v);
}

/* Every rank at once.  For the watchdog that is a collective as others are. */
static int meet(dist_nccl_device *v, dist_transport *way, nccl_id id)
{
    nccl_config config = NCCL_NOT_BLOCKING;
    dist_work w = {.operation = DIST_BARRIER, .label = "NCCL begins"};
    dist_watchdog_called(way, &w);
    dist_watchdog_waits(way, &w);
    dist_watchdog_arrived(way, &w);
    int status = v->calls->begin(&v->comm, (int)way->world, id, (int)way->rank, &config);
    bool good = dist_nccl_is_good(status);
    if (good)
        good = dist_nccl_settle(v, "beginning", -1) == 1;
    else
        (void)dist_nccl_fail(v, "beginning", status);
    dist_watchdog_done(way, &w);
    dist_watchdog_waits(way, NULL);
    return good ? 0 : -1;
}

static int begin(dist_nccl_device *v, dist_transport *way, tr_device at)
{
    nccl_id id = {{0}};
    char told[sizeof id + sizeof(int)];
    int status = way->rank == 0 ? v->calls->id(&id) : NCCL_DONE;
    memcpy(told, &id, sizeof id);
    memcpy(told + sizeof id, &status, sizeof status);
    if (!v->device.lanes->stream(at.index, TR_LANE_RANKS_)) return -1; /* and this thread is on the device */
    if (dist_broadcast(way, told, sizeof told, 0) < 0) return -1;
    memcpy(&id, told, sizeof id);
    memcpy(&status, told + sizeof id, sizeof status);
    return status == NCCL_DONE ? meet(v, way, id) : dist_nccl_fail(v, "rank 0 makes an id for all", status);
}

dist_device *dist_nccl_open(dist_transport *way, tr_device at, const tr_lanes_ *lanes)
{
    int version;
    const char *why;
    char text[16];
    const nccl_calls *calls = dist_nccl(&version, &why); /* it is there: device.c has asked */
    dist_nccl_device *v = calloc(1, sizeof *v);
    if (!v) return tr_fail("out of memory: a device's way to other ranks");
    v->calls = calls;
    v->device = (dist_device){.at = at, .lanes = lanes, .widens = true, .pinless = true, .hand_in = dist_nccl_hand_in, .advance = dist_nccl_advance, .note = version >= NCCL_IN_GRAPHS ? dist_nccl_note : NULL, .abort = end_it, .finish = finish};
    snprintf(v->device.name, sizeof v->device.name, "by NCCL %s", dist_nccl_version_text(version, text));
    pthread_mutex_init(&v->inside, NULL);
    if (begin(v, way, at) < 0) {
        if (v->comm) dist_nccl_abort(calls, v->comm);
        pthread_mutex_destroy(&v->inside);
        free(v);
        return NULL;
    }
    dist_underway_open(&v->device.underway, lanes, v->device.name);
    dist_watchdog_looks(look, v);
    return &v->device;
}
