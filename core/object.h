/* What scopes own: tensors, modules, optimisers, datasets, loaders, generators, strings.
 *
 * Every such struct begins with a core_object.  It is made with one owner, the open scope (core_object_begin), held by
 * whoever keeps it (core_keep), and destroyed when the last owner lets go (core_release). */
#ifndef TRIREME_CORE_OBJECT_H
#define TRIREME_CORE_OBJECT_H

#include <trireme/scope.h>

typedef struct core_object core_object;

typedef struct {
    const char *name;
    void (*destroy)(core_object *object); /* count has fallen to 0: let go of everything, free the struct */
} core_class;

struct core_object {
    const core_class *class;
    int32_t count; /* owners; plain: an object belongs to one thread at a time */
};

/* Give a new object to the innermost open scope.  If there is no room for that, the object is destroyed, an error is
 * noted, and NULL comes back. */
void *core_object_begin(core_object *object, const core_class *class);

static inline void core_keep(core_object *object) { object->count++; }

static inline void core_release(core_object *object)
{
    if (--object->count == 0) object->class->destroy(object);
}

/* Move an object of the innermost scope to the scope around it; nothing happens to one that is not there. */
void core_pass_up(core_object *object);

/* Close every scope of this thread, the outermost, unnamed one included. */
void core_scope_end_all(void);

/* `bytes` of zeroed memory that belong to the open scope. */
void *core_scope_memory(int64_t bytes, const char *what);

#endif
