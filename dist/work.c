/* Works and their queue: what is the same however ranks travel.
 *
 * Collectives that are started wait in a queue, and only its head is brought on.  So on every rank the parts of one come
 * before the parts of the next, whichever is tested first: over MPI and in a window that is what makes parts meet. */
#include "dist/device.h"
#include "dist/sum.h"
#include "dist/watch.h"
#include "dist/watchdog.h"

#include <stdlib.h>
#include <time.h>
#include <trireme/error.h>

const char *dist_operation_name(dist_operation operation)
{
    static const char *const names[DIST_OPERATIONS] = {"all_reduce", "reduce_scatter", "all_gather", "broadcast", "barrier", "comparison", "send", "receive"};
    return operation >= 0 && operation < DIST_OPERATIONS ? names[operation] : "nothing";
}

double dist_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool is_message(const dist_work *w) { return w->operation == DIST_SEND || w->operation == DIST_RECEIVE; }

/* What was started cannot be done any more either. */
static int give_up(dist_transport *way)
{
    way->failed = true;
    for (dist_work *w = way->first; w; w = w->next) w->status = -1;
    way->first = way->last = NULL;
    return -1;
}

static bool refuse(dist_transport *way)
{
    if (way->failed) tr_fail("a collective has failed, so the ranks cannot meet any more");
    return way->failed;
}

void dist_weigh(const dist_transport *way, dist_work *w)
{
    if (w->weight == 0 || w->weight == 1) return;
    bool parts = w->operation == DIST_REDUCE_SCATTER; /* ours is one of them: what is ours to write begins before it */
    void *into = parts ? (char *)w->into - way->rank * w->n * tr_dtype_size(w->dtype) : w->into;
    dist_scale(w->dtype, into, w->from, parts ? w->n * way->world : w->n, w->weight);
    w->from = into;
    w->weight = 1;
}

static int advance(dist_transport *way, dist_work *w, double seconds)
{
    if (!w->begun) dist_watchdog_arrived(way, w);
    if (!w->begun && !way->weighs && !w->on) dist_weigh(way, w);
    if (!w->begun && !w->begin_ns && tr_is_traced_()) w->begin_ns = tr_clock_ns_();
    w->status = w->on ? w->on->advance(w->on, way, w, seconds) : way->advance(way, w, seconds);
    w->begun = true;
    if (w->status == 1) dist_watchdog_done(way, w);
    if (w->status == 1) dist_trace_done(way, w);
    return w->status < 0 ? give_up(way) : w->status;
}

/* The queue up to `last` (NULL: all of it).  1: done; 0: not within `seconds` for one of them. */
static int drive(dist_transport *way, const dist_work *last, double seconds)
{
    while (way->first) {
        dist_work *w = way->first;
        int status = advance(way, w, seconds);
        if (status <= 0) return status;
        way->first = w->next;
        if (!way->first) way->last = NULL;
        if (w == last) break;
    }
    return 1;
}

static int bring(dist_transport *way, dist_work *w, double seconds)
{
    if (w->status != 0) return w->status;
    return is_message(w) ? advance(way, w, seconds) : drive(way, w, seconds);
}

static int hand_in(dist_transport *way, dist_work *w)
{
    w->started = true;
    w->next = NULL;
    if (refuse(way) || dist_device_hand_in(w) < 0) return w->status = -1;
    return 0;
}

static void append(dist_transport *way, dist_work *w)
{
    dist_watchdog_called(way, w);
    if (way->last)
        way->last->next = w;
    else
        way->first = w;
    way->last = w;
}

int dist_start(dist_transport *way, dist_work *w)
{
    DIST_WAITS(NULL);
    if (!is_message(w)) return dist_start_together(way, w, 1);
    if (hand_in(way, w) < 0) return -1;
    dist_watchdog_called(way, w);
    return advance(way, w, 0) < 0 ? -1 : 0;
}

/* Nobody begins the first before all are there. */
int dist_start_together(dist_transport *way, dist_work *works, int64_t n)
{
    DIST_WAITS(NULL);
    for (int64_t i = 0; i < n; i++)
        if (hand_in(way, &works[i]) < 0) return -1;
    for (int64_t i = 0; i < n; i++) {
        works[i].behind = n - 1 - i;
        append(way, &works[i]);
    }
    return dist_progress(way);
}

