/* From tensors to the waist: views flattened or collapsed, the form chosen. */
#include "autograd/autograd.h"
#include "autograd/operands.h"

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

void autograd_around(const tr_shape *shape, int dim, int64_t size[3])
{
    size[0] = size[2] = 1;
    for (int d = 0; d < dim; d++) size[0] *= shape->size[d];
    size[1] = shape->ndim ? shape->size[dim] : 1;
    for (int d = dim + 1; d < shape->ndim; d++) size[2] *= shape->size[d];
}

/* Strides of t when walked over `shape`: 0 where t is stretched. */
static void broadcast_strides(const tr_tensor *t, const tr_shape *shape, int64_t *stride)
{
    int ahead = shape->ndim - t->shape.ndim;
    for (int d = 0; d < shape->ndim; d++)
        stride[d] = d < ahead || t->shape.size[d - ahead] == 1 ? 0 : t->stride[d - ahead];
}

static __attribute__((noinline)) void say_strides(kernel_call *call, const tr_tensor *out, tr_tensor *const *in, int inputs)
{
    core_copy_sizes(out->shape.ndim, call->size, out->shape.size);
    for (int v = 0; v <= inputs; v++) {
        const tr_tensor *t = v ? in[v - 1] : out;
        if (t)
            broadcast_strides(t, &out->shape, call->stride[v]);
        else
            memset(call->stride[v], 0, sizeof call->stride[v]);
    }
    call->ndim = (uint8_t)autograd_collapse(out->shape.ndim, call->size, call->stride, inputs + 1);
}

/* The inputs with numbers as tensors of out's device, whose kernels do not read the host's memory. */
static tr_tensor *const *numbers_there(tr_dtype type, const tr_tensor *out, tr_tensor *const *in, int inputs, tr_tensor **there)
{
    for (int i = 0; i < inputs; i++) {
        there[i] = in[i];
        if (in[i] && in[i]->flags & CORE_NUMBER && !(there[i] = autograd_number_as(in[i], type, core_device_at(out)))) return NULL;
    }
    return there;
}

int autograd_pointwise(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *const *in, int inputs, double number)
{
    if (out->numel == 0) return 0;
    tr_tensor *there[KERNEL_VIEWS];
    if (out->device && kernel != KERNEL_COPY && !(in = numbers_there(type, out, in, inputs, there))) return -1;
    kernel_call call;
    call.kernel = (uint16_t)kernel;
    call.type = call.from = (uint8_t)type;
    call.ones = 0;
    call.flags = 0;
    call.n = out->numel;
    call.number[0] = number;
    call.at[0] = out->data;
    unsigned flat = out->flags;
    for (int i = 0; i < inputs; i++) {
        tr_tensor *t = in[i];
        call.at[i + 1] = t ? t->data : NULL;
        if (!t) continue;
        call.from = t->dtype; /* what KERNEL_COPY reads */
        if (t->flags & CORE_NUMBER && kernel != KERNEL_COPY) call.at[i + 1] = autograd_number_at(t, type);
        if (out->numel != 1 && (t->numel == 1 || t->flags & CORE_UNIFORM))
            call.ones |= (uint8_t)(2u << i);
        else
            flat &= t->numel == out->numel ? t->flags : 0u;
    }
    call.form = flat & CORE_ROW_MAJOR ? KERNEL_FLAT : KERNEL_STRIDED;
    if (call.form == KERNEL_STRIDED) say_strides(&call, out, in, inputs);
    return autograd_run(&call, out, inputs > 0 ? in[0] : NULL, inputs > 1 ? in[1] : NULL, inputs > 2 ? in[2] : NULL);
}

/* An operand of out's shape, or of one element, as a view of a flat call; false if it does not lie so. */
static inline bool lies_flat(kernel_call *call, int view, tr_tensor *t, const tr_tensor *out)
{
    call->at[view] = t ? t->data : NULL;
    if (!t) return true;
    if (t->flags & CORE_NUMBER) {
        if (out->device) return false;
        call->at[view] = autograd_number_at(t, (tr_dtype)call->type);
    }
    if (call->n == 1 || (t->numel != 1 && !(t->flags & CORE_UNIFORM))) return t->flags & CORE_ROW_MAJOR;
    call->ones |= (uint8_t)(1u << view);
    return true;
}

int autograd_flat(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *a, tr_tensor *b, tr_tensor *c)
{
    kernel_call call;
    autograd_begin_flat_(&call, kernel, type, out);
    call.number[0] = 0;
    bool flat = out->flags & CORE_ROW_MAJOR && out->numel && lies_flat(&call, 1, a, out) && lies_flat(&call, 2, b, out) && lies_flat(&call, 3, c, out);
    return flat ? autograd_run(&call, out, a, b, c) : autograd_pointwise(kernel, type, out, (tr_tensor *[]){a, b, c}, 3, 0);
}

int autograd_by_number(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *a, double number)
{
    bool real = type == TR_FLOAT32 || type == TR_FLOAT64, flat = out->flags & a->flags & CORE_ROW_MAJOR && !out->device && out->numel;
    if (!real || !flat || core_here()->recording) { /* a recorded call reads it again */
        tr_tensor *by = tr_number_(number, TR_FLOAT32);
        return by ? autograd_pair(kernel, type, out, a, by) : -1;
    }
    float in_float = (float)number;
    kernel_call call;
    autograd_begin_flat_(&call, kernel, type, out);
    call.at[1] = a->data;
    call.at[2] = type == TR_FLOAT32 ? (void *)&in_float : &number;
    if (call.n != 1) call.ones = 1u << 2;
    return kernel_run_on_cpu(&call);
}

tr_tensor *autograd_plain_copy(tr_tensor *t, tr_dtype type)
{
    if (core_row_major_tensor(t) && t->dtype == type) return t;
    tr_tensor *copy = core_tensor_like(t, type, "copy");
    if (!copy || autograd_pointwise(KERNEL_COPY, type, copy, &t, 1, 0) < 0) return NULL;
    return copy;
}
