#include "core/shape.h"

#include <stdio.h>
#include <string.h>
#include <trireme/tensor.h>
#include "core/fail.h"
#include "core/object.h"

tr_shape tr_shape_of(int ndim, const int64_t *size)
{
    tr_shape shape = {.ndim = -1};
    if (ndim < 0 || ndim > TR_MAX_DIMS || (ndim && !size)) return shape;
    shape.ndim = ndim;
    for (int i = 0; i < ndim; i++) shape.size[i] = size[i];
    return shape;
}

int64_t tr_shape_numel(tr_shape shape)
{
    if (shape.ndim < 0 || shape.ndim > TR_MAX_DIMS) return -1;
    int64_t n = 1;
    bool empty = false;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.size[i] < 0) return -1;
        if (shape.size[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(n, shape.size[i], &n))
            return -1; /* as NumPy: (0, huge, huge) is refused too */
    }
    return empty ? 0 : n;
}

void core_row_major(int ndim, const int64_t *size, int64_t *stride)
{
    int64_t step = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        stride[i] = step;
        step *= size[i] > 1 ? size[i] : 1;
    }
}

bool core_is_row_major(int ndim, const int64_t *size, const int64_t *stride)
{
    int64_t step = 1;
    bool dense = true;
    for (int i = ndim - 1; i >= 0; i--) {
        if (size[i] == 0) return true;
        if (size[i] == 1) continue;
        dense &= stride[i] == step;
        step *= size[i];
    }
    return dense;
}

bool core_broadcast(const tr_shape *a, const tr_shape *b, tr_shape *to)
{
    const tr_shape *longer = a->ndim >= b->ndim ? a : b, *shorter = longer == a ? b : a;
    int ahead = longer->ndim - shorter->ndim;
    tr_shape shape;
    core_copy_shape(&shape, longer);
    for (int i = 0; i < shorter->ndim; i++) {
        int64_t x = longer->size[ahead + i], y = shorter->size[i];
        if (x != y && x != 1 && y != 1) return false;
        shape.size[ahead + i] = x == 1 ? y : x;
    }
    *to = shape;
    return true;
}

static void write_shape(char *text, size_t room, const tr_shape *shape)
{
    size_t at = (size_t)snprintf(text, room, "(");
    for (int i = 0; i < shape->ndim && i < TR_MAX_DIMS && at < room; i++)
        at += (size_t)snprintf(text + at, room - at, i ? ", %lld" : "%lld", (long long)shape->size[i]);
    if (at < room) snprintf(text + at, room - at, shape->ndim == 1 ? ",)" : ")");
}

const char *core_shape_text(const tr_shape *shape)
{
    char text[TR_MAX_DIMS * 22 + 4];
    if (shape->ndim < 0) return "(more than 8 sizes)";
    write_shape(text, sizeof text, shape);
    return core_text("%s", text);
}

const char *tr_shape_string(tr_shape shape)
{
    enum { ROOM = TR_MAX_DIMS * 22 + 4 };
    char *text = core_scope_memory(ROOM, "tr_shape_string");
    if (text) write_shape(text, ROOM, &shape);
    return text ? text : "";
}
