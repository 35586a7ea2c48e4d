/* How NCCL is asked.
 *
 *     own work   ---- backward ----*---------- backward ----------*---- step ----
 *                                   \                            /
 *     ranks                          *-- all-reduce, bucket 1 --*
 *     host       ---- asks -----------  how many ranks used it  ------------------
 *
 * In the order of works, on one lane, which first waits for what was handed in.  A call that makes connections goes on after
 * it has returned, and is looked after until it has ended, since only then it stands in the lane.  What is the host's alone
 * (`more`) is summed over the host's transport.  So a work is done for the host when it stands in the lane, and a step waits
 * for no device.
 *
 * Works that were started together are one launch.  Others are not, though several may wait for NCCL at a time: which ones
 * that are depends on the rank, and groups must be the same on all. */
#include "dist/nccl.h"

#include "dist/settings.h"
#include "dist/watchdog.h"

#include <stdio.h>
#include <time.h>
#include <trireme/error.h>

/* ---- errors ---- */

void dist_nccl_describe(const dist_nccl_device *v, int status, char *text, size_t bytes)
{
    const char *more = v->calls->last_words(v->comm);
    snprintf(text, bytes, "%s%s%s", v->calls->words(status), more && *more ? ": " : "", more ? more : "");
}

int dist_nccl_fail(const dist_nccl_device *v, const char *doing, int status)
{
    char text[300];
    dist_nccl_describe(v, status, text, sizeof text);
    tr_fail("NCCL: %s: %s; TRIREME_DEVICE_TRANSPORT=host does without it", doing, text);
    return -1;
}

/* ---- calls that go on ---- */

static int state_of(dist_nccl_device *v)
{
    int state = NCCL_DONE;
    pthread_mutex_lock(&v->inside);
    int status = v->calls->state(v->comm, &state);
    pthread_mutex_unlock(&v->inside);
    return status == NCCL_DONE ? state : status;
}

