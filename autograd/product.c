#include <trireme/autocast.h>
#include "autograd/product.h"
#include "autograd/operands.h"

static int64_t size_of(autograd_operand x, int dim) { return x.t->shape.size[x.t->shape.ndim - 2 + (dim != x.turned)]; }

static inline __attribute__((always_inline)) void place(kernel_call *call, int view, autograd_operand x)
{
    const int64_t *stride = x.t->stride + x.t->shape.ndim - 2;
    call->at[view] = x.t->data;
    call->stride[view][0] = x.t->shape.ndim == 3 ? x.t->stride[0] : 0;
    call->stride[view][1] = stride[x.turned];
    call->stride[view][2] = stride[!x.turned];
}

static inline uint32_t precision_of(const tr_tensor *c)
{
    return core_here()->precision == TR_PRECISION_HIGH && c->dtype == TR_FLOAT32 ? KERNEL_GEMM_TF32 : 0;
}

static inline __attribute__((always_inline)) int run(tr_tensor *c, const tr_tensor *a, const tr_tensor *b, const tr_tensor *bias, kernel_call *call, int64_t batch, int64_t m, int64_t n, int64_t k)
{
    if (c->numel == 0) return 0;
    call->kernel = bias ? KERNEL_GEMM_BIAS : KERNEL_GEMM;
    call->at[3] = bias ? bias->data : NULL;
    call->type = call->from = c->dtype;
    call->flags = precision_of(c);
    call->n = c->numel;
    call->number[0] = 1;
    call->number[1] = 0;
    call->size[0] = batch;
    call->size[1] = m;
    call->size[2] = n;
    call->size[3] = k;
    return autograd_run(call, c, a, b, bias);
}

void autograd_product_place(kernel_call *call, int view, autograd_operand x) { place(call, view, x); }
int autograd_product_run(tr_tensor *c, const tr_tensor *a, const tr_tensor *b, const tr_tensor *bias, kernel_call *call, int64_t batch, int64_t m, int64_t n, int64_t k)
{
    return run(c, a, b, bias, call, batch, m, n, k);
}

/* Two matrices of the CPU, by a thread that is not recording; c is row-major. */
static inline __attribute__((always_inline)) int run_here(tr_tensor *c, autograd_operand a, autograd_operand b)
{
    kernel_call call;
    call.kernel = KERNEL_GEMM;
    call.type = call.from = c->dtype;
    call.flags = precision_of(c);
    call.n = c->numel;
    call.number[0] = 1;
    call.number[1] = 0;
    call.size[0] = 1;
    call.size[1] = c->shape.size[0];
    call.size[2] = c->shape.size[1];
    call.size[3] = a.t->shape.size[!a.turned];
    call.at[0] = c->data;
    call.at[1] = a.t->data;
    call.at[2] = b.t->data;
    call.stride[0][0] = call.stride[1][0] = call.stride[2][0] = 0;
    call.stride[0][1] = c->stride[0];
    call.stride[0][2] = 1;
    call.stride[1][1] = a.t->stride[a.turned];
    call.stride[1][2] = a.t->stride[!a.turned];
    call.stride[2][1] = b.t->stride[b.turned];
    call.stride[2][2] = b.t->stride[!b.turned];
    return kernel_run_here(KERNEL_GEMM, (tr_dtype)c->dtype, &call);
}

static __attribute__((noinline)) int product_any(tr_tensor *c, autograd_operand a, autograd_operand b, const tr_tensor *bias)
{
    kernel_call call;
    autograd_operand result = {c, false};
    place(&call, 0, result);
    place(&call, 1, a);
    place(&call, 2, b);
    return run(c, a.t, b.t, bias, &call, c->shape.ndim == 3 ? c->shape.size[0] : 1, size_of(result, 0), size_of(result, 1), size_of(a, 1));
}

int autograd_product(tr_tensor *c, autograd_operand a, autograd_operand b, const tr_tensor *bias)
{
    bool usual = c->size_class != CORE_UNLIKE && c->shape.ndim == 2 && !bias && !core_here()->recording;
    return usual ? run_here(c, a, b) : product_any(c, a, b, bias);
}

tr_tensor *autograd_product_for(const autograd_node *n, int input, autograd_operand a, autograd_operand b)
{
    if (!a.t || !b.t) return NULL;
    tr_tensor *c = autograd_place_of(n, input);
    const int batch = a.t->shape.ndim == 3;
    if (!c && !batch && !(c = core_tensor_matrix(a.t, size_of(a, 0), size_of(b, 1), "backward"))) return NULL;
    if (c) return autograd_product(c, a, b, NULL) == 0 ? c : NULL;
    tr_shape shape = {2 + batch, {a.t->shape.size[0]}};
    shape.size[batch] = size_of(a, 0);
    shape.size[batch + 1] = size_of(b, 1);
    c = core_tensor_new((tr_dtype)a.t->dtype, core_device_at(a.t), &shape, "backward");
    return c && autograd_product(c, a, b, NULL) == 0 ? c : NULL;
}

bool autograd_products_disagree(const char *function, const tr_tensor *a, const tr_tensor *b)
{
    if (autograd_one_device(function, a, b)) core_fail("%s: %s @ %s: the types differ; convert one with tr_to", function, core_show(a), core_show(b));
    return true;
}
