/* Diagonals and triangles of matrices.
 *
 *     diagonal: y_i = x_(i,i+offset), a view      dx = dy on the diagonal, 0 elsewhere
 *     tril, triu: x on and below (above) a diagonal, 0 elsewhere      dx = tril (triu) dy
 *     trace: y = sum of the diagonal              dx = dy on the diagonal */
#include "autograd/autocast.h"
#include "autograd/operands.h"

/* ---- diagonal, and its derivative, which embeds ---- */

/* t's diagonal as an alias: dims a and b go, the diagonal comes last. */
static tr_tensor *along(const tr_tensor *t, int64_t offset, int a, int b)
{
    tr_shape shape = {0};
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d < t->shape.ndim; d++) {
        if (d == a || d == b) continue;
        stride[shape.ndim] = t->stride[d];
        shape.size[shape.ndim++] = t->shape.size[d];
    }
    int64_t rows = t->shape.size[a], columns = t->shape.size[b], i = 0, j = 0;
    if (offset >= columns || offset <= -rows) {
        rows = columns = 0;
    } else {
        i = offset < 0 ? -offset : 0;
        j = offset > 0 ? offset : 0;
    }
    int64_t length = rows - i < columns - j ? rows - i : columns - j;
    stride[shape.ndim] = t->stride[a] + t->stride[b];
    shape.size[shape.ndim++] = length;
    return core_tensor_alias(t, &shape, stride, length ? i * t->stride[a] + j * t->stride[b] : 0, "tr_diagonal");
}

static tr_tensor *embed(tr_tensor *dy, const tr_shape *shape, int64_t offset, int a, int b);

static autograd_args numbers(const tr_shape *shape, int64_t offset, int a, int b) { return (autograd_args){.shape = *shape, .shape_b.ndim = -1, .n = {offset, a, b}}; }

static void diagonal_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, embed(dy, &n->args.shape, n->args.n[0], (int)n->args.n[1], (int)n->args.n[2])); }
static void diagonal_embed_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_diagonal)(dy, n->args.n[0], (int)n->args.n[1], (int)n->args.n[2])); }
static tr_tensor *diagonal_sample(tr_tensor *const *x) { return (tr_diagonal)(x[0], 1, 0, 1); }
static tr_tensor *diagonal_sample_batch(tr_tensor *const *x) { return (tr_diagonal)(x[0], -1, 2, 0); }
static tr_tensor *embed_sample(tr_tensor *const *x) { return embed(x[0], &(tr_shape){2, {3, 4}}, 1, 0, 1); }
static const autograd_case diagonal_cases[] = {
    {"above", diagonal_sample, -1, 1, 1, {{2, {3, 4}}}},
    {"of outer dims", diagonal_sample_batch, -1, 1, 1, {{3, {3, 2, 3}}}},
    {0}};
static const autograd_case diagonal_embed_cases[] = {
    {"above", embed_sample, -1, 1, 1, {{1, {3}}}},
    {0}};
const autograd_op autograd_diagonal = {"diagonal", "DiagonalBackward0", diagonal_derivative, diagonal_cases};
const autograd_op autograd_diagonal_embed = {"diagonal_embed", "DiagonalBackwardBackward0", diagonal_embed_derivative, diagonal_embed_cases};

static tr_tensor *embed(tr_tensor *dy, const tr_shape *shape, int64_t offset, int a, int b)
{
    tr_tensor *y = dy ? autograd_zeros(dy, shape) : NULL;
    tr_tensor *line = y ? along(y, offset, a, b) : NULL;
    if (!line || autograd_pointwise(KERNEL_COPY, (tr_dtype)dy->dtype, line, &dy, 1, 0) < 0) return NULL;
    autograd_args args = numbers(shape, offset, a, b);
    return autograd_note(y, &autograd_diagonal_embed, dy, NULL, NULL, 0, &args);
}

tr_tensor *(tr_diagonal)(tr_tensor *t, int64_t offset, int dim1, int dim2)
{
    if (!t) return core_null("tr_diagonal");
    if (t->shape.ndim < 2) return core_fail("tr_diagonal: %s is no matrix", core_show(t));
    int a = autograd_dim("tr_diagonal", t, dim1), b = autograd_dim("tr_diagonal", t, dim2);
    if (a < 0 || b < 0) return NULL;
    if (a == b) return core_fail("tr_diagonal: dims %d and %d of %s are one", dim1, dim2, core_show(t));
    autograd_args args = numbers(&t->shape, offset, a, b);
    return autograd_view_noted(along(t, offset, a, b), t, &autograd_diagonal, &args);
}

/* ---- eye, trace ---- */

