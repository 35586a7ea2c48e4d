/* From tensors to the waist: views flattened or collapsed, the form chosen. */
#include "autograd/autograd.h"

#include <string.h>

int autograd_collapse(int ndim, int64_t *size, int64_t (*stride)[TR_MAX_DIMS], int views)
{
    int kept = 0;
    for (int d = 0; d < ndim; d++) {
        if (size[d] == 1) continue;
        bool joins = kept > 0;
        for (int v = 0; joins && v < views; v++) joins = stride[v][kept - 1] == stride[v][d] * size[d];
        int at = joins ? kept - 1 : kept++;
        size[at] = joins ? size[at] * size[d] : size[d];
        for (int v = 0; v < views; v++) stride[v][at] = stride[v][d];
    }
    return kept;
}

/* Strides of t when walked over `shape`: 0 where t is stretched. */
static void broadcast_strides(const tr_tensor *t, const tr_shape *shape, int64_t *stride)
{
    int ahead = shape->ndim - t->shape.ndim;
    for (int d = 0; d < shape->ndim; d++)
        stride[d] = d < ahead || t->shape.size[d - ahead] == 1 ? 0 : t->stride[d - ahead];
}

int autograd_pointwise(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *const *in, int inputs, double number)
{
    kernel_call call;
    call.kernel = (uint16_t)kernel;
    call.type = call.from = (uint8_t)type;
    call.ones = 0;
    call.flags = 0;
    call.n = out->numel;
    call.number[0] = number;
    call.at[0] = out->data;
    bool flat = core_row_major_tensor(out);
    const tr_tensor *view[KERNEL_VIEWS] = {out};
    for (int i = 0; i < inputs; i++) {
        view[i + 1] = in[i];
        call.at[i + 1] = in[i] ? in[i]->data : NULL;
        if (!in[i]) continue;
        call.from = in[i]->dtype; /* what KERNEL_COPY reads */
        if (in[i]->numel == 1 && out->numel != 1)
            call.ones |= (uint8_t)(2u << i);
        else
            flat = flat && core_row_major_tensor(in[i]) && in[i]->numel == out->numel;
    }
    if (call.n == 0) return 0;
    call.form = flat ? KERNEL_FLAT : KERNEL_STRIDED;
    if (!flat) {
        memcpy(call.size, out->shape.size, sizeof call.size);
        for (int v = 0; v <= inputs; v++) {
            if (view[v])
                broadcast_strides(view[v], &out->shape, call.stride[v]);
            else
                memset(call.stride[v], 0, sizeof call.stride[v]);
        }
        call.ndim = (uint8_t)autograd_collapse(out->shape.ndim, call.size, call.stride, inputs + 1);
    }
    return kernel_run(core_device_at(out), &call);
}

tr_tensor *autograd_plain_copy(tr_tensor *t, tr_dtype type)
{
    if (core_row_major_tensor(t) && t->dtype == type) return t;
    tr_tensor *copy = core_tensor_like(t, type, "copy");
    if (!copy || autograd_pointwise(KERNEL_COPY, type, copy, &t, 1, 0) < 0) return NULL;
    return copy;
}
