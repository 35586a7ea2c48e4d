/* Reductions made of others: variance, standard deviation, norm, log-sum-exp.
 *
 *     var:       y = sum (x - mean x)^2 / (n - 1)          dx = dy 2 (x - mean x) / (n - 1)
 *     std:       y = sqrt(var x)                           dx = dy (x - mean x) / (y (n - 1)), 0 where y is 0
 *     norm:      y = (sum |x|^p)^(1/p)                     dx = dy sgn(x) (|x| / y)^(p - 1), 0 where y is 0
 *     logsumexp: y = log sum exp(x - max x) + max x        dx = dy exp(x - y)
 *
 * Of complex numbers all but the last, whose results are real.  The dims that go are remembered as bits, so that
 * derivatives can reduce over them again. */
#include <math.h>
#include "autograd/autocast.h"
#include "autograd/operands.h"

#define ZERO tr_number_(0, TR_INT64)

static tr_tensor *number(double x) { return tr_number_(x, TR_FLOAT32); }

/* The dims of the bits, for a reduction that keeps them with size 1. */
static tr_reduce_options over(int64_t bits, int *dims)
{
    tr_reduce_options o = {.dims = dims, .keepdim = true};
    for (int d = 0; d < TR_MAX_DIMS; d++)
        if (bits >> d & 1) dims[o.ndims++] = d;
    return o;
}

/* The dims as bits; -1 with an error noted. */
static int64_t bits_of(const char *function, const tr_tensor *x, const tr_reduce_options *o)
{
    int64_t bits = 0;
    if (core_dtype_category[x->dtype] < 2) return core_fail_status("%s: %s is not of a floating type", function, core_show(x));
    if (!o->dims) return ((int64_t)1 << x->shape.ndim) - 1;
    for (int i = 0; i < o->ndims; i++) {
        int d = autograd_dim(function, x, o->dims[i]);
        if (d < 0) return -1;
        if (x->shape.ndim && bits >> d & 1) return core_fail_status("%s: dim %d is named twice", function, o->dims[i]);
        if (x->shape.ndim) bits |= (int64_t)1 << d;
    }
    return bits;
}

static tr_shape kept_shape(const tr_tensor *x, int64_t bits)
{
    tr_shape shape = x->shape;
    for (int d = 0; d < shape.ndim; d++)
        if (bits >> d & 1) shape.size[d] = 1;
    return shape;
}

/* y with its reduced dims, in the shape that was asked for. */
static tr_tensor *shaped(tr_tensor *y, int64_t bits, bool keepdim)
{
    if (!y || keepdim) return y;
    tr_shape shape = {0};
    for (int d = 0; d < y->shape.ndim; d++)
        if (!(bits >> d & 1)) shape.size[shape.ndim++] = y->shape.size[d];
    return autograd_reshaped(y, &shape); /* no view: it may be written to */
}

static tr_tensor *finished(tr_tensor *y, const autograd_op *op, tr_tensor *x, int64_t bits, unsigned saves, double p)
{
    if (!y) return NULL;
    return autograd_note(y, op, x, NULL, NULL, saves | AUTOGRAD_CONJUGATES, &(autograd_args){.shape = x->shape, .shape_b = kept_shape(x, bits), .n = {bits}, .x = {p}});
}

/* What every derivative here begins with: x, and dy and y with the reduced dims back. */
typedef struct {
    tr_tensor *x, *y, *dy;
} operands;

static bool bring(autograd_node *n, tr_tensor *dy, bool with_y, operands *o)
{
    o->x = autograd_in(n, 0);
    o->y = with_y ? autograd_out(n) : NULL;
    o->dy = (tr_reshape)(dy, n->args.shape_b);
    if (o->y) o->y = (tr_reshape)(o->y, n->args.shape_b);
    return o->x && o->dy && (!with_y || o->y);
}

static tr_tensor *centred(tr_tensor *x, int64_t bits)
{
    int dims[TR_MAX_DIMS];
    return (tr_sub)(x, (tr_mean)(x, over(bits, dims)));
}

/* |x|^2 */
static tr_tensor *squares_of(tr_tensor *x)
{
    if (core_dtype_category[x->dtype] != 3) return (tr_square)(x);
    return (tr_add)((tr_square)((tr_real)(x)), (tr_square)((tr_imag)(x)));
}

