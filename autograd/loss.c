/* Losses.
 *
 *     nll:  y = -sum_i x[i, t_i] / count        dx[i, t_i] = -dy / count      (nll_backward; nll is its derivative)
 *     cross_entropy = nll of log_softmax
 *     mse:  y = sum (x - t)^2 / n               dx = 2 dy (x - t) / n,  dt = -dx */
#include "autograd/autocast.h"
#include "autograd/operands.h"

static int run(int kernel, tr_tensor *out, const tr_tensor *a, const tr_tensor *b, const tr_tensor *target, const tr_shape *x, tr_reduction reduction)
{
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = out->dtype, .n = out->numel, .at = {out->data, a->data, b->data, target->data}, .number = {(double)reduction}, .size = {x->size[0], x->size[1]}};
    return autograd_run(&call, out, a, b, target);
}

static tr_tensor *nll(tr_tensor *x, tr_tensor *target, tr_reduction reduction);

/* ---- nll_backward: dx from dy; linear in dy, so that its derivative is the loss of ddx itself ---- */

static void nll_backward_derivative(autograd_node *n, tr_tensor *ddx)
{
    tr_tensor *target = autograd_in(n, 2);
    if (target) autograd_give(n, 0, nll(ddx, target, (tr_reduction)n->args.n[0]));
}
static tr_tensor *nll_backward(tr_tensor *dy, tr_tensor *count, tr_tensor *target, const tr_shape *x, tr_reduction reduction);
static tr_tensor *sample_target(const tr_tensor *x) { return (tr_from_data)((const int64_t[]){2, 0, -100, 1}, TR_INT64, (tr_shape){1, {4}}, (tr_tensor_options){.device = core_device_at(x)}); }
static tr_tensor *nll_backward_sample(tr_tensor *const *x)
{
    tr_tensor *count = (tr_full)((tr_shape){0}, 3, (tr_tensor_options){.dtype = TR_INT64, .device = core_device_at(x[0])});
    return nll_backward(x[0], count, sample_target(x[0]), &(tr_shape){2, {4, 3}},
                        TR_MEAN);
}
static const autograd_case nll_backward_cases[] = {
    {"a mean's", nll_backward_sample, -1, 1, 1, {{0}}},
    {0}};
const autograd_op autograd_nll_backward = {"nll_backward", "NllLossBackwardBackward0", nll_backward_derivative, nll_backward_cases};

static tr_tensor *nll_backward(tr_tensor *dy, tr_tensor *count, tr_tensor *target, const tr_shape *x, tr_reduction reduction)
{
    if (!dy || !count || !target) return NULL;
    tr_tensor *dense = autograd_plain_copy(dy, (tr_dtype)dy->dtype);
    tr_tensor *dx = dense ? core_tensor_new((tr_dtype)dy->dtype, core_device_at(dy), x, "tr_nll_loss") : NULL;
    if (!dx || (dx->numel && run(KERNEL_NLL_BACKWARD, dx, dense, count, target, x, reduction) < 0)) return NULL;
    return autograd_note(dx, &autograd_nll_backward, dy, count, target, AUTOGRAD_C, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {reduction}});
}

/* ---- nll ---- */

static void nll_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *count = autograd_in(n, 1), *target = autograd_in(n, 2);
    if (count && target) autograd_give(n, 0, nll_backward(dy, count, target, &n->args.shape, (tr_reduction)n->args.n[0]));
}
static tr_tensor *nll_mean(tr_tensor *const *x) { return nll(x[0], sample_target(x[0]), TR_MEAN); }
static tr_tensor *nll_sum(tr_tensor *const *x) { return nll(x[0], sample_target(x[0]), TR_SUM); }
static tr_tensor *nll_none(tr_tensor *const *x) { return nll(x[0], sample_target(x[0]), TR_NONE); }
static tr_tensor *cross_entropy_mean(tr_tensor *const *x) { return (tr_cross_entropy)(x[0], sample_target(x[0]), (tr_loss_options){.reduction = TR_MEAN}); }
static const autograd_case nll_cases[] = {
    {"mean", nll_mean, -2, 0, 1, {{2, {4, 3}}}},
    {"sum", nll_sum, -2, 0, 1, {{2, {4, 3}}}},
    {"one by one", nll_none, -2, 0, 1, {{2, {4, 3}}}},
    {"cross entropy", cross_entropy_mean, -2, 2, 1, {{2, {4, 3}}}},
    {0},
};
const autograd_op autograd_nll = {"nll_loss", "NllLossBackward0", nll_derivative, nll_cases};

static tr_tensor *nll(tr_tensor *x, tr_tensor *target, tr_reduction reduction)
{
    if (!x || !target) return core_null("tr_nll_loss");
    tr_shape shape = {reduction == TR_NONE, {x->shape.size[0]}};
    tr_tensor *dense = autograd_plain_copy(x, (tr_dtype)x->dtype);
    tr_tensor *dense_target = dense ? autograd_plain_copy(target, TR_INT64) : NULL;
    tr_tensor *y = dense_target ? core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &shape, "tr_nll_loss") : NULL;
    tr_tensor *count = y ? core_tensor_new(TR_INT64, core_device_at(x), &(tr_shape){0}, "tr_nll_loss") : NULL;
    if (!count || run(KERNEL_NLL, y, count, dense, dense_target, &x->shape, reduction) < 0) return NULL;
    return autograd_note(y, &autograd_nll, x, count, dense_target, AUTOGRAD_B | AUTOGRAD_C, &(autograd_args){.shape = x->shape, .shape_b.ndim = -1, .n = {reduction}});
}

