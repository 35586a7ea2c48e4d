/* A device's memory travels to other devices by NCCL, and the host only asks for it.
 *
 *     own work   ---- backward ----*---------- backward ----------*---- step ----
 *                                   \                            /
 *     ranks                          *-- all-reduce, bucket 1 --*
 *     host       ---- asks -----------  how many ranks used it  ------------------
 *
 * NCCL is asked in the order of works, on one lane, which first waits for what was handed in.  It is told not to block: a
 * call that makes connections goes on after it has returned, and is looked after until it has ended, since only then it
 * stands in the lane.  What is the host's alone (`more`) is summed over the host's transport.  So a work is done for the
 * host when it stands in the lane, and a step waits for no device.
 *
 * Works that were started together are one launch.  Others are not, though several may wait for NCCL at a time: which ones
 * that are depends on the rank, and groups must be the same on all.
 *
 * Whether a device waits for another's is seen from outside: the watchdog looks (underway.h).  When ranks end, whoever ends
 * them aborts the communicator first, if nobody is inside NCCL. */
#include "dist/device.h"
#include "dist/nccl_calls.h"
#include "dist/settings.h"
#include "dist/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>

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
} nccl;

/* ---- errors ---- */

static void describe(const nccl *v, int status, char *text, size_t bytes)
{
    const char *more = v->calls->last_words(v->comm);
    snprintf(text, bytes, "%s%s%s", v->calls->words(status), more && *more ? ": " : "", more ? more : "");
}

static int fail(const nccl *v, const char *doing, int status)
{
    char text[300];
    describe(v, status, text, sizeof text);
    tr_fail("NCCL: %s: %s; TRIREME_DEVICE_TRANSPORT=host does without it", doing, text);
    return -1;
}

/* ---- calls that go on ---- */

static int state_of(nccl *v)
{
    int state = NCCL_DONE;
    pthread_mutex_lock(&v->inside);
    int status = v->calls->state(v->comm, &state);
    pthread_mutex_unlock(&v->inside);
    return status == NCCL_DONE ? state : status;
}

/* 1: the last call has ended; 0: not within `seconds` (negative: ever, while a watchdog looks; else within the limit); -1. */
static int settle(nccl *v, const char *doing, double seconds)
{
    double end = dist_now() + (seconds < 0 ? dist_limit() : seconds);
    bool for_ever = seconds < 0 && (dist_watchdog_runs() || dist_limit() <= 0);
    for (long pause_ns = 10000;; pause_ns = pause_ns < 1000000 ? 2 * pause_ns : pause_ns) {
        int state = state_of(v);
        if (state == NCCL_DONE) return 1;
        if (state != NCCL_GOES_ON) return fail(v, doing, state);
        if (!for_ever && dist_now() >= end) break;
        nanosleep(&(struct timespec){0, pause_ns}, NULL);
    }
    if (seconds >= 0) return 0;
    tr_fail("NCCL: %s: not done after %.3g s (TRIREME_TIMEOUT)", doing, dist_limit());
    return -1;
}

/* ---- asking ---- */

static int64_t numbers_in(tr_dtype dtype) { return dtype == TR_COMPLEX64 || dtype == TR_COMPLEX128 ? 2 : 1; }

/* -1: not by NCCL, or not as we add (halves in float32). */
static int type_of(tr_dtype dtype)
{
    switch (dtype) {
    case TR_FLOAT32:
    case TR_COMPLEX64: return NCCL_F32;
    case TR_FLOAT64:
    case TR_COMPLEX128: return NCCL_F64;
    case TR_INT64: return NCCL_I64;
    case TR_INT32: return NCCL_I32;
    case TR_UINT8: return NCCL_U8;
    default: return -1;
    }
}

/* How to add this rank's numbers: times their weight.  Where one rank's have a weight, so have all: a weight of 1 is asked for
 * as any other, since for NCCL it is another operation, for which it may choose another algorithm than for plain sums. */
