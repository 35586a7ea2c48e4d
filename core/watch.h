/* What is watched while a program runs: a trace is written, a ledger kept.
 *
 * Whatever takes time opens a span.  Where nobody watches, that is one look at a flag:
 *
 *     CORE_SPAN(TRACE_FORWARD, m->kind);        to the end of the block
 *
 * A span is noted in the trace (trace.c) when it ends, and charges its time to a column of the thread's ledger (ledger.c). */
#ifndef TRIREME_CORE_WATCH_H
#define TRIREME_CORE_WATCH_H

#include <stdatomic.h>
#include <time.h>
#include <trireme/base.h>
#include <trireme/lanes.h>
#include "core/trace_file.h"

enum { CORE_WATCH_ASK = 1, /* the environment has not been asked yet */
       CORE_WATCH_TRACE = 2,
       CORE_WATCH_LEDGER = 4 };

extern uint8_t core_watching __attribute__((visibility("hidden"))); /* changed by core_watch_change() alone */

/* A plain look: of a relaxed atomic one compilers make an instruction more, on the way of every operation. */
static inline bool core_watched(void)
{
#if defined(__SANITIZE_THREAD__)
    return __atomic_load_n(&core_watching, __ATOMIC_RELAXED) != 0;
#else
    return __builtin_expect(core_watching != 0, 0);
#endif
}

/* What is watched, after the environment was asked. */
int core_watch(void);
void core_watch_change(int add, int remove);

typedef struct {
    int64_t begin_ns;
    const char *name;
    uint8_t on, kind;
    int8_t before; /* the ledger's column; -1: stays as it is */
} core_span;

core_span core_span_begin(trace_kind kind, const char *name);
core_span core_span_begin_in(trace_kind kind, const char *name, int column); /* another than the kind's; -1: none */
void core_span_end_of(const core_span *s, const trace_span *of);             /* of: a detail, a count or sizes; or NULL */
static inline void core_span_end(const core_span *s)
{
    if (__builtin_expect(s->on, 0)) core_span_end_of(s, NULL);
}

#define CORE_SPAN(kind, name) \
 core_span TR_JOIN_(span_, __LINE__) __attribute__((cleanup(core_span_end), unused)) = core_watched() ? core_span_begin(kind, name) : (core_span) { 0 }

static inline int64_t core_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A count that a variable gives: it stays what it is where that is not set.  0, or -1 with an error noted. */
int core_watch_count(const char *variable, int64_t least, int64_t most, int64_t *count);

/* ---- ledger.c ---- */

enum { CORE_OTHER,
       CORE_COMPUTE,
       CORE_COMMUNICATION,
       CORE_DATA,
       CORE_OPTIMISER,
       CORE_COLUMNS };

int core_ledger_enter(int column, int64_t *now_ns);                /* the column before; or -1, and nothing is to be left */
void core_ledger_leave(int before, int64_t now_ns, bool bordered); /* bordered: a device is to see it */
void core_ledger_device(tr_device at);                             /* this thread computes there */
void core_ledger_step(int64_t now_ns);                             /* a step has ended */
int core_ledger_from_environment(void);                            /* 0, or -1 with an error noted */
void core_ledger_finish(void);
void core_ledger_thread_ends(void);

/* ---- trace.c ---- */

/* Begin as the environment says.  0, or -1 with an error noted. */
int core_trace_from_environment(void);

/* A name's number in the trace that is being written; 0 where there is none. */
uint32_t core_trace_name(const char *text);
uint32_t core_trace_constant(const char *text); /* that never changes, and so is found quickly */

void core_trace_note(trace_span *span);
void core_trace_thread_ends(void);

/* ---- trace_there.c ---- */

/* What a device is asked for between the two is a span of its row, by its own clock, once it is known to be done; and the
 * thread's ledger knows which device it is.  The names are constant. */
typedef struct {
    const tr_lanes_ *lanes;
    void *begins; /* owned; NULL: nobody traces, or it is the CPU */
    int device;
    tr_lane_ lane;
} core_there;

core_there core_there_begin(tr_device at);
void core_there_end(const core_there *t, const char *name, const char *detail, const trace_span *of);
void core_there_look(void);

/* The same of a copy in a lane, of which the ledger hears nothing. */
core_there core_there_copy(tr_device at, tr_lane_ lane);
void core_there_copied(const core_there *t, const char *name, int64_t bytes);

#endif
