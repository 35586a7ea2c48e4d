/* x[index]: whole rows, by integers or by a mask of the leading dims.
 *
 *     index:       y = x[index]                  dx = dy added at index
 *     index_put_:  x[index] = values             dx = dy, 0 at index             dvalues = dy at index
 *
 * Of several values for one row the last is kept. */
#include "autograd/index.h"
#include "autograd/say.h"

#define ZERO tr_number_(0, TR_INT64)

static tr_tensor *sample_mask(const tr_tensor *x) { return autograd_sample_mask(x, (const uint8_t[]){1, 0, 1}, (tr_shape){1, {3}}); }
static tr_tensor *sample_index(const tr_tensor *x, int64_t a, int64_t b, int64_t c) { return autograd_sample_index(x, (const int64_t[]){a, b, c}, (tr_shape){1, {3}}); }

typedef struct {
    tr_tensor *row;  /* int64, one dim, not negative: which rows */
    tr_shape flat;   /* x as rows: (rows, rest) */
    tr_shape result; /* of x[index] */
} rows;

static bool find_rows(const char *function, const tr_tensor *x, tr_tensor *index, rows *r)
{
    bool mask = index->dtype == TR_BOOL;
    int taken = mask ? index->shape.ndim : 1;
    if (!mask && index->dtype != TR_INT64) {
        core_fail("%s: the index must be int64 or bool, not %s", function, core_show(index));
        return false;
    }
    bool good = x->shape.ndim >= taken && x->shape.ndim + !taken <= TR_MAX_DIMS;
    for (int d = 0; mask && d < taken && good; d++) good = index->shape.size[d] == x->shape.size[d];
    if (!good || (!mask && index->shape.ndim + x->shape.ndim - 1 > TR_MAX_DIMS)) {
        int d = 0;
        while (mask && d < taken - 1 && d < x->shape.ndim - 1 && index->shape.size[d] == x->shape.size[d]) d++;
        const char *in_words = !mask ? "" : core_text(": The shape of the mask %s at index %d does not match the shape of the indexed tensor %s at index %d", autograd_say_sizes(&index->shape), d, autograd_say_sizes(&x->shape), d);
        core_fail("%s: the index %s does not fit %s%s", function, core_show(index), core_show(x), in_words);
        return false;
    }
    if (!autograd_one_device(function, x, index)) return false;
    int64_t count = 1;
    r->flat = (tr_shape){.ndim = 1};
    for (int d = 0; d < taken; d++) count *= x->shape.size[d];
    r->flat.size[0] = count;
    tr_tensor *line = (tr_reshape)(index, (tr_shape){1, {index->numel}});
    if (mask) {
        tr_tensor *all = (tr_arange)(0, (double)count, 1, (tr_tensor_options){.dtype = TR_INT64, .device = core_device_at(x)});
        r->row = all && line ? (tr_masked_select)(all, line) : NULL;
        r->result = (tr_shape){1, {r->row ? r->row->numel : 0}};
    } else {
        tr_tensor *from_end = line ? (tr_logical_and)((tr_lt)(line, ZERO), (tr_ge)(line, tr_integer_(-count))) : NULL;
        r->row = from_end ? (tr_where)(from_end, (tr_add)(line, tr_integer_(count)), line) : NULL; /* the others are refused as they are */
        r->result = index->shape;
    }
    for (int d = taken; d < x->shape.ndim; d++) r->flat.size[r->flat.ndim++] = r->result.size[r->result.ndim++] = x->shape.size[d];
    return r->row != NULL;
}

/* ---- index ---- */

static void index_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *row = autograd_in(n, 1);
    if (!row) return;
    tr_shape parts = n->args.shape_b;
    tr_tensor *zeros = autograd_zeros(dy, &parts);
    parts.size[0] = row->numel;
    tr_tensor *dx = zeros ? (tr_index_add)(zeros, 0, row, (tr_reshape)(dy, parts)) : NULL;
    autograd_give(n, 0, dx ? (tr_reshape)(dx, n->args.shape) : NULL);
}
static tr_tensor *index_sample(tr_tensor *const *x) { return (tr_index)(x[0], sample_index(x[0], 2, 0, -1)); }
static tr_tensor *index_sample_mask(tr_tensor *const *x) { return (tr_index)(x[0], sample_mask(x[0])); }
static const autograd_case index_cases[] = {
    {"rows, one twice", index_sample, -1, 1, 1, {{2, {3, 2}}}},
    {"rows by mask", index_sample_mask, -1, 1, 1, {{2, {3, 2}}}},
    {0}};
