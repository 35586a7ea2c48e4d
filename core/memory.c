#include "core/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/tensor.h>
#include "core/fail.h"
#include "core/free_list.h"
#include "core/storage.h"
#include "core/thread.h"

/* ---- requests that fail, for tests ---- */

static _Atomic int64_t fail_in; /* requests up to the one that fails; 0 and less: it has */
static _Atomic bool fail_armed, fail_for_good;

static void fail(int64_t n, bool for_good)
{
    atomic_store(&fail_in, n);
    atomic_store(&fail_for_good, for_good);
    atomic_store(&fail_armed, n > 0);
}

void core_system_fail_at(int64_t n) { fail(n, false); }
void core_system_fail_from(int64_t n) { fail(n, true); }
bool core_system_failed(void) { return atomic_load(&fail_armed) && atomic_load(&fail_in) <= 0; }

static bool fails_now(void)
{
    if (!atomic_load_explicit(&fail_armed, memory_order_relaxed)) return false;
    int64_t in = atomic_fetch_sub(&fail_in, 1);
    return in == 1 || (in < 1 && atomic_load(&fail_for_good));
}

/* ---- the system ---- */

void *core_system_take(int64_t bytes)
{
    core_thread *here = core_here();
    here->system_requests++;
    if (fails_now()) return NULL;
    if (bytes < 0 || bytes > INT64_MAX - CORE_ALIGN) return NULL;
    int64_t rounded = (bytes + CORE_ALIGN - 1) / CORE_ALIGN * CORE_ALIGN;
    core_thread_know(here);
    return aligned_alloc(CORE_ALIGN, (size_t)(rounded ? rounded : CORE_ALIGN));
}

void core_system_give(void *p) { free(p); }

/* ---- blocks by size class ---- */

/* Every class of this thread, or NULL if there is no memory for them: no list, no cache. */
static core_blocks *blocks_of(core_thread *here)
{
    const int64_t bytes = (CORE_CLASSES + 1) * (int64_t)sizeof *here->block;
    if (!here->block && (here->block = core_system_take(bytes))) memset(here->block, 0, (size_t)bytes);
    return here->block;
}

void *core_block_take(int64_t bytes, int64_t *capacity, const char *what)
{
    core_thread *here = core_here();
    int class = core_class_of(bytes);
    if (bytes < 0 || class >= CORE_CLASSES) return core_fail_memory(what, bytes);
    int64_t size = core_class_bytes(class);
    core_blocks *blocks = blocks_of(here);
    if (blocks && !blocks[class].waiting) core_storage_part(here, &blocks[class]);
    void *p = blocks ? core_list_pop(&blocks[class].waiting) : NULL;
    if (!p) {
        if (!(p = core_system_take(size))) {
            core_memory_trim(); /* blocks of other classes may be what is missing */
            if (!(p = core_system_take(size))) return core_fail_memory(what, bytes);
        }
        here->held_bytes += size;
    }
    if (here->block) here->block[class].taken++;
    core_block_used(here, size);
    *capacity = size;
    return p;
}

void core_block_leave(void *p, int64_t capacity)
{
    core_thread *here = core_here();
    here->allocated_bytes -= capacity;
    here->held_bytes -= capacity;
    core_system_give(p);
}

void core_block_give(void *p, int64_t capacity)
{
    core_thread *here = core_here();
    core_blocks *blocks = here->block ? &here->block[core_class_of(capacity)] : NULL;
    if (!blocks || blocks->taken <= 0) { /* another thread took it */
        core_block_leave(p, capacity);
        return;
    }
    blocks->taken--;
    here->allocated_bytes -= capacity;
    core_list_push(&blocks->waiting, p);
}

/* ---- bookkeeping ---- */

void *core_alloc(int64_t bytes, const char *what)
{
    void *p = core_system_take(bytes);
    if (!p) return core_fail_memory(what, bytes);
    return memset(p, 0, (size_t)bytes);
}

void *core_realloc(void *p, int64_t old_bytes, int64_t bytes, const char *what)
{
    void *q = core_system_take(bytes);
    if (!q) return core_fail_memory(what, bytes);
    if (p) memcpy(q, p, (size_t)(old_bytes < bytes ? old_bytes : bytes));
    core_system_give(p);
    return q;
}

void core_free(void *p) { core_system_give(p); }

char *core_strdup(const char *text, const char *what)
{
    size_t bytes = strlen(text) + 1;
    char *copy = core_alloc((int64_t)bytes, what);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

static void give_all(void **list)
{
    for (void *p; (p = core_list_pop(list));) core_system_give(p);
}

void core_memory_trim(void)
{
    core_thread *here = core_here();
    for (int i = 0; i < CORE_NUMBERS; i++) {
        core_drop_tensor(here->number[i]);
        core_drop_tensor(here->number_there[i]);
        here->number[i] = here->number_there[i] = NULL;
    }
    core_drop_tensor(here->one);
    here->one = NULL;
    while (here->little) core_tensor_part(here, &here->little);
    for (int i = 0; here->block && i < CORE_CLASSES; i++) {
        while (here->block[i].tensors) core_tensor_part(here, &here->block[i].tensors);
        while (here->block[i].storages) core_storage_part(here, &here->block[i]);
        give_all(&here->block[i].waiting);
    }
    for (int i = 0; i < CORE_POOLS; i++) give_all(&here->pool[i]);
    core_system_give(here->block);
    here->block = NULL;
    here->held_bytes = here->allocated_bytes;
}

tr_memory_stats core_memory_stats(void)
{
    const core_thread *here = core_here();
    return (tr_memory_stats){here->allocated_bytes, here->peak_bytes, here->held_bytes - here->allocated_bytes, here->system_requests};
}
