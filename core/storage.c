#include "core/storage.h"

#include <string.h>
#include "core/memory.h"

void core_storage_part(core_thread *here, core_blocks *blocks)
{
    if (!blocks->storages) core_tensor_part(here, &blocks->tensors);
    core_storage *s = core_list_pop(&blocks->storages);
    if (!s) return;
    core_list_in_use_(s->data);
    if (blocks->taken > 0) blocks->taken--; /* 0 after a trim, which forgets what is in use */
    core_list_push(&blocks->waiting, s->data);
    core_pool_give(here, CORE_POOL_STORAGE, s, s->home);
}

static size_t bytes_of(core_pool pool) { return pool == CORE_POOL_TENSOR ? sizeof(tr_tensor) : sizeof(core_storage); }

/* One more, all zeros but for its home; NULL. */
static void *from_system(core_thread *here, core_pool pool)
{
    void *p = core_system_take((int64_t)bytes_of(pool));
    if (!p) return NULL;
    memset(p, 0, bytes_of(pool));
    *(pool == CORE_POOL_TENSOR ? &((tr_tensor *)p)->home : &((core_storage *)p)->home) = here->id;
    return p;
}

/* Once for a thread: a few more of them wait.  A loop that is short of one by one or two would take little tensors apart
 * and put them together again in every iteration. */
static void stock(core_thread *here, core_pool pool)
{
    enum { FEW = 16 };
    here->stocked |= (uint8_t)(1u << pool);
    for (int i = 0; i < FEW; i++) {
        void *p = from_system(here, pool);
        if (!p) return;
        core_list_push(&here->pool[pool], p);
    }
}

static void *one_alone(core_thread *here, core_pool pool, const char *what)
{
    if (!here->pool[pool] && here->little && !(here->stocked >> pool & 1)) stock(here, pool);
    if (!here->pool[pool]) core_tensor_part(here, &here->little);
    void *p = core_list_pop(&here->pool[pool]);
    return p || (p = from_system(here, pool)) ? p : core_fail_memory(what, (int64_t)bytes_of(pool));
}

tr_tensor *core_handle_alone(core_thread *here, const char *what) { return one_alone(here, CORE_POOL_TENSOR, what); }
core_storage *core_storage_alone(core_thread *here, const char *what) { return one_alone(here, CORE_POOL_STORAGE, what); }

core_storage *core_storage_new(core_thread *here, const core_device *device, tr_device at, int64_t bytes, const char *what)
{
    bool cpu = device == &core_cpu, small = cpu && bytes <= (int64_t)sizeof(((core_storage *)0)->small);
    core_storage *s = cpu && !small ? core_storage_take(here, bytes) : NULL;
    if (s) return s;
    if (!(s = core_storage_alone(here, what))) return NULL;
    core_storage_begin(s, device, at);
    if (small) {
        s->data = s->small;
        s->capacity = (int64_t)sizeof s->small;
    } else if (!(s->data = device->take(at.index, bytes, &s->capacity, what))) {
        core_pool_give(here, CORE_POOL_STORAGE, s, s->home);
        return NULL;
    } else {
        s->kind = cpu ? 0 : CORE_ELSEWHERE;
        s->class = (uint8_t)(cpu ? core_class_of(s->capacity) : 0);
    }
    return s;
}

void core_storage_free(core_storage *s)
{
    core_thread *here = core_here();
    if (s->kind & CORE_FOREIGN) {
        if (s->release) {
            s->device->synchronize(s->at.index); /* its owner knows nothing of what the device still has to do with it */
            s->release(s->foreign);
        }
    } else if (s->kind & CORE_ELSEWHERE) {
        s->device->give(s->at.index, s->data, s->capacity);
    } else if (s->class) {
        core_blocks *blocks = s->home == here->id ? core_storage_waits(here, s) : NULL;
        if (blocks) {
            core_list_push(&blocks->storages, s);
            core_list_leads_to_(&s->data);
            return;
        }
        core_block_leave(s->data, s->capacity);
    }
    core_pool_give(here, CORE_POOL_STORAGE, s, s->home);
}

void core_storage_give_back(core_storage *s)
{
    if (atomic_fetch_sub(&s->lent, 1) == 1) core_storage_free(s);
}

void core_storage_drop(core_storage *s)
{
    if (--s->count || s->kind & CORE_RECORDED) return;
    if (atomic_load_explicit(&s->lent, memory_order_relaxed))
        core_storage_give_back(s);
    else
        core_storage_free(s);
}

core_storage *core_storage_lend(const tr_tensor *t)
{
    core_storage *s = t->storage; /* only this thread lends it: nobody else makes a 0 into a 2 */
    if (atomic_load_explicit(&s->lent, memory_order_relaxed))
        atomic_fetch_add(&s->lent, 1);
    else
        atomic_store(&s->lent, 2), s->kind |= CORE_LENT;
    return s;
}
