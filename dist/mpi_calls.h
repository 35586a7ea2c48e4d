/* MPI, in the few words that the library has for it.  Every call of MPI that the library makes stands in mpi_calls.c, one
 * or two to a function, and nothing else does (tests/build/mpi_calls.sh looks): how long arrays are cut, how halves are added, who shares a host, is plain C
 * above it (mpi.c, mpi_open.c, mpi_host.c) and knows none of MPI's types.
 *
 * Functions return 0, or -1 with an error standing that names the call.  Counts fit an int.  A collective with a request
 * does not block: it is done when test() or wait() says so, and what it was given stays where it is until then. */
#ifndef TRIREME_DIST_MPI_CALLS_H
#define TRIREME_DIST_MPI_CALLS_H

#include <trireme/types.h>

typedef struct {
    uintptr_t handle; /* an MPI_Comm that returns its errors; owned by who holds the struct */
    int rank, size;   /* size 0: there is none */
} dist_mpi_comm;

typedef uintptr_t dist_mpi_request, dist_mpi_window;

/* ---- the process ---- */

bool dist_mpi_is_over(void);                     /* finalised, by whomever */
int dist_mpi_begin(int *argc, char ***argv);     /* for one thread at a time */
int dist_mpi_end(void);                          /* finalise */
int dist_mpi_before_end(void (*f)(void));        /* call f when anybody finalises, while MPI still works */
int dist_mpi_from_any_thread(bool *any);         /* may other threads than the first call MPI? */
void dist_mpi_library(char *text, size_t bytes); /* "Open MPI v4.1.4" */

/* ---- communicators ---- */

int dist_mpi_copy_world(dist_mpi_comm *copy);
int dist_mpi_copy_comm(const void *mpi_comm, dist_mpi_comm *copy); /* of an `MPI_Comm *`; of a null one there is none */
int dist_mpi_copy_fortran(int handle, dist_mpi_comm *copy);

/* Those of the same colour; a negative one stays without.  By rank. */
int dist_mpi_split(const dist_mpi_comm *c, int colour, dist_mpi_comm *part);
int dist_mpi_split_hosts(const dist_mpi_comm *c, dist_mpi_comm *host); /* those that share memory */
int dist_mpi_free(dist_mpi_comm *c);                                   /* also after the end of MPI, and of none */
void dist_mpi_abort(const dist_mpi_comm *c, int status);

/* ---- collectives; from may be into ---- */

bool dist_mpi_adds(tr_dtype dtype);

int dist_mpi_sum(const dist_mpi_comm *c, const void *from, void *into, int64_t n, tr_dtype dtype, dist_mpi_request *request);
int dist_mpi_sum_parts(const dist_mpi_comm *c, const void *from, void *into, int64_t n, tr_dtype dtype, dist_mpi_request *request);
int dist_mpi_largest(const dist_mpi_comm *c, uint64_t *words, int64_t n, dist_mpi_request *request);
int dist_mpi_broadcast(const dist_mpi_comm *c, void *data, int64_t bytes, int root, dist_mpi_request *request);
int dist_mpi_barrier(const dist_mpi_comm *c, dist_mpi_request *request);

/* bytes of each rank to into, into + apart, into + 2 apart ...; from NULL: each rank's lie there already. */
int dist_mpi_gather(const dist_mpi_comm *c, const void *from, void *into, int64_t bytes, int64_t apart, dist_mpi_request *request);

int dist_mpi_smallest(const dist_mpi_comm *c, int *value);
int dist_mpi_union(const dist_mpi_comm *c, void *bits, int64_t bytes);

/* ---- messages: one, however long, in elements of `piece` bytes and the rest ---- */

int dist_mpi_send(const dist_mpi_comm *c, const void *data, int64_t bytes, int64_t piece, int to, dist_mpi_request *request);
int dist_mpi_receive(const dist_mpi_comm *c, void *data, int64_t bytes, int64_t piece, int from, dist_mpi_request *request);

int dist_mpi_wait(dist_mpi_request *request);
int dist_mpi_test(dist_mpi_request *request, bool *done);

/* ---- memory that the ranks of a host share ---- */

/* piece[i]: where rank i's bytes begin in this process.  Collective, and so is giving back a window that is not 0, as it may
 * be after a failure too. */
int dist_mpi_share(const dist_mpi_comm *c, int64_t bytes, dist_mpi_window *window, void **piece);
int dist_mpi_unshare(dist_mpi_window *window);

#endif
