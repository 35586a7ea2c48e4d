/* Handles on storages. */
#include "core/tensor.h"

#include <string.h>
#include "core/whole.h"

void core_tensor_part(core_thread *here, tr_tensor **list)
{
    if (!*list) return;
    tr_tensor *t = core_whole_pop(list);
    core_storage *s = t->storage;
    core_pool_give(here, CORE_POOL_TENSOR, t, t->home);
    core_list_push(s->class ? &here->block[s->class].storages : &here->pool[CORE_POOL_STORAGE], s);
    core_list_leads_to_(&s->data);
}

/* ---- tensors ---- */

/* t is no view any more; what it was a view of comes back, to be dropped. */
static tr_tensor *leave_base(tr_tensor *t)
{
    tr_tensor *base = t->base;
    if (!base) return NULL;
    if (t->previous_view)
        t->previous_view->next_view = t->next_view;
    else
        base->views = t->next_view;
    if (t->next_view) t->next_view->previous_view = t->previous_view;
    t->base = NULL;
    return base;
}

void core_tensor_is_view(tr_tensor *y, tr_tensor *t)
{
    tr_tensor *base = core_keep_tensor(t->base ? t->base : t);
    y->base = base;
    y->previous_view = NULL;
    y->next_view = base->views;
    if (base->views) base->views->previous_view = y;
    base->views = y;
}

static inline void forget(core_origin *origin, const tr_tensor *t)
{
    if (origin && origin->made == t) origin->made = NULL;
}

/* The handle waits, and so does its storage unless others are in it.  False: the storage is not only this thread's. */
static inline bool give_both(core_thread *here, tr_tensor *t)
{
    core_storage *s = t->storage;
    if (__builtin_expect(s->count == 1, 1)) return s->kind == 0 && core_whole_give(here, t);
    s->count--;
    core_pool_give(here, CORE_POOL_TENSOR, t, t->home);
    return true;
}

static inline bool is_looked_at(const tr_tensor *t) { return (uintptr_t)t->sink | (uintptr_t)t->grad | (uintptr_t)t->base; }

/* One that somebody looks at besides its own: backward, a view, another tensor on its memory. */
static __attribute__((noinline)) void destroy_any(core_thread *here, tr_tensor *t)
{
    core_origin *origin = t->origin, *sink = t->sink;
    tr_tensor *base = leave_base(t), *grad = t->grad;
    forget(sink, t);
    t->sink = NULL;
    t->grad = NULL;
    core_drop_tensor(grad);
    if (!give_both(here, t)) {
        core_storage_drop(t->storage);
        core_pool_give(here, CORE_POOL_TENSOR, t, t->home);
    }
    if (origin) core_origin_release(origin);
    if (sink) core_origin_release(sink);
    core_drop_tensor(base);
}

static void tensor_destroy(core_object *object)
{
    core_thread *here = core_here();
    tr_tensor *t = (tr_tensor *)object;
    core_origin *origin = t->origin;
    forget(origin, t);
    if (is_looked_at(t) || !give_both(here, t)) {
        destroy_any(here, t);
        return;
    }
    if (origin) core_origin_release(origin);
}

static const core_class tensor_class = {"tensor", tensor_destroy};

static inline void lies_in(tr_tensor *t, core_storage *s)
{
    t->storage = s;
    if (t->home != s->home) s->kind |= CORE_MIXED;
}

/* A handle on `storage`, which it takes over, also if it fails. */
static inline tr_tensor *handle_on(core_thread *here, core_storage *storage, const char *what)
{
    tr_tensor *t = storage ? core_list_pop(&here->pool[CORE_POOL_TENSOR]) : NULL;
    if (storage && !t) t = core_handle_alone(here, what);
    if (t)
        lies_in(t, storage);
    else if (storage)
        core_storage_drop(storage);
    return t;
}

/* A handle with memory of its own. */
static inline tr_tensor *handle_with(core_thread *here, const core_device *device, tr_device at, int64_t bytes, const char *what)
{
    int class = device == &core_cpu ? core_size_class(bytes) : CORE_UNLIKE;
    tr_tensor *t = class < CORE_CLASSES ? core_whole_take(here, class) : NULL;
    return t ? t : handle_on(here, core_storage_new(here, device, at, bytes, what), what);
}

