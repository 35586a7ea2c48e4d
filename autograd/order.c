/* Elements chosen by their order: sort, topk, median, the largest and the smallest along a dim.
 *
 *     y = x at index along dim      dx = dy added at index, 0 elsewhere
 *
 * NaN stands above every number; of equal elements the first is chosen first. */
#include <math.h>
#include <assert.h>
#include "autograd/operands.h"

static int run(int kernel_flags, tr_tensor *y, const tr_tensor *x, tr_tensor *index, int dim)
{
    kernel_call call = {
        .kernel = KERNEL_SORT, .type = x->dtype, .flags = (uint32_t)kernel_flags, .n = x->numel, .at = {y->data, x->data, index->data}};
    autograd_around(&x->shape, dim, call.size);
    return x->numel ? autograd_run(&call, y, x, index, NULL) : 0;
}

/* Where the sorted elements of x stand along dim. */
static tr_tensor *order_of(const char *function, tr_tensor *x, int dim, bool descending)
{
    assert(x); /* the public functions have looked */
    tr_tensor *dense = autograd_plain_copy(x, (tr_dtype)x->dtype);
    tr_tensor *y = dense ? core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &x->shape, function) : NULL;
    tr_tensor *index = y ? core_tensor_new(TR_INT64, core_device_at(x), &x->shape, function) : NULL;
    return index && run(descending, y, dense, index, dim) == 0 ? index : NULL;
}

/* ---- what all of them end with: x at index, noted ---- */

static void pick_derivative(autograd_node *n, tr_tensor *dy)
{
    int dim = (int)n->args.n[0];
    tr_tensor *index = autograd_in(n, 1);
    if (index && n->args.n[1]) dy = (tr_unsqueeze)(dy, dim);
    tr_tensor *zeros = index && dy ? autograd_zeros(dy, &n->args.shape) : NULL;
    autograd_give(n, 0, zeros ? (tr_scatter_add)(zeros, dim, index, dy) : NULL);
}

static tr_tensor *pick(const autograd_op *op, tr_tensor *x, int dim, tr_tensor *index, bool drop, tr_tensor **indices)
{
    tr_tensor *y = index ? (tr_gather)((tr_detach)(x), dim, index) : NULL, *shown = index;
    if (y && drop) {
        y = (tr_squeeze)(y, dim);
        shown = (tr_squeeze)(index, dim);
    }
    if (y) y = autograd_note(y, op, x, index, NULL, AUTOGRAD_B, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1, .n = {dim, drop}});
    if (indices) *indices = y ? shown : NULL;
    return y;
}

/* The dim from the front, with a scalar seen as one element; -1 with an error noted. */
static int begin(const char *function, tr_tensor **x, int dim, tr_tensor **indices)
{
    if (indices) *indices = NULL;
    if (!*x) return core_null_status(function);
    if (autograd_no_complex(function, *x)) return -1;
    int d = autograd_dim(function, *x, dim);
    if (d >= 0 && (*x)->shape.ndim == 0 && !(*x = (tr_reshape)(*x, (tr_shape){1, {1}}))) return -1;
    return d;
}

/* What was made of a scalar becomes one again. */
static tr_tensor *end(tr_tensor *y, const tr_tensor *given, tr_tensor **indices)
{
    if (!y || given->shape.ndim || y->shape.ndim == 0) return y;
    if (indices) *indices = (tr_reshape)(*indices, (tr_shape){0});
    const char *name = y->origin ? y->origin->name : NULL;
    return autograd_named((tr_reshape)(y, (tr_shape){0}), name);
}

/* ---- sort, argsort, topk ---- */

static tr_tensor *sort_sample(tr_tensor *const *x) { return (tr_sort)(x[0], 0, (tr_sort_options){0}); }
static tr_tensor *sort_sample_down(tr_tensor *const *x) { return (tr_sort)(x[0], 1, (tr_sort_options){.descending = true}); }
static tr_tensor *topk_sample(tr_tensor *const *x) { return (tr_topk)(x[0], 2, -1, (tr_topk_options){0}); }
static const autograd_case sort_cases[] = {
    {"down the columns", sort_sample, -1, 1, 1, {{2, {4, 3}}}},
    {"middle dim, the largest first", sort_sample_down, -1, 1, 1, {{3, {2, 4, 2}}}},
    {0}};
