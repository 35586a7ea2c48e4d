/* A trace, in memory and on disk at once: a file that is mapped while its process runs, so that a rank that is killed at any
 * moment leaves all it had noted.
 *
 *     head | names | block | block | ...      a block holds spans of one thread, in the order in which they ended
 *
 * Space in it is reserved as blocks are handed out, so a full disk is an answer and not a signal.  The `trireme` command reads
 * what killed ranks left; it is built from this header and trace_json.c, without the library. */
#ifndef TRIREME_CORE_TRACE_FILE_H
#define TRIREME_CORE_TRACE_FILE_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define TRACE_MAGIC "trireme trace 1"

enum { TRACE_HEAD = 4096,
       TRACE_NAMES = 1024, /* 0: none; 1: for whatever came when there was no more room */
       TRACE_NAME = 128,
       TRACE_BLOCK = 1 << 16,
       TRACE_BLOCK_HEAD = 64,
       TRACE_SPAN = 48,
       TRACE_SPANS = (TRACE_BLOCK - TRACE_BLOCK_HEAD) / TRACE_SPAN,
       TRACE_BLOCKS_AT = TRACE_HEAD + TRACE_NAMES * TRACE_NAME,
       TRACE_WHY = 160 };

typedef enum { TRACE_USER,
               TRACE_FORWARD,
               TRACE_BACKWARD,
               TRACE_KERNEL,
               TRACE_OPTIMISER,
               TRACE_REPLAY,
               TRACE_DATA,       /* waiting for a batch */
               TRACE_READ,       /* a loader's thread reads one */
               TRACE_COLLECTIVE, /* one of them, from its beginning to its end */
               TRACE_WAIT,       /* a thread is at collectives, or waits for them */
               TRACE_COPY,       /* a device's memory to the host's, from it, or another device's */
               TRACE_KINDS } trace_kind;

/* What the four numbers of a span are. */
enum { TRACE_NOTHING,
       TRACE_ELEMENTS, /* count */
       TRACE_PRODUCT,  /* size: batch, m, n, k */
       TRACE_BYTES     /* count, and number: the collective's */
};

enum { TRACE_QUEUED = 1,        /* the thread's own second track */
       TRACE_THERE = 2,         /* what devices do together, of the process */
       TRACE_KERNELS_THERE = 3, /* what each does alone: its number, below 64, is added */
       TRACE_DOWN_THERE = 70,   /* and its copies beside that, to the host and from it */
       TRACE_UP_THERE = 140 };

typedef struct {
    int64_t begin_ns, ns; /* on the process's own CLOCK_MONOTONIC */
    uint32_t name, detail;
    uint8_t kind, what, queued; /* queued: beside what its thread does, on which track */
    uint8_t spare[5];
    union {
        struct {
            int64_t count, number;
        };
        uint32_t size[4];
    };
} trace_span;

typedef struct {
    _Atomic uint32_t spans; /* that are complete */
    uint32_t thread;        /* from 1 */
    uint32_t name;          /* the thread's */
    char spare[TRACE_BLOCK_HEAD - 3 * sizeof(uint32_t)];
    trace_span span[TRACE_SPANS];
} trace_block;

typedef struct {
    char magic[16];
    int64_t rank, ranks; /* rank -1: not known yet */
    int64_t process;
    uint64_t job;     /* the same on all ranks of a job */
    int64_t ahead_ns; /* rank 0's clock is so far ahead of this one, */
    int64_t error_ns; /* give or take */
    _Atomic int64_t dropped, first_dropped_ns;
    _Atomic uint32_t blocks, names;
    char host[256];
} trace_head;

_Static_assert(sizeof(trace_span) == TRACE_SPAN && sizeof(trace_block) == TRACE_BLOCK && sizeof(trace_head) <= TRACE_HEAD, "the file's layout");

/* All of it as Chrome's JSON; `bytes` of the file are there, from anybody.  0, or -1 and why; what the stream met is the
 * caller's to ask. */
int trace_json(FILE *out, const void *file, size_t bytes, char why[TRACE_WHY]);

#endif
