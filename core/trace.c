/* Noting spans, each thread into blocks of its own, and what begins and ends a trace.
 *
 * A thread that notes says so first and then looks whether the trace still runs (`busy`, then `running`); who ends the trace
 * first says that it does not run, and then waits for those who are busy.  So one of them sees the other, and nobody writes
 * into what is gone, although noting takes no lock. */
#include <trireme/trace.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "core/fail.h"
#include "core/memory.h"
#include "core/thread.h"
#include "core/trace_store.h"
#include "core/watch.h"

enum { USUAL_SPANS = 1 << 18,
       MOST_SPANS = 1 << 28,
       DEEPEST = 64,   /* spans of the program's own */
       CONSTANTS = 64, /* a thread's cache of names */
       BUSY_WAITS_NS = 1000000000 };

typedef struct core_track {
    struct core_track *next; /* all of them */
    _Atomic bool busy, over; /* over: its thread has ended */
    uint32_t thread, name;
    uint64_t trace; /* what follows belongs to this one */
    trace_block *block;
    bool kept; /* it is for what is no kernel */
    int depth;
    struct {
        uint32_t name;
        int64_t begin_ns;
    } open[DEEPEST];
    struct {
        const char *text;
        uint32_t name;
    } constant[CONSTANTS];
} core_track;

static struct {
    pthread_mutex_t lock; /* over all but what a busy thread does */
    trace_store store;
    core_track *tracks;
    uint32_t threads;
    uint64_t number; /* counts traces */
    int64_t began_ns;
    _Atomic bool running;
    struct {
        int64_t rank, ranks; /* 0 ranks: not known */
        uint64_t job;
        int64_t ahead_ns, error_ns;
    } who;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .store = {.fd = -1}};

/* ---- tracks ---- */

static void begin_track(core_track *t)
{
    char name[32];
    t->trace = all.number;
    t->block = NULL;
    t->kept = false;
    t->depth = 0;
    memset(t->constant, 0, sizeof t->constant);
    t->thread = ++all.threads;
    bool first = syscall(SYS_gettid) == getpid();
    snprintf(name, sizeof name, first ? "main" : "thread %u", t->thread);
    t->name = trace_store_name(&all.store, name);
}

static core_track *make_track(core_thread *here)
{
    core_track *t = core_system_take((int64_t)sizeof *t);
    if (!t) return NULL;
    memset(t, 0, sizeof *t);
    pthread_mutex_lock(&all.lock);
    t->next = all.tracks;
    all.tracks = t;
    pthread_mutex_unlock(&all.lock);
    return here->track = t;
}

/* This thread's, busy; NULL: no trace runs.  To be left. */
static core_track *enter(void)
{
    core_thread *here = core_here();
    core_track *t = here->track ? here->track : make_track(here);
    if (!t) return NULL;
    atomic_store(&t->busy, true);
    if (!atomic_load(&all.running)) {
        atomic_store(&t->busy, false);
        return NULL;
    }
    if (t->trace != all.number) {
        pthread_mutex_lock(&all.lock);
        begin_track(t);
        pthread_mutex_unlock(&all.lock);
    }
    return t;
}

static void leave(core_track *t) { atomic_store_explicit(&t->busy, false, memory_order_release); }

void core_trace_thread_ends(void)
{
    core_track *t = core_here()->track;
    if (t) atomic_store(&t->over, true); /* who is done with it frees it */
    core_here()->track = NULL;
}

static void forget_ended(void)
{
    for (core_track **at = &all.tracks; *at;) {
        core_track *t = *at;
        if (!atomic_load(&t->over)) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        core_system_give(t);
    }
}

/* ---- names ---- */

static uint32_t name_in(const char *text)
{
    pthread_mutex_lock(&all.lock);
    uint32_t name = trace_store_name(&all.store, text);
    pthread_mutex_unlock(&all.lock);
    return name;
}

uint32_t core_trace_name(const char *text)
{
    core_track *t = text ? enter() : NULL;
    uint32_t name = t ? name_in(text) : 0;
    if (t) leave(t);
    return name;
}

uint32_t core_trace_constant(const char *text)
{
    core_track *t = text ? enter() : NULL;
    if (!t) return 0;
    size_t at = ((uintptr_t)text >> 2 ^ (uintptr_t)text >> 9) % CONSTANTS;
    if (t->constant[at].text != text) {
        t->constant[at].name = name_in(text);
        t->constant[at].text = text;
    }
    uint32_t name = t->constant[at].name;
    leave(t);
    return name;
}

void tr_trace_thread_(const char *name)
{
    core_track *t = core_watched() && core_watch() & CORE_WATCH_TRACE ? enter() : NULL;
    if (!t) return;
    t->name = name_in(name);
    if (t->block) t->block->name = t->name;
    leave(t);
}

/* ---- noting ---- */

static void drop(int64_t begin_ns)
{
    trace_head *h = all.store.head;
    int64_t none = 0;
    atomic_fetch_add(&h->dropped, 1);
    atomic_compare_exchange_strong(&h->first_dropped_ns, &none, begin_ns);
}

/* Kernels and copies neither begin the last eighth of the blocks nor go on in one of them. */
static trace_span *next_span(core_track *t, trace_kind kind)
{
    trace_store *s = &all.store;
    bool kernel = kind == TRACE_KERNEL || kind == TRACE_COPY;
    if (kernel && t->kept) return NULL;
    if (!t->block || atomic_load_explicit(&t->block->spans, memory_order_relaxed) == TRACE_SPANS) {
        uint32_t blocks = atomic_load_explicit(&s->head->blocks, memory_order_relaxed), room = atomic_load_explicit(&s->room, memory_order_relaxed);
        bool kept = blocks >= room - room / 8;
        if (blocks >= room || (kernel && kept)) return NULL;
        pthread_mutex_lock(&all.lock);
        t->block = trace_store_block(&all.store, t->thread, t->name);
        pthread_mutex_unlock(&all.lock);
        t->kept = kept;
    }
    return t->block ? &t->block->span[atomic_load_explicit(&t->block->spans, memory_order_relaxed)] : NULL;
}