int dist_test(dist_transport *way, dist_work *w) { return bring(way, w, 0); }

int dist_wait(dist_transport *way, dist_work *w)
{
    int status;
    DIST_WAITS(w->status ? NULL : w->label ? w->label
                                           : dist_operation_name(w->operation));
    dist_watchdog_waits(way, w);
    while ((status = bring(way, w, -1)) == 0) {}
    dist_watchdog_waits(way, NULL);
    return status < 0 ? -1 : dist_device_join(w);
}

int dist_progress(dist_transport *way)
{
    DIST_WAITS(NULL);
    return drive(way, NULL, 0) < 0 ? -1 : 0;
}

/* What was handed in before is joined by who did so (courier.h). */
int dist_run(dist_transport *way, dist_work *w)
{
    bool handed_in = w->mark;
    if (refuse(way) || dist_device_hand_in(w) < 0) return -1;
    DIST_WAITS(NULL);
    if (tr_is_traced_()) w->begin_ns = tr_clock_ns_(); /* what is under way comes first, and is part of it */
    dist_watchdog_called(way, w);
    dist_watchdog_waits(way, w);
    int status = 0;
    while (status >= 0 && way->first && !is_message(w)) status = drive(way, NULL, -1);
    while (status >= 0 && w->status == 0) status = advance(way, w, -1);
    dist_watchdog_waits(way, NULL);
    if (status >= 0 && !handed_in) status = dist_device_join(w);
    return status < 0 ? -1 : 0;
}

int dist_all_reduce(dist_transport *way, void *data, int64_t n, tr_dtype dtype)
{
    return dist_run(way, &(dist_work){.operation = DIST_ALL_REDUCE, .from = data, .into = data, .n = n, .dtype = dtype});
}

int dist_reduce_scatter(dist_transport *way, const void *all, void *mine, int64_t n, tr_dtype dtype)
{
    return dist_run(way, &(dist_work){.operation = DIST_REDUCE_SCATTER, .from = all, .into = mine, .n = n, .dtype = dtype});
}

int dist_all_gather(dist_transport *way, const void *mine, void *all, int64_t bytes)
{
    return dist_run(way, &(dist_work){.operation = DIST_ALL_GATHER, .from = mine, .into = all, .n = bytes});
}

int dist_broadcast(dist_transport *way, void *data, int64_t bytes, int64_t root)
{
    return dist_run(way, &(dist_work){.operation = DIST_BROADCAST, .from = data, .into = data, .n = bytes, .peer = root});
}

int dist_barrier(dist_transport *way) { return dist_run(way, &(dist_work){.operation = DIST_BARRIER}); }

int dist_send(dist_transport *way, const void *data, int64_t bytes, int64_t to)
{
    return dist_run(way, &(dist_work){.operation = DIST_SEND, .from = data, .n = bytes, .peer = to});
}

int dist_receive(dist_transport *way, void *data, int64_t bytes, int64_t from)
{
    return dist_run(way, &(dist_work){.operation = DIST_RECEIVE, .into = data, .n = bytes, .peer = from});
}

/* One form with and without a limit, since over MPI what blocks does not meet what does not. */
int dist_largest(dist_transport *way, uint64_t *words, int n, double seconds)
{
    dist_work w = {.operation = DIST_LARGEST, .from = words, .into = words, .n = n, .started = true};
    if (refuse(way)) return -1;
    if (seconds < 0) return dist_start(way, &w) < 0 || dist_wait(way, &w) < 0 ? -1 : 0;
    while (way->first)
        if (drive(way, NULL, -1) < 0) return -1;
    dist_watchdog_called(way, &w);
    double end = dist_now() + seconds;
    for (;;) {
        double left = end - dist_now();
        if (advance(way, &w, left > 0 ? left : 0) < 0) return -1;
        if (w.status == 1) return 0;
        if (left <= 0) {
            give_up(way); /* it would come too late, and meet something else */
            return 1;
        }
    }
}
