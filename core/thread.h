/* What a thread keeps: its scopes, its free lists, its error, its switches.  Reached through one thread-local, in the
 * initial-exec model (a third of the default model's cost); it stays near 1 KiB because libraries that are opened late
 * share little room for such variables. */
#ifndef TRIREME_CORE_THREAD_H
#define TRIREME_CORE_THREAD_H

#include <trireme/error.h>
#include <trireme/random.h>
#include "core/free_list.h"
#include "core/memory.h"

struct core_object;

enum { CORE_NUMBERS = 16 };

typedef struct {
    bool stands, told;
    tr_error error;
    char message[400];
} core_error_state;

typedef struct core_thread {
    struct core_object **owned; /* what the open scopes own, innermost last */
    int64_t owned_count, owned_room;
    int64_t *mark; /* for each open scope, where its part of `owned` begins */
    int depth, mark_room;

    bool grad_off;
    uint8_t default_dtype; /* 0: float32 */
    uint8_t autocast;      /* the type of TR_AUTOCAST; 0: none */
    uint8_t precision;     /* of float32 products: a tr_precision */
    uint8_t stocked;       /* a bit for each pool that was filled once (storage.c) */
    uint32_t id;           /* 1, 2, ...; 0: it has asked the system for nothing, so that its end need not be noticed */

    void *pool[CORE_POOLS];
    struct tr_tensor *little;                     /* tensors that wait whole and need no block (whole.h) */
    struct tr_tensor *number[CORE_NUMBERS];       /* C numbers made lately, by value; owns one count of each (autograd/operands.c) */
    struct tr_tensor *number_there[CORE_NUMBERS]; /* what each of them became on the device that asked last; owns one count */
    struct tr_tensor *one;                        /* that backward began with last; owns one count (autograd/backward.c) */
    core_blocks *block;                           /* CORE_CLASSES of them, and an empty one; NULL before the first is taken */
    int64_t allocated_bytes, peak_bytes, held_bytes /* and those that wait */, system_requests;

    core_error_state failure;
    const char *told_as; /* whose errors are (CORE_TOLD_AS); NULL: their own */
    tr_error_handler *handler;
    void *handler_data;
    bool handler_set; /* else the default one */
    char *texts;
    unsigned next_text;

    tr_generator *generator;          /* the default one, made when first asked for */
    void *backward;                   /* autograd's: the walk that is under way */
    void *release;                    /* autograd's: nodes waiting to be let go */
    struct autograd_narrows *narrows; /* autograd's: narrow copies of parameters */
    void *recorder;                   /* autograd's: the step that is being recorded */
    struct core_track *track;         /* its part of the trace (trace.c), or NULL */
    struct core_ledger *ledger;       /* where its time goes (ledger.c), or NULL */
    bool recording;                   /* it is: kernels are noted; false while one runs, while something is made once, and from what
                                       * cannot be recorded on: */
    const char *unrecorded, *because; /* which function met that, or NULL; and why it cannot be */
} core_thread;

#if defined(__GNUC__)
extern _Thread_local core_thread core_thread_here __attribute__((tls_model("initial-exec"), visibility("hidden")));
#else
extern _Thread_local core_thread core_thread_here;
#endif

static inline core_thread *core_here(void)
{
    return &core_thread_here;
}

/* A small thing whose home is the thread of this id waits, if that is this one, or goes back to the system. */
static inline void core_pool_give(core_thread *here, core_pool pool, void *p, uint32_t home)
{
    if (__builtin_expect(home == here->id, 1))
        core_list_push(&here->pool[pool], p);
    else
        core_system_give(p);
}

/* A block of this size is in use. */
static inline void core_block_used(core_thread *here, int64_t size)
{
    here->allocated_bytes += size;
    if (here->allocated_bytes > here->peak_bytes) here->peak_bytes = here->allocated_bytes;
}

/* Make sure that this thread's memory goes back when the thread ends. */
void core_thread_know(core_thread *here);

#endif
