/* A device's memory travels through the host's.
 *
 *     device   [ bucket ]--.                         .->[ bucket ]
 *     down                  \-- copy --.            /
 *     host                              [ twin: sum ]
 *
 * A bucket has its twin, memory of the transport, where ranks of a host add without another copy: it goes down as it is handed
 * in.  Other tensors go in chunks through a slot of pinned memory.  Either way the head of the queue goes through
 *
 *     LOAD    copies down are asked for     COMES   they arrive     MEETS   the transport's own collective; then copies up
 *
 * and only COMES and MEETS may take time. */
#include "dist/device.h"

#include <stdlib.h>
#include <trireme/error.h>
#include <trireme/trace.h>

enum { SLOT = 4 << 20 }; /* bytes */

typedef struct {
    dist_device device; /* first */
    char *slot;         /* owned, pinned: made when first needed */
    dist_work inner;    /* of the chunk under way */
    int64_t at, n;      /* the chunk's numbers: from where, and how many */
    enum { LOAD,
           COMES,
           MEETS } phase;
} staged;

static bool is_sum(const dist_work *w) { return w->operation == DIST_ALL_REDUCE || w->operation == DIST_REDUCE_SCATTER; }
static bool in_parts(const dist_work *w) { return w->operation == DIST_REDUCE_SCATTER || w->operation == DIST_ALL_GATHER; }
static int64_t size_of(const dist_work *w) { return is_sum(w) ? tr_dtype_size(w->dtype) : 1; }

/* ---- copies ---- */

static int copy(staged *s, tr_lane_ lane, void *to, const void *from, int64_t bytes)
{
    void *begins = tr_trace_copy_begin_(s->device.at, lane);
    int status = s->device.lanes->copy(s->device.at.index, lane, to, from, bytes);
    tr_trace_copy_end_(begins, s->device.at, lane, bytes);
    return status;
}

static int down(staged *s, void *to, const void *from, int64_t bytes) { return copy(s, TR_LANE_DOWN_, to, from, bytes); }
static int up(staged *s, void *to, const void *from, int64_t bytes) { return copy(s, TR_LANE_UP_, to, from, bytes); }

/* w's mark: from now on the end of what `lane` was asked. */
static int mark(staged *s, dist_work *w, tr_lane_ lane)
{
    s->device.lanes->forget(w->mark);
    w->mark = s->device.lanes->mark(s->device.at.index, lane);
    return w->mark ? 0 : -1;
}

static int follow(staged *s, dist_work *w, tr_lane_ lane) { return s->device.lanes->after(s->device.at.index, lane, w->mark); }

/* What it reads is there. */
static int begins(staged *s, dist_work *w)
{
    if (follow(s, w, TR_LANE_DOWN_) < 0) return -1;
    if (!w->begins) w->begins = s->device.lanes->timed(s->device.at.index, TR_LANE_DOWN_);
    return w->begins ? 0 : -1;
}

static int hand_in(dist_device *d, dist_work *w)
{
    staged *s = (staged *)d;
    if (mark(s, w, TR_LANE_OWN_) < 0) return -1;
    if (!w->twin) return 0;
    if (begins(s, w) < 0 || down(s, w->twin, w->from, w->n * size_of(w)) < 0) return -1;
    return mark(s, w, TR_LANE_DOWN_);
}

/* ---- chunks ---- */

