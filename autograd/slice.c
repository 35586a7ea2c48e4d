/* Views of a part: slice, narrow, select.
 *
 *     y = x[start : start + length step : step] along dim      dx = dy there, 0 elsewhere      (embed; slice is its derivative) */
#include "autograd/operands.h"

static tr_tensor *cut(tr_tensor *t, int dim, int64_t start, int64_t length, int64_t step, bool drop, const autograd_op *op)
{
    tr_shape shape = {.ndim = 0};
    int64_t stride[TR_MAX_DIMS], offset = length ? start * t->stride[dim] : 0;
    for (int d = 0; d < t->shape.ndim; d++) {
        if (d == dim && drop) continue;
        shape.size[shape.ndim] = d == dim ? length : t->shape.size[d];
        stride[shape.ndim++] = d == dim ? t->stride[d] * step : t->stride[d];
    }
    tr_tensor *y = core_tensor_alias(t, &shape, stride, offset, op->name);
    return autograd_view_noted(y, t, op, &(autograd_args){.shape = t->shape, .shape_b.ndim = -1, .n = {dim, start, step, drop}});
}

/* embed: dy into a tensor of zeros; the derivative of slice, and slice is its derivative. */
static void embed_derivative(autograd_node *n, tr_tensor *dy)
{
    const int64_t *at = n->args.n;
    autograd_give(n, 0, (tr_slice)(dy, (int)at[0], at[1], at[1] + at[3] * at[2], at[2]));
}
static tr_tensor *embed(tr_tensor *dy, const tr_shape *shape, int dim, int64_t start, int64_t step);
static tr_tensor *embed_sample(tr_tensor *const *x) { return embed(x[0], &(tr_shape){2, {3, 7}},
                                                                   1, 1, 3); }
static const autograd_case embed_cases[] = {
    {"every third column", embed_sample, -1, 1, 1, {{2, {3, 2}}}},
    {0}};
const autograd_op autograd_embed = {"embed", "SliceBackwardBackward0", embed_derivative, embed_cases};

static tr_tensor *embed(tr_tensor *dy, const tr_shape *shape, int dim, int64_t start, int64_t step)
{
    tr_tensor *y = dy ? autograd_zeros(dy, shape) : NULL;
    if (!y) return NULL;
    int64_t length = dy->shape.size[dim], stride[TR_MAX_DIMS];
    for (int d = 0; d < shape->ndim; d++) stride[d] = y->stride[d] * (d == dim ? step : 1);
    tr_tensor *window = core_tensor_alias(y, &dy->shape, stride, length ? start * y->stride[dim] : 0, "embed");
    if (!window || autograd_pointwise(KERNEL_COPY, (tr_dtype)dy->dtype, window, &dy, 1, 0) < 0) return NULL;
    return autograd_note(y, &autograd_embed, dy, NULL, NULL, 0, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {dim, start, step, length}});
}

static void slice_derivative(autograd_node *n, tr_tensor *dy)
{
    const int64_t *at = n->args.n;
    if (at[3]) dy = (tr_unsqueeze)(dy, (int)at[0]); /* select dropped the dim */
    autograd_give(n, 0, embed(dy, &n->args.shape, (int)at[0], at[1], at[2]));
}
static tr_tensor *slice_sample(tr_tensor *const *x) { return (tr_slice)(x[0], 1, 1, TR_END, 2); }
static tr_tensor *select_sample(tr_tensor *const *x) { return (tr_select)(x[0], 0, -1); }
static const autograd_case slice_cases[] = {
    {"odd columns", slice_sample, -1, 1, 1, {{2, {3, 5}}}},
    {0}};
static const autograd_case select_cases[] = {
    {"the last row", select_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_slice = {"slice", "SliceBackward0", slice_derivative, slice_cases};
const autograd_op autograd_select = {"select", "SelectBackward0", slice_derivative, select_cases};

tr_tensor *(tr_slice)(tr_tensor *t, int dim, int64_t start, int64_t stop, int64_t step)
{
    if (!t) return core_null("tr_slice");
    if (t->shape.ndim == 0) return core_fail("tr_slice: a scalar has no dims");
    int d = autograd_dim("tr_slice", t, dim);
    if (d < 0) return NULL;
    if (step < 0) return core_fail("tr_slice: a step of %lld: steps are positive", (long long)step);
    if (step == 0) step = 1;
    int64_t n = t->shape.size[d];
    start = start < 0 ? (start + n < 0 ? 0 : start + n) : start > n ? n
                                                                    : start;
    stop = stop < 0 ? stop + n : stop > n ? n
                                          : stop;
    int64_t length = stop > start ? (stop - start - 1) / step + 1 : 0;
    return cut(t, d, start, length, length > 1 ? step : 1, false, &autograd_slice); /* a step that is not taken may be huge */
}

tr_tensor *(tr_narrow)(tr_tensor *t, int dim, int64_t start, int64_t length)
{
    if (!t) return core_null("tr_narrow");
    int d = t->shape.ndim ? autograd_dim("tr_narrow", t, dim) : -1;
    if (d < 0) return core_fail("tr_narrow: %s has no dim %d", core_show(t), dim);
    const int64_t given = start, n = t->shape.size[d];
    if (start < 0 && start >= -n) start += n;
    if (start < 0 || length < 0 || start > n || length > n - start)
        return core_fail("tr_narrow: %lld elements from %lld on are not in dim %d of %s: start (%lld) + length (%lld) exceeds dimension size (%lld)", (long long)length, (long long)given, dim, core_show(t),
                         (long long)start, (long long)length, (long long)n);
    return cut(t, d, start, length, 1, false, &autograd_slice);
}

tr_tensor *(tr_select)(tr_tensor *t, int dim, int64_t index)
{
    if (!t) return core_null("tr_select");
    int d = t->shape.ndim ? autograd_dim("tr_select", t, dim) : -1;
    if (d < 0) return core_fail("tr_select: %s has no dim %d", core_show(t), dim);
    int64_t n = t->shape.size[d];
    if (index < -n || index >= n)
        return core_fail("tr_select: index %lld is out of bounds for dimension %d with size %lld", (long long)index, d, (long long)n);
    return cut(t, d, index < 0 ? index + n : index, 1, 1, true, &autograd_select);
}
