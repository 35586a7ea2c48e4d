/* Elements replaced: by mask, and by integer index.
 *
 *     masked_fill: y = mask ? value : x          dx = mask ? 0 : dy              dvalue = sum of dy where mask
 *     index_add:   y = x, y[index] += src        dx = dy                         dsrc = dy at index
 *     index_copy:  y = x, y[index] = src         dx = dy, 0 at index             dsrc = dy at index
 *
 * Of several values for one place index_copy keeps the last. */
#include "autograd/index.h"

#define ZERO tr_number_(0, TR_INT64)

static autograd_args numbers(int64_t a) { return (autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {a}}; }
static tr_tensor *sample_mask(const tr_tensor *x) { return autograd_sample_mask(x, (const uint8_t[]){1, 0, 1}, (tr_shape){1, {3}}); }
static tr_tensor *sample_index(const tr_tensor *x, int64_t a, int64_t b, int64_t c) { return autograd_sample_index(x, (const int64_t[]){a, b, c}, (tr_shape){1, {3}}); }

/* ---- masked_fill ---- */

static void masked_fill_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *mask = autograd_in(n, 1);
    if (!mask) return;
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_sum_to((tr_where)(mask, ZERO, dy), &n->args.shape));
    if (autograd_wants(n, 2)) autograd_give(n, 2, autograd_sum_to((tr_where)(mask, dy, ZERO), &n->args.shape_b));
}
static tr_tensor *masked_fill_sample(tr_tensor *const *x) { return (tr_masked_fill)(x[0], sample_mask(x[0]), x[1]); }
static tr_tensor *masked_fill_sample_in_place(tr_tensor *const *x) { return (tr_masked_fill_)((tr_clone)(x[0]), sample_mask(x[0]), x[1]); }
static const autograd_case masked_fill_cases[] = {
    {"columns", masked_fill_sample, -1, 1, 2, {{2, {2, 3}}, {0}}},
    {"in place", masked_fill_sample_in_place, -1, 1, 2, {{2, {2, 3}}, {0}}},
    {0}};
const autograd_op autograd_masked_fill = {"masked_fill", "MaskedFillBackward0", masked_fill_derivative, masked_fill_cases};

/* May a value of this type be written into x, as C converts it?  A number of C's is looked at: an integer must hold it. */
static bool converts(const tr_tensor *value, const tr_tensor *x)
{
    static const double least[TR_DTYPES] = {[TR_INT64] = -0x1p63, [TR_INT32] = -0x1p31};
    static const double most[TR_DTYPES] = {[TR_INT64] = 0x1.fffffffffffffp62, [TR_INT32] = 0x1p31 - 1, [TR_UINT8] = 255};
    int to = core_dtype_category[x->dtype], from = core_dtype_category[value->dtype];
    if (to != 1 || from != 2 || !(value->flags & CORE_NUMBER)) return from < 3 || to == 3;
    double number = core_element_get(value->data, (tr_dtype)value->dtype, 0);
    return number >= least[x->dtype] && number <= most[x->dtype];
}

/* Do mask and value fit x?  The value then is of x's type. */
static bool fits(const char *function, tr_tensor *x, tr_tensor *mask, tr_tensor **value)
{
    if (!x || !mask || !*value) {
        core_null(function);
        return false;
    }
    tr_shape shape;
    tr_tensor *same = x;
    if (mask->dtype != TR_BOOL)
        core_fail("%s: the mask must be bool, not %s", function, core_show(mask));
    else if ((*value)->shape.ndim != 0)
        core_fail("%s: the value must be a number or a scalar, not %s", function, core_show(*value));
    else if (!converts(*value, x))
        core_fail("%s: a value of type %s can't be cast to %s", function, tr_dtype_name((tr_dtype)(*value)->dtype), core_show(x));
    else
        return autograd_one_device(function, x, mask) && autograd_meet(function, &same, value, (tr_dtype)x->dtype, &shape);
    return false;
}

static autograd_args masked_args(const tr_tensor *x, const tr_tensor *value) { return (autograd_args){.shape = x->shape, .shape_b = value->shape}; }