/* What a handle that has its storage needs to be a tensor: all but strides and an owner. */
static inline void tensor_begin(core_thread *here, tr_tensor *t, tr_dtype dtype, uint8_t device, const tr_shape *shape, int64_t numel, int place, unsigned flags)
{
    t->word = core_word(dtype, device, here->recording ? flags | CORE_MADE_RECORDING : flags, (unsigned)place);
    t->object.class = &tensor_class;
    t->object.count = 1;
    t->numel = numel;
    t->data = t->storage->data;
    t->origin = NULL;
    core_copy_shape(&t->shape, shape);
}

static inline tr_tensor *owned(core_thread *here, tr_tensor *t)
{
    if (core_scope_owns(here, &t->object)) return t;
    core_release(&t->object);
    return NULL;
}

static inline void row_major_strides(tr_tensor *t)
{
    int64_t step = 1;
    for (int i = t->shape.ndim - 1; i >= 0; i--) {
        t->stride[i] = step;
        step *= t->shape.size[i] > 1 ? t->shape.size[i] : 1;
    }
}

static inline tr_tensor *row_major(core_thread *here, tr_tensor *t)
{
    row_major_strides(t);
    return owned(here, t);
}

static inline uint8_t device_number(tr_device at) { return (uint8_t)(at.type == TR_CPU ? 0 : 1 + at.index); }

/* Row-major memory of a checked shape. */
static tr_tensor *tensor_with(core_thread *here, const core_device *device, tr_device at, tr_dtype dtype, const tr_shape *shape, int64_t n, const char *what)
{
    tr_tensor *t = handle_with(here, device, at, n * core_dtype_bytes[dtype], what);
    if (!t) return NULL;
    tensor_begin(here, t, dtype, device_number(at), shape, n, CORE_UNLIKE, CORE_ROW_MAJOR);
    t->size_class = core_place(t);
    return row_major(here, t);
}

static __attribute__((noinline)) tr_tensor *new_any(tr_dtype dtype, tr_device at, const tr_shape *shape, const char *what)
{
    int64_t n = core_check_shape(shape, dtype, what);
    if (n < 0) return NULL;
    CORE_TOLD_AS(what);
    const core_device *device = core_device_of(at);
    return device ? tensor_with(core_here(), device, at, dtype, shape, n, what) : NULL;
}

/* Of the CPU, in one or two dims, if such memory waits and nothing is recorded; else NULL.  One dim is a row. */
static inline __attribute__((always_inline)) tr_tensor *matrix_here(tr_dtype dtype, int ndim, int64_t rows, int64_t columns)
{
    enum { FEW = 1 << 21 }; /* so many of each dim: no type makes too much of that for a class */
    core_thread *here = core_here();
    if (here->recording || (((uint64_t)rows - 1) | ((uint64_t)columns - 1)) >= FEW || core_scope_is_full(here)) return NULL;
    int64_t n = rows * columns;
    int class = core_size_class(n * core_dtype_bytes[dtype]);
    tr_tensor *t = core_whole_take(here, class);
    if (!t) return NULL;
    t->word = core_word(dtype, 0, CORE_ROW_MAJOR, (unsigned)class);
    t->object.count = 1;
    t->numel = n;
    t->data = t->storage->data;
    t->origin = NULL;
    t->shape.ndim = ndim;
    t->shape.size[0] = ndim == 2 ? rows : columns;
    t->shape.size[1] = columns;
    t->stride[0] = ndim == 2 ? columns : 1;
    t->stride[1] = 1;
    core_scope_put(here, &t->object);
    return t;
}

tr_tensor *core_tensor_new(tr_dtype dtype, tr_device at, const tr_shape *shape, const char *what)
{
    const int ndim = shape->ndim;
    tr_tensor *t = NULL;
    if (at.type == TR_CPU && core_dtype_ok(dtype)) {
        if (ndim == 2) t = matrix_here(dtype, 2, shape->size[0], shape->size[1]);
        if (ndim == 1) t = matrix_here(dtype, 1, 1, shape->size[0]);
    }
    return t ? t : new_any(dtype, at, shape, what);
}

static __attribute__((noinline)) tr_tensor *matrix_any(const tr_tensor *of, int64_t rows, int64_t columns, const char *what)
{
    return new_any((tr_dtype)of->dtype, core_device_at(of), &(tr_shape){2, {rows, columns}}, what);
}

