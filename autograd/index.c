/* Elements picked by integer tensors and by masks.
 *
 *     index_select: y = x[..., index, ...]       dx = dy added at index      (index_add, in assign.c)
 *     gather:       y = x at index along dim     dx = dy added at index      (scatter_add; its derivative is gather)
 *     masked_select: y = x where mask, in a row  dx = dy back in its places  (masked_scatter; its derivative is ...select)
 *
 * Sums of several contributions to one place are added in the order of the index, so results do not vary. */
#include "autograd/index.h"

static bool index_ok(const char *function, const tr_tensor *x, const tr_tensor *index)
{
    if (index->dtype != TR_INT64) {
        core_fail("%s: the index must be int64, not %s", function, core_show(index));
        return false;
    }
    return autograd_one_device(function, x, index);
}

int autograd_rows(int kernel, tr_tensor *to, const tr_tensor *from, const tr_tensor *index, const tr_shape *whole, int dim)
{
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = to->dtype, .split = (uint8_t)dim, .n = to->numel, .at = {to->data, from->data, index->data}};
    autograd_around(whole, dim, call.size);
    call.size[3] = index->numel;
    return index->numel ? autograd_run(&call, to, from, index, NULL) : 0;
}

/* ---- index_select ---- */

static void index_select_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *index = autograd_in(n, 1), *zeros = index ? autograd_zeros(dy, &n->args.shape) : NULL;
    if (zeros) autograd_give(n, 0, (tr_index_add)(zeros, (int)n->args.n[0], index, dy));
}
static tr_tensor *index_select_sample(tr_tensor *const *x) { return (tr_index_select)(x[0], 1, autograd_sample_index(x[0], (const int64_t[]){2, 0, 2}, (tr_shape){1, {3}})); }
static const autograd_case index_select_cases[] = {
    {"columns, one twice", index_select_sample, -1, 1, 1, {{3, {2, 4, 3}}}},
    {0}};
const autograd_op autograd_index_select = {"index_select", "IndexSelectBackward0", index_select_derivative, index_select_cases};

tr_tensor *(tr_index_select)(tr_tensor *x, int dim, tr_tensor *index)
{
    if (!x || !index) return core_null("tr_index_select");
    int d = x->shape.ndim ? autograd_dim("tr_index_select", x, dim) : -1;
    if (d < 0) return core_fail("tr_index_select: %s has no dim %d", core_show(x), dim);
    if (!index_ok("tr_index_select", x, index)) return NULL;
    if (index->shape.ndim > 1) return core_fail("tr_index_select: the index must have one dim, not %s", core_show(index));
    index = autograd_plain_copy(index, TR_INT64);
    tr_tensor *dense = index ? autograd_plain_copy(x, (tr_dtype)x->dtype) : NULL;
    if (!dense) return NULL;
    tr_shape shape = x->shape;
    shape.size[d] = index->numel;
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &shape, "tr_index_select");
    if (!y || (y->numel && autograd_rows(KERNEL_INDEX_SELECT, y, dense, index, &x->shape, d) < 0)) return NULL;
    return autograd_note(y, &autograd_index_select, x, index, NULL, AUTOGRAD_B, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1, .n = {d}});
}

/* ---- gather, scatter_add ---- */

static int along(int kernel, tr_tensor *to, const tr_tensor *from, const tr_tensor *index, const tr_tensor *strided, int view, int dim)
{
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = to->dtype, .ndim = (uint8_t)index->shape.ndim, .split = (uint8_t)dim, .n = to->numel, .at = {to->data, from->data, index->data}};
    call.number[0] = (double)strided->shape.size[dim];
    for (int d = 0; d < index->shape.ndim; d++) {
        call.size[d] = index->shape.size[d];
        call.stride[view][d] = strided->stride[d];
    }
    return index->numel ? autograd_run(&call, to, from, index, NULL) : 0;
}