/* ---- var, std ---- */

static void var_derivative(autograd_node *n, tr_tensor *dy)
{
    operands o;
    if (bring(n, dy, false, &o)) autograd_give(n, 0, (tr_mul)((tr_mul)(o.dy, number(2 / n->args.x[0])), centred(o.x, n->args.n[0])));
}
static void std_derivative(autograd_node *n, tr_tensor *dy)
{
    operands o;
    if (!bring(n, dy, true, &o)) return;
    tr_tensor *scale = (tr_where)((tr_eq)(o.y, ZERO), ZERO, (tr_div)(o.dy, (tr_mul)(o.y, number(n->args.x[0]))));
    autograd_give(n, 0, (tr_mul)(scale, centred(o.x, n->args.n[0])));
}

#define SOME(...) .dims = (const int[]){__VA_ARGS__}, .ndims = (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
static tr_tensor *var_all(tr_tensor *const *x)
{
    return (tr_var)(x[0], (tr_var_options){0});
}
static tr_tensor *var_outer(tr_tensor *const *x) { return (tr_var)(x[0], (tr_var_options){SOME(0, -1), .biased = true}); }
static tr_tensor *std_all(tr_tensor *const *x) { return (tr_std)(x[0], (tr_var_options){0}); }
static tr_tensor *std_last(tr_tensor *const *x) { return (tr_std)(x[0], (tr_var_options){SOME(-1), .keepdim = true}); }
static tr_tensor *var_complex(tr_tensor *const *x) { return (tr_var)((tr_complex)(x[0], x[1]), (tr_var_options){SOME(0)}); }
static tr_tensor *std_complex(tr_tensor *const *x) { return (tr_std)((tr_complex)(x[0], x[1]), (tr_var_options){0}); }
static const autograd_case var_cases[] = {
    {"complex numbers", var_complex, -1, 1, 2, {{2, {3, 2}}, {2, {3, 2}}}},
    {"all", var_all, -1, 1, 1, {{2, {3, 4}}}},
    {"dims 0 and 2, biased", var_outer, -1, 1, 1, {{3, {2, 3, 2}}}},
    {0}};