tr_tensor *core_tensor_matrix(const tr_tensor *of, int64_t rows, int64_t columns, const char *what)
{
    tr_tensor *t = of->device ? NULL : matrix_here((tr_dtype)of->dtype, 2, rows, columns);
    return t ? t : matrix_any(of, rows, columns, what);
}

static __attribute__((noinline)) tr_tensor *like_any(const tr_tensor *x, tr_dtype dtype, const char *what)
{
    const core_storage *s = x->storage;
    bool checked = x->numel <= INT64_MAX / 16; /* not stretched beyond memory */
    return checked ? tensor_with(core_here(), s->device, s->at, dtype, &x->shape, x->numel, what) : core_tensor_new(dtype, s->at, &x->shape, what);
}

tr_tensor *core_tensor_like(const tr_tensor *x, tr_dtype dtype, const char *what)
{
    tr_tensor *t = x->dtype == dtype ? core_whole_like(core_here(), x) : NULL;
    return t ? t : like_any(x, dtype, what);
}

tr_tensor *core_tensor_scalar(tr_dtype dtype, tr_device at, const char *what)
{
    static const tr_shape none;
    core_thread *here = core_here();
    if (at.type != TR_CPU || !core_dtype_ok(dtype) || !here->little || core_scope_is_full(here)) return core_tensor_new(dtype, at, &none, what);
    tr_tensor *t = core_whole_pop(&here->little);
    tensor_begin(here, t, dtype, 0, &none, 1, 0, CORE_ROW_MAJOR);
    core_scope_put(here, &t->object);
    return t;
}

tr_tensor *core_tensor_stretched(const tr_tensor *of, const tr_shape *shape, const char *what)
{
    of->storage->count++;
    const int ndim = shape->ndim;
    uint64_t n = ndim > 0 ? (uint64_t)shape->size[0] : 1;
    for (int d = 1; d < ndim; d++) n *= (uint64_t)shape->size[d];
    core_thread *here = core_here();
    tr_tensor *t = handle_on(here, of->storage, what);
    if (!t) return NULL;
    tensor_begin(here, t, (tr_dtype)of->dtype, of->device, shape, (int64_t)n, CORE_UNLIKE, n > 1 ? CORE_UNIFORM : CORE_ROW_MAJOR);
    memset(t->stride, 0, sizeof t->stride);
    t->data = of->data;
    return owned(here, t);
}

tr_tensor *core_tensor_alias(const tr_tensor *of, const tr_shape *shape, const int64_t *stride, int64_t offset, const char *what)
{
    of->storage->count++;
    uint64_t n = 1; /* wraps where a size of 0 follows */
    for (int d = 0; d < shape->ndim; d++) n *= (uint64_t)shape->size[d];
    core_thread *here = core_here();
    tr_tensor *t = handle_on(here, of->storage, what);
    if (!t) return NULL;
    tensor_begin(here, t, (tr_dtype)of->dtype, of->device, shape, (int64_t)n, CORE_UNLIKE, 0);
    int64_t steps = 0;
    for (int i = 0; i < shape->ndim; i++) {
        t->stride[i] = stride[i];
        steps |= shape->size[i] == 1 ? 0 : stride[i];
    }
    if (steps == 0 && n > 1) t->flags |= CORE_UNIFORM;
    t->data = (char *)of->data + offset * core_dtype_bytes[of->dtype];
    if (core_is_row_major(shape->ndim, shape->size, stride)) t->flags |= CORE_ROW_MAJOR;
    t->size_class = core_place(t);
    return owned(here, t);
}

void core_tensor_adopt(tr_tensor *t, const tr_tensor *from)
{
    core_drop_tensor(leave_base(t));
    t->object.count++; /* its views, going, drop it */
    while (t->views) core_drop_tensor(leave_base(t->views));
    t->object.count--;
    from->storage->count++;
    core_storage_drop(t->storage);
    lies_in(t, from->storage);
    t->data = from->data;
    t->kind = from->kind;
    t->size_class = from->size_class;
    core_copy_shape(&t->shape, &from->shape);
    core_copy_sizes(from->shape.ndim, t->stride, from->stride);
    t->numel = from->numel;
    t->flags = (uint8_t)((t->flags & ~(CORE_ROW_MAJOR | CORE_UNIFORM)) | (from->flags & (CORE_ROW_MAJOR | CORE_UNIFORM)));
}

