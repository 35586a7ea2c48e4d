/* Values held within bounds, and the leaky relu.
 *
 *     clamp: y = min(max(x, low), high), NaN stays      dx = dy where low <= x <= high, edges included
 *                                                       dlow = dy where x < low, dhigh = dy where x > high
 *     leaky_relu: y = x > 0 ? x : slope x               dx = x > 0 ? dy : slope dy = bent(dy)
 *     bent: its derivative by x is 0, and given          ddy = bent(ddx) */
#include "autograd/operands.h"

#define ZERO tr_number_(0, TR_INT64)

static void clamp_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *x = autograd_in(n, 0), *low = n->args.n[0] ? autograd_in(n, 1) : NULL, *high = n->args.n[1] ? autograd_in(n, 2) : NULL;
    if (!x || (n->args.n[0] && !low) || (n->args.n[1] && !high)) return;
    tr_tensor *inside = dy, *below = NULL, *above = NULL;
    if (low) inside = (tr_where)((tr_ge)(x, low), inside, ZERO), below = (tr_where)((tr_lt)(x, low), dy, ZERO);
    if (high) inside = (tr_where)((tr_le)(x, high), inside, ZERO), above = (tr_where)((tr_gt)(x, high), dy, ZERO);
    if (below && high) below = (tr_where)((tr_lt)(low, high), below, ZERO); /* where bounds cross, the upper one holds */
    if (above && low) above = (tr_where)((tr_logical_or)((tr_gt)(x, high), (tr_lt)(high, low)), dy, ZERO);
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_sum_to(inside, &n->args.shape));
    if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_sum_to(below, &low->shape));
    if (autograd_wants(n, 2)) autograd_give(n, 2, autograd_sum_to(above, &high->shape));
}

static tr_tensor *clamp_sample(tr_tensor *const *x) { return (tr_clamp)(x[0], tr_number_(-0.5, TR_FLOAT32), tr_number_(0.5, TR_FLOAT32)); }
static tr_tensor *clamp_sample_max(tr_tensor *const *x) { return (tr_clamp_max)(x[0], tr_number_(0.5, TR_FLOAT32)); }
static tr_tensor *clamp_sample_tensors(tr_tensor *const *x) { return (tr_clamp)(x[0], x[1], x[2]); }
static const autograd_case clamp_cases[] = {
    {"both sides", clamp_sample, -1, 1, 1, {{2, {3, 4}}}},
    {"above", clamp_sample_max, -1, 1, 1, {{2, {3, 4}}}},
    {"by tensors", clamp_sample_tensors, -1, 1, 3, {{2, {3, 4}}, {1, {4}}, {2, {3, 1}}}},
    {0}};
const autograd_op autograd_clamp = {"clamp", "ClampBackward1", clamp_derivative, clamp_cases};

static tr_tensor *bounded(int kernel, tr_dtype type, tr_tensor *x, tr_tensor **bound)
{
    tr_shape shape;
    if (!autograd_meet("tr_clamp", &x, bound, type, &shape)) return NULL;
    tr_tensor *in[2] = {x, *bound}, *y = core_tensor_new(type, core_device_at(x), &shape, "tr_clamp");
    return y && autograd_pointwise(kernel, type, y, in, 2, 0) == 0 ? y : NULL;
}

static tr_tensor *clamp(const char *function, tr_tensor *x, tr_tensor *low, tr_tensor *high)
{
    if (!x || (!low && !high)) return core_null(function);
    CORE_TOLD_AS(function);
    tr_dtype type = core_result_type_of((const tr_tensor *const[]){x, low, high}, 3);
    if (autograd_no_complex(function, x) || (low && autograd_no_complex(function, low)) || (high && autograd_no_complex(function, high))) return NULL;
    if (x->dtype != type && !(x = (tr_to)(x, type))) return NULL;
    bool numbers = (!low || low->flags & CORE_NUMBER) && (!high || high->flags & CORE_NUMBER);
    tr_tensor *y = x;
    if (low && !(y = bounded(KERNEL_MAXIMUM, type, y, &low))) return NULL;
    if (high && !(y = bounded(KERNEL_MINIMUM, type, y, &high))) return NULL;
    unsigned saves = AUTOGRAD_A | (low ? AUTOGRAD_B : 0u) | (high ? AUTOGRAD_C : 0u);
    y = autograd_note(y, &autograd_clamp, x, low, high, saves, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1, .n = {low != NULL, high != NULL}});
    return numbers ? y : autograd_named(y, "ClampBackward0");
}

