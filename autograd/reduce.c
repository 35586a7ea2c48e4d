/* Reductions over one, several or all dims. */
#include "autograd/autocast.h"
#include "autograd/operands.h"
#include "autograd/say.h"

/* What is left, and what goes: the dims that stay first, then those that are reduced. */
typedef struct {
    bool gone[TR_MAX_DIMS];
    tr_shape kept;   /* with 1 for what goes */
    tr_shape result; /* kept, or without them */
    int64_t count;   /* elements reduced to one */
} plan;

static int make_plan(const char *function, const tr_tensor *x, const tr_reduce_options *o, plan *p)
{
    *p = (plan){.kept = x->shape, .count = 1};
    for (int d = 0; d < x->shape.ndim; d++) p->gone[d] = !o->dims;
    for (int i = 0; o->dims && i < o->ndims; i++) {
        int d = autograd_dim(function, x, o->dims[i]);
        if (d < 0) return -1;
        if (x->shape.ndim && p->gone[d]) return core_fail_status("%s: dim %d is named twice", function, o->dims[i]);
        if (x->shape.ndim) p->gone[d] = true;
    }
    for (int d = 0; d < x->shape.ndim; d++) {
        if (p->gone[d]) {
            p->count *= x->shape.size[d];
            p->kept.size[d] = 1;
        }
        if (!p->gone[d] || o->keepdim) p->result.size[p->result.ndim++] = p->kept.size[d];
    }
    return 0;
}

static int run(int kernel, tr_dtype type, const plan *p, const tr_tensor *x, tr_tensor *y, double number)
{
    if (y->numel == 0) return 0;
    int64_t size[2][TR_MAX_DIMS], stride[2][2][TR_MAX_DIMS]; /* [stays, goes][out, in] */
    int ndim[2] = {0, 0};
    int64_t out_stride[TR_MAX_DIMS];
    core_row_major(p->kept.ndim, p->kept.size, out_stride);
    for (int d = 0; d < x->shape.ndim; d++) {
        int g = p->gone[d], at = ndim[g]++;
        size[g][at] = x->shape.size[d];
        stride[g][0][at] = g ? 0 : out_stride[d];
        stride[g][1][at] = x->stride[d];
    }
    for (int g = 0; g < 2; g++) ndim[g] = autograd_collapse(ndim[g], size[g], stride[g], 2);
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = (uint8_t)type, .from = x->dtype, .n = y->numel, .at = {y->data, x->data}, .number = {number}};
    call.split = (uint8_t)ndim[0];
    call.ndim = (uint8_t)(ndim[0] + ndim[1]);
    for (int g = 0, at = 0; g < 2; g++)
        for (int d = 0; d < ndim[g]; d++, at++) {
            call.size[at] = size[g][d];
            call.stride[0][at] = stride[g][0][d];
            call.stride[1][at] = stride[g][1][d];
        }
    return autograd_run(&call, y, x, NULL, NULL);
}

static autograd_args remember(const tr_tensor *x, const plan *p)
{
    return (autograd_args){.shape = x->shape, .shape_b = p->kept, .n = {p->count}};
}

/* What every sum says; where x is one row of memory, that is all. */
static inline void begin_sum(kernel_call *call, tr_tensor *y, const tr_tensor *x, double divisor)
{
    call->kernel = KERNEL_SUM;
    call->type = y->dtype;
    call->from = x->dtype;
    call->flags = 0;
    call->split = 0;
    call->ndim = 1;
    call->n = y->numel;
    call->at[0] = y->data;
    call->at[1] = x->data;
    call->number[0] = divisor;
    call->size[0] = x->numel;
    call->stride[0][0] = 0;
    call->stride[1][0] = 1;
}

/* All of x into y, one number, where x lies in one piece. */
static int add_up(tr_tensor *y, const tr_tensor *x, double divisor)
{
    kernel_call call;
    begin_sum(&call, y, x, divisor);
    return x->device || core_here()->recording ? autograd_run(&call, y, x, NULL, NULL) : kernel_run_here(KERNEL_SUM, (tr_dtype)y->dtype, &call);
}

