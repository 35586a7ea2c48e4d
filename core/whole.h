/* Tensors that wait whole.
 *
 * A handle that goes takes its storage and its memory along to wait for the next tensor of that size, which is begun, in
 * most programs, by taking one off a list and saying what is new about it, without a call:
 *
 *     here->little, here->block[class].tensors --> handle --> storage --> memory
 *                                                    | origin
 *                                                    v
 *                                                  handle --> ...
 *
 * One that waits has no grad, sink, base or views; it keeps its class and what its storage is.  The list runs through the
 * place of its origin. */
#ifndef TRIREME_CORE_WHOLE_H
#define TRIREME_CORE_WHOLE_H

#include "core/scope.h"
#include "core/storage.h"

/* Where tensors of so many bytes wait.  0: their storage holds them itself. */
static inline int core_size_class(int64_t bytes) { return bytes <= (int64_t)sizeof(((core_storage *)0)->small) ? 0 : core_class_of(bytes); }

/* Where what is like t does; CORE_UNLIKE: it takes more care. */
static inline uint8_t core_place(const tr_tensor *t)
{
    if (t->device || !(t->flags & CORE_ROW_MAJOR) || t->numel == 0 || t->numel > INT64_MAX / 16) return CORE_UNLIKE;
    int place = core_size_class(t->numel * core_dtype_bytes[t->dtype]);
    return (uint8_t)(place < CORE_CLASSES ? place : CORE_UNLIKE);
}

static inline void core_whole_push(tr_tensor **list, tr_tensor *t)
{
    t->origin = (core_origin *)(void *)*list;
    *list = t;
    core_list_waits_(t->storage);
    core_list_waits_(t);
    core_list_leads_to_(&t->storage);
    core_list_leads_to_(&t->origin);
}

/* The list is not empty. */
static inline tr_tensor *core_whole_pop(tr_tensor **list)
{
    tr_tensor *t = *list;
    core_list_in_use_(t);
    core_list_in_use_(t->storage);
    *list = (tr_tensor *)(void *)t->origin;
    return t;
}

/* One of this class, with room for its owner in the open scope; NULL where none waits. */
static inline tr_tensor *core_whole_take(core_thread *here, int class)
{
    if (class == 0) return here->little ? core_whole_pop(&here->little) : NULL;
    core_blocks *blocks = here->block ? &here->block[class] : NULL;
    if (!blocks || !blocks->tensors) return NULL;
    tr_tensor *t = core_whole_pop(&blocks->tensors);
    core_list_in_use_(t->storage->data);
    core_block_used(here, t->storage->capacity);
    return t;
}

/* t, which nothing leads to any more and whose storage is usual and its own, waits.  False: it came from another thread. */
static inline bool core_whole_give(core_thread *here, tr_tensor *t)
{
    core_storage *s = t->storage;
    if (__builtin_expect(t->home != here->id, 0)) return false;
    s->version = 0;
    if (s->class == 0) {
        core_whole_push(&here->little, t);
        return true;
    }
    core_blocks *blocks = core_storage_waits(here, s);
    if (!blocks) return false;
    core_whole_push(&blocks->tensors, t);
    core_list_leads_to_(&s->data);
    return true;
}

/* As much of a shape and its strides as there is: two dims in any case, which is a move for each. */
static inline void core_copy_layout(tr_tensor *t, const tr_tensor *x)
{
    int ndim = t->shape.ndim = x->shape.ndim;
    memcpy(t->shape.size, x->shape.size, 2 * sizeof *x->shape.size);
    memcpy(t->stride, x->stride, 2 * sizeof *x->stride);
    if (__builtin_expect(ndim > 2, 0)) {
        memcpy(t->shape.size + 2, x->shape.size + 2, (TR_MAX_DIMS - 2) * sizeof *x->shape.size);
        memcpy(t->stride + 2, x->stride + 2, (TR_MAX_DIMS - 2) * sizeof *x->stride);
    }
}

/* A tensor like x, if that is one of the CPU and row-major, one of its size waits, and nothing is recorded; else NULL:
 * core_tensor_like() knows more. */
static inline __attribute__((always_inline)) tr_tensor *core_whole_like(core_thread *here, const tr_tensor *x)
{
    if (here->recording || core_scope_is_full(here)) return NULL;
    tr_tensor *t = core_whole_take(here, x->size_class);
    if (!t) return NULL;
    t->word = x->word & core_word(0xff, 0, CORE_ROW_MAJOR, 0xff);
    t->object.count = 1;
    t->numel = x->numel;
    t->data = t->storage->data;
    t->origin = NULL;
    core_copy_layout(t, x);
    core_scope_put(here, &t->object);
    return t;
}

#endif
