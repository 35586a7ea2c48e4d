/* Linear layers.
 *
 *     y = x w' + bias    dx = dy w       dw = dy' x      dbias = sum dy over rows */
#include "autograd/autocast.h"
#include "autograd/operands.h"
#include "autograd/product.h"

/* dy, or dy turned, times the conjugate of x: what a linear layer's derivative wants. */
static tr_tensor *times(const autograd_node *n, int input, tr_tensor *dy, bool turned, tr_tensor *x)
{
    if (autograd_products_plain(dy)) return autograd_product_for(n, input, (autograd_operand){dy, turned}, (autograd_operand){x, false});
    return x ? (tr_matmul)(turned ? (tr_t)(dy) : dy, (tr_conj)(x)) : NULL;
}

static void linear_derivative(autograd_node *n, tr_tensor *dy)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, times(n, 0, dy, false, autograd_in(n, 1)));
    if (autograd_wants(n, 1)) autograd_give(n, 1, times(n, 1, dy, true, autograd_in(n, 0)));
    if (autograd_wants(n, 2)) autograd_give(n, 2, (tr_sum)(dy, (tr_reduce_options){.dims = (const int[]){0}, .ndims = 1}));
}
static tr_tensor *linear_sample(tr_tensor *const *x) { return (tr_linear)(x[0], x[1], x[2]); }
static tr_tensor *linear_sample_plain(tr_tensor *const *x) { return (tr_linear)(x[0], x[1], NULL); }
static const autograd_case linear_cases[] = {
    {"4 of 3 to 2", linear_sample, -1, 1, 3, {{2, {4, 3}}, {2, {2, 3}}, {1, {2}}}},
    {"three dims", linear_sample, -1, 1, 3, {{3, {2, 4, 3}}, {2, {2, 3}}, {1, {2}}}},
    {"no bias", linear_sample_plain, -1, 1, 2, {{2, {4, 3}}, {2, {2, 3}}}},
    {0},
};
const autograd_op autograd_linear = {"linear", "AddmmBackward0", linear_derivative, linear_cases};
const autograd_op autograd_linear_plain = {"linear", "MmBackward0", linear_derivative, linear_cases};

/* y (B, out) += bias */
static int add_bias(tr_tensor *y, tr_tensor *bias)
{
    const int64_t rows = y->shape.size[0], columns = y->shape.size[1];
    tr_tensor *both[2] = {y, bias};
    bool usual = y->size_class != CORE_UNLIKE && (columns == 1 || (bias->stride[0] == 1 && rows > 1)) && !core_here()->recording;
    if (!usual) return autograd_pointwise(KERNEL_ADD, (tr_dtype)y->dtype, y, both, 2, 0);
    kernel_call call;
    autograd_begin_flat_(&call, KERNEL_ADD, (tr_dtype)y->dtype, y);
    call.at[1] = y->data;
    call.at[2] = bias->data;
    if (columns == 1) {
        call.ones = rows > 1 ? 1u << 2 : 0;
    } else {
        call.form = KERNEL_STRIDED;
        call.ndim = 2;
        call.size[0] = rows;
        call.size[1] = columns;
        call.stride[0][0] = call.stride[1][0] = columns;
        call.stride[2][0] = 0;
        call.stride[0][1] = call.stride[1][1] = call.stride[2][1] = 1;
    }
    return kernel_run_here(KERNEL_ADD, (tr_dtype)y->dtype, &call);
}

/* x (B, in), weight (out, in), bias (out) or NULL */
static tr_tensor *linear(tr_tensor *x, tr_tensor *weight, tr_tensor *bias)
{
    tr_tensor *y = core_tensor_matrix(x, x->shape.size[0], weight->shape.size[0], "tr_linear");
    const bool passing = bias && bias->stride[0] == 1 && kernel_serves(core_device_at(x), KERNEL_GEMM_BIAS, (tr_dtype)x->dtype);
    if (!y || autograd_product(y, (autograd_operand){x, false}, (autograd_operand){weight, true}, passing ? bias : NULL) < 0) return NULL;
    if (bias && !passing && add_bias(y, bias) < 0) return NULL;
    unsigned saves = AUTOGRAD_CONJUGATES | (autograd_tracked(x) ? AUTOGRAD_B : 0u) | (autograd_tracked(weight) ? AUTOGRAD_A : 0u);
    return autograd_note(y, bias ? &autograd_linear : &autograd_linear_plain, x, weight, bias, saves, NULL);
}

tr_tensor *(tr_linear)(tr_tensor *x, tr_tensor *weight, tr_tensor *bias)
{
    if (!x || !weight) return core_null("tr_linear");
    x = autograd_narrow(x);
    weight = autograd_narrow(weight);
    if (!x || !weight || (bias && !(bias = autograd_narrow(bias)))) return NULL;
    int ndim = x->shape.ndim;
    if (weight->shape.ndim != 2) return core_fail("tr_linear: the weight must be (out, in), not %s", core_show(weight));
    int64_t out = weight->shape.size[0], in = weight->shape.size[1];
    if (ndim < 1 || x->shape.size[ndim - 1] != in) return core_fail("tr_linear: %s into %s: the input's last size must be %lld", core_show(x), core_show(weight), (long long)in);
    if (bias && (bias->shape.ndim != 1 || bias->shape.size[0] != out)) return core_fail("tr_linear: the bias must be (%lld,), not %s", (long long)out, core_show(bias));
    if (!autograd_products_agree("tr_linear", x, weight) || (bias && !autograd_products_agree("tr_linear", x, bias))) return NULL;
    if (ndim == 2) return linear(x, weight, bias);
    tr_shape shape = x->shape;
    shape.size[ndim - 1] = out;
    int64_t count = 1; /* not numel / in: in may be 0 */
    for (int d = 0; d < ndim - 1; d++) count *= x->shape.size[d];
    tr_tensor *rows = (tr_reshape)(x, (tr_shape){
                                          2, {count, in}});
    tr_tensor *y = rows ? linear(rows, weight, bias) : NULL;
    return y ? (tr_view)(y, shape) : NULL;
}
