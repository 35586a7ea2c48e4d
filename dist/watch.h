/* What the ranks add to traces and the ledger (trireme/trace.h): one clock, and one table. */
#ifndef TRIREME_DIST_WATCH_H
#define TRIREME_DIST_WATCH_H

#include "dist/transport.h"

#include <trireme/trace.h>

/* To the end of the block this thread is at collectives.  What NULL names charges the ledger alone. */
#define DIST_WAITS(name) tr_wait_ TR_JOIN_(waits_, __LINE__) __attribute__((cleanup(tr_wait_end_), unused)) = tr_wait_begin_(name)

/* A collective of `way` is done: a span from its beginning. */
void dist_trace_done(const dist_transport *way, const dist_work *w);

/* The same of one that a device did: what it was, noted when it was asked for (no name: no trace runs), and when. */
typedef struct {
    char name[112];
    int64_t bytes, number;
} dist_trace_words;
dist_trace_words dist_trace_words_of(const dist_work *w);
void dist_trace_there(const dist_trace_words *words, const char *way, int64_t begin_ns, int64_t end_ns);

/* How far rank 0's clock is ahead of this rank's, give or take.  Collective.  0, or -1 with an error standing. */
int dist_trace_clocks(dist_transport *way, int64_t (*clock_ns)(void), int64_t *ahead_ns, int64_t *error_ns);

/* Ranks have started, `wishes` being the largest of dist_watch_wishes() of all: they say in the trace who they are. */
enum { DIST_WISHES = 2 };
void dist_watch_wishes(uint64_t wishes[DIST_WISHES]);
int dist_watch_start(dist_transport *way, uint64_t job, const uint64_t wishes[DIST_WISHES]);

/* Gradients have been averaged: now and then the ledger's line.  Collective.  0, or -1 with an error standing. */
int dist_ledger_averaged(dist_transport *way);

/* All ranks are here and none has failed: the last lines.  Collective. */
int dist_ledger_finish(dist_transport *way);
void dist_ledger_start(int64_t every);
bool dist_ledger_speaks(void); /* somebody asked for it */

/* The trace is written.  0, or -1 with an error standing. */
int dist_watch_stop(const dist_transport *way);

#endif
