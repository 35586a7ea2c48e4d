/* How ranks reach each other: collectives and messages on raw memory, one struct of functions per way to travel.
 *
 *     mpi.c      over MPI, whose calls all stand in mpi_calls.c (no_mpi.c in their place says that it is missing)
 *     window.c   through memory that the ranks of a host share, and over another transport between hosts
 *     alone.c    one rank that has nobody to meet
 *     fake.c     threads that play ranks, late or failing as a script says; for tests, in no library
 *
 * What is asked for is a dist_work: blocking (the functions below it), or started and tested until it is done.  A transport
 * only knows how to bring one on: advance().  Every rank starts the same collectives in the same order, with one size and
 * type, each of them blocking on all ranks or on none; they are done in that order, and may be waited for in any.
 * Messages (send, receive) are for two ranks, keep their order for each pair, and pass the collectives by.
 *
 * Functions return 0, or -1 with an error standing; after that only abort() makes sense, since nobody knows where the others
 * are.  One thread at a time calls a transport. */
#ifndef TRIREME_DIST_TRANSPORT_H
#define TRIREME_DIST_TRANSPORT_H

#include <trireme/types.h>

typedef struct dist_transport dist_transport;

typedef enum {
    DIST_ALL_REDUCE,     /* into[i] = sum over ranks of from[i], n elements; from may be into */
    DIST_REDUCE_SCATTER, /* into[i] = sum over ranks of from[rank*n + i]; into may be from + rank*n */
    DIST_ALL_GATHER,     /* into = from of rank 0, from of rank 1, ...; n bytes of each; from may be into + rank*n */
    DIST_BROADCAST,      /* into = peer's into, n bytes */
    DIST_BARRIER,        /* done when every rank has begun it */
    DIST_LARGEST,        /* into[i] = max over ranks of into[i], n words of 64 bits: for a few words only */
    DIST_SEND,           /* n bytes from `from` to rank peer */
    DIST_RECEIVE,        /* n bytes from rank peer into `into` */
    DIST_OPERATIONS,
} dist_operation;

/* One collective or message.  The caller's: it stays where it is until it is done.  Sums know every type but bool, add
 * halves in float32, and give every rank the same bits. */
typedef struct dist_work {
    dist_operation operation;
    tr_dtype dtype; /* of sums */
    const void *from;
    void *into;
    int64_t n;
    int64_t peer;
    double weight; /* of an all-reduce, or a reduce-scatter in place, of float32, float64, complex64 or complex128: what this
                    * rank's numbers are multiplied by on the way, each rank's with its own; 0 stands for 1 */

    /* Where `from` and `into` are a device's memory (device.h); of messages and words they are not. */
    struct dist_device *on; /* borrowed; NULL: they are the host's */
    void *twin;             /* of an all-reduce in place: memory of the transport for its n numbers and `more` behind them, */
    int64_t more;           /* which are the host's alone and summed with them; NULL: there is none */
    void *mark, *begins;    /* device.h's own; begin as NULL */
    int64_t behind;         /* so many of those started next go with it (dist_start_together) */

    /* For the report of who is missing.  NULL: as this thread said last (dist_watchdog_label, tr_here_). */
    const char *label, *file; /* borrowed */
    int line;

    /* What follows begins as 0 and is kept by work.c and the transport. */
    int64_t number;    /* of collectives, from 1 (watchdog.h) */
    int64_t at;        /* so much of n is done */
    uintptr_t request; /* a message's own */
    int64_t begin_ns;  /* for the trace; 0: there is none */
    struct dist_work *next;
    int status;   /* 0 under way, 1 done, -1 failed */
    bool started; /* by dist_start, not blocking */
    bool begun;   /* advance() has seen it */
} dist_work;

struct dist_transport {
    const char *name; /* "mpi: Open MPI v4.1.4"; tr_dist_transport() says it */
    int64_t rank, world, local_rank;
    int threads;       /* this rank's share of the cores that its host's ranks may use; 0: not known */
    bool network;      /* ranks are on several hosts */
    bool any_thread;   /* calls may come from any thread, one at a time */
    bool weighs;       /* advance() sees to a sum's weight; else work.c has multiplied by it before */
    bool ends_process; /* we started it, so the process must not end before finish() */

    /* Bring w on: 1 if it is done, 0 if not within `seconds` (0: do not wait; negative: as long as this way waits at all,
     * and then it is an error), -1 if it failed.  Of collectives only the first that is not done is ever brought on. */
    int (*advance)(dist_transport *way, dist_work *w, double seconds);

    /* Memory on which collectives cost less: the buckets' gradients.  Zeroed; the transport's, and there until finish();
     * give_back() only lets a later take() have it.  Both collective.  NULL with an error standing. */
    void *(*take)(dist_transport *way, int64_t bytes);
    void (*give_back)(dist_transport *way, void *memory);

    /* End every rank, this one included, whatever they are doing. */
    void (*abort)(dist_transport *way, int status);

    /* Give back what opening took. */
    int (*finish)(dist_transport *way);

    struct dist_device *device; /* owned: this rank's; NULL until its memory first travels (device.h) */
    dist_work *first, *last;    /* borrowed: collectives that are started and not done (work.c) */
    bool failed;
};

/* ---- asking (work.c) ---- */

/* Blocking. */
int dist_run(dist_transport *way, dist_work *w);

/* Not blocking: started, the work goes on inside the calls below and every other call with this `way`. */
int dist_start(dist_transport *way, dist_work *w);

/* Several collectives without weights, one after the other, none of which reads or writes what another writes: on a device
 * they are one launch, if it can.  For that they must be together on every rank: not what happens to be ready at a time. */
int dist_start_together(dist_transport *way, dist_work *works, int64_t n);
int dist_test(dist_transport *way, dist_work *w); /* 1 done, 0 not yet, -1 failed */
int dist_wait(dist_transport *way, dist_work *w);
int dist_progress(dist_transport *way); /* 0, or -1 if a work that was started has failed */

/* The blocking ones in few words; all_reduce in place. */
int dist_all_reduce(dist_transport *way, void *data, int64_t n, tr_dtype dtype);
int dist_reduce_scatter(dist_transport *way, const void *all, void *mine, int64_t n, tr_dtype dtype);
int dist_all_gather(dist_transport *way, const void *mine, void *all, int64_t bytes);
int dist_broadcast(dist_transport *way, void *data, int64_t bytes, int64_t root);
int dist_barrier(dist_transport *way);
int dist_send(dist_transport *way, const void *data, int64_t bytes, int64_t to);
int dist_receive(dist_transport *way, void *data, int64_t bytes, int64_t from);

/* How ranks agree on something.  With seconds >= 0, 1 is returned if not every rank came in time. */
int dist_largest(dist_transport *way, uint64_t *words, int n, double seconds);

/* Multiply what is to be summed by its weight, in place. */
void dist_weigh(const dist_transport *way, dist_work *w);

/* "all_reduce". */
const char *dist_operation_name(dist_operation operation);

/* Seconds on a clock that only goes forward. */
double dist_now(void);

/* ---- opening ---- */

/* One rank, always there. */
dist_transport *dist_alone(void);

/* Over MPI_COMM_WORLD, started if nobody has; over the communicator that `const MPI_Comm *comm` points at; over a Fortran
 * handle.  NULL with an error standing. */
dist_transport *dist_mpi_world(int *argc, char ***argv);
dist_transport *dist_mpi_join(const void *comm);
dist_transport *dist_mpi_join_fortran(int comm);

/* The application has started MPI by itself. */
bool dist_mpi_runs(void);

#endif
