#include "core/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include "core/object.h"
#include "core/watch.h"

_Thread_local core_thread core_thread_here;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Runs on the ending thread itself, so core_here() is still that thread's. */
static void thread_ends(void *value)
{
    (void)value;
    core_thread *here = core_here();
    core_scope_end_all();
    core_trace_thread_ends();
    core_ledger_thread_ends();
    core_memory_trim();
    core_system_give(here->texts);
    here->texts = NULL;
    here->id = 0;
}

static void make_key(void) { (void)pthread_key_create(&key, thread_ends); }

void core_thread_know(core_thread *here)
{
    static _Atomic uint32_t last;
    if (here->id) return;
    pthread_once(&once, make_key);
    if (pthread_setspecific(key, here) == 0) here->id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}
