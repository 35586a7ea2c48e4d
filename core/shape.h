/* Sizes, strides, and walking them. */
#ifndef TRIREME_CORE_SHAPE_H
#define TRIREME_CORE_SHAPE_H

#include <string.h>
#include <trireme/types.h>

/* Row-major strides of sizes. */
void core_row_major(int ndim, const int64_t *size, int64_t *stride);

/* Do these strides describe row-major memory without gaps?  Dims of size 1 and empty tensors do not matter. */
bool core_is_row_major(int ndim, const int64_t *size, const int64_t *stride);

/* The shape that a and b broadcast to; false if they do not. */
bool core_broadcast(const tr_shape *a, const tr_shape *b, tr_shape *to);

static inline bool core_same_shape(const tr_shape *a, const tr_shape *b)
{
    int ndim = a->ndim;
    if (ndim != b->ndim) return false;
    if (ndim > 0 && a->size[0] != b->size[0]) return false;
    if (ndim > 1 && a->size[1] != b->size[1]) return false;
    for (int d = 2; d < ndim; d++)
        if (a->size[d] != b->size[d]) return false;
    return true;
}

/* As much of a shape, or of strides, as there is: the first four in any case, which is two moves. */
static inline void core_copy_sizes(int ndim, int64_t *to, const int64_t *from)
{
    memcpy(to, from, 4 * sizeof *to);
    for (int d = 4; d < ndim; d++) to[d] = from[d];
}

static inline void core_copy_shape(tr_shape *to, const tr_shape *from)
{
    to->ndim = from->ndim;
    core_copy_sizes(from->ndim, to->size, from->size);
}

/* dim counted from the front, or -1 if there is none; a scalar has dims 0 and -1, as in PyTorch. */
static inline int core_dim(int dim, int ndim)
{
    int dims = ndim ? ndim : 1;
    return dim >= -dims && dim < dims ? (dim < 0 ? dim + dims : dim) : -1;
}

/* "(2, 3)", "(5,)", "()": a short-lived text (core_text). */
const char *core_shape_text(const tr_shape *shape);

#endif