static tr_tensor *all_of(const char *function, const autograd_op *op, tr_tensor *x, tr_dtype type, double divisor)
{
    tr_tensor *y = core_tensor_scalar(type, core_device_at(x), function);
    if (!y || add_up(y, x, divisor) < 0) return NULL;
    y = autograd_note(y, op, x, NULL, NULL, 0, NULL);
    autograd_args *args = autograd_args_of(y);
    if (args) {
        core_copy_shape(&args->shape, &x->shape);
        args->n[0] = x->numel;
    }
    return y;
}

static inline bool is_all(const tr_tensor *x, const tr_reduce_options *o) { return !o->dims && !o->keepdim && core_row_major_tensor(x); }

/* dy with the reduced dims back, as stretched views of it. */
static tr_tensor *stretch(autograd_node *n, tr_tensor *dy)
{
    if (dy && dy->shape.ndim == 0 && autograd_plain()) return core_tensor_stretched(dy, &n->args.shape, "backward");
    return (tr_expand)(n->args.shape_b.ndim < 0 ? dy : (tr_reshape)(dy, n->args.shape_b), n->args.shape);
}

/* ---- sum: y = sum x      dx = dy;      mean: y = sum x / n      dx = dy / n ---- */

static void sum_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, stretch(n, dy)); }
static void mean_derivative(autograd_node *n, tr_tensor *dy)
{
    autograd_give(n, 0, stretch(n, autograd_divide_later(n, dy, n->args.n[0])));
}

#define SOME(x, ...) (x, (tr_reduce_options){.dims = (const int[]){__VA_ARGS__}, .ndims = (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))})
#define ALL(x)       (x, (tr_reduce_options){.dims = NULL})
static tr_tensor *sum_all(tr_tensor *const *x)
{
    return (tr_sum)ALL(x[0]);
}
static tr_tensor *sum_first(tr_tensor *const *x) { return (tr_sum)SOME(x[0], 0); }
static tr_tensor *sum_outer(tr_tensor *const *x) { return (tr_sum)SOME(x[0], -1, 0); }
static tr_tensor *mean_all(tr_tensor *const *x) { return (tr_mean)ALL(x[0]); }
static tr_tensor *mean_last(tr_tensor *const *x) { return (tr_mean)SOME(x[0], -1); }
static const autograd_case sum_cases[] = {
    {"all", sum_all, -1, 1, 1, {{2, {3, 4}}}},
    {"dim 0", sum_first, -1, 1, 1, {{2, {3, 4}}}},
    {"dims 0 and 2", sum_outer, -1, 1, 1, {{3, {2, 3, 4}}}},
    {0}};
