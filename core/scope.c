#include "core/scope.h"

#include "core/memory.h"

bool core_scope_grow(core_thread *here, const char *what)
{
    int64_t room = here->owned_room ? 2 * here->owned_room : 64;
    int64_t each = (int64_t)sizeof(core_object *);
    core_object **owned = core_realloc(here->owned, here->owned_count * each, room * each, what);
    if (!owned) return false;
    here->owned = owned;
    here->owned_room = room;
    return true;
}

void *core_object_begin(core_object *object, const core_class *class)
{
    object->class = class;
    object->count = 1;
    if (core_scope_owns(core_here(), object)) return object;
    core_release(object);
    return NULL;
}

int core_scope_deepen(core_thread *here)
{
    int room = here->mark_room ? 2 * here->mark_room : 16;
    int64_t *mark = core_realloc(here->mark, here->depth * (int64_t)sizeof *mark, room * (int64_t)sizeof *mark, "tr_scope_open");
    if (!mark) return here->depth + 1; /* closes nothing; what is made belongs to the scope around */
    here->mark = mark;
    here->mark_room = room;
    return core_scope_open(here);
}

int tr_scope_open(void) { return core_scope_open(core_here()); }
void tr_scope_close(int depth) { core_scope_close(core_here(), depth); }
void tr_scope_close_(const int *depth) { core_scope_close(core_here(), *depth); }

int tr_scope_depth(void) { return core_here()->depth; }

void core_pass_up(core_object *object)
{
    core_thread *here = core_here();
    if (here->depth == 0) return;
    int64_t *mark = &here->mark[here->depth - 1];
    for (int64_t i = here->owned_count - 1; i >= *mark; i--)
        if (here->owned[i] == object) { /* change places with the scope's first, then move the border */
            here->owned[i] = here->owned[*mark];
            here->owned[(*mark)++] = object;
            return;
        }
}

void core_scope_end_all(void)
{
    core_thread *here = core_here();
    here->depth = 0;
    core_scope_release(here, 0);
    if (here->generator) core_release((core_object *)here->generator);
    here->generator = NULL;
    core_free(here->owned);
    core_free(here->mark);
    here->owned = NULL;
    here->mark = NULL;
    here->owned_room = here->mark_room = 0;
}

/* ---- plain memory that a scope owns ---- */

typedef struct {
    core_object object;
    char bytes[];
} scope_memory;

static void memory_destroy(core_object *object) { core_free(object); }
static const core_class memory_class = {"memory", memory_destroy};

void *core_scope_memory(int64_t bytes, const char *what)
{
    scope_memory *m = core_alloc((int64_t)sizeof(scope_memory) + bytes, what);
    if (!m || !core_object_begin(&m->object, &memory_class)) return NULL;
    return m->bytes;
}