static int weigh(nccl *v, const dist_work *w, int type, int *add)
{
    float narrow = (float)w->weight;
    double wide = w->weight;
    *add = NCCL_ADD;
    if (w->weight == 0) return NCCL_DONE;
    return v->calls->weigh(add, type == NCCL_F32 ? (void *)&narrow : (void *)&wide, type, NCCL_SCALAR_OF_HOST, v->comm);
}

static int sum(nccl *v, const dist_work *w, void *stream)
{
    int type = type_of(w->dtype), add, status = weigh(v, w, type, &add);
    size_t n = (size_t)(w->n * numbers_in(w->dtype));
    if (status != NCCL_DONE) return status;
    v->add = add;
    if (w->operation == DIST_ALL_REDUCE) return v->calls->all_reduce(w->from, w->into, n, type, add, v->comm, stream);
    return v->calls->reduce_scatter(w->from, w->into, n, type, add, v->comm, stream);
}

static int call(nccl *v, const dist_work *w, void *stream)
{
    size_t n = (size_t)w->n;
    switch (w->operation) {
    case DIST_ALL_REDUCE:
    case DIST_REDUCE_SCATTER: return sum(v, w, stream);
    case DIST_ALL_GATHER: return v->calls->all_gather(w->from, w->into, n, NCCL_U8, v->comm, stream);
    default: return v->calls->broadcast(w->from, w->into, n, NCCL_U8, (int)w->peer, v->comm, stream);
    }
}

static bool serves(const dist_work *w)
{
    bool sums = w->operation == DIST_ALL_REDUCE || w->operation == DIST_REDUCE_SCATTER;
    if (sums ? type_of(w->dtype) >= 0 : w->operation == DIST_ALL_GATHER || w->operation == DIST_BROADCAST) return true;
    return tr_fail("NCCL: %s of %s is not asked of it", dist_operation_name(w->operation), tr_dtype_name(w->dtype));
}

static bool is_good(int status) { return status == NCCL_DONE || status == NCCL_GOES_ON; }

/* A group that was begun must be ended, whatever was said in it. */
static int call_together(nccl *v, const dist_work *w, void *stream)
{
    int status = v->calls->group();
    if (!is_good(status)) return status;
    for (int64_t i = w->behind; i >= 0; i--, w = w->next)
        if (is_good(status) && w->n > 0) status = call(v, w, stream);
    int ended = v->calls->end_group();
    return is_good(status) ? ended : status;
}

/* What it reads is there. */
static int begin_in_lane(nccl *v, dist_work *w)
{
    const tr_lanes_ *lanes = v->device.lanes;
    int index = v->device.at.index;
    if (!serves(w) || lanes->after(index, TR_LANE_RANKS_, w->mark) < 0) return -1;
    w->begins = lanes->timed(index, TR_LANE_RANKS_);
    return w->begins ? 0 : -1;
}

/* For w and those that go with it, which have a beginning then. */
static int ask(nccl *v, dist_work *w)
{
    void *stream = v->device.lanes->stream(v->device.at.index, TR_LANE_RANKS_);
    if (!stream) return -1;
    int64_t left = w->behind;
    for (dist_work *one = w; left >= 0; left--, one = one->next)
        if (begin_in_lane(v, one) < 0) return -1;
    if (w->behind == 0 && w->n == 0) return 0;
    pthread_mutex_lock(&v->inside);
    int status = w->behind > 0 ? call_together(v, w, stream) : call(v, w, stream);
    pthread_mutex_unlock(&v->inside);
    return is_good(status) ? 0 : fail(v, dist_operation_name(w->operation), status);
}

/* It stands in the lane: whoever joins it follows its end. */
static int note_end(nccl *v, dist_work *w)
{
    const tr_lanes_ *lanes = v->device.lanes;
    int index = v->device.at.index;
    if (v->add != NCCL_ADD) {
        pthread_mutex_lock(&v->inside);
        (void)v->calls->end_weigh(v->add, v->comm);
        pthread_mutex_unlock(&v->inside);
        v->add = NCCL_ADD;
    }
    void *end = lanes->mark(index, TR_LANE_RANKS_), *told = end ? lanes->timed(index, TR_LANE_RANKS_) : NULL;
    if (!told) return -1;
    lanes->forget(w->mark);
    w->mark = end;
    dist_underway_add(&v->device.underway, w, w->begins, told);
    w->begins = NULL;
    return 0;
}