tr_tensor *(tr_masked_fill)(tr_tensor *x, tr_tensor *mask, tr_tensor *value)
{
    bool number = value && value->flags & CORE_NUMBER;
    if (!fits("tr_masked_fill", x, mask, &value)) return NULL;
    tr_shape shape;
    if (!core_broadcast(&x->shape, &mask->shape, &shape)) return core_fail("tr_masked_fill: %s and the mask %s do not broadcast", core_show(x), core_show(mask));
    tr_tensor *in[3] = {mask, value, x}, *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &shape, "tr_masked_fill");
    if (!y || autograd_pointwise(KERNEL_WHERE, (tr_dtype)x->dtype, y, in, 3, 0) < 0) return NULL;
    autograd_args args = masked_args(x, value);
    y = autograd_note(y, &autograd_masked_fill, x, mask, value, AUTOGRAD_B, &args);
    return number ? y : autograd_named(y, "MaskedFillBackward1");
}

/* Of an expanded x: true for an element of which any place is to be filled. */
static tr_tensor *mask_of_elements(tr_tensor *mask, const tr_tensor *x, const tr_tensor *elements)
{
    int dims[TR_MAX_DIMS], n = 0;
    for (int d = 0; d < x->shape.ndim; d++)
        if (elements->shape.size[d] != x->shape.size[d]) dims[n++] = d;
    return (tr_any)((tr_expand)(mask, x->shape), (tr_reduce_options){.dims = dims, .ndims = n, .keepdim = true});
}

tr_tensor *(tr_masked_fill_)(tr_tensor *x, tr_tensor *mask, tr_tensor *value)
{
    if (!fits("tr_masked_fill_", x, mask, &value)) return NULL;
    tr_shape shape;
    if (!core_broadcast(&x->shape, &mask->shape, &shape) || !core_same_shape(&shape, &x->shape)) return core_fail("tr_masked_fill_: the mask %s does not fit %s", core_show(mask), core_show(x));
    tr_tensor *to = autograd_on(x, value, NULL) ? x : autograd_elements_of(x, "tr_masked_fill_");
    if (!to || (to != x ? autograd_check_in_place(x, NULL, "tr_masked_fill_") : autograd_writable(x, value, "tr_masked_fill_")) < 0) return NULL;
    if (to != x && !(mask = mask_of_elements(mask, x, to))) return NULL;
    tr_tensor *in[3] = {mask, value, to};
    if (mask->storage == x->storage && !(in[0] = (tr_clone)(mask))) return NULL; /* read before written */
    if (value->storage == x->storage && !(in[1] = (tr_clone)((tr_detach)(value)))) return NULL;
    if (autograd_pointwise(KERNEL_WHERE, (tr_dtype)x->dtype, to, in, 3, 0) < 0) return NULL;
    autograd_args args = masked_args(x, value);
    tr_tensor *y = autograd_note(x, &autograd_masked_fill, x, in[0], value, AUTOGRAD_B, &args);
    core_written(x);
    return y;
}

/* ---- index_add, index_copy ---- */

static void index_add_derivative(autograd_node *n, tr_tensor *dy)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, dy);
    tr_tensor *index = autograd_wants(n, 2) ? autograd_in(n, 1) : NULL;
    if (index) autograd_give(n, 2, (tr_index_select)(dy, (int)n->args.n[0], index));
}
static void index_copy_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *index = autograd_in(n, 1);
    int dim = (int)n->args.n[0];
    tr_tensor *there = index ? (tr_index_select)(dy, dim, index) : NULL;
    if (!there) return;
    if (autograd_wants(n, 0)) autograd_give(n, 0, (tr_index_copy)(dy, dim, index, (tr_zeros_like)(there, (tr_tensor_options){0})));
    if (autograd_wants(n, 2)) autograd_give(n, 2, there);
}
static tr_tensor *index_add_sample(tr_tensor *const *x) { return (tr_index_add)(x[0], 1, sample_index(x[0], 2, 0, 2), x[1]); }
static tr_tensor *index_add_sample_in_place(tr_tensor *const *x) { return (tr_index_add_)((tr_clone)(x[0]), -1, sample_index(x[0], 2, 0, 2), x[1]); }
static tr_tensor *index_copy_sample(tr_tensor *const *x) { return (tr_index_copy)(x[0], 1, sample_index(x[0], 3, 0, 2), x[1]); }
static const autograd_case index_add_cases[] = {
    {"columns, one twice", index_add_sample, -1, 1, 2, {{2, {3, 5}}, {2, {3, 3}}}},
    {"in place", index_add_sample_in_place, -1, 1, 2, {{2, {3, 5}}, {2, {3, 3}}}},
    {0}};