static bool index_fits(const char *function, const tr_tensor *x, int dim, const tr_tensor *index)
{
    bool fits = index->shape.ndim == x->shape.ndim;
    for (int d = 0; d < x->shape.ndim && fits; d++) fits = d == dim || index->shape.size[d] <= x->shape.size[d];
    if (!fits) core_fail("%s: the index %s does not fit %s along dim %d", function, core_show(index), core_show(x), dim);
    return fits;
}

static void gather_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *index = autograd_in(n, 1), *zeros = index ? autograd_zeros(dy, &n->args.shape) : NULL;
    if (zeros) autograd_give(n, 0, (tr_scatter_add)(zeros, (int)n->args.n[0], index, dy));
}
static tr_tensor *gather_sample(tr_tensor *const *x) { return (tr_gather)(x[0], 1, autograd_sample_index(x[0], (const int64_t[]){2, 0, 2, 1}, (tr_shape){2, {2, 2}})); }
static tr_tensor *scatter_sample(tr_tensor *const *x) { return (tr_scatter_add)(x[0], 1, autograd_sample_index(x[0], (const int64_t[]){2, 2, 0, 1}, (tr_shape){2, {2, 2}}),
                                                                                x[1]); }
static const autograd_case gather_cases[] = {
    {"columns by row", gather_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case scatter_cases[] = {
    {"columns by row", scatter_sample, -1, 1, 2, {{2, {3, 4}}, {2, {2, 2}}}},
    {0}};
const autograd_op autograd_gather = {"gather", "GatherBackward0", gather_derivative, gather_cases};

tr_tensor *(tr_gather)(tr_tensor *x, int dim, tr_tensor *index)
{
    if (!x || !index) return core_null("tr_gather");
    int d = x->shape.ndim ? autograd_dim("tr_gather", x, dim) : -1;
    if (d < 0) return core_fail("tr_gather: %s has no dim %d", core_show(x), dim);
    if (!index_ok("tr_gather", x, index) || !index_fits("tr_gather", x, d, index) || !(index = autograd_plain_copy(index, TR_INT64))) return NULL;
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &index->shape, "tr_gather");
    if (!y || along(KERNEL_GATHER, y, x, index, x, 1, d) < 0) return NULL;
    return autograd_note(y, &autograd_gather, x, index, NULL, AUTOGRAD_B, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1, .n = {d}});
}

/* undoes y = x, y[index] += src: x's own values pass through, src sees what index points at */
static void scatter_add_derivative(autograd_node *n, tr_tensor *dy)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, dy);
    tr_tensor *index = autograd_wants(n, 2) ? autograd_in(n, 1) : NULL;
    if (index) autograd_give(n, 2, (tr_gather)(dy, (int)n->args.n[0], index));
}
const autograd_op autograd_scatter_add = {"scatter_add", "ScatterAddBackward0", scatter_add_derivative, scatter_cases};

tr_tensor *(tr_scatter_add)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src)
{
    if (!x || !index || !src) return core_null("tr_scatter_add");
    int d = x->shape.ndim ? autograd_dim("tr_scatter_add", x, dim) : -1;
    if (d < 0) return core_fail("tr_scatter_add: %s has no dim %d", core_show(x), dim);
    if (!index_ok("tr_scatter_add", x, index) || !index_fits("tr_scatter_add", x, d, index) || !autograd_one_device("tr_scatter_add", x, src)) return NULL;
    if (src->dtype != x->dtype || !core_same_shape(&src->shape, &index->shape))
        return core_fail("tr_scatter_add: src is %s, but x is %s and the index %s", core_show(src), core_show(x), core_show(index));
    index = autograd_plain_copy(index, TR_INT64);
    tr_tensor *dense = index ? autograd_plain_copy(src, (tr_dtype)src->dtype) : NULL;
    tr_tensor *y = dense ? core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &x->shape, "tr_scatter_add") : NULL;
    if (!y || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, y, &x, 1, 0) < 0 || along(KERNEL_SCATTER_ADD, y, dense, index, y, 0, d) < 0) return NULL;
    return autograd_note(y, &autograd_scatter_add, x, index, src, autograd_tracked(src) ? AUTOGRAD_B : 0, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {d}});
}

/* ---- masked_select, masked_scatter ---- */

