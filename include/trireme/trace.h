/* Where the time goes: traces to look at, and a ledger to read.
 *
 * A trace shows every kernel, forward, backward, optimiser's step, collective and wait of every rank on one time axis:
 *
 *     TRIREME_TRACE=trace mpirun -np 2 ./digits
 *     trireme trace merge trace -o both.json             for chrome://tracing or https://ui.perfetto.dev
 *
 * Each rank writes one file, trace/rank-0.json, in Chrome's format: a process is a rank, a track is a thread; what bytes the
 * ranks sum while backward goes on stands on a track of its own, what a device sums with others' on another, from when it began
 * there to when it was done, and so do its kernels, a graph as one, and its copies; and all ranks' times are on rank 0's
 * clock.  A rank that is killed leaves trace/rank-1.part with all that it had noted; merging reads it too.
 * A rank notes at most 262144 spans (TRIREME_TRACE_EVENTS), in 13 MB; what comes later is counted, and the file says how many
 * that were.  An eighth of the room is kept for what is not a kernel.  While it is on, a span costs about 0.1 us, and a
 * kernel or a copy of a device two events in its stream beside; off, nothing.  Nobody waits for a device, so that what it has
 * not done when the trace ends is not in it: tr_synchronize before.
 *
 * A ledger says what a training step's time went to, and which rank the others wait for:
 *
 *     TRIREME_LEDGER=100 mpirun -np 2 ./digits           a line on stderr every 100 steps, in the end one of all
 *
 *     trireme: ms a step, mean of 2 ranks
 *           steps    wall compute    comm    data   optim   other  slowest rank
 *           1-100   1.294   0.886   0.212   0.025   0.093   0.078  1: compute +0.061
 *
 * Its columns are a thread's time.  A rank does not wait for a device, so that with devices the ledger's end says what they did
 * meanwhile, by their own clocks: what a step's columns took there, and what ranks' devices summed.
 *
 *          device   1.290   1.061   0.012   0.040   0.090   0.087
 *     trireme: devices sum gradients 0.350 ms a backward, 92.1% of it behind backward's own work
 *
 * For that about eight events a step are put into the device's stream, while the ledger is kept; nobody waits for them.  Of a
 * device that is hundreds of events behind some steps are not known: "of 927 steps" stands behind the line then.
 */
#ifndef TRIREME_TRACE_H
#define TRIREME_TRACE_H

#include <trireme/error.h>
#include <trireme/lanes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- traces ---- */

/* Begin a trace of this process, all its threads, into `folder` (made if it is not there); TRIREME_TRACE=folder does so by
 * itself, at the first thing there is to note.  Between tr_dist_init and tr_dist_finish every rank is to call it; the clocks
 * of several hosts are compared in tr_dist_init, if TRIREME_TRACE is set there or a trace was begun before.
 * 0, or -1 with an error standing: a trace is under way, or the folder cannot be written. */
TR_API int(tr_trace_start)(const char *folder);

/* Write it and end it.  tr_dist_finish and the end of the process do so too.  A folder holds one trace of each rank: a later
 * one takes its place.  0 (also where there is none), or -1 with an error standing. */
TR_API int(tr_trace_stop)(void);

TR_API bool tr_is_tracing(void);

/* A span of one's own on this thread's track: `TR_TRACE("epoch");` as a line of a block reaches to its end, on whatever way it
 * is left.  By calls:
 *     int depth = tr_trace_begin("epoch");
 *     ...
 *     tr_trace_end(depth);                      and each one that was opened inside it
 * The name is copied, cut at 127 bytes; a trace knows a thousand of them.  Up to 64 spans are open at once, others are not
 * shown. */
TR_API int tr_trace_begin(const char *name);
TR_API void tr_trace_end(int depth);
TR_API void tr_trace_end_(const int *depth);

/* A replayed step (record.h) is a span "replay" with its kernels in it; pointwise kernels that run together are one span,
 * "relu_backward+mul". */

/* ---- the ledger ---- */