static const autograd_case mean_cases[] = {
    {"all", mean_all, -1, 1, 1, {{2, {3, 4}}}},
    {"last dim", mean_last, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_sum = {"sum", "SumBackward0", sum_derivative, sum_cases};
const autograd_op autograd_sum_dim = {"sum", "SumBackward1", sum_derivative, sum_cases};
const autograd_op autograd_mean = {"mean", "MeanBackward0", mean_derivative, mean_cases};
const autograd_op autograd_mean_dim = {"mean", "MeanBackward1", mean_derivative, mean_cases};

static __attribute__((noinline)) tr_tensor *sum_any(tr_tensor *x, tr_reduce_options options)
{
    x = autograd_wide(x);
    if (!x) return core_null("tr_sum");
    tr_dtype type = core_dtype_category[x->dtype] < 2 ? TR_INT64 : (tr_dtype)x->dtype;
    if (is_all(x, &options)) return all_of("tr_sum", &autograd_sum, x, type, 1);
    plan p;
    if (make_plan("tr_sum", x, &options, &p) < 0) return NULL;
    tr_tensor *y = core_tensor_new(type, core_device_at(x), &p.result, "tr_sum");
    if (!y || run(KERNEL_SUM, type, &p, x, y, 1) < 0) return NULL;
    autograd_args args = remember(x, &p);
    return autograd_note(y, options.dims ? &autograd_sum_dim : &autograd_sum, x, NULL, NULL, 0, &args);
}

/* The rows of a matrix, what a bias asks for: floating, row-major in memory of the CPU, and neither converted nor recorded. */
static inline bool is_rows(const tr_tensor *x, const tr_reduce_options *o)
{
    bool first = o->dims && o->ndims == 1 && !o->keepdim && x->shape.ndim == 2 && (o->dims[0] == 0 || o->dims[0] == -2);
    return first && core_is_floating(x) && x->size_class != CORE_UNLIKE && x->shape.size[0] > 1 && !core_here()->autocast && !core_here()->recording;
}

static tr_tensor *sum_of_rows(tr_tensor *x)
{
    const int64_t rows = x->shape.size[0], columns = x->shape.size[1];
    const tr_shape shape = {1, {columns}};
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &shape, "tr_sum");
    if (!y) return NULL;
    kernel_call call;
    begin_sum(&call, y, x, 1);
    if (columns > 1) {
        call.split = 1;
        call.ndim = 2;
        call.size[0] = columns;
        call.size[1] = rows;
        call.stride[0][0] = call.stride[1][0] = 1;
        call.stride[0][1] = 0;
        call.stride[1][1] = columns;
    }
    if (kernel_run_here(KERNEL_SUM, (tr_dtype)x->dtype, &call) < 0) return NULL;
    if (!autograd_on(x, NULL, NULL)) return y;
    const autograd_args args = {.shape = x->shape, .shape_b = {2, {1, columns}}, .n = {rows}};
    return autograd_note(y, &autograd_sum_dim, x, NULL, NULL, 0, &args);
}

tr_tensor *(tr_sum)(tr_tensor *x, tr_reduce_options options) { return x && is_rows(x, &options) ? sum_of_rows(x) : sum_any(x, options); }

static __attribute__((noinline)) tr_tensor *mean_any(tr_tensor *x, tr_reduce_options options)
{
    if (!x) return core_null("tr_mean");
    if (core_dtype_category[x->dtype] < 2) return core_fail("tr_mean: the mean of %s needs a floating or complex type: mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: %s",
                                                            core_show(x), autograd_say_type((tr_dtype)x->dtype));
    if (is_all(x, &options)) return all_of("tr_mean", &autograd_mean, x, (tr_dtype)x->dtype, (double)x->numel);
    plan p;
    if (make_plan("tr_mean", x, &options, &p) < 0) return NULL;
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &p.result, "tr_mean");
    if (!y || run(KERNEL_SUM, (tr_dtype)x->dtype, &p, x, y, (double)p.count) < 0) return NULL;
    autograd_args args = remember(x, &p);
    return autograd_note(y, options.dims ? &autograd_mean_dim : &autograd_mean, x, NULL, NULL, 0, &args);
}

tr_tensor *(tr_mean)(tr_tensor *x, tr_reduce_options options)
{
    bool usual = x && core_is_floating(x) && is_all(x, &options);
    return usual ? all_of("tr_mean", &autograd_mean, x, (tr_dtype)x->dtype, (double)x->numel) : mean_any(x, options);
}

/* ---- prod: y = product of x      dx = dy times the product of the others: y / x, which a zero rules out ----
 * Where a row has a zero, the others are multiplied, however many are zero, also in derivatives of this one.  Pairs are
 * multiplied to one, and pairs of these, up to a single product; on the way back down the others of each half are those of
 * the pair, times the other half.  That would overflow half-way in long rows whose product does not, hence the division. */