tr_tensor *core_tensor_over(void *data, tr_dtype dtype, tr_device at, const tr_shape *shape, const int64_t *stride, void (*release)(void *), void *owner, const char *what)
{
    core_thread *here = core_here();
    const core_device *device = core_device_of(at);
    core_storage *s = device ? core_storage_alone(here, what) : NULL;
    if (!s) return NULL;
    core_storage_begin(s, device, at);
    s->kind = CORE_FOREIGN;
    s->data = data;
    s->foreign = owner;
    s->capacity = 0;
    s->release = NULL; /* until nothing can fail: on failure the memory is the caller's, as before */
    tr_tensor *t = handle_on(here, s, what);
    if (!t) return NULL;
    tensor_begin(here, t, dtype, device_number(at), shape, tr_shape_numel(*shape), CORE_UNLIKE, 0);
    memcpy(t->stride, stride, sizeof(int64_t) * (size_t)shape->ndim);
    if (core_is_row_major(shape->ndim, shape->size, stride)) t->flags |= CORE_ROW_MAJOR;
    t->size_class = core_place(t);
    if (!(t = owned(here, t))) return NULL;
    s->release = release;
    return t;
}

tr_tensor *(tr_from_blob)(void *data, tr_dtype dtype, tr_shape shape, const int64_t *strides, void (*release)(void *))
{
    int64_t n = core_check_shape(&shape, dtype, "tr_from_blob");
    if (n < 0) return NULL;
    if (!data && n) return core_fail("tr_from_blob: data is NULL, but the shape %s has %lld elements", core_shape_text(&shape), (long long)n);
    int64_t row_major[TR_MAX_DIMS];
    core_row_major(shape.ndim, shape.size, row_major);
    return core_tensor_over(data, dtype, tr_cpu(), &shape, strides ? strides : row_major, release, data, "tr_from_blob");
}

/* ---- keeping ---- */

tr_tensor *tr_keep(tr_tensor *t) { return core_keep_tensor(t); }
void tr_drop(tr_tensor *t) { core_drop_tensor(t); }
tr_tensor *tr_pass_up(tr_tensor *t)
{
    if (t) core_pass_up(&t->object);
    return t;
}

/* ---- asking ---- */

tr_dtype tr_dtype_of(const tr_tensor *t) { return t ? (tr_dtype)t->dtype : TR_DEFAULT_DTYPE; }
tr_device tr_device_of(const tr_tensor *t) { return t ? core_device_at(t) : tr_cpu(); }
tr_shape tr_shape_of_tensor(const tr_tensor *t) { return t ? t->shape : (tr_shape){.ndim = -1}; }
int tr_ndim(const tr_tensor *t) { return t ? t->shape.ndim : -1; }
int64_t tr_numel(const tr_tensor *t) { return t ? t->numel : -1; }
bool tr_is_contiguous(const tr_tensor *t) { return t && core_row_major_tensor(t); }
bool tr_requires_grad(const tr_tensor *t) { return t && (t->origin || (t->flags & CORE_REQUIRES_GRAD)); }
bool tr_is_leaf(const tr_tensor *t) { return t && !t->origin; }
void *tr_data(const tr_tensor *t) { return t ? t->data : NULL; }

int64_t tr_size(const tr_tensor *t, int dim)
{
    int d = t && t->shape.ndim ? core_dim(dim, t->shape.ndim) : -1;
    return d < 0 ? -1 : t->shape.size[d];
}

int64_t tr_stride(const tr_tensor *t, int dim)
{
    int d = t && t->shape.ndim ? core_dim(dim, t->shape.ndim) : -1;
    return d < 0 ? -1 : t->stride[d];
}

const char *core_show(const tr_tensor *t)
{
    if (!t) return "NULL";
    const char *device = core_device_at(t).type == TR_CPU ? "" : tr_device_name(core_device_at(t));
    return core_text("%s %s%s%s", core_shape_text(&t->shape), tr_dtype_name((tr_dtype)t->dtype), *device ? " " : "", device);
}