static void begin_counts(nccl *v, const dist_work *w)
{
    char *more = (char *)w->twin + w->n * tr_dtype_size(w->dtype);
    v->counts = (dist_work){.operation = w->operation, .dtype = w->dtype, .from = more, .into = more, .n = w->more, .started = w->started};
}

static int hand_in(dist_device *d, dist_work *w)
{
    w->mark = d->lanes->mark(d->at.index, TR_LANE_OWN_);
    return w->mark ? 0 : -1;
}

static int advance(dist_device *d, dist_transport *way, dist_work *w, double seconds)
{
    nccl *v = (nccl *)d;
    int status;
    if (!w->begun && !w->begins && ask(v, w) < 0) return -1;
    if (!w->begun) v->phase = SETTLES;
    w->begun = true;
    if (v->phase == SETTLES) {
        status = settle(v, dist_operation_name(w->operation), seconds);
        if (status <= 0) return status;
        if (note_end(v, w) < 0) return -1;
        if (w->more == 0) return 1;
        begin_counts(v, w);
        v->phase = MEETS;
    }
    status = way->advance(way, &v->counts, seconds);
    v->counts.begun = true;
    return status;
}

/* ---- seen from outside ---- */

static const char *look(void *data, int64_t *begun, int64_t *ended)
{
    nccl *v = data;
    dist_underway_look(&v->device.underway, begun, ended);
    if (v->broken == NCCL_DONE && pthread_mutex_trylock(&v->inside) == 0) {
        int state = NCCL_DONE;
        if (v->calls->state(v->comm, &state) == NCCL_DONE && state != NCCL_DONE && state != NCCL_GOES_ON) {
            v->broken = state;
            describe(v, state, v->trouble, sizeof v->trouble);
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
    nccl *v = (nccl *)d;
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
    nccl *v = (nccl *)d;
    dist_watchdog_looks(NULL, NULL);
    bool stood = tr_error_stands();
    pthread_mutex_lock(&v->inside); /* for ever, if somebody has just aborted it: the process ends */
    int status = v->calls->finalize(v->comm);
    pthread_mutex_unlock(&v->inside);
    bool ended = is_good(status) && settle(v, "ending", -1) == 1;
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
static int meet(nccl *v, dist_transport *way, nccl_id id)
{
    nccl_config config = NCCL_NOT_BLOCKING;
    dist_work w = {.operation = DIST_BARRIER, .label = "NCCL begins"};
    dist_watchdog_called(way, &w);
    dist_watchdog_waits(way, &w);
    dist_watchdog_arrived(way, &w);
    int status = v->calls->begin(&v->comm, (int)way->world, id, (int)way->rank, &config);
    bool good = is_good(status);
    if (good)
        good = settle(v, "beginning", -1) == 1;
    else
        (void)fail(v, "beginning", status);
    dist_watchdog_done(way, &w);
    dist_watchdog_waits(way, NULL);
    return good ? 0 : -1;
}

static int begin(nccl *v, dist_transport *way, tr_device at)
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
    return status == NCCL_DONE ? meet(v, way, id) : fail(v, "rank 0 makes an id for all", status);
}

dist_device *dist_nccl_open(dist_transport *way, tr_device at, const tr_lanes_ *lanes)
{
    int version;
    const char *why;
    char text[16];
    const nccl_calls *calls = dist_nccl(&version, &why); /* it is there: device.c has asked */
    nccl *v = calloc(1, sizeof *v);
    if (!v) return tr_fail("out of memory: a device's way to other ranks");
    v->calls = calls;
    v->device = (dist_device){.at = at, .lanes = lanes, .widens = true, .pinless = true, .hand_in = hand_in, .advance = advance, .abort = end_it, .finish = finish};
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
