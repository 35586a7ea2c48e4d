/* A device's rows of a trace.  Round each call and copy that it is asked for stand two marks that know when it came to them;
 * they are looked at when the next call is asked for, and when the trace ends.  Nobody waits. */
#include <pthread.h>
#include <trireme/trace.h>
#include "core/device.h"
#include "core/thread.h"
#include "core/watch.h"

enum { ROOM = 4096 }; /* calls that a device is behind; further ones are left out */

static struct {
    pthread_mutex_t lock;
    unsigned first, end;
    struct {
        const tr_lanes_ *lanes;
        void *begins, *ends; /* owned marks */
        const char *name, *detail;
        trace_span span;
    } call[ROOM];
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What a device met is told by who waits for it. */
static void *mark(const core_there *t)
{
    const bool stood = core_here()->failure.stands;
    void *m = t->lanes->timed(t->device, t->lane);
    if (!m && !stood) tr_error_clear();
    return m;
}

static int reached(unsigned i)
{
    const bool stood = core_here()->failure.stands;
    const int status = all.call[i].lanes->reached(all.call[i].ends, false);
    if (status < 0 && !stood) tr_error_clear();
    return status;
}

/* The end first: it may know more of the device's clock. */
static void note(unsigned i)
{
    trace_span *s = &all.call[i].span;
    const int64_t end = all.call[i].lanes->when(all.call[i].ends), begin = all.call[i].lanes->when(all.call[i].begins);
    if (!begin || end < begin) return;
    s->begin_ns = begin;
    s->ns = end - begin;
    s->name = core_trace_constant(all.call[i].name);
    s->detail = core_trace_constant(all.call[i].detail);
    core_trace_note(s);
}

/* Of a device that cannot be asked any more nothing is known. */
static void look(void)
{
    for (; all.first != all.end; all.first++) {
        const unsigned i = all.first % ROOM;
        const int is = reached(i);
        if (is == 0) return;
        if (is > 0) note(i);
        all.call[i].lanes->forget(all.call[i].begins);
        all.call[i].lanes->forget(all.call[i].ends);
    }
}

void core_there_look(void)
{
    pthread_mutex_lock(&all.lock);
    look();
    pthread_mutex_unlock(&all.lock);
}

core_there core_there_copy(tr_device at, tr_lane_ lane)
{
    core_there t = {.device = at.index, .lane = lane};
    if (at.type == TR_CPU || !(core_watch() & CORE_WATCH_TRACE)) return t;
    const core_device *there = core_device_of(at);
    t.lanes = there ? there->lanes : NULL;
    t.begins = t.lanes ? mark(&t) : NULL;
    return t;
}

core_there core_there_begin(tr_device at)
{
    if (at.type != TR_CPU && core_watch() & CORE_WATCH_LEDGER) core_ledger_device(at);
    return core_there_copy(at, TR_LANE_OWN_);
}

static void end(const core_there *t, const char *name, const char *detail, const trace_span *of, trace_kind kind)
{
    static const uint8_t track[TR_LANES_] = {TRACE_KERNELS_THERE, TRACE_DOWN_THERE, TRACE_UP_THERE, TRACE_KERNELS_THERE};
    if (!t->begins) return;
    void *ends = mark(t);
    pthread_mutex_lock(&all.lock);
    look();
    const bool fits = ends && all.end - all.first < ROOM;
    if (fits) {
        const unsigned i = all.end++ % ROOM;
        all.call[i].lanes = t->lanes;
        all.call[i].begins = t->begins;
        all.call[i].ends = ends;
        all.call[i].name = name;
        all.call[i].detail = detail;
        all.call[i].span = *of;
        all.call[i].span.kind = (uint8_t)kind;
        all.call[i].span.queued = (uint8_t)(track[t->lane] + t->device);
    }
    pthread_mutex_unlock(&all.lock);
    if (fits) return;
    t->lanes->forget(t->begins);
    t->lanes->forget(ends);
}

void core_there_end(const core_there *t, const char *name, const char *detail, const trace_span *of) { end(t, name, detail, of, TRACE_KERNEL); }

void core_there_copied(const core_there *t, const char *name, int64_t bytes)
{
    if (t->begins && bytes == 0) {
        t->lanes->forget(t->begins);
        return;
    }
    end(t, name, NULL, &(trace_span){.what = TRACE_BYTES, .count = bytes}, TRACE_COPY);
}

/* ---- for libtrireme-dist ---- */

void *tr_trace_copy_begin_(tr_device at, tr_lane_ lane) { return core_watched() ? core_there_copy(at, lane).begins : NULL; }

void tr_trace_copy_end_(void *begins, tr_device at, tr_lane_ lane, int64_t bytes)
{
    if (!begins) return;
    const core_there t = {core_device_of(at)->lanes, begins, at.index, lane};
    core_there_copied(&t, lane == TR_LANE_DOWN_ ? "copy to the host" : "copy from the host", bytes);
}
