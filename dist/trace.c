#include "dist/watch.h"

#include <stdio.h>

static const char *name_of(const dist_work *w) { return w->label && *w->label ? w->label : dist_operation_name(w->operation); }

static int64_t bytes_of(const dist_work *w)
{
    bool sum = w->operation == DIST_ALL_REDUCE || w->operation == DIST_REDUCE_SCATTER, words = w->operation == DIST_LARGEST;
    return w->n * (sum ? tr_dtype_size(w->dtype) : words ? (int64_t)sizeof(uint64_t)
                                                         : 1);
}

void dist_trace_done(const dist_transport *way, const dist_work *w)
{
    if (!w->begin_ns) return;
    tr_trace_note_(&(tr_trace_collective_){.begin_ns = w->begin_ns, .name = name_of(w), .transport = way->name, .bytes = bytes_of(w), .number = w->number, .queued = w->started});
}

dist_trace_words dist_trace_words_of(const dist_work *w)
{
    dist_trace_words words = {.bytes = bytes_of(w), .number = w->number};
    if (tr_is_traced_()) snprintf(words.name, sizeof words.name, "%s", name_of(w));
    return words;
}

void dist_trace_there(const dist_trace_words *words, const char *way, int64_t begin_ns, int64_t end_ns)
{
    tr_trace_note_(&(tr_trace_collective_){.begin_ns = begin_ns, .end_ns = end_ns, .name = words->name, .transport = way, .bytes = words->bytes, .number = words->number, .there = true});
}

/* ---- one clock ---- */

/* A question and its answer: halfway between, this clock showed what rank 0 read on its own, or was wrong by at most half of
 * the time that both took.  So the quickest of several says most.  Rank 0 asks nobody, and answers one after the other. */
enum { ROUNDS = 12 };

static int ask(dist_transport *way, int64_t (*clock_ns)(void), int64_t *ahead_ns, int64_t *error_ns)
{
    int64_t quickest = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t before = clock_ns(), there;
        if (dist_send(way, &before, sizeof before, 0) < 0 || dist_receive(way, &there, sizeof there, 0) < 0) return -1;
        int64_t took = clock_ns() - before;
        if (took >= quickest) continue;
        quickest = took;
        *ahead_ns = there - (before + took / 2);
        *error_ns = took / 2;
    }
    return 0;
}

static int answer(dist_transport *way, int64_t rank, int64_t (*clock_ns)(void))
{
    for (int i = 0; i < ROUNDS; i++) {
        int64_t there;
        if (dist_receive(way, &there, sizeof there, rank) < 0) return -1;
        int64_t now = clock_ns();
        if (dist_send(way, &now, sizeof now, rank) < 0) return -1;
    }
    return 0;
}

int dist_trace_clocks(dist_transport *way, int64_t (*clock_ns)(void), int64_t *ahead_ns, int64_t *error_ns)
{
    *ahead_ns = *error_ns = 0;
    if (way->rank > 0) {
        if (ask(way, clock_ns, ahead_ns, error_ns) < 0) return -1;
        int64_t size = *ahead_ns < 0 ? -*ahead_ns : *ahead_ns;
        if (size <= *error_ns) *ahead_ns = 0; /* one clock, most likely: rank 0's host */
        return 0;
    }
    for (int64_t i = 1; i < way->world; i++)
        if (answer(way, i, clock_ns) < 0) return -1;
    return 0;
}

/* ---- beginning and end ---- */

void dist_watch_wishes(uint64_t wishes[DIST_WISHES])
{
    wishes[0] = tr_is_traced_();
    wishes[1] = (uint64_t)tr_ledger_every_();
}

int dist_watch_start(dist_transport *way, uint64_t job, const uint64_t wishes[DIST_WISHES])
{
    int64_t ahead = 0, error = 0;
    if (wishes[0] && way->network && dist_trace_clocks(way, tr_clock_ns_, &ahead, &error) < 0) return -1;
    if (way->world > 1) dist_ledger_start((int64_t)wishes[1]);
    return tr_trace_rank_(way->rank, way->world, job, ahead, error);
}

int dist_watch_stop(const dist_transport *way)
{
    int status = (tr_trace_stop)();
    if (way->world > 1 && tr_ledger_every_() > 0) tr_ledger_stop();
    dist_ledger_start(0);
    tr_trace_rank_(0, 0, 0, 0, 0);
    return status;
}