int dist_nccl_settle(dist_nccl_device *v, const char *doing, double seconds)
{
    double end = dist_now() + (seconds < 0 ? dist_limit() : seconds);
    bool for_ever = seconds < 0 && (dist_watchdog_runs() || dist_limit() <= 0);
    for (long pause_ns = 10000;; pause_ns = pause_ns < 1000000 ? 2 * pause_ns : pause_ns) {
        int state = state_of(v);
        if (state == NCCL_DONE) return 1;
        if (state != NCCL_GOES_ON) return dist_nccl_fail(v, doing, state);
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
static int weigh(dist_nccl_device *v, const dist_work *w, int type, int *add)
{
    float narrow = (float)w->weight;
    double wide = w->weight;
    *add = NCCL_ADD;
    if (w->weight == 0) return NCCL_DONE;
    return v->calls->weigh(add, type == NCCL_F32 ? (void *)&narrow : (void *)&wide, type, NCCL_SCALAR_OF_HOST, v->comm);
}

static int sum(dist_nccl_device *v, const dist_work *w, void *stream)
{
    int type = type_of(w->dtype), add, status = weigh(v, w, type, &add);
    size_t n = (size_t)(w->n * numbers_in(w->dtype));
    if (status != NCCL_DONE) return status;
    v->add = add;
    if (w->operation == DIST_ALL_REDUCE) return v->calls->all_reduce(w->from, w->into, n, type, add, v->comm, stream);
    return v->calls->reduce_scatter(w->from, w->into, n, type, add, v->comm, stream);
}

static int call(dist_nccl_device *v, const dist_work *w, void *stream)
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

bool dist_nccl_is_good(int status) { return status == NCCL_DONE || status == NCCL_GOES_ON; }

/* A group that was begun must be ended, whatever was said in it. */
static int call_together(dist_nccl_device *v, const dist_work *w, void *stream)
{
    int status = v->calls->group();
    if (!dist_nccl_is_good(status)) return status;
    for (int64_t i = w->behind; i >= 0; i--, w = w->next)
        if (dist_nccl_is_good(status) && w->n > 0) status = call(v, w, stream);
    int ended = v->calls->end_group();
    return dist_nccl_is_good(status) ? ended : status;
}

/* What it reads is there. */
static int begin_in_lane(dist_nccl_device *v, dist_work *w)
{
    const tr_lanes_ *lanes = v->device.lanes;
    int index = v->device.at.index;
    if (!serves(w) || lanes->after(index, TR_LANE_RANKS_, w->mark) < 0) return -1;
    w->begins = lanes->timed(index, TR_LANE_RANKS_);
    return w->begins ? 0 : -1;
}

/* w and those that go with it. */
static int call_all(dist_nccl_device *v, dist_work *w)
{
    void *stream = v->device.lanes->stream(v->device.at.index, TR_LANE_RANKS_);
    if (!stream) return -1;
    if (w->behind == 0 && w->n == 0) return 0;
    pthread_mutex_lock(&v->inside);
    int status = w->behind > 0 ? call_together(v, w, stream) : call(v, w, stream);
    pthread_mutex_unlock(&v->inside);
    return dist_nccl_is_good(status) ? 0 : dist_nccl_fail(v, dist_operation_name(w->operation), status);
}

/* They have a beginning then. */
static int ask(dist_nccl_device *v, dist_work *w)
{
    int64_t left = w->behind;
    for (dist_work *one = w; left >= 0; left--, one = one->next)
        if (begin_in_lane(v, one) < 0) return -1;
    return call_all(v, w);
}

/* A way to add is wanted until its call is in the lane. */
static void end_sum(dist_nccl_device *v)
{
    if (v->add == NCCL_ADD) return;
    pthread_mutex_lock(&v->inside);
    (void)v->calls->end_weigh(v->add, v->comm);
    pthread_mutex_unlock(&v->inside);
    v->add = NCCL_ADD;
}

/* It stands in the lane: whoever joins it follows its end. */
static int note_end(dist_nccl_device *v, dist_work *w)
{
    const tr_lanes_ *lanes = v->device.lanes;
    int index = v->device.at.index;
    end_sum(v);
    void *end = lanes->mark(index, TR_LANE_RANKS_), *told = end ? lanes->timed(index, TR_LANE_RANKS_) : NULL;
    if (!told) return -1;
    lanes->forget(w->mark);
    w->mark = end;
    dist_underway_add(&v->device.underway, w, w->begins, told);
    w->begins = NULL;
    return 0;
}

/* Until it stands there nothing else of the step may be captured behind it. */
int dist_nccl_note(dist_device *d, dist_work *w)
{
    dist_nccl_device *v = (dist_nccl_device *)d;
    if (!serves(w) || call_all(v, w) < 0 || dist_nccl_settle(v, dist_operation_name(w->operation), -1) < 0) return -1;
    end_sum(v);
    return 0;
}

static void begin_counts(dist_nccl_device *v, const dist_work *w)
{
    char *more = (char *)w->twin + w->n * tr_dtype_size(w->dtype);
    v->counts = (dist_work){.operation = w->operation, .dtype = w->dtype, .from = more, .into = more, .n = w->more, .started = w->started};
}

int dist_nccl_hand_in(dist_device *d, dist_work *w)
{
    w->mark = d->lanes->mark(d->at.index, TR_LANE_OWN_);
    return w->mark ? 0 : -1;
}

int dist_nccl_advance(dist_device *d, dist_transport *way, dist_work *w, double seconds)
{
    dist_nccl_device *v = (dist_nccl_device *)d;
    int status;
    if (!w->begun && !w->begins && ask(v, w) < 0) return -1;
    if (!w->begun) v->phase = SETTLES;
    w->begun = true;
    if (v->phase == SETTLES) {
        status = dist_nccl_settle(v, dist_operation_name(w->operation), seconds);
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
