/* Views of all elements: other shapes and strides over the same memory. */
#include "autograd/operands.h"
#include "autograd/say.h"
#include "core/whole.h"

/* ---- view, reshape, flatten, unsqueeze, squeeze: the same elements in the same order ---- */

static void view_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_reshape)(dy, n->args.shape)); }
static tr_tensor *view_sample(tr_tensor *const *x) { return (tr_view)(x[0], (tr_shape){
                                                                                2, {6, -1}}); }
static const autograd_case view_cases[] = {
    {"12 as 6 by 2", view_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_view = {"view", "ViewBackward0", view_derivative, view_cases};
static tr_tensor *reshape_sample(tr_tensor *const *x) { return (tr_reshape)((tr_t)(x[0]), (tr_shape){1, {12}}); }
static const autograd_case unsafe_view_cases[] = {
    {"a copy in other order", reshape_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_unsafe_view = {"unsafe_view", "UnsafeViewBackward0", view_derivative, unsafe_view_cases};
static tr_tensor *unsqueeze_sample(tr_tensor *const *x) { return (tr_unsqueeze)(x[0], 1); }
static const autograd_case unsqueeze_cases[] = {
    {"in the middle", unsqueeze_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_unsqueeze = {"unsqueeze", "UnsqueezeBackward0", view_derivative, unsqueeze_cases};
static tr_tensor *squeeze_sample(tr_tensor *const *x) { return (tr_squeeze)(x[0], 1); }
static const autograd_case squeeze_cases[] = {
    {"in the middle", squeeze_sample, -1, 1, 1, {{3, {3, 1, 4}}}},
    {0}};
const autograd_op autograd_squeeze = {"squeeze", "SqueezeBackward1", view_derivative, squeeze_cases};

tr_tensor *autograd_view_noted(tr_tensor *y, tr_tensor *t, const autograd_op *op, const autograd_args *args)
{
    y = autograd_note(y, op, t, NULL, NULL, 0, args);
    if (!y) return NULL;
    if (core_here()->grad_off || t->flags & CORE_BLIND_VIEW)
        y->flags |= CORE_BLIND_VIEW;
    else
        core_tensor_is_view(y, t);
    return y;
}

tr_tensor *autograd_alias_as(const tr_tensor *t, tr_dtype type, const tr_shape *shape, const int64_t *stride, int64_t bytes, const char *what)
{
    tr_tensor *y = core_tensor_alias(t, shape, stride, 0, what);
    if (!y) return NULL;
    y->dtype = (uint8_t)type;
    y->data = (char *)y->data + bytes;
    y->size_class = core_place(y);
    return y;
}

static tr_tensor *reshaped(tr_tensor *t, const tr_shape *shape, const int64_t *stride, const autograd_op *op)
{
    tr_tensor *y = core_tensor_alias(t, shape, stride, 0, op->name);
    return autograd_view_noted(y, t, op, &(autograd_args){.shape = t->shape, .shape_b.ndim = -1});
}

/* Strides that show t's elements, in order, as `shape`; false if only a copy can. */
static bool strides_for(const tr_tensor *t, const tr_shape *shape, int64_t *stride)
{
    if (core_row_major_tensor(t) || t->numel == 0) {
        core_row_major(shape->ndim, shape->size, stride);
        return true;
    }
    int64_t size[TR_MAX_DIMS], from[1][TR_MAX_DIMS];
    for (int d = 0; d < t->shape.ndim; d++) {
        size[d] = t->shape.size[d];
        from[0][d] = t->stride[d];
    }
    int chunk = autograd_collapse(t->shape.ndim, size, from, 1) - 1, d = shape->ndim - 1;
    for (; chunk >= 0; chunk--) { /* fill each run of memory with the new dims, innermost first */
        int64_t left = size[chunk], step = from[0][chunk];
        for (; d >= 0 && (left > 1 || shape->size[d] == 1); d--) {
            if (left % shape->size[d]) return false;
            stride[d] = step;
            step *= shape->size[d];
            left /= shape->size[d];
        }
    }
    for (; d >= 0; d--) stride[d] = 1; /* sizes of 1 */
    return true;
}

/* The -1 in a shape worked out; the number of elements must agree. */
static bool complete(const char *function, const tr_tensor *t, tr_shape *shape)
{
    int unknown = -1;
    int64_t known = 1;
    bool bad = shape->ndim < 0 || shape->ndim > TR_MAX_DIMS;
    for (int d = 0; d < shape->ndim && !bad; d++) {
        if (shape->size[d] == -1 && unknown < 0)
            unknown = d;
        else
            bad = shape->size[d] < 0 || __builtin_mul_overflow(known, shape->size[d], &known);
    }
    if (!bad && unknown >= 0 && known > 0 && t->numel % known == 0) {
        shape->size[unknown] = t->numel / known;
        known *= shape->size[unknown];
    } else if (unknown >= 0)
        bad = true;
    if (!bad && known == t->numel) return true;
    core_fail("%s: shape %s is invalid for %s, %lld elements: shape '%s' is invalid for input of size %lld", function, core_shape_text(shape), core_show(t), (long long)t->numel,
              shape->ndim < 0 || shape->ndim > TR_MAX_DIMS ? "?" : autograd_say_sizes(shape), (long long)t->numel);
    return false;
}

tr_tensor *(tr_view)(tr_tensor *t, tr_shape shape)
{
    if (!t) return core_null("tr_view");
    int64_t stride[TR_MAX_DIMS];
    if (!complete("tr_view", t, &shape)) return NULL;
    if (!strides_for(t, &shape, stride))
        return core_fail("tr_view: the strides of %s do not allow a view of shape %s; use tr_reshape: view size is not compatible with input tensor's size and stride "
                         "(at least one dimension spans across two contiguous subspaces)",
                         core_show(t), core_shape_text(&shape));
    return reshaped(t, &shape, stride, &autograd_view);
}

tr_tensor *autograd_reshaped(tr_tensor *t, const tr_shape *shape)
{
    int64_t stride[TR_MAX_DIMS];
    if (!t) return NULL;
    core_row_major(shape->ndim, shape->size, stride);
    tr_tensor *y = core_tensor_alias(t, shape, stride, 0, "reshape");
    return autograd_note(y, &autograd_unsafe_view, t, NULL, NULL, 0, &(autograd_args){.shape = t->shape, .shape_b.ndim = -1});
}

tr_tensor *(tr_reshape)(tr_tensor *t, tr_shape shape)
{
    if (!t) return core_null("tr_reshape");
    int64_t stride[TR_MAX_DIMS];
    if (!complete("tr_reshape", t, &shape)) return NULL;
    if (strides_for(t, &shape, stride)) return reshaped(t, &shape, stride, &autograd_view);
    return autograd_reshaped((tr_clone)(t), &shape);
}

tr_tensor *(tr_flatten)(tr_tensor *t, int start_dim, int end_dim)
{
    if (!t) return core_null("tr_flatten");
    if (t->shape.ndim == 0) return (tr_reshape)(t, (tr_shape){1, {1}});
    int start = autograd_dim("tr_flatten", t, start_dim), end = autograd_dim("tr_flatten", t, end_dim);
    if (start < 0 || end < 0) return NULL;
    if (start > end) return core_fail("tr_flatten: from dim %d to dim %d of %s", start_dim, end_dim, core_show(t));
    tr_shape shape = {0};
    for (int d = 0; d < t->shape.ndim; d++) {
        if (d <= start || d > end)
            shape.size[shape.ndim++] = t->shape.size[d];
        else
            shape.size[shape.ndim - 1] *= t->shape.size[d];
    }
    return (tr_reshape)(t, shape);
}

tr_tensor *(tr_unsqueeze)(tr_tensor *t, int dim)
{
    if (!t) return core_null("tr_unsqueeze");
    int ndim = t->shape.ndim, at = dim < 0 ? dim + ndim + 1 : dim;
    if (ndim == TR_MAX_DIMS || at < 0 || at > ndim) return core_fail("tr_unsqueeze: %s has no place for a dim at %d", core_show(t), dim);
    tr_shape shape = {.ndim = ndim + 1};
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d <= ndim; d++) {
        shape.size[d] = d == at ? 1 : t->shape.size[d - (d > at)];
        stride[d] = d == at ? 1 : t->stride[d - (d > at)];
    }
    return reshaped(t, &shape, stride, &autograd_unsqueeze);
}

tr_tensor *(tr_squeeze)(tr_tensor *t, int dim)
{
    if (!t) return core_null("tr_squeeze");
    int at = autograd_dim("tr_squeeze", t, dim);
    if (at < 0) return NULL;
    if (t->shape.ndim == 0 || t->shape.size[at] != 1) return reshaped(t, &t->shape, t->stride, &autograd_squeeze);
    tr_shape shape = {.ndim = t->shape.ndim - 1};
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d < shape.ndim; d++) {
        shape.size[d] = t->shape.size[d + (d >= at)];
        stride[d] = t->stride[d + (d >= at)];
    }
    return reshaped(t, &shape, stride, &autograd_squeeze);
}

/* ---- permute, transpose, t: the dims in another order      dx = dy with them in the old one ---- */

static void permute_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_shape back = {.ndim = n->args.shape.ndim};
    for (int d = 0; d < back.ndim; d++) back.size[n->args.shape.size[d]] = d;
    autograd_give(n, 0, (tr_permute)(dy, back));
}
static tr_tensor *permute_sample(tr_tensor *const *x) { return (tr_permute)(x[0], (tr_shape){
                                                                                      3, {2, 0, 1}}); }
static tr_tensor *t_sample(tr_tensor *const *x) { return (tr_t)(x[0]); }
static tr_tensor *transpose_sample(tr_tensor *const *x) { return (tr_transpose)(x[0], 0, -1); }
static const autograd_case permute_cases[] = {
    {"3 dims", permute_sample, -1, 1, 1, {{3, {2, 3, 4}}}},
    {0}};
static const autograd_case t_cases[] = {
    {"a matrix", t_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case transpose_cases[] = {
    {"first and last", transpose_sample, -1, 1, 1, {{3, {2, 3, 4}}}},
    {0}};
const autograd_op autograd_permute = {"permute", "PermuteBackward0", permute_derivative, permute_cases};
const autograd_op autograd_t = {"t", "TBackward0", permute_derivative, t_cases};
const autograd_op autograd_transpose = {"transpose", "TransposeBackward0", permute_derivative, transpose_cases};

static tr_tensor *permuted(tr_tensor *t, const tr_shape *order, const autograd_op *op)
{
    tr_shape shape = {.ndim = t->shape.ndim};
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d < shape.ndim; d++) {
        shape.size[d] = t->shape.size[order->size[d]];
        stride[d] = t->stride[order->size[d]];
    }
    tr_tensor *y = core_tensor_alias(t, &shape, stride, 0, op->name);
    return autograd_view_noted(y, t, op, &(autograd_args){.shape = *order, .shape_b.ndim = -1});
}

tr_tensor *(tr_permute)(tr_tensor *t, tr_shape dims)
{
    if (!t) return core_null("tr_permute");
    bool seen[TR_MAX_DIMS] = {false}, good = dims.ndim == t->shape.ndim;
    for (int d = 0; d < dims.ndim && good; d++) {
        int64_t from = dims.size[d] < 0 ? dims.size[d] + dims.ndim : dims.size[d];
        good = from >= 0 && from < dims.ndim && !seen[from];
        if (good) seen[from] = true;
        dims.size[d] = from;
    }
    if (!good) return core_fail("tr_permute: %s does not list each dim of %s once", core_shape_text(&dims), core_show(t));
    return permuted(t, &dims, &autograd_permute);
}

tr_tensor *(tr_transpose)(tr_tensor *t, int dim0, int dim1)
{
    if (!t) return core_null("tr_transpose");
    int a = autograd_dim("tr_transpose", t, dim0), b = autograd_dim("tr_transpose", t, dim1);
    if (a < 0 || b < 0) return NULL;
    tr_shape order = {.ndim = t->shape.ndim};
    for (int d = 0; d < order.ndim; d++) order.size[d] = d == a ? b : d == b ? a
                                                                             : d;
    return permuted(t, &order, &autograd_transpose);
}

tr_tensor *(tr_t)(tr_tensor *t)
{
    if (!t) return core_null("tr_t");
    if (t->shape.ndim > 2) return core_fail("tr_t: %s has more than two dims; use tr_transpose", core_show(t));
    return permuted(t, t->shape.ndim == 2 ? &(tr_shape){2, {1, 0}} : &(tr_shape){t->shape.ndim, {0}},
                    &autograd_t);
}

/* ---- expand: sizes 1 stretched      dx = dy summed over them ---- */

static void expand_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, autograd_sum_to(dy, &n->args.shape)); }
static tr_tensor *expand_sample(tr_tensor *const *x) { return (tr_expand)(x[0], (tr_shape){
                                                                                    3, {2, 3, -1}}); }
static const autograd_case expand_cases[] = {
    {"a column, twice", expand_sample, -1, 1, 1, {{2, {1, 4}}}},
    {0}};
const autograd_op autograd_expand = {"expand", "ExpandBackward0", expand_derivative, expand_cases};

tr_tensor *(tr_expand)(tr_tensor *t, tr_shape shape)
{
    if (!t) return core_null("tr_expand");
    int ahead = shape.ndim - t->shape.ndim;
    bool good = shape.ndim <= TR_MAX_DIMS && ahead >= 0;
    int64_t stride[TR_MAX_DIMS] = {0};
    for (int d = 0; d < shape.ndim && good; d++) {
        int64_t old = d < ahead ? 1 : t->shape.size[d - ahead];
        if (shape.size[d] == -1 && d >= ahead) shape.size[d] = old;
        good = shape.size[d] >= 0 && (old == shape.size[d] || old == 1);
        stride[d] = d >= ahead && old == shape.size[d] ? t->stride[d - ahead] : 0;
    }
    if (!good) return core_fail("tr_expand: %s cannot be stretched to %s", core_show(t), core_shape_text(&shape));
    if (core_check_shape(&shape, (tr_dtype)t->dtype, "tr_expand") < 0) return NULL;
    if (core_same_shape(&shape, &t->shape)) return t;
    tr_tensor *y = core_tensor_alias(t, &shape, stride, 0, "expand");
    return autograd_view_noted(y, t, &autograd_expand, &(autograd_args){.shape = t->shape, .shape_b.ndim = -1});
}
