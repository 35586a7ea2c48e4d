/* Storages: made, and waiting to be used again.
 *
 * A storage waits where it will be wanted: with a tensor's handle (whole.h), with its block in the list of that block's
 * size, or alone.  Whoever finds a list empty takes apart what waits together, so that nothing waits in vain. */
#ifndef TRIREME_CORE_STORAGE_H
#define TRIREME_CORE_STORAGE_H

#include "core/tensor.h"
#include "core/thread.h"

/* At least `bytes` of a device's memory; NULL with an error noted that names `what`. */
core_storage *core_storage_new(core_thread *here, const core_device *device, tr_device at, int64_t bytes, const char *what);

/* What every new storage has: one tensor in it, nothing written or lent. */
static inline void core_storage_begin(core_storage *s, const core_device *device, tr_device at)
{
    s->count = 1;
    s->version = 0;
    atomic_init(&s->lent, 0);
    s->kind = 0;
    s->class = 0;
    s->at = at;
    s->device = device;
}

/* A storage with a block of the CPU, if one of that size waits; else NULL. */
static inline core_storage *core_storage_take(core_thread *here, int64_t bytes)
{
    int class = core_class_of(bytes);
    core_blocks *blocks = here->block && class < CORE_CLASSES ? &here->block[class] : NULL;
    core_storage *s = blocks ? core_list_pop(&blocks->storages) : NULL;
    if (!s) return NULL;
    core_list_in_use_(s->data);
    core_block_used(here, s->capacity);
    s->count = 1;
    s->version = 0;
    s->kind = 0;
    return s;
}

/* Where s, which is at home here, has nothing unusual and no more tensors, is to wait with its block, from now on.  NULL:
 * nowhere, nothing of this thread does. */
static inline core_blocks *core_storage_waits(core_thread *here, core_storage *s)
{
    if (!here->block) return NULL;
    here->allocated_bytes -= s->capacity;
    core_list_waits_(s->data);
    return &here->block[s->class];
}

/* Take apart what waits together: a list's first handle and its storage; a storage and its block. */
void core_tensor_part(core_thread *here, tr_tensor **list);
void core_storage_part(core_thread *here, core_blocks *blocks);

/* A handle or a storage that waits alone, of a little tensor, or from the system; NULL with an error noted. */
tr_tensor *core_handle_alone(core_thread *here, const char *what);
core_storage *core_storage_alone(core_thread *here, const char *what);

#endif
