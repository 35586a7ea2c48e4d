#include "core/print_shown.h"

#include <string.h>
#include "core/memory.h"

enum { WHOLE_UP_TO = 1000, /* elements */
       EDGE = CORE_PRINT_EDGE };

/* `count` elements of the innermost dim, the first of them `offset` elements after t->data. */
static int gather_run(const tr_tensor *t, int64_t offset, int64_t stride, int64_t count, char *to)
{
    int64_t bytes = core_dtype_bytes[t->dtype], each = stride == 1 ? count : 1;
    bool here = core_device_at(t).type == TR_CPU;
    for (int64_t i = 0; i < count; i += each) {
        const char *from = (const char *)t->data + (offset + i * stride) * bytes;
        if (here)
            memcpy(to + i * bytes, from, (size_t)(each * bytes));
        else if (core_receive(t, to + i * bytes, from, each * bytes) < 0)
            return -1;
    }
    return 0;
}

/* Everything shown of dims `dim` and inwards, at `offset`; *to moves on. */
static int gather(const core_shown *s, const tr_tensor *t, int dim, int64_t offset, char **to)
{
    bool innermost = dim >= t->shape.ndim - 1;
    int64_t size = t->shape.ndim ? t->shape.size[dim] : 1, stride = t->shape.ndim ? t->stride[dim] : 1;
    bool cut = t->shape.ndim && s->cut[dim];
    for (int64_t from = 0; from < size; from = cut && from == 0 ? size - EDGE : size) {
        int64_t count = cut ? EDGE : size;
        if (innermost) {
            if (gather_run(t, offset + from * stride, stride, count, *to) < 0) return -1;
            *to += count * core_dtype_bytes[t->dtype];
            continue;
        }
        for (int64_t i = from; i < from + count; i++)
            if (gather(s, t, dim + 1, offset + i * stride, to) < 0) return -1;
    }
    return 0;
}

int core_shown_gather(core_shown *s, const tr_tensor *t, const char *what)
{
    core_value_leaves(what);
    const tr_shape *shape = &t->shape;
    *s = (core_shown){.count = 1};
    for (int d = 0; d < shape->ndim; d++) {
        s->cut[d] = t->numel > WHOLE_UP_TO && shape->size[d] > 2 * EDGE;
        s->size[d] = s->cut[d] ? 2 * EDGE : shape->size[d];
        s->count *= s->size[d];
    }
    char *to = s->element = core_block_take(s->count * core_dtype_bytes[t->dtype], &s->capacity, what);
    if (!to) return -1;
    if (s->count == 0 || gather(s, t, 0, 0, &to) == 0) return 0;
    core_shown_free(s);
    return -1;
}

void core_shown_free(core_shown *s) { core_block_give(s->element, s->capacity); }