static const autograd_case index_copy_cases[] = {
    {"columns", index_copy_sample, -1, 1, 2, {{2, {3, 5}}, {2, {3, 3}}}},
    {0}};
const autograd_op autograd_index_add = {"index_add", "IndexAddBackward0", index_add_derivative, index_add_cases};
const autograd_op autograd_index_copy = {"index_copy", "IndexCopyBackward0", index_copy_derivative, index_copy_cases};

typedef struct {
    const char *function;
    int kernel;
    const autograd_op *op;
} writer;

static tr_tensor *write_indexed(const writer *w, tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src, bool in_place)
{
    if (!x || !index || !src) return core_null(w->function);
    int d = x->shape.ndim ? autograd_dim(w->function, x, dim) : -1;
    if (d < 0) return core_fail("%s: %s has no dim %d", w->function, core_show(x), dim);
    if (index->dtype != TR_INT64 || index->shape.ndim > 1) return core_fail("%s: the index must be one dim of int64, not %s", w->function, core_show(index));
    tr_shape want = x->shape;
    want.size[d] = index->numel;
    if (src->dtype != x->dtype || !core_same_shape(&src->shape, &want))
        return core_fail("%s: src is %s, but %s with an index of %lld along dim %d wants %s", w->function, core_show(src), core_show(x), (long long)index->numel, dim, core_shape_text(&want));
    if (!autograd_one_device(w->function, x, index) || !autograd_one_device(w->function, x, src) || (in_place && autograd_writable(x, src, w->function) < 0)) return NULL;
    index = autograd_plain_copy(index, TR_INT64);
    tr_tensor *from = index ? autograd_plain_copy(src, (tr_dtype)src->dtype) : NULL;
    if (from && from->storage == x->storage && !(from = (tr_clone)((tr_detach)(from)))) return NULL;
    tr_tensor *y = x;
    if (from && (!in_place || !core_row_major_tensor(x))) {
        y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &x->shape, w->function);
        if (!y || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, y, &x, 1, 0) < 0) return NULL;
    }
    if (!from || autograd_rows(w->kernel, y, from, index, &x->shape, d) < 0) return NULL;
    autograd_args args = numbers(d);
    const unsigned saves = w->op == &autograd_index_add && !autograd_tracked(src) ? 0 : AUTOGRAD_B;
    if (!in_place) return autograd_note(y, w->op, x, index, src, saves, &args);
    if (y != x && autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, x, &y, 1, 0) < 0) return NULL;
    tr_tensor *noted = autograd_note(x, w->op, x, index, src, saves, &args);
    core_written(x);
    return noted;
}

static const writer add = {"tr_index_add", KERNEL_INDEX_ADD, &autograd_index_add}, add_in_place = {"tr_index_add_", KERNEL_INDEX_ADD, &autograd_index_add};
static const writer copy = {"tr_index_copy", KERNEL_INDEX_COPY, &autograd_index_copy}, copy_in_place = {"tr_index_copy_", KERNEL_INDEX_COPY, &autograd_index_copy};

tr_tensor *(tr_index_add)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src) { return write_indexed(&add, x, dim, index, src, false); }
tr_tensor *(tr_index_add_)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src) { return write_indexed(&add_in_place, x, dim, index, src, true); }
tr_tensor *(tr_index_copy)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src) { return write_indexed(&copy, x, dim, index, src, false); }
tr_tensor *(tr_index_copy_)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src) { return write_indexed(&copy_in_place, x, dim, index, src, true); }
