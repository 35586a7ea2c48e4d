#include "core/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <trireme/trace.h>
#include "core/fail.h"

uint8_t core_watching = CORE_WATCH_ASK;

static int watched_now(void) { return __atomic_load_n(&core_watching, __ATOMIC_ACQUIRE); }

void core_watch_change(int add, int remove)
{
    __atomic_fetch_or(&core_watching, (uint8_t)add, __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&core_watching, (uint8_t)~remove, __ATOMIC_SEQ_CST);
}

int core_watch_count(const char *variable, int64_t least, int64_t most, int64_t *count)
{
    const char *text = getenv(variable);
    if (!text || !*text) return 0;
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < least || n > most)
        return core_fail_status("%s=%s: expected a whole number from %lld to %lld", variable, text, (long long)least, (long long)most);
    *count = n;
    return 0;
}

int core_watch(void)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    if (!(watched_now() & CORE_WATCH_ASK)) return watched_now();
    pthread_mutex_lock(&once);
    if (watched_now() & CORE_WATCH_ASK) {
        (void)core_ledger_from_environment(); /* an error stands then, and the work goes on without */
        (void)core_trace_from_environment();
        core_watch_change(0, CORE_WATCH_ASK);
    }
    pthread_mutex_unlock(&once);
    return watched_now();
}

static const int8_t column_of[TRACE_KINDS] = {
    [TRACE_USER] = -1,
    [TRACE_FORWARD] = CORE_COMPUTE,
    [TRACE_BACKWARD] = CORE_COMPUTE,
    [TRACE_KERNEL] = CORE_COMPUTE,
    [TRACE_OPTIMISER] = CORE_OPTIMISER,
    [TRACE_REPLAY] = CORE_COMPUTE,
    [TRACE_DATA] = CORE_DATA,
    [TRACE_READ] = -1,
    [TRACE_COLLECTIVE] = -1,
    [TRACE_WAIT] = CORE_COMMUNICATION,
    [TRACE_COPY] = -1,
};

core_span core_span_begin(trace_kind kind, const char *name) { return core_span_begin_in(kind, name, column_of[kind]); }

core_span core_span_begin_in(trace_kind kind, const char *name, int column)
{
    core_span s = {.name = name, .on = (uint8_t)core_watch(), .kind = (uint8_t)kind, .before = -1};
    if (s.on & CORE_WATCH_LEDGER && column >= 0) s.before = (int8_t)core_ledger_enter(column, &s.begin_ns);
    if (s.on & CORE_WATCH_TRACE && !s.begin_ns) s.begin_ns = core_now_ns();
    return s;
}

void core_span_end_of(const core_span *s, const trace_span *of)
{
    bool ends_step = s->on & CORE_WATCH_LEDGER && (s->kind == TRACE_OPTIMISER || s->kind == TRACE_REPLAY);
    bool noted = s->on & CORE_WATCH_TRACE && s->name;
    if (!noted && s->before < 0 && !ends_step) return;
    int64_t now = core_now_ns();
    if (s->before >= 0) core_ledger_leave(s->before, now, s->kind != TRACE_KERNEL && !ends_step);
    if (ends_step) core_ledger_step(now);
    if (!noted) return;
    trace_span span = of ? *of : (trace_span){0};
    span.begin_ns = s->begin_ns;
    span.ns = now - s->begin_ns;
    span.kind = s->kind;
    if (!span.name) span.name = s->kind == TRACE_FORWARD ? core_trace_name(s->name) : core_trace_constant(s->name);
    core_trace_note(&span);
}

/* ---- for libtrireme-dist ---- */

int64_t tr_clock_ns_(void) { return core_now_ns(); }

bool tr_is_traced_(void) { return core_watched() && core_watch() & CORE_WATCH_TRACE; }

tr_wait_ tr_wait_begin_(const char *name)
{
    if (!core_watched()) return (tr_wait_){0};
    core_span s = core_span_begin(TRACE_WAIT, name);
    return (tr_wait_){s.begin_ns, name, s.on, s.before};
}

void tr_wait_end_(const tr_wait_ *w)
{
    if (!w->on) return;
    core_span s = {w->begin_ns, w->name, (uint8_t)w->on, TRACE_WAIT, (int8_t)w->before};
    core_span_end_of(&s, &(trace_span){.name = w->name ? core_trace_name(w->name) : 0});
}

void tr_trace_note_(const tr_trace_collective_ *c)
{
    const int64_t end_ns = c->end_ns ? c->end_ns : core_now_ns();
    trace_span span = {.begin_ns = c->begin_ns, .ns = end_ns - c->begin_ns, .kind = TRACE_COLLECTIVE, .what = TRACE_BYTES, .count = c->bytes, .number = c->number};
    span.queued = c->there ? TRACE_THERE : c->queued ? TRACE_QUEUED
                                                     : 0;
    span.name = core_trace_name(c->name);
    span.detail = core_trace_name(c->transport);
    core_trace_note(&span);
}