/* Seconds of one step, or of many.  The five sum to the wall. */
typedef struct {
    double wall;
    double compute;       /* in tr_forward, tr_backward and operations outside of both */
    double communication; /* exposed: at collectives or waiting for them, on the thread that trains */
    double data;          /* in tr_loader_next */
    double optimiser;     /* in tr_step */
    double other;         /* the program's own, outside of all these */
} tr_ledger_times;

typedef struct {
    int64_t steps; /* that have ended */
    tr_ledger_times last, total;
    double median_wall;     /* of the last 255 */
    int64_t device_steps;   /* that the device of this thread is known to have done, */
    tr_ledger_times device; /* and their times there, by its own clock: from when it began what a column asked for to when it had
                             * done so, waiting for more of it included; other: what it waited between them */
} tr_ledger;

/* Keep the ledger from now on, of each thread that trains.  A step ends with tr_step or tr_replay, and the first begins with
 * what comes first of tr_loader_next, tr_forward, tr_backward, tr_reducer_begin.  A program that calls neither and averages
 * gradients of its own has a step from each tr_reducer_begin to the next (of the same reducer, if it has several), the last
 * to tr_reducer_free; its arithmetic is `other` there.  every > 0: a line each so many steps, as TRIREME_LEDGER=every
 * gives, on rank 0 for all ranks; then it is to be called before tr_dist_init, where ranks agree on the largest.  With ranks
 * the line's numbers travel after each so many averages of gradients.
 * 0, or -1 with an error standing: every < 0. */
TR_API int(tr_ledger_start)(int64_t every);
TR_API void tr_ledger_stop(void);

/* This thread's; zero before its first step has ended. */
TR_API tr_ledger tr_ledger_read(void);

/* ---- what libtrireme-dist calls ---- */

typedef struct {
    int64_t begin_ns;
    const char *name, *transport;
    int64_t bytes, number;
    bool queued;    /* while its thread does something else */
    bool there;     /* by a device, from begin_ns */
    int64_t end_ns; /* to here; 0: to now */
} tr_trace_collective_;

typedef struct {
    int64_t begin_ns;
    const char *name;
    int on, before;
} tr_wait_;

TR_API bool tr_is_traced_(void);
TR_API int64_t tr_clock_ns_(void);
TR_API void tr_trace_thread_(const char *name); /* this thread's track */
TR_API void tr_trace_note_(const tr_trace_collective_ *collective);
/* A copy in a lane of a device: a mark where it begins, NULL where nobody traces, and its end, which takes that. */
TR_API void *tr_trace_copy_begin_(tr_device at, tr_lane_ lane);
TR_API void tr_trace_copy_end_(void *begins, tr_device at, tr_lane_ lane, int64_t bytes);
TR_API int tr_trace_rank_(int64_t rank, int64_t ranks, uint64_t job, int64_t ahead_ns, int64_t error_ns);

/* This thread is at collectives; without a name the trace does not show it. */
TR_API tr_wait_ tr_wait_begin_(const char *name);
TR_API void tr_wait_end_(const tr_wait_ *wait);

enum { TR_LEDGER_LINE_ = 128 };
TR_API int64_t tr_ledger_every_(void);
TR_API int64_t tr_ledger_turn_(int64_t known); /* a reducer's step begins; `known` is what this gave before, at first -1 */
TR_API void tr_ledger_told_elsewhere_(bool elsewhere);
TR_API void tr_ledger_say_(const char *text);
TR_API const char *tr_ledger_heading_(char *text, int64_t ranks);
TR_API const char *tr_ledger_shares_(char *text, const tr_ledger_times *times);
TR_API const char *tr_ledger_line_(char *text, const char *steps, const tr_ledger_times *mean, const char *slowest);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
# define TR_TRACE(name) int TR_JOIN_(tr_trace_, __LINE__) __attribute__((cleanup(tr_trace_end_), unused)) = tr_trace_begin(name)
#endif

#ifndef __cplusplus
# define tr_trace_start(folder) TR_STATUS_((tr_trace_start)(folder))
# define tr_trace_stop()        TR_STATUS_((tr_trace_stop)())
# define tr_ledger_start(every) TR_STATUS_((tr_ledger_start)(every))
#endif

#endif