static bool classes_ok(const char *function, const tr_tensor *x, const tr_tensor *target, const tr_loss_options *options)
{
    bool fits = x->shape.ndim == 2 && target->shape.ndim == 1 && x->shape.size[0] == target->shape.size[0];
    if (!fits || target->dtype != TR_INT64 || core_dtype_category[x->dtype] != 2)
        core_fail("%s: %s with targets %s: wanted (B, C) of a floating type and (B,) int64", function, core_show(x), core_show(target));
    else if (options->reduction < TR_MEAN || options->reduction > TR_NONE)
        core_fail("%s: there is no reduction %d", function, (int)options->reduction);
    else
        return autograd_one_device(function, x, target);
    return false;
}

tr_tensor *(tr_nll_loss)(tr_tensor *x, tr_tensor *target, tr_loss_options options)
{
    x = autograd_wide(x);
    if (!x || !target) return core_null("tr_nll_loss");
    return classes_ok("tr_nll_loss", x, target, &options) ? nll(x, target, options.reduction) : NULL;
}

tr_tensor *(tr_cross_entropy)(tr_tensor *logits, tr_tensor *target, tr_loss_options options)
{
    if (!logits || !target) return core_null("tr_cross_entropy");
    CORE_TOLD_AS("tr_cross_entropy");
    return classes_ok("tr_cross_entropy", logits, target, &options) ? nll((tr_log_softmax)(logits, -1), target, options.reduction) : NULL;
}

/* ---- mse ---- */

/* t times scale, over t where that may be: t is fresh, and nobody else's. */
static tr_tensor *scaled(tr_tensor *t, tr_tensor *scale)
{
    if (!t || !scale || !autograd_plain() || core_here()->recording) return (tr_mul)(t, scale);
    return autograd_flat(KERNEL_MUL, (tr_dtype)t->dtype, t, t, scale, NULL) == 0 ? t : NULL;
}

static void mse_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *x = autograd_in(n, 0), *target = autograd_in(n, 1);
    if (!x || !target) return;
    tr_tensor *dx = scaled((tr_sub)(x, target), (tr_mul)(dy, tr_number_(n->args.x[0], TR_FLOAT32))); /* dy is mostly one element */
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_sum_to(dx, &n->args.shape));
    if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_sum_to((tr_neg)(dx), &n->args.shape_b));
}
static tr_tensor *mse_mean(tr_tensor *const *x) { return (tr_mse_loss)(x[0], x[1], (tr_loss_options){.reduction = TR_MEAN}); }
static tr_tensor *mse_sum(tr_tensor *const *x) { return (tr_mse_loss)(x[0], x[1], (tr_loss_options){.reduction = TR_SUM}); }
static tr_tensor *mse_none(tr_tensor *const *x) { return (tr_mse_loss)(x[0], x[1], (tr_loss_options){.reduction = TR_NONE}); }
static const autograd_case mse_cases[] = {
    {"mean", mse_mean, -1, 1, 2, {{2, {3, 4}}, {2, {3, 4}}}},
    {"sum, of a column and a row", mse_sum, -1, 1, 2, {{2, {3, 1}}, {1, {4}}}},
    {"one by one", mse_none, -1, 1, 2, {{2, {3, 4}}, {1, {4}}}},
    {0},
};
const autograd_op autograd_mse = {"mse_loss", "MseLossBackward0", mse_derivative, mse_cases};

static tr_tensor *mse(tr_tensor *x, tr_tensor *target, tr_reduction reduction)
{
    tr_tensor *squares = (tr_square)((tr_sub)(x, target));
    if (reduction == TR_NONE) return squares;
    return reduction == TR_MEAN ? (tr_mean)(squares, (tr_reduce_options){0}) : (tr_sum)(squares, (tr_reduce_options){0});
}

tr_tensor *(tr_mse_loss)(tr_tensor *x, tr_tensor *target, tr_loss_options options)
{
    x = autograd_wide(x);
    target = autograd_wide(target);
    if (!x || !target) return core_null("tr_mse_loss");
    if (options.reduction < TR_MEAN || options.reduction > TR_NONE) return core_fail("tr_mse_loss: there is no reduction %d", (int)options.reduction);
    bool numbers = (x->flags | target->flags) & CORE_NUMBER;
    tr_dtype type = numbers ? core_result_type(x, target) : tr_promote_types((tr_dtype)x->dtype, (tr_dtype)target->dtype); /* a scalar is stretched first, and counts */
    if (autograd_no_complex("tr_mse_loss", x) || autograd_no_complex("tr_mse_loss", target)) return NULL;
    if (core_dtype_category[type] != 2) return core_fail("tr_mse_loss: %s and %s are not of a floating type", core_show(x), core_show(target));
    tr_shape shape;
    bool alike = autograd_plainly(x, target) && !numbers;
    if (!alike && !autograd_meet("tr_mse_loss", &x, &target, type, &shape)) return NULL;
    bool before = tr_set_grad_enabled(false);
    tr_tensor *y = mse(x, target, options.reduction);
    tr_set_grad_enabled(before);
    double slope = options.reduction == TR_MEAN ? 2 / (double)(alike ? x->numel : tr_shape_numel(shape)) : 2;
    if (!y || !autograd_on(x, target, NULL)) return y;
    y = (alike ? autograd_note_pair : autograd_note_stretched)(y, &autograd_mse, x, target, AUTOGRAD_A | AUTOGRAD_B);
    autograd_args *args = autograd_args_of(y);
    if (args) args->x[0] = slope;
    return y;
}