static const autograd_case std_cases[] = {
    {"complex numbers", std_complex, -1, 1, 2, {{2, {3, 2}}, {2, {3, 2}}}},
    {"all", std_all, -1, 1, 1, {{2, {3, 4}}}},
    {"last dim", std_last, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_var = {"var", "VarBackward0", var_derivative, var_cases};
const autograd_op autograd_std = {"std", "StdBackward0", std_derivative, std_cases};

static tr_tensor *spread(const char *function, tr_tensor *x, tr_var_options options, bool root, const autograd_op *op)
{
    x = autograd_wide(x);
    if (!x) return core_null(function);
    int64_t bits = bits_of(function, x, &(tr_reduce_options){.dims = options.dims, .ndims = options.ndims});
    if (bits < 0) return NULL;
    tr_shape kept = kept_shape(x, bits);
    int64_t results = tr_shape_numel(kept);
    double count = results ? (double)(x->numel / results) : 0, freedom = count - (options.biased ? 0 : 1);
    tr_tensor *y = NULL;
    {
        TR_SCOPE;
        TR_NO_GRAD;
        int dims[TR_MAX_DIMS];
        tr_tensor *middle = centred(x, bits), *squares = middle ? squares_of(middle) : NULL;
        y = squares ? (tr_div)((tr_sum)(squares, over(bits, dims)), number(freedom > 0 ? freedom : 0)) : NULL;
        if (y && root) y = (tr_sqrt)(y);
        y = tr_pass_up(shaped(y, bits, options.keepdim));
    }
    return finished(y, op, x, bits, root ? AUTOGRAD_A | AUTOGRAD_Y : AUTOGRAD_A, freedom);
}

tr_tensor *(tr_var)(tr_tensor *x, tr_var_options options) { return spread("tr_var", x, options, false, &autograd_var); }
tr_tensor *(tr_std)(tr_tensor *x, tr_var_options options) { return spread("tr_std", x, options, true, &autograd_std); }

/* ---- norm ---- */

static tr_tensor *largest_share(const operands *o, int64_t bits)
{
    int dims[TR_MAX_DIMS];
    tr_tensor *largest = (tr_eq)((tr_abs)(o->x), o->y);
    if (largest) largest = (tr_logical_or)(largest, (tr_isnan)(o->x)); /* which makes y NaN, and equals nothing */
    tr_tensor *at = largest ? (tr_to)(largest, (tr_dtype)o->y->dtype) : NULL;
    return at ? (tr_mul)((tr_sgn)(o->x), (tr_div)(at, (tr_sum)(at, over(bits, dims)))) : NULL;
}

static void norm_derivative(autograd_node *n, tr_tensor *dy)
{
    operands o;
    double p = n->args.x[0];
    if (!bring(n, dy, true, &o)) return;
    tr_tensor *slope, *given = o.dy;
    if (p == 1)
        slope = (tr_sgn)(o.x);
    else if (isinf(p))
        slope = largest_share(&o, n->args.n[0]);
    else {
        tr_tensor *none = (tr_eq)(o.x, ZERO), *no_norm = (tr_eq)(o.y, ZERO);
        tr_tensor *x = p < 2 ? (tr_where)(none, number(1), o.x) : o.x; /* 0 has no such power, and no derivative of it */
        tr_tensor *ratio = (tr_div)(x, (tr_where)(no_norm, number(1), o.y));
        slope = p == 2 ? ratio : (tr_mul)((tr_sgn)(ratio), (tr_pow)((tr_abs)(ratio), number(p - 1)));
        if (p != 2) given = (tr_where)(no_norm, ZERO, o.dy); /* as in PyTorch 0 also where dy is NaN */
        if (p < 2) slope = (tr_where)(p < 1 ? (tr_logical_or)(none, no_norm) : none, ZERO, slope);
    }
    autograd_give(n, 0, slope ? (tr_mul)(given, slope) : NULL);
}

static tr_tensor *norm_all(tr_tensor *const *x) { return (tr_norm)(x[0], (tr_norm_options){0}); }
static tr_tensor *norm_one(tr_tensor *const *x) { return (tr_norm)(x[0], (tr_norm_options){SOME(0), .p = 1}); }
static tr_tensor *norm_three(tr_tensor *const *x) { return (tr_norm)(x[0], (tr_norm_options){SOME(1), .p = 3, .keepdim = true}); }
static tr_tensor *norm_inf(tr_tensor *const *x) { return (tr_norm)(x[0], (tr_norm_options){SOME(1), .p = INFINITY}); }
static tr_tensor *norm_one_complex(tr_tensor *const *x) { return (tr_norm)((tr_complex)(x[0], x[1]), (tr_norm_options){SOME(0), .p = 1}); }
static tr_tensor *norm_two_complex(tr_tensor *const *x) { return (tr_norm)((tr_complex)(x[0], x[1]), (tr_norm_options){SOME(0), .p = 2}); }
static tr_tensor *norm_three_complex(tr_tensor *const *x) { return (tr_norm)((tr_complex)(x[0], x[1]), (tr_norm_options){SOME(0), .p = 3}); }
static tr_tensor *norm_inf_complex(tr_tensor *const *x) { return (tr_norm)((tr_complex)(x[0], x[1]), (tr_norm_options){SOME(0), .p = INFINITY}); }
static const autograd_case norm_cases[] = {
    {"complex numbers, p = 1", norm_one_complex, -1, 1, 2, {{2, {3, 2}}, {2, {3, 2}}}},
    {"complex numbers, p = 2", norm_two_complex, -1, 1, 2, {{2, {3, 2}}, {2, {3, 2}}}},
    {"complex numbers, p = 3", norm_three_complex, -1, 1, 2, {{2, {3, 2}}, {2, {3, 2}}}},
    {"complex numbers, the largest", norm_inf_complex, -1, 1, 2, {{2, {3, 2}}, {2, {3, 2}}}},
    {"all", norm_all, -1, 1, 1, {{2, {3, 4}}}},
    {"p = 1", norm_one, 0.1, 1, 1, {{2, {3, 4}}}},
    {"p = 3", norm_three, -1, -0.1, 1, {{2, {3, 4}}}},
    {"the largest", norm_inf, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_norm = {"norm", "LinalgVectorNormBackward0", norm_derivative, norm_cases};

static tr_tensor *norm_value(tr_tensor *x, int64_t bits, double p)
{
    TR_SCOPE;
    TR_NO_GRAD;
    int dims[TR_MAX_DIMS];
    tr_reduce_options o = over(bits, dims);
    if (p == 2) return tr_pass_up((tr_sqrt)((tr_sum)(squares_of(x), o)));
    tr_tensor *size = (tr_abs)(x);
    if (p == 1) return tr_pass_up((tr_sum)(size, o));
    if (isinf(p)) return tr_pass_up(p > 0 ? (tr_max)(size, o) : (tr_min)(size, o));
    tr_tensor *sum = (tr_sum)((tr_pow)(size, number(p)), o);
    return tr_pass_up(sum ? (tr_pow)(sum, number(1 / p)) : NULL);
}

tr_tensor *(tr_norm)(tr_tensor *x, tr_norm_options options)
{
    x = autograd_wide(x);
    if (!x) return core_null("tr_norm");
    double p = options.p != 0 ? options.p : 2;
    if (isnan(p)) return core_fail("tr_norm: of order NaN");
    int64_t bits = bits_of("tr_norm", x, &(tr_reduce_options){.dims = options.dims, .ndims = options.ndims});
    if (bits < 0) return NULL;
    return finished(shaped(norm_value(x, bits, p), bits, options.keepdim), &autograd_norm, x, bits, AUTOGRAD_A | AUTOGRAD_Y, p);
}

/* ---- logsumexp ---- */

static void logsumexp_derivative(autograd_node *n, tr_tensor *dy)
{
    operands o;
    if (bring(n, dy, true, &o)) autograd_give(n, 0, (tr_mul)(o.dy, (tr_exp)((tr_sub)(o.x, o.y))));
}
static tr_tensor *logsumexp_all(tr_tensor *const *x) { return (tr_logsumexp)(x[0], (tr_reduce_options){0}); }
static tr_tensor *logsumexp_first(tr_tensor *const *x) { return (tr_logsumexp)(x[0], (tr_reduce_options){SOME(0)}); }
static const autograd_case logsumexp_cases[] = {
    {"all", logsumexp_all, -1, 1, 1, {{2, {3, 4}}}},
    {"dim 0", logsumexp_first, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_logsumexp = {"logsumexp", "LogsumexpBackward0", logsumexp_derivative, logsumexp_cases};

static tr_tensor *logsumexp_value(tr_tensor *x, int64_t bits)
{
    TR_SCOPE;
    TR_NO_GRAD;
    int dims[TR_MAX_DIMS];
    tr_reduce_options o = over(bits, dims);
    tr_shape kept = kept_shape(x, bits);
    if (x->numel == 0) /* no largest among none: the logarithm of 0 */
        return tr_pass_up((tr_full)(kept, -INFINITY, (tr_tensor_options){.dtype = (tr_dtype)x->dtype, .device = core_device_at(x)}));
    tr_tensor *most = (tr_max)(x, o);
    if (most) most = (tr_where)((tr_isinf)(most), ZERO, most); /* infinity less infinity would be NaN */
    tr_tensor *sum = most ? (tr_sum)((tr_exp)((tr_sub)(x, most)), o) : NULL;
    return tr_pass_up(sum ? (tr_add)((tr_log)(sum), most) : NULL);
}

tr_tensor *(tr_logsumexp)(tr_tensor *x, tr_reduce_options options)
{
    x = autograd_wide(x);
    if (!x) return core_null("tr_logsumexp");
    if (autograd_no_complex("tr_logsumexp", x)) return NULL;
    if (core_dtype_category[x->dtype] < 2) x = (tr_to)(x, tr_get_default_dtype());
    if (!x) return NULL;
    int64_t bits = bits_of("tr_logsumexp", x, &options);
    if (bits < 0) return NULL;
    return finished(shaped(logsumexp_value(x, bits), bits, options.keepdim), &autograd_logsumexp, x, bits, AUTOGRAD_A | AUTOGRAD_Y, 0);
}