static char *slot_of(staged *s)
{
    if (s->slot) return s->slot;
    s->slot = aligned_alloc(4096, SLOT);
    if (!s->slot) return tr_fail("out of memory: a slot for a device's memory");
    dist_device_pin(&s->device, s->slot, SLOT);
    return s->slot;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int load_parts(staged *s, const dist_transport *way, const dist_work *w)
{
    int64_t size = size_of(w), bytes = s->n * size;
    const char *from = (const char *)w->from + s->at * size;
    if (w->operation == DIST_ALL_GATHER) return down(s, s->slot + way->rank * bytes, from, bytes);
    for (int64_t r = 0; r < way->world; r++)
        if (down(s, s->slot + r * bytes, from + r * w->n * size, bytes) < 0) return -1;
    return 0;
}

static int load(staged *s, const dist_transport *way, dist_work *w)
{
    int64_t size = size_of(w);
    if (w->twin) {
        s->n = w->n;
        return 0;
    }
    if (!slot_of(s)) return -1;
    s->n = smaller(w->n - s->at, SLOT / size / (in_parts(w) ? way->world : 1));
    if (begins(s, w) < 0) return -1;
    bool reads = w->operation != DIST_BROADCAST || w->peer == way->rank;
    if (in_parts(w) ? load_parts(s, way, w) < 0 : reads && down(s, s->slot, (const char *)w->from + s->at * size, s->n * size) < 0) return -1;
    return mark(s, w, TR_LANE_DOWN_);
}

static void begin(staged *s, const dist_transport *way, const dist_work *w)
{
    char *host = w->twin ? w->twin : s->slot, *mine = host + way->rank * s->n * size_of(w);
    s->inner = (dist_work){.operation = w->operation, .dtype = w->dtype, .from = host, .into = host, .n = s->n + w->more, .peer = w->peer, .weight = w->weight, .started = w->started};
    if (w->operation == DIST_ALL_GATHER) s->inner.from = mine;
    if (w->operation == DIST_REDUCE_SCATTER) s->inner.into = mine;
    if (!way->weighs) dist_weigh(way, &s->inner);
}

/* As a transport's advance(). */
static int meet(staged *s, dist_transport *way, double seconds)
{
    int status = way->advance(way, &s->inner, seconds);
    s->inner.begun = true;
    return status;
}

static int store_parts(staged *s, const dist_transport *way, const dist_work *w)
{
    for (int64_t r = 0; r < way->world; r++)
        if (up(s, (char *)w->into + r * w->n + s->at, s->slot + r * s->n, s->n) < 0) return -1;
    return 0;
}

static int store(staged *s, const dist_transport *way, dist_work *w)
{
    int64_t size = size_of(w);
    bool writes = w->operation != DIST_BROADCAST || w->peer != way->rank;
    int status = w->operation == DIST_ALL_GATHER ? store_parts(s, way, w)
                 : writes                        ? up(s, (char *)w->into + s->at * size, s->inner.into, s->n * size)
                                                 : 0;
    if (status < 0 || mark(s, w, TR_LANE_UP_) < 0) return -1;
    return w->twin ? 0 : follow(s, w, TR_LANE_DOWN_); /* what comes into the slot next waits for what leaves it */
}

/* 1, or -1. */
static int done(staged *s, dist_work *w)
{
    if (!w->begins) return 1; /* nothing has travelled */
    void *ends = s->device.lanes->timed(s->device.at.index, TR_LANE_UP_);
    if (!ends) return -1;
    dist_underway_add(&s->device.underway, w, w->begins, ends);
    w->begins = NULL;
    return 1;
}

static int advance(dist_device *d, dist_transport *way, dist_work *w, double seconds)
{
    staged *s = (staged *)d;
    if (!w->begun) s->at = 0, s->phase = LOAD;
    while (s->at < w->n + w->more) {
        int status = 1;
        switch (s->phase) {
        case LOAD:
            if (load(s, way, w) < 0) return -1;
            s->phase = COMES;
            break;
        case COMES:
            status = d->lanes->reached(w->mark, seconds < 0);
            if (status <= 0) return status;
            begin(s, way, w);
            s->phase = MEETS;
            break;
        case MEETS:
            status = meet(s, way, seconds);
            if (status <= 0) return status;
            if (store(s, way, w) < 0) return -1;
            s->at += s->n + w->more;
            s->phase = LOAD;
        }
        w->begun = true;
    }
    return done(s, w);
}

static void finish(dist_device *d)
{
    dist_underway_close(&d->underway);
    free(((staged *)d)->slot);
    free(d);
}

dist_device *dist_staged_open(const tr_lanes_ *lanes)
{
    staged *s = calloc(1, sizeof *s);
    if (!s) return tr_fail("out of memory: a device's way to other ranks");
    s->device = (dist_device){.hand_in = hand_in, .advance = advance, .finish = finish};
    dist_underway_open(&s->device.underway, lanes, s->device.name);
    return &s->device;
}