/* Of x (rows, n), n a power of 2: for each element the product of the others in its row. */
static tr_tensor *others_of(tr_tensor *x)
{
    int64_t rows = x->shape.size[0], n = x->shape.size[1];
    if (n == 1) return (tr_ones_like)(x, (tr_tensor_options){0});
    tr_tensor *pairs = (tr_reshape)(x, (tr_shape){3, {rows, n / 2, 2}});
    tr_tensor *left = (tr_select)(pairs, 2, 0), *right = (tr_select)(pairs, 2, 1), *both = (tr_mul)(left, right);
    tr_tensor *others = both ? others_of(both) : NULL;
    if (!others) return NULL;
    tr_tensor *halves[2] = {(tr_mul)(others, right), (tr_mul)(others, left)};
    return (tr_reshape)((tr_stack)((tr_tensors){halves, 2}, 2), x->shape);
}

/* x with the dims of these bits first or last: the order for tr_permute, and back. */
static void order_last(int ndim, int64_t bits, tr_shape *there, tr_shape *back)
{
    there->ndim = back->ndim = ndim;
    for (int gone = 0, at = 0; gone < 2; gone++)
        for (int d = 0; d < ndim; d++)
            if ((bits >> d & 1) == gone) {
                there->size[at] = d;
                back->size[d] = at++;
            }
}

/* The same of any x, whose `gone` dims, of `count` elements, are a row. */
static tr_tensor *others(tr_tensor *x, int64_t count, int64_t gone)
{
    int64_t rows = x->numel / count, padded = 1;
    while (padded < count) padded *= 2;
    tr_shape there, back;
    order_last(x->shape.ndim, gone, &there, &back);
    tr_tensor *turned = (tr_permute)(x, there), *lines = turned ? (tr_reshape)(turned, (tr_shape){2, {rows, count}}) : NULL;
    if (lines && padded > count) {
        tr_tensor *parts[2] = {lines, (tr_ones)((tr_shape){2, {rows, padded - count}}, (tr_tensor_options){.dtype = (tr_dtype)x->dtype, .device = core_device_at(x)})};
        lines = (tr_cat)((tr_tensors){parts, 2}, 1);
    }
    tr_tensor *y = lines ? others_of(lines) : NULL;
    if (y && padded > count) y = (tr_narrow)(y, 1, 0, count);
    return y ? (tr_permute)((tr_reshape)(y, turned->shape), back) : NULL;
}

/* Each way sees ones where the other serves: what is not taken must not be infinite, or its derivative is NaN. */
static void prod_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *x = autograd_in(n, 0), *y = autograd_out(n), *one = tr_number_(1, TR_INT64);
    if (!x || !y) return;
    if (x->numel == 0 || x->shape.ndim == 0) {
        autograd_give(n, 0, x->numel ? dy : (tr_zeros_like)(x, (tr_tensor_options){0}));
        return;
    }
    tr_tensor *zeros = (tr_to)((tr_eq)(x, tr_number_(0, TR_INT64)), TR_FLOAT32);
    tr_tensor *has_zero = zeros ? (tr_gt)(autograd_sum_to(zeros, &n->args.shape_b), tr_number_(0, TR_INT64)) : NULL;
    tr_tensor *nonzero = (tr_where)(has_zero, one, x);
    tr_tensor *quotient = (tr_div)((tr_where)(has_zero, one, (tr_reshape)(y, n->args.shape_b)), nonzero);
    tr_tensor *product = (tr_where)(has_zero, x, one);
    if (product) product = others(product, n->args.n[0], n->args.n[1]);
    tr_tensor *slope = (tr_where)(has_zero, product, quotient);
    autograd_give(n, 0, slope ? (tr_mul)((tr_reshape)(dy, n->args.shape_b), (tr_conj)(slope)) : NULL);
}
static tr_tensor *prod_all(tr_tensor *const *x) { return (tr_prod)ALL(x[0]); }
static tr_tensor *prod_last(tr_tensor *const *x) { return (tr_prod)SOME(x[0], -1); }
static tr_tensor *prod_one_zero(tr_tensor *const *x)
{
    return (tr_prod)SOME((tr_mul)(x[0], (tr_from_data)((const double[]){0, 1, 2}, TR_FLOAT64, (tr_shape){1, {3}}, (tr_tensor_options){.device = core_device_at(x[0])})), 0);
}
static tr_tensor *prod_two_zeros(tr_tensor *const *x)
{
    return (tr_prod)SOME((tr_mul)(x[0], (tr_from_data)((const double[]){0, 1, 0, 3, 0, 2}, TR_FLOAT64, (tr_shape){2, {2, 3}}, (tr_tensor_options){.device = core_device_at(x[0])})), 1);
}
static tr_tensor *prod_complex(tr_tensor *const *x) { return (tr_view_as_real)((tr_prod)SOME((tr_complex)(x[0], x[1]), 1)); }
static const autograd_case prod_cases[] = {
    {"all", prod_all, 0.5, 1.5, 1, {{2, {2, 3}}}},
    {"two of them zero", prod_two_zeros, 0.5, 1.5, 1, {{2, {2, 3}}}},
    {"complex numbers", prod_complex, -1, 1, 2, {{3, {2, 3, 2}}, {3, {2, 3, 2}}}},
    {"last dim", prod_last, -1.5, -0.5, 1, {{2, {3, 4}}}},
    {"one of them zero", prod_one_zero, 0.5, 1.5, 1, {{1, {3}}}},
    {0}};