static void note(core_track *t, const trace_span *span)
{
    if (span->begin_ns < all.began_ns) return; /* of an earlier trace, or before this one */
    trace_span *to = next_span(t, (trace_kind)span->kind);
    if (!to) {
        drop(span->begin_ns);
        return;
    }
    *to = *span;
    atomic_fetch_add_explicit(&t->block->spans, 1, memory_order_release);
}

void core_trace_note(trace_span *span)
{
    core_track *t = enter();
    if (!t) return;
    note(t, span);
    leave(t);
}

/* ---- spans of the program's own ---- */

int tr_trace_begin(const char *name)
{
    if (!core_watched() || !name || !(core_watch() & CORE_WATCH_TRACE)) return -1;
    core_track *t = enter();
    if (!t) return -1;
    int depth = t->depth++;
    if (depth < DEEPEST) {
        t->open[depth].name = name_in(name);
        t->open[depth].begin_ns = core_now_ns();
    }
    leave(t);
    return depth;
}

void tr_trace_end(int depth)
{
    core_track *t = depth >= 0 ? enter() : NULL;
    if (!t) return;
    int64_t now = core_now_ns();
    while (t->depth > depth) {
        int i = --t->depth;
        if (i < DEEPEST) note(t, &(trace_span){.begin_ns = t->open[i].begin_ns, .ns = now - t->open[i].begin_ns, .name = t->open[i].name, .kind = TRACE_USER});
    }
    leave(t);
}

void tr_trace_end_(const int *depth) { tr_trace_end(*depth); }

/* ---- beginning ---- */

static void at_exit(void)
{
    if (!atomic_load(&all.running)) return;
    if ((tr_trace_stop)() < 0) tr_error_at_(NULL, 0);
}

/* The child of a fork shares the file, but is no rank. */
static void in_child(void)
{
    atomic_store(&all.running, false);
    core_watch_change(0, ~0);
}

static void name_rank(void)
{
    if (!all.store.head || all.who.ranks == 0) return;
    trace_store_rank(&all.store, all.who.rank, all.who.ranks);
    all.store.head->job = all.who.job;
    all.store.head->ahead_ns = all.who.ahead_ns;
    all.store.head->error_ns = all.who.error_ns;
}

static int start(const char *call, const char *folder)
{
    static bool ends_watched;
    int64_t spans = USUAL_SPANS;
    if (all.store.head) return core_fail_status("%s: %s: a trace is under way, into %s", call, folder, all.store.folder);
    if (core_watch_count("TRIREME_TRACE_EVENTS", 1, MOST_SPANS, &spans) < 0) return -1;
    if (trace_store_open(&all.store, call, folder, spans) < 0) return -1;
    if (!ends_watched) ends_watched = atexit(at_exit) == 0 && pthread_atfork(NULL, NULL, in_child) == 0;
    name_rank();
    all.number++;
    all.threads = 0;
    all.began_ns = core_now_ns();
    atomic_store(&all.running, true);
    core_watch_change(CORE_WATCH_TRACE, 0);
    return 0;
}

int(tr_trace_start)(const char *folder)
{
    if (!folder || !*folder) return core_fail_status("tr_trace_start: no folder");
    core_watch();
    pthread_mutex_lock(&all.lock);
    int status = start("tr_trace_start", folder);
    pthread_mutex_unlock(&all.lock);
    return status;
}

int core_trace_from_environment(void)
{
    const char *folder = getenv("TRIREME_TRACE");
    if (!folder || !*folder || all.store.head) return 0;
    pthread_mutex_lock(&all.lock);
    int status = start("TRIREME_TRACE", folder);
    pthread_mutex_unlock(&all.lock);
    return status;
}

bool tr_is_tracing(void) { return core_watched() && core_watch() & CORE_WATCH_TRACE; }

int tr_trace_rank_(int64_t rank, int64_t ranks, uint64_t job, int64_t ahead_ns, int64_t error_ns)
{
    core_watch();
    pthread_mutex_lock(&all.lock);
    all.who.rank = rank;
    all.who.ranks = ranks;
    all.who.job = job;
    all.who.ahead_ns = ahead_ns;
    all.who.error_ns = error_ns;
    name_rank();
    pthread_mutex_unlock(&all.lock);
    return core_here()->failure.stands ? -1 : 0;
}

/* ---- end ---- */

/* Those who note do so for nanoseconds; one that was stopped in the middle is not waited for for ever. */
static bool all_left(void)
{
    int64_t begin = core_now_ns();
    pthread_mutex_lock(&all.lock); /* not while waiting: who is busy may ask for a name */
    core_track *first = all.tracks;
    pthread_mutex_unlock(&all.lock);
    for (core_track *t = first; t; t = t->next)
        while (atomic_load(&t->busy)) {
            if (core_now_ns() - begin > BUSY_WAITS_NS) return false;
            sched_yield();
        }
    return true;
}

int(tr_trace_stop)(void)
{
    if (atomic_load(&all.running)) core_there_look();
    if (!atomic_exchange(&all.running, false)) return 0;
    core_watch_change(0, CORE_WATCH_TRACE);
    bool left = all_left();
    pthread_mutex_lock(&all.lock);
    int status = trace_store_write(&all.store);
    trace_store_close(&all.store, !left);
    if (left) forget_ended();
    pthread_mutex_unlock(&all.lock);
    return status;
}
