/* Elements moved and replaced: triangles, flips, parts, masks and integer indices. */
#ifndef TRIREME_ARRANGE_H
#define TRIREME_ARRANGE_H

#include <trireme/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the same elements elsewhere ---- */
TR_API tr_tensor *(tr_flip)(tr_tensor *x, tr_shape dims);          /* TR_SHAPE(0, 1): these dims backwards; a copy */
TR_API tr_tensor *(tr_roll)(tr_tensor *x, int64_t shift, int dim); /* what leaves at the end comes in at the front */
TR_API tr_tensor *(tr_repeat)(tr_tensor *x, tr_shape times);       /* x beside itself, times[d] along dim d */

/* Views of `length` elements along dim, the last maybe shorter; at most `room`.  Returns how many, or -1. */
TR_API TR_CHECK_RESULT int64_t(tr_split)(tr_tensor *x, int64_t length, int dim, tr_tensor **parts, int64_t room);
/* At most `chunks` views of equal length, the last maybe shorter.  Returns how many, or -1. */
TR_API TR_CHECK_RESULT int64_t(tr_chunk)(tr_tensor *x, int64_t chunks, int dim, tr_tensor **parts);

/* ---- matrices, or batches of them ---- */
TR_API tr_tensor *(tr_tril)(tr_tensor *x, int64_t diagonal); /* x where column - row <= diagonal, else 0 */
TR_API tr_tensor *(tr_triu)(tr_tensor *x, int64_t diagonal); /* x where column - row >= diagonal, else 0 */
/* A view: the dims dim1 and dim2 go, their diagonal (column - row = offset) is the last dim.  torch's defaults are 0, 0, 1. */
TR_API tr_tensor *(tr_diagonal)(tr_tensor *t, int64_t offset, int dim1, int dim2);

/* ---- replaced by mask: a bool tensor that broadcasts ----
 * The value is a number or a scalar tensor and becomes of x's type.  An expanded tensor without a graph may be filled in
 * place, too (which torch warns of): an element is, if any of its places is asked for. */
TR_API tr_tensor *(tr_masked_fill)(tr_tensor *x, tr_tensor *mask, tr_tensor *value);
TR_API tr_tensor *(tr_masked_fill_)(tr_tensor *x, tr_tensor *mask, tr_tensor *value);

/* ---- replaced by index: 1-D int64, not negative; src has x's shape, but as many along dim as the index ---- */
TR_API tr_tensor *(tr_index_add)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src);
TR_API tr_tensor *(tr_index_add_)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src);
TR_API tr_tensor *(tr_index_copy)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src); /* of equal indices the last stays */
TR_API tr_tensor *(tr_index_copy_)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src);

/* x[index] and x[index] = values.  An int64 tensor of any shape picks along the first dim, negative ones from its end; a
 * bool tensor of x's leading sizes picks where it is true (a scalar has none of them, and picks x or nothing).  Values
 * broadcast to x[index]; of equal indices the last stays.  x[index] is a copy always; torch gives a view for one of no dims,
 * whose number it waits for (tr_select does, for a number that the program has). */
TR_API tr_tensor *(tr_index)(tr_tensor *x, tr_tensor *index);
TR_API tr_tensor *(tr_index_put_)(tr_tensor *x, tr_tensor *index, tr_tensor *values);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
static inline int64_t tr_count_at_(int64_t count, const char *file, int line)
{
    if (count < 0) tr_error_at_(file, line);
    return count;
}
# define TR_COUNT_(call)                       tr_count_at_(call, __FILE__, __LINE__)
# define tr_flip(x, dims)                      TR_TENSOR_((tr_flip)(x, dims))
# define tr_roll(x, shift, dim)                TR_TENSOR_((tr_roll)(x, shift, dim))
# define tr_repeat(x, times)                   TR_TENSOR_((tr_repeat)(x, times))
# define tr_split(x, length, dim, parts, room) TR_COUNT_((tr_split)(x, length, dim, parts, room))
# define tr_chunk(x, chunks, dim, parts)       TR_COUNT_((tr_chunk)(x, chunks, dim, parts))
# define tr_tril(x, diagonal)                  TR_TENSOR_((tr_tril)(x, diagonal))
# define tr_triu(x, diagonal)                  TR_TENSOR_((tr_triu)(x, diagonal))
# define tr_diagonal(t, offset, dim1, dim2)    TR_TENSOR_((tr_diagonal)(t, offset, dim1, dim2))
# define tr_masked_fill(x, mask, value)        TR_TENSOR_((tr_masked_fill)(x, mask, TR_T(value)))
# define tr_masked_fill_(x, mask, value)       TR_TENSOR_((tr_masked_fill_)(x, mask, TR_T(value)))
# define tr_index_add(x, dim, index, src)      TR_TENSOR_((tr_index_add)(x, dim, index, src))
# define tr_index_add_(x, dim, index, src)     TR_TENSOR_((tr_index_add_)(x, dim, index, src))
# define tr_index_copy(x, dim, index, src)     TR_TENSOR_((tr_index_copy)(x, dim, index, src))
# define tr_index_copy_(x, dim, index, src)    TR_TENSOR_((tr_index_copy_)(x, dim, index, src))
# define tr_index(x, index)                    TR_TENSOR_((tr_index)(x, index))
# define tr_index_put_(x, index, values)       TR_TENSOR_((tr_index_put_)(x, index, TR_T(values)))
#endif

#endif
