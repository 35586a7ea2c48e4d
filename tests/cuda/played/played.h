/* CUDA's runtime, played on a CPU so that what is wrong shows before a GPU does.
 *
 * A stream is a queue.  What it is asked for waits there until somebody needs it done: a synchronisation, a query, or
 * another stream that waits for an event.  Between streams the order is the one that hurts (played_orders); in a stream it
 * is kept.  A device's memory is a mapping that only work of that device may touch: the host that reads it meets SIGSEGV
 * and a line on stderr.  Memory is 0xff in every byte (NaN) before it is first written and again from the place in the
 * stream where it is freed; what is written there afterwards, or beside a block, ends the program with a line that says so.
 *
 * Tests find these functions in the loaded object (played_in_test.h), the object's own files include this. */
#ifndef TEST_PLAYED_H
#define TEST_PLAYED_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* When work is done.  PLAYED_ORDER=lazy|at_once|others_first|random and PLAYED_SEED=n say it for a whole program, which
 * otherwise runs at random from seed 1.  PLAYED_NO_DEVICE=1 makes a machine without a GPU, PLAYED_NO_POOLS=1 devices without
 * memory pools; =unsaid: they say that they have some. */
typedef enum {
    PLAYED_LAZY,         /* as late as can be, and only what is needed */
    PLAYED_AT_ONCE,      /* before the call that asks for it returns */
    PLAYED_OTHERS_FIRST, /* late, and what is needed after all that is not */
    PLAYED_AT_RANDOM,
    PLAYED_ORDERS
} played_orders;
void played_order(played_orders order, unsigned seed);

typedef struct {
    int64_t waits;                    /* calls that wait for a device, or that may */
    int64_t allocations, frees;       /* of device memory */
    int64_t pinned, copies, pageable; /* pageable: those copies of the host's ordinary memory */
    int64_t launches;
    int64_t live_blocks, live_bytes, live_pinned, streams, events, graphs, queued; /* now */
    int64_t nodes;                                                                 /* of the graph that was made last */
} played_counts;
void played_count(played_counts *now);

/* A device has only so many bytes; 0: as many as it wants. */
void played_limit(int64_t bytes);

/* The n-th allocation from now fails, of device memory or pinned; those after it too, if for_good.  0 ends it. */
void played_fail_at(int64_t n, int for_good);

/* The n-th launch from now meets a fault of this number when it is run, and its device fails for ever. */
void played_fault_at(int64_t n, int status);

/* Does work for this stream belong to a queue?  Not where it is none, nor where no stream was ever made: tests of kernels
 * alone have the host's memory, and names for streams. */
int played_queues(const void *stream);

/* Work for a stream (a cudaStream_t) that is no kernel: a library's that is played too.  `ends` frees the argument. */
void played_enqueue(void *stream, const char *name, void (*work)(void *), void (*ends)(void *), void *argument);

/* The same for what other processes have a part in: it begins when `ready` says so, which is asked often and must not wait. */
void played_enqueue_when(void *stream, const char *name, int (*ready)(void *), void (*work)(void *), void (*ends)(void *), void *argument);

/* The same for work that every launch of a graph does anew, with an argument of its own:
 *
 *     launch             makes it when the graph is launched, in the order of launches, and in one launch in that of the capture
 *     ready, work, ends  are that argument's
 *     gone               the captured graph is destroyed, and all that was made of it, and every launch has ended
 *
 * A stream that is not captured launches it once, at once.  Pieces of such work keep their order in a graph also where no
 * event orders them.  None of these functions may call the runtime. */
typedef struct {
    const char *name;
    void *(*launch)(void *argument, void *stream);
    int (*ready)(void *launched);
    void (*work)(void *launched), (*ends)(void *launched);
    void (*gone)(void *argument);
} played_again;
void played_enqueue_again(void *stream, const played_again *what, void *argument);

/* Does the next of a stream that can be done, as a query would: for a library's own thread.  The stream may be captured by
 * now, or gone. */
void played_go_on(void *stream);

/* Is p memory that a kernel may be handed: a device's, or pinned? */
int played_reaches(const void *p);

#ifdef __cplusplus
}
#endif

#endif