const autograd_op autograd_index = {"index", "IndexBackward0", index_derivative, index_cases};

tr_tensor *(tr_index)(tr_tensor *x, tr_tensor *index)
{
    if (!x || !index) return core_null("tr_index");
    CORE_TOLD_AS("tr_index");
    rows r;
    if (!find_rows("tr_index", x, index, &r)) return NULL;
    tr_tensor *y = NULL;
    {
        TR_SCOPE;
        TR_NO_GRAD;
        tr_tensor *flat = (tr_reshape)(x, r.flat);
        y = tr_pass_up(flat ? autograd_reshaped((tr_index_select)(flat, 0, r.row), &r.result) : NULL); /* no view: it may be written to */
    }
    y = autograd_note(y, &autograd_index, x, r.row, NULL, AUTOGRAD_B, &(autograd_args){.shape = x->shape, .shape_b = r.flat});
    return index->shape.ndim || index->dtype == TR_BOOL ? y : autograd_named(y, "SelectBackward0");
}

/* ---- index_put_ ---- */

static void index_put_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *row = autograd_in(n, 1);
    tr_tensor *flat = row ? (tr_reshape)(dy, n->args.shape_b) : NULL, *there = flat ? (tr_index_select)(flat, 0, row) : NULL;
    if (!there) return;
    if (autograd_wants(n, 0)) {
        tr_tensor *dx = (tr_index_copy)(flat, 0, row, (tr_zeros_like)(there, (tr_tensor_options){0}));
        autograd_give(n, 0, dx ? (tr_reshape)(dx, dy->shape) : NULL);
    }
    if (autograd_wants(n, 2)) autograd_give(n, 2, there);
}
static tr_tensor *index_put_sample(tr_tensor *const *x) { return (tr_index_put_)((tr_clone)(x[0]), sample_index(x[0], 0, 2, 1), x[1]); }
static tr_tensor *index_put_sample_mask(tr_tensor *const *x) { return (tr_index_put_)((tr_clone)(x[0]), sample_mask(x[0]), x[1]); }
static const autograd_case index_put_cases[] = {
    {"a row into each", index_put_sample, -1, 1, 2, {{2, {3, 2}}, {1, {2}}}},
    {"a scalar by mask", index_put_sample_mask, -1, 1, 2, {{2, {3, 2}}, {0}}},
    {0}};
const autograd_op autograd_index_put = {"index_put_", "IndexPutBackward0", index_put_derivative, index_put_cases};

tr_tensor *(tr_index_put_)(tr_tensor *x, tr_tensor *index, tr_tensor *values)
{
    if (!x || !index || !values) return core_null("tr_index_put_");
    CORE_TOLD_AS("tr_index_put_");
    rows r;
    tr_shape parts, shape;
    if (autograd_writable(x, values, "tr_index_put_") < 0 || !find_rows("tr_index_put_", x, index, &r)) return NULL;
    if (!core_broadcast(&values->shape, &r.result, &shape) || !core_same_shape(&shape, &r.result))
        return core_fail("tr_index_put_: values %s do not fit into %s, the shape of what is indexed", core_show(values), core_shape_text(&r.result));
    if (!autograd_becomes(values, x))
        return core_fail("tr_index_put_: values of type %s can't be cast to %s", tr_dtype_name((tr_dtype)values->dtype), core_show(x));
    if (!(values->flags & CORE_NUMBER) && !autograd_one_device("tr_index_put_", x, values)) return NULL;
    parts = r.flat;
    parts.size[0] = r.row->numel;
    tr_tensor *src = (tr_reshape)((tr_expand)((tr_to_device)((tr_to)(values, (tr_dtype)x->dtype), core_device_at(x)), r.result), parts);
    tr_tensor *from = src ? autograd_plain_copy(src, (tr_dtype)x->dtype) : NULL;
    if (from && from->storage == x->storage && !(from = (tr_clone)((tr_detach)(from)))) return NULL;
    tr_tensor *dense = from ? autograd_plain_copy(x, (tr_dtype)x->dtype) : NULL;
    if (!dense || autograd_rows(KERNEL_INDEX_COPY, dense, from, r.row, &r.flat, 0) < 0) return NULL;
    if (dense != x && autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, x, &dense, 1, 0) < 0) return NULL;
    tr_tensor *y = autograd_note(x, &autograd_index_put, x, r.row, src, AUTOGRAD_B, &(autograd_args){.shape.ndim = -1, .shape_b = r.flat});
    core_written(x);
    return y;
}
