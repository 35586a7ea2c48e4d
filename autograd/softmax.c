/* Softmax and its logarithm.
 *
 *     y_i = exp(x_i - max x) / sum_j exp(x_j - max x)      dx = y (dy - sum_j dy_j y_j)
 *     z_i = x_i - log sum_j exp x_j                        dx = dz - exp(z) sum_j dz_j */
#include "autograd/autocast.h"
#include "autograd/operands.h"

/* Any dim of row-major memory: {outer, n, inner}. */
static int run(int kernel, tr_tensor *out, const tr_tensor *a, const tr_tensor *b, int dim)
{
    kernel_call call = {
        .kernel = (uint16_t)kernel, .type = out->dtype, .n = out->numel, .at = {out->data, a->data, b ? b->data : NULL}, .size = {1, 1, 1}};
    for (int d = 0; d < out->shape.ndim; d++) call.size[d < dim ? 0 : d == dim ? 1
                                                                               : 2] *= out->shape.size[d];
    return out->numel ? autograd_run(&call, out, a, b, NULL) : 0;
}

static tr_tensor *sum_along(tr_tensor *t, int dim) { return (tr_sum)(t, (tr_reduce_options){.dims = &dim, .ndims = 1, .keepdim = true}); }

static tr_tensor *fused(int kernel, tr_tensor *dy, tr_tensor *y, int dim)
{
    tr_tensor *dense = autograd_plain_copy(dy, (tr_dtype)dy->dtype);
    tr_tensor *dx = dense ? core_tensor_new((tr_dtype)y->dtype, core_device_at(y), &y->shape, "softmax") : NULL;
    return dx && run(kernel, dx, dense, y, dim) == 0 ? dx : NULL;
}

static void softmax_derivative(autograd_node *n, tr_tensor *dy)
{
    int dim = (int)n->args.n[0];
    tr_tensor *y = autograd_out(n);
    if (!y) return;
    autograd_give(n, 0, autograd_plain() ? fused(KERNEL_SOFTMAX_BACKWARD, dy, y, dim) : (tr_mul)(y, (tr_sub)(dy, sum_along((tr_mul)(dy, y), dim))));
}

static void log_softmax_derivative(autograd_node *n, tr_tensor *dz)
{
    int dim = (int)n->args.n[0];
    tr_tensor *z = autograd_out(n);
    if (!z) return;
    autograd_give(n, 0, autograd_plain() ? fused(KERNEL_LOG_SOFTMAX_BACKWARD, dz, z, dim) : (tr_sub)(dz, (tr_mul)((tr_exp)(z), sum_along(dz, dim))));
}

static tr_tensor *softmax_last(tr_tensor *const *x) { return (tr_softmax)(x[0], -1); }
static tr_tensor *softmax_middle(tr_tensor *const *x) { return (tr_softmax)(x[0], 1); }
static tr_tensor *log_softmax_last(tr_tensor *const *x) { return (tr_log_softmax)(x[0], -1); }
static tr_tensor *log_softmax_first(tr_tensor *const *x) { return (tr_log_softmax)(x[0], 0); }
static const autograd_case softmax_cases[] = {
    {"last dim", softmax_last, -2, 2, 1, {{2, {3, 5}}}},
    {"middle dim", softmax_middle, -2, 2, 1, {{3, {2, 4, 3}}}},
    {0}};
static const autograd_case log_softmax_cases[] = {
    {"last dim", log_softmax_last, -2, 2, 1, {{2, {3, 5}}}},
    {"first dim", log_softmax_first, -2, 2, 1, {{2, {4, 3}}}},
    {0}};
const autograd_op autograd_softmax = {"softmax", "SoftmaxBackward0", softmax_derivative, softmax_cases};
const autograd_op autograd_log_softmax = {"log_softmax", "LogSoftmaxBackward0", log_softmax_derivative, log_softmax_cases};

static tr_tensor *apply(const char *function, int kernel, const autograd_op *op, tr_tensor *x, int dim)
{
    x = autograd_wide(x);
    if (!x) return core_null(function);
    int d = autograd_dim(function, x, dim);
    if (d < 0) return NULL;
    if (autograd_no_complex(function, x)) return NULL;
    if (core_dtype_category[x->dtype] != 2 && x->numel) return core_fail("%s: %s is not of a floating type", function, core_show(x));
    tr_tensor *dense = autograd_plain_copy(x, (tr_dtype)x->dtype);
    tr_tensor *y = dense ? core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &x->shape, function) : NULL;
    if (!y || run(kernel, y, dense, NULL, d) < 0) return NULL;
    return autograd_note(y, op, x, NULL, NULL, AUTOGRAD_Y, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {d}});
}

tr_tensor *(tr_softmax)(tr_tensor *x, int dim) { return apply("tr_softmax", KERNEL_SOFTMAX, &autograd_softmax, x, dim); }
tr_tensor *(tr_log_softmax)(tr_tensor *x, int dim) { return apply("tr_log_softmax", KERNEL_LOG_SOFTMAX, &autograd_log_softmax, x, dim); }
