/* What of NCCL we call, in words of our own, so that no part of it is needed to build or start a program: the library is
 * looked for when a device's memory first travels.  Values and layouts are those of nccl.h from 2.14 on;
 * tests/cuda/nccl_agrees.c compares them where that header is. */
#ifndef TRIREME_DIST_NCCL_CALLS_H
#define TRIREME_DIST_NCCL_CALLS_H

#include <stddef.h>

enum { NCCL_DONE = 0, /* or, of a communicator: nothing is wrong and nothing under way */
       NCCL_GOES_ON = 7 };

enum { NCCL_U8 = 1,
       NCCL_I32 = 2,
       NCCL_I64 = 4,
       NCCL_F32 = 7,
       NCCL_F64 = 8 };

enum { NCCL_ADD = 0 };

enum { NCCL_SCALAR_OF_HOST = 1 }; /* it is read before the call returns */

typedef struct {
    char bytes[128];
} nccl_id;

/* The oldest one that can ask not to block; what it does not know stays as usual. */
typedef struct {
    size_t size;
    unsigned magic, version;
    int blocking, unset;
} nccl_config;

#define NCCL_NOT_BLOCKING                                    \
 {                                                           \
  sizeof(nccl_config), 0xcafebeef, 21400, 0, -2147483647 - 1 \
 }

/* The library's functions; a communicator is a pointer of its own.  All return what NCCL_DONE is the first of. */
typedef struct {
    int (*version)(int *version); /* 22809 is 2.28.9 */
    int (*id)(nccl_id *id);
    int (*begin)(void **comm, int ranks, nccl_id id, int rank, nccl_config *config);
    int (*state)(void *comm, int *state); /* NCCL_GOES_ON: the last call has not ended */
    int (*finalize)(void *comm);
    int (*destroy)(void *comm);
    int (*abort)(void *comm);
    const char *(*words)(int status);
    const char *(*last_words)(void *comm);
    int (*all_reduce)(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream);
    int (*reduce_scatter)(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream);
    int (*all_gather)(const void *from, void *into, size_t n, int type, void *comm, void *stream);
    int (*broadcast)(const void *from, void *into, size_t n, int type, int root, void *comm, void *stream);
    int (*group)(void); /* this thread's calls wait for its end, which launches them, and says what went wrong in them */
    int (*end_group)(void);
    int (*weigh)(int *add, void *weight, int type, int residence, void *comm); /* makes an `add` of numbers times a weight */
    int (*end_weigh)(int add, void *comm);
} nccl_calls;

/* The library that TRIREME_NCCL_LIBRARY names, or libnccl.so.2; loaded once, and never closed.  NULL: it is not there, and
 * *why says so. */
const nccl_calls *dist_nccl(int *version, const char **why);

/* Before this version graphs of it and other calls race (its release notes). */
enum { NCCL_IN_GRAPHS = 22703 };

/* Tells NCCL to give up, and waits for that for a second at most (nccl_abort.c). */
void dist_nccl_abort(const nccl_calls *calls, void *comm);

/* "2.28.9" */
const char *dist_nccl_version_text(int version, char text[16]);

#endif