const autograd_op autograd_prod = {"prod", "ProdBackward0", prod_derivative, prod_cases};
const autograd_op autograd_prod_dim = {"prod", "ProdBackward1", prod_derivative, prod_cases};

tr_tensor *(tr_prod)(tr_tensor *x, tr_reduce_options options)
{
    x = autograd_wide(x);
    if (!x) return core_null("tr_prod");
    plan p;
    if (make_plan("tr_prod", x, &options, &p) < 0) return NULL;
    tr_dtype type = core_dtype_category[x->dtype] < 2 ? TR_INT64 : (tr_dtype)x->dtype;
    tr_tensor *y = core_tensor_new(type, core_device_at(x), &p.result, "tr_prod");
    if (!y || run(KERNEL_PROD, type, &p, x, y, 1) < 0) return NULL;
    autograd_args args = remember(x, &p);
    for (int d = 0; d < x->shape.ndim; d++) args.n[1] |= (int64_t)p.gone[d] << d;
    return autograd_note(y, options.dims ? &autograd_prod_dim : &autograd_prod, x, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y | AUTOGRAD_CONJUGATES, &args);
}

tr_tensor *autograd_sum_to(tr_tensor *dy, const tr_shape *shape)
{
    if (!dy || shape->ndim < 0 || core_same_shape(&dy->shape, shape)) return dy;
    if (autograd_plain() && core_row_major_tensor(dy) && core_dtype_category[dy->dtype] == 2 && tr_shape_numel(*shape) == 1) {
        tr_tensor *sum = core_tensor_new((tr_dtype)dy->dtype, core_device_at(dy), shape, "backward");
        return sum && add_up(sum, dy, 1) == 0 ? sum : NULL;
    }
    int dims[TR_MAX_DIMS], n = 0, ahead = dy->shape.ndim - shape->ndim;
    for (int d = 0; d < dy->shape.ndim; d++)
        if (d < ahead || (shape->size[d - ahead] == 1 && dy->shape.size[d] != 1)) dims[n++] = d;
    tr_tensor *sum = (tr_sum)(dy, (tr_reduce_options){.dims = dims, .ndims = n, .keepdim = true});
    return sum && ahead ? (tr_view)(sum, *shape) : sum;
}

/* ---- max, min: ties share the gradient evenly      dx = dy [x = y] / how many;  median (order.c), too ----
 * A NaN is chosen, and shares with other NaNs; over dims its row's gradients are NaN, as PyTorch's of amax are. */

