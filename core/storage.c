#include "core/storage.h"

#include <string.h>
#include "core/memory.h"

void core_storage_part(core_thread *here, core_blocks *blocks)
{
    if (!blocks->storages) core_tensor_part(here, &blocks->tensors);
    core_storage *s = core_list_pop(&blocks->storages);
    if (!s) return;
    core_list_in_use_(s->data);
    core_list_push(&blocks->waiting, s->data);
    core_pool_give(here, CORE_POOL_STORAGE, s);
}

void core_stock(core_thread *here, core_pool pool, size_t bytes)
{
    enum { FEW = 16 };
    here->stocked |= (uint8_t)(1u << pool);
    for (int i = 0; i < FEW; i++) {
        void *p = core_system_take((int64_t)bytes);
        if (!p) return;
        core_pool_give(here, pool, memset(p, 0, bytes));
    }
}

core_storage *core_storage_new(core_thread *here, const core_device *device, tr_device at, int64_t bytes, const char *what)
{
    bool cpu = device == &core_cpu, small = cpu && bytes <= (int64_t)sizeof(((core_storage *)0)->small);
    core_storage *s = cpu && !small ? core_storage_take(here, bytes) : NULL;
    if (s) return s;
    if (!(s = core_one_alone(here, CORE_POOL_STORAGE, sizeof *s, what))) return NULL;
    core_storage_begin(s, device, at);
    if (small) {
        s->data = s->small;
        s->capacity = (int64_t)sizeof s->small;
    } else if (!(s->data = device->take(at.index, bytes, &s->capacity, what))) {
        core_pool_give(here, CORE_POOL_STORAGE, s);
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
    if (!here->known) core_thread_know(here); /* a thread that never made a tensor gets something onto its lists */
    if (s->kind & CORE_FOREIGN) {
        if (s->release) {
            s->device->synchronize(s->at.index); /* its owner knows nothing of what the device still has to do with it */
            s->release(s->foreign);
        }
    } else if (s->class || s->kind & CORE_ELSEWHERE) {
        if (s->class && core_storage_give(here, s)) return;
        s->device->give(s->at.index, s->data, s->capacity);
    }
    core_pool_give(here, CORE_POOL_STORAGE, s);
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