static tr_tensor *masked_scatter(tr_tensor *src, tr_tensor *mask);

static void masked_select_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *mask = autograd_in(n, 1);
    autograd_give(n, 0, mask ? autograd_sum_to(masked_scatter(dy, mask), &n->args.shape) : NULL);
}
static tr_tensor *sample_mask(const tr_tensor *x) { return autograd_sample_mask(x, (const uint8_t[]){1, 0, 1, 1, 0, 0}, (tr_shape){2, {2, 3}}); }
static tr_tensor *masked_select_sample(tr_tensor *const *x) { return (tr_masked_select)(x[0], sample_mask(x[0])); }
static tr_tensor *masked_scatter_sample(tr_tensor *const *x) { return masked_scatter(x[0], sample_mask(x[0])); }
static const autograd_case masked_select_cases[] = {
    {"3 of 6", masked_select_sample, -1, 1, 1, {{2, {2, 3}}}},
    {"a row, stretched", masked_select_sample, -1, 1, 1, {{1, {3}}}},
    {0}};
static const autograd_case masked_scatter_cases[] = {
    {"3 into 6", masked_scatter_sample, -1, 1, 1, {{1, {3}}}},
    {0}};
const autograd_op autograd_masked_select = {"masked_select", "MaskedSelectBackward0", masked_select_derivative, masked_select_cases};
static void masked_scatter_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *mask = autograd_in(n, 1);
    if (mask) autograd_give(n, 0, (tr_masked_select)(dy, mask));
}
const autograd_op autograd_masked_scatter = {"masked_scatter", "MaskedScatterBackward0", masked_scatter_derivative, masked_scatter_cases};

static int by_mask(int kernel, tr_tensor *to, const tr_tensor *from, const tr_tensor *mask)
{
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = to->dtype, .n = to->numel, .at = {to->data, from->data, mask->data}, .size = {mask->numel}};
    return mask->numel ? autograd_run(&call, to, from, mask, NULL) : 0;
}

static tr_tensor *masked_scatter(tr_tensor *src, tr_tensor *mask)
{
    if (!src || !mask) return NULL;
    tr_tensor *dense = autograd_plain_copy(src, (tr_dtype)src->dtype);
    tr_tensor *y = dense ? core_tensor_new((tr_dtype)src->dtype, core_device_at(src), &mask->shape, "masked_scatter") : NULL;
    if (!y || by_mask(KERNEL_MASKED_SCATTER, y, dense, mask) < 0) return NULL;
    return autograd_note(y, &autograd_masked_scatter, src, mask, NULL, AUTOGRAD_B, NULL);
}

tr_tensor *(tr_masked_select)(tr_tensor *x, tr_tensor *mask)
{
    if (!x || !mask) return core_null("tr_masked_select");
    tr_shape shape;
    if (mask->dtype != TR_BOOL) return core_fail("tr_masked_select: the mask must be bool, not %s", core_show(mask));
    if (!autograd_one_device("tr_masked_select", x, mask)) return NULL;
    if (!core_broadcast(&x->shape, &mask->shape, &shape)) return core_fail("tr_masked_select: %s and the mask %s do not broadcast", core_show(x), core_show(mask));
    tr_tensor *full_mask = (tr_expand)(mask, shape), *full_x = (tr_expand)((tr_detach)(x), shape);
    if (!full_mask || !full_x || !(full_mask = autograd_plain_copy(full_mask, TR_BOOL)) || !(full_x = autograd_plain_copy(full_x, (tr_dtype)x->dtype))) return NULL;
    tr_tensor *count = (tr_sum)(full_mask, (tr_reduce_options){0}); /* the result's size depends on the values */
    if (!count) return NULL;
    core_not_recorded("tr_masked_select", "a shape that depends on values");
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &(tr_shape){1, {(int64_t)(tr_item)(count)}}, "tr_masked_select");
    if (!y || by_mask(KERNEL_MASKED_SELECT, y, full_x, full_mask) < 0) return NULL;
    return autograd_note(y, &autograd_masked_select, x, full_mask, NULL, AUTOGRAD_B, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1});
}