void autograd_share(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *x = autograd_in(n, 0), *y = autograd_out(n);
    if (!x || !y) return;
    bool over_dims = n->args.n[1] != 0;
    dy = (tr_reshape)(dy, n->args.shape_b);
    tr_tensor *chosen = (tr_eq)(x, (tr_reshape)(y, n->args.shape_b));
    if (chosen && !over_dims) chosen = (tr_logical_or)(chosen, (tr_isnan)(x)); /* where there is NaN, y is NaN and equals nothing */
    tr_tensor *at = chosen ? (tr_to)(chosen, (tr_dtype)x->dtype) : NULL, *count = autograd_sum_to(at, &n->args.shape_b);
    if (!count) return;
    if (over_dims)
        autograd_give(n, 0, (tr_div)((tr_mul)(dy, at), count));
    else
        autograd_give(n, 0, (tr_where)(chosen, (tr_div)(dy, count), tr_number_(0, TR_INT64)));
}
static tr_tensor *max_all(tr_tensor *const *x) { return (tr_max)ALL(x[0]); }
static tr_tensor *max_last(tr_tensor *const *x) { return (tr_max)SOME(x[0], -1); }
static tr_tensor *min_all(tr_tensor *const *x) { return (tr_min)ALL(x[0]); }
static tr_tensor *min_first(tr_tensor *const *x) { return (tr_min)SOME(x[0], 0); }
static const autograd_case max_cases[] = {
    {"all", max_all, -1, 1, 1, {{2, {3, 4}}}},
    {"last dim", max_last, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
static const autograd_case min_cases[] = {
    {"all", min_all, -1, 1, 1, {{2, {3, 4}}}},
    {"dim 0", min_first, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_max = {"max", "MaxBackward1", autograd_share, max_cases};
const autograd_op autograd_min = {"min", "MinBackward1", autograd_share, min_cases};

static tr_tensor *extreme(const char *function, int kernel, const autograd_op *op, tr_tensor *x, tr_reduce_options options)
{
    if (!x) return core_null(function);
    plan p;
    if (autograd_no_complex(function, x) || make_plan(function, x, &options, &p) < 0) return NULL;
    if (p.count == 0) return core_fail("%s: %s has no elements to choose from", function, core_show(x));
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &p.result, function);
    if (!y || run(kernel, (tr_dtype)x->dtype, &p, x, y, 1) < 0) return NULL;
    autograd_args args = remember(x, &p);
    args.n[1] = options.dims != NULL;
    y = autograd_note(y, op, x, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y, &args);
    return options.dims ? autograd_named(y, kernel == KERNEL_MAX ? "AmaxBackward0" : "AminBackward0") : y;
}

tr_tensor *(tr_max)(tr_tensor *x, tr_reduce_options options) { return extreme("tr_max", KERNEL_MAX, &autograd_max, x, options); }
tr_tensor *(tr_min)(tr_tensor *x, tr_reduce_options options) { return extreme("tr_min", KERNEL_MIN, &autograd_min, x, options); }

static tr_tensor *where_extreme(const char *function, int kernel, tr_tensor *x, tr_reduce_options options)
{
    if (!x) return core_null(function);
    plan p;
    if (options.dims && options.ndims != 1) return core_fail("%s: one dim, or none for all of them", function);
    if (autograd_no_complex(function, x) || make_plan(function, x, &options, &p) < 0) return NULL;
    if (p.count == 0) return core_fail("%s: %s has no elements to choose from", function, core_show(x));
    tr_tensor *y = core_tensor_new(TR_INT64, core_device_at(x), &p.result, function);
    return y && run(kernel, (tr_dtype)x->dtype, &p, x, y, 1) == 0 ? y : NULL;
}

tr_tensor *(tr_argmax)(tr_tensor *x, tr_reduce_options options) { return where_extreme("tr_argmax", KERNEL_ARGMAX, x, options); }
tr_tensor *(tr_argmin)(tr_tensor *x, tr_reduce_options options) { return where_extreme("tr_argmin", KERNEL_ARGMIN, x, options); }
