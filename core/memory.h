/* Where memory comes from.
 *
 * A training loop asks for the same sizes again and again.  So nothing that was freed goes back to the system: blocks
 * wait, by size class, on lists of the thread that freed them, and the next request of that class takes one off.  No
 * lock, no search.  Small fixed things (handles, storages, graph nodes) wait on lists of their own, the same way.
 *
 * What other threads made goes back to the system: they ask for the next where they are, and nobody would take this one.
 * So a small thing, and with a storage its block, waits only at home, the thread that asked the system for it; of blocks
 * alone, which do not know theirs, a thread keeps no more than it took.
 *
 *     core_block_take(bytes) -> class -> list of this thread -> else the system
 */
#ifndef TRIREME_CORE_MEMORY_H
#define TRIREME_CORE_MEMORY_H

#include "core/size_class.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <trireme/tensor.h>

enum { CORE_ALIGN = 64 };

/* Memory from the system, counted, aligned to CORE_ALIGN; NULL without an error noted.  Everything the library holds
 * comes from here, so that a test can make any single request fail. */
void *core_system_take(int64_t bytes);
void core_system_give(void *p);

/* For tests: the n-th request from now on fails, once (and whoever trims and asks again gets what it wants), or it and
 * all that follow, in every thread; 0 ends either. */
void core_system_fail_at(int64_t n);
void core_system_fail_from(int64_t n);

/* Has a request failed since? */
bool core_system_failed(void);

/* A block of at least `bytes`; *capacity says how many.  Notes an error naming `what` and returns NULL if there is none.
 * To be given back with the same capacity, by any thread. */
void *core_block_take(int64_t bytes, int64_t *capacity, const char *what);
void core_block_give(void *p, int64_t capacity);

/* The same of one that is not to wait. */
void core_block_leave(void *p, int64_t capacity);

/* The blocks of one class and thread: lists of those that wait alone, with a storage (storage.h), and with a storage and
 * a handle (whole.h). */
typedef struct {
    void *waiting, *storages;
    struct tr_tensor *tensors;
    int64_t taken; /* alone, or out of their storage, and not given back so */
} core_blocks;

/* Small things of one size, kept on a list when given back. */
typedef enum { CORE_POOL_TENSOR, /* handles alone */
               CORE_POOL_STORAGE,
               CORE_POOL_NODE,
               CORE_POOLS } core_pool;

/* Ordinary memory for the rooms' own bookkeeping (names, lists): core_free(core_alloc(...)). Notes an error naming what. */
void *core_alloc(int64_t bytes, const char *what);
void *core_realloc(void *p, int64_t old_bytes, int64_t bytes, const char *what);
void core_free(void *p);
char *core_strdup(const char *text, const char *what);

/* This thread's: <trireme/tensor.h>. */
tr_memory_stats core_memory_stats(void);

/* Give everything that waits on this thread's lists back to the system. */
void core_memory_trim(void);

#endif