tr_tensor *(tr_eye)(int64_t n, tr_tensor_options options)
{
    CORE_TOLD_AS("tr_eye");
    tr_dtype dtype;
    tr_shape shape = {2, {n, n}};
    if (core_check_options(&options, TR_DEFAULT_DTYPE, &dtype, "tr_eye") < 0 || core_check_shape(&shape, dtype, "tr_eye") < 0) return NULL;
    tr_tensor *y = (tr_zeros)(shape, (tr_tensor_options){.dtype = dtype, .device = options.device});
    tr_tensor *line = y ? along(y, 0, 0, 1) : NULL;
    if (!line || autograd_pointwise(KERNEL_FILL, dtype, line, NULL, 0, 1) < 0) return NULL;
    if (options.requires_grad) y->flags |= CORE_REQUIRES_GRAD;
    return y;
}

static void trace_derivative(autograd_node *n, tr_tensor *dy)
{
    const tr_shape *shape = &n->args.shape;
    int64_t length = shape->size[0] < shape->size[1] ? shape->size[0] : shape->size[1];
    tr_tensor *line = (tr_expand)(dy, (tr_shape){1, {length}});
    autograd_give(n, 0, embed(line, shape, 0, 0, 1));
}
static tr_tensor *trace_sample(tr_tensor *const *x) { return (tr_trace)(x[0]); }
static const autograd_case trace_cases[] = {
    {"of 3 by 4", trace_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_trace = {"trace", "TraceBackward0", trace_derivative, trace_cases};

tr_tensor *(tr_trace)(tr_tensor *x)
{
    x = autograd_wide(x);
    if (!x) return core_null("tr_trace");
    if (x->shape.ndim != 2) return core_fail("tr_trace: %s is no matrix", core_show(x));
    tr_tensor *line = along(x, 0, 0, 1);
    tr_tensor *y = line ? (tr_sum)(line, (tr_reduce_options){0}) : NULL;
    return autograd_note(y, &autograd_trace, x, NULL, NULL, 0, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1});
}

/* ---- tril, triu ---- */

/* Is column - row <= k, as bool (rows, columns)? */
static tr_tensor *below(const tr_tensor *x, int64_t k)
{
    int64_t rows = x->shape.size[x->shape.ndim - 2], columns = x->shape.size[x->shape.ndim - 1];
    tr_tensor_options o = {.dtype = TR_INT64, .device = core_device_at(x)};
    tr_tensor *row = (tr_arange)(0, (double)rows, 1, o), *column = (tr_arange)(0, (double)columns, 1, o);
    return row && column ? (tr_le)(column, (tr_unsqueeze)((tr_add)(row, tr_integer_(k)), 1)) : NULL;
}

static tr_tensor *triangle(const char *function, const autograd_op *op, tr_tensor *x, int64_t k, bool lower)
{
    if (!x) return core_null(function);
    if (x->shape.ndim < 2) return core_fail("%s: %s is no matrix", function, core_show(x));
    int64_t rows = x->shape.size[x->shape.ndim - 2], columns = x->shape.size[x->shape.ndim - 1];
    if (k < -rows) k = -rows; /* diagonals beyond the corners are all alike */
    if (k > columns) k = columns;
    tr_tensor *y = NULL, *zero = tr_number_(0, TR_BOOL);
    {
        TR_SCOPE;
        TR_NO_GRAD;
        tr_tensor *mask = below(x, lower ? k : k - 1);
        y = tr_pass_up(mask && zero ? (tr_where)(mask, lower ? x : zero, lower ? zero : x) : NULL);
    }
    return autograd_note(y, op, x, NULL, NULL, 0, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {k}});
}

static void tril_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_tril)(dy, n->args.n[0])); }
static void triu_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_triu)(dy, n->args.n[0])); }
static tr_tensor *tril_sample(tr_tensor *const *x) { return (tr_tril)(x[0], 0); }
static tr_tensor *triu_sample(tr_tensor *const *x) { return (tr_triu)(x[0], 1); }
static const autograd_case tril_cases[] = {
    {"3 by 4", tril_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case triu_cases[] = {
    {"above the diagonal, twice", triu_sample, -1, 1, 1, {{3, {2, 3, 3}}}},
    {0}};
const autograd_op autograd_tril = {"tril", "TrilBackward0", tril_derivative, tril_cases};
const autograd_op autograd_triu = {"triu", "TriuBackward0", triu_derivative, triu_cases};

tr_tensor *(tr_tril)(tr_tensor *x, int64_t k) { return triangle("tr_tril", &autograd_tril, x, k, true); }
tr_tensor *(tr_triu)(tr_tensor *x, int64_t k) { return triangle("tr_triu", &autograd_triu, x, k, false); }
