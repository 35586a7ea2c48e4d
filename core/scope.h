/* Scopes, on the way of every operation: <trireme/scope.h> without a call. */
#ifndef TRIREME_CORE_SCOPE_H
#define TRIREME_CORE_SCOPE_H

#include "core/object.h"
#include "core/thread.h"

bool core_scope_grow(core_thread *here, const char *what); /* room for more objects, or false with an error noted */
int core_scope_deepen(core_thread *here);                  /* tr_scope_open() where the list of scopes is full */

static inline bool core_scope_is_full(const core_thread *here) { return __builtin_expect(here->owned_count == here->owned_room, 0); }

/* The innermost scope, which is not full, owns this new object. */
static inline void core_scope_put(core_thread *here, core_object *object) { here->owned[here->owned_count++] = object; }

/* The same of any scope.  False with an error noted: nobody owns it. */
static inline bool core_scope_owns(core_thread *here, core_object *object)
{
    if (core_scope_is_full(here) && !core_scope_grow(here, object->class->name)) return false;
    core_scope_put(here, object);
    return true;
}

static inline int core_scope_open(core_thread *here)
{
    if (__builtin_expect(here->depth == here->mark_room, 0)) return core_scope_deepen(here);
    here->mark[here->depth] = here->owned_count;
    return here->depth++;
}

/* Letting go of one object may make others (a module's farewell): they come on top and are let go as well. */
static inline void core_scope_release(core_thread *here, int64_t mark)
{
    while (here->owned_count > mark) core_release(here->owned[--here->owned_count]);
}

static inline void core_scope_close(core_thread *here, int depth)
{
    if (depth < 0 || depth >= here->depth) return;
    core_scope_release(here, here->mark[depth]);
    here->depth = depth;
}

#endif