tr_tensor *(tr_clamp)(tr_tensor *x, tr_tensor *low, tr_tensor *high)
{
    if ((!low || !high) && tr_error_stands()) return NULL; /* a bound that could not be made is not an absent one */
    return clamp("tr_clamp", x, low, high);
}
tr_tensor *(tr_clamp_min)(tr_tensor *x, tr_tensor *low)
{
    return low ? autograd_named(clamp("tr_clamp_min", x, low, NULL), "ClampMinBackward0") : core_null("tr_clamp_min");
}
tr_tensor *(tr_clamp_max)(tr_tensor *x, tr_tensor *high)
{
    return high ? autograd_named(clamp("tr_clamp_max", x, NULL, high), "ClampMaxBackward0") : core_null("tr_clamp_max");
}

/* ---- leaky_relu, and what it and relu make of a gradient ---- */

static tr_tensor *leak(tr_tensor *straight, tr_tensor *t, const double *slope)
{
    TR_SCOPE;
    TR_NO_GRAD;
    return tr_pass_up((tr_where)(straight, t, slope ? (tr_mul)(t, tr_number_(*slope, TR_FLOAT32)) : ZERO));
}

static void bent_derivative(autograd_node *n, tr_tensor *ddx)
{
    tr_tensor *straight = autograd_in(n, 2);
    if (!straight) return;
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_bent(straight, ddx, n->args.n[0] ? n->args.x : NULL, NULL));
    if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_zeros(ddx, &ddx->shape));
}
static tr_tensor *positive(tr_tensor *x) { return (tr_gt)((tr_detach)(x), ZERO); }
static tr_tensor *bent_sample(tr_tensor *const *x) { return autograd_bent(positive(x[1]), x[0], &(double){0.1}, x[1]); }
static tr_tensor *bent_sample_flat(tr_tensor *const *x) { return autograd_bent(positive(x[1]), x[0], NULL, x[1]); }
static const autograd_case bent_cases[] = {
    {"negative", bent_sample, -2, -0.1, 2, {{1, {5}}, {1, {5}}}},
    {"flat", bent_sample_flat, -2, -0.1, 2, {{1, {5}}, {1, {5}}}},
    {"positive", bent_sample, 0.1, 2, 2, {{1, {5}}, {1, {5}}}},
    {0}};
const autograd_op autograd_bent_op = {"bent", "LeakyReluBackwardBackward0", bent_derivative, bent_cases};

tr_tensor *autograd_bent(tr_tensor *straight, tr_tensor *dy, const double *slope, tr_tensor *x)
{
    tr_tensor *dx = straight ? leak(straight, dy, slope) : NULL;
    return autograd_note(dx, &autograd_bent_op, dy, x, straight, AUTOGRAD_C, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {slope != NULL}, .x = {slope ? *slope : 0}});
}

static void leaky_relu_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *x = autograd_in(n, 0);
    if (x) autograd_give(n, 0, autograd_bent((tr_gt)(x, ZERO), dy, n->args.x, x));
}
static tr_tensor *leaky_relu_sample(tr_tensor *const *x) { return (tr_leaky_relu)(x[0], 0.01); }
static const autograd_case leaky_relu_cases[] = {
    {"negative", leaky_relu_sample, -2, -0.1, 1, {{1, {5}}}},
    {"positive", leaky_relu_sample, 0.1, 2, 1, {{1, {5}}}},
    {0}};
const autograd_op autograd_leaky_relu = {"leaky_relu", "LeakyReluBackward0", leaky_relu_derivative, leaky_relu_cases};

tr_tensor *(tr_leaky_relu)(tr_tensor *x, double slope)
{
    if (!x) return core_null("tr_leaky_relu");
    if (autograd_no_complex("tr_leaky_relu", x)) return NULL;
    if (core_dtype_category[x->dtype] != 2) return core_fail("tr_leaky_relu: %s is not of a floating type", core_show(x));
    return autograd_note(leak((tr_gt)(x, ZERO), x, &slope), &autograd_leaky_relu, x, NULL, NULL, AUTOGRAD_A, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .x = {slope}});
}