static const autograd_case topk_cases[] = {
    {"2 of 4", topk_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_sort = {"sort", "SortBackward0", pick_derivative, sort_cases};
const autograd_op autograd_topk = {"topk", "TopkBackward0", pick_derivative, topk_cases};

tr_tensor *(tr_sort)(tr_tensor *x, int dim, tr_sort_options options)
{
    tr_tensor *given = x;
    int d = begin("tr_sort", &x, dim, options.indices);
    if (d < 0) return NULL;
    return end(pick(&autograd_sort, x, d, order_of("tr_sort", x, d, options.descending), false, options.indices), given, options.indices);
}

tr_tensor *(tr_argsort)(tr_tensor *x, int dim, tr_sort_options options)
{
    CORE_TOLD_AS("tr_argsort");
    tr_tensor *index = NULL;
    return (tr_sort)(x ? (tr_detach)(x) : NULL, dim, (tr_sort_options){.descending = options.descending, .indices = &index}) ? index : NULL;
}

tr_tensor *(tr_topk)(tr_tensor *x, int64_t k, int dim, tr_topk_options options)
{
    tr_tensor *given = x;
    int d = begin("tr_topk", &x, dim, options.indices);
    if (d < 0) return NULL;
    if (given->shape.ndim == 0 && k == 0) k = 1; /* as in PyTorch: no part of a scalar is smaller than the scalar */
    if (k < 0 || k > x->shape.size[d]) return core_fail("tr_topk: %lld of the %lld elements along dim %d of %s: selected index k out of range", (long long)k, (long long)x->shape.size[d], dim, core_show(given));
    tr_tensor *index = order_of("tr_topk", x, d, !options.smallest);
    if (index) index = (tr_contiguous)((tr_narrow)(index, d, 0, k));
    return end(pick(&autograd_topk, x, d, index, false, options.indices), given, options.indices);
}

/* ---- max_dim, min_dim, median ---- */

static tr_tensor *max_sample(tr_tensor *const *x) { return (tr_max_dim)(x[0], 0, (tr_pick_options){0}); }
static tr_tensor *min_sample(tr_tensor *const *x) { return (tr_min_dim)(x[0], -1, (tr_pick_options){.keepdim = true}); }
static tr_tensor *median_sample(tr_tensor *const *x) { return (tr_median)(x[0]); }
static tr_tensor *median_sample_dim(tr_tensor *const *x) { return (tr_median_dim)(x[0], 1, (tr_pick_options){0}); }
static const autograd_case max_cases[] = {
    {"dim 0", max_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case min_cases[] = {
    {"last dim", min_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case median_cases[] = {
    {"all", median_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case median_dim_cases[] = {
    {"middle dim", median_sample_dim, -1, 1, 1, {{3, {2, 4, 2}}}},
    {0}};
const autograd_op autograd_max_dim = {"max_dim", "MaxBackward0", pick_derivative, max_cases};
const autograd_op autograd_min_dim = {"min_dim", "MinBackward0", pick_derivative, min_cases};
const autograd_op autograd_median = {"median", "MedianBackward0", autograd_share, median_cases};
const autograd_op autograd_median_dim = {"median_dim", "MedianBackward1", pick_derivative, median_dim_cases};

typedef tr_tensor *find_fn(tr_tensor *x, int dim);

static tr_tensor *largest(tr_tensor *x, int dim) { return (tr_argmax)(x, (tr_reduce_options){.dims = &dim, .ndims = 1, .keepdim = true}); }
static tr_tensor *smallest(tr_tensor *x, int dim) { return (tr_argmin)(x, (tr_reduce_options){.dims = &dim, .ndims = 1, .keepdim = true}); }

/* The lower of the two in the middle; the first NaN if there is one. */
static tr_tensor *middle(tr_tensor *x, int dim)
{
    tr_tensor *order = order_of("tr_median", x, dim, false);
    int64_t n = x->shape.size[dim];
    if (!order || core_dtype_category[x->dtype] < 2) return order ? (tr_contiguous)((tr_narrow)(order, dim, (n - 1) / 2, 1)) : NULL;
    tr_tensor *numbers = (tr_sum)((tr_eq)(x, x), (tr_reduce_options){.dims = &dim, .ndims = 1, .keepdim = true});
    tr_tensor *at = numbers ? (tr_where)((tr_lt)(numbers, tr_number_((double)n, TR_INT64)), numbers, tr_number_((double)((n - 1) / 2), TR_INT64)) : NULL;
    return at ? (tr_gather)(order, dim, at) : NULL;
}

static tr_tensor *choose(const char *function, const autograd_op *op, find_fn *find, tr_tensor *x, int dim, tr_pick_options options)
{
    tr_tensor *given = x;
    int d = begin(function, &x, dim, options.indices);
    if (d < 0) return NULL;
    if (x->shape.size[d] == 0) return core_fail("%s: %s has no elements along dim %d to choose from", function, core_show(given), dim);
    tr_tensor *plain = (tr_detach)(x);
    return end(pick(op, x, d, plain ? find(plain, d) : NULL, !options.keepdim, options.indices), given, options.indices);
}

tr_tensor *(tr_max_dim)(tr_tensor *x, int dim, tr_pick_options options) { return choose("tr_max_dim", &autograd_max_dim, largest, x, dim, options); }
tr_tensor *(tr_min_dim)(tr_tensor *x, int dim, tr_pick_options options) { return choose("tr_min_dim", &autograd_min_dim, smallest, x, dim, options); }
tr_tensor *(tr_median_dim)(tr_tensor *x, int dim, tr_pick_options options) { return choose("tr_median_dim", &autograd_median_dim, middle, x, dim, options); }

tr_tensor *(tr_median)(tr_tensor *x)
{
    if (!x) return core_null("tr_median");
    tr_tensor *line = (tr_reshape)(x, (tr_shape){1, {x->numel}}), *plain = line ? (tr_detach)(line) : NULL, *y = NULL;
    if (plain && x->numel == 0 && core_dtype_category[x->dtype] == 2)
        y = (tr_full)((tr_shape){0}, NAN, (tr_tensor_options){.dtype = (tr_dtype)x->dtype, .device = core_device_at(x)});
    else if (plain)
        y = choose("tr_median", &autograd_median, middle, plain, 0, (tr_pick_options){0});
    return autograd_note(y, &autograd_median, line, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y, &(autograd_args){.shape = {1, {x->numel}}, .shape_b = {1, {1}}});
}
