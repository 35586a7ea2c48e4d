/* Values into tensors and out of them. */
#include <math.h>
#include "core/tensor.h"
#include "core/thread.h"

/* ---- out ---- */

int64_t core_offset(const tr_tensor *t, int64_t i)
{
    if (core_row_major_tensor(t)) return i;
    int64_t at = 0;
    for (int d = t->shape.ndim - 1; d >= 0; d--) {
        at += i % t->shape.size[d] * t->stride[d];
        i /= t->shape.size[d];
    }
    return at;
}

void core_not_recorded(const char *function, const char *why)
{
    core_thread *here = core_here();
    if (!here->recording) return;
    here->recording = false; /* the step goes on as usual */
    here->unrecorded = function;
    here->because = why;
}

void core_value_leaves(const char *function) { core_not_recorded(function, "a value leaves the step (keep the tensor and read it after tr_record_end)"); }

double(tr_get)(const tr_tensor *t, int64_t i)
{
    if (!t) return core_null_status("tr_get"), NAN;
    core_value_leaves("tr_get");
    if (i < 0 || i >= t->numel) return core_fail("tr_get: there is no element %lld in %s", (long long)i, core_show(t)), NAN;
    int64_t at = core_offset(t, i);
    if (core_device_at(t).type == TR_CPU) return core_element_get(t->data, (tr_dtype)t->dtype, at);
    char element[16];
    int bytes = core_dtype_bytes[t->dtype];
    if (core_receive(t, element, (char *)t->data + at * bytes, bytes) < 0) return NAN;
    return core_element_get(element, (tr_dtype)t->dtype, 0);
}

double(tr_item)(const tr_tensor *t)
{
    if (!t) return core_null_status("tr_item"), NAN;
    core_value_leaves("tr_item");
    if (t->numel != 1) return core_fail("tr_item: %s has %lld elements, not one: a Tensor with %lld elements cannot be converted to Scalar", core_show(t), (long long)t->numel, (long long)t->numel), NAN;
    return (tr_get)(t, 0);
}

/* ---- in ---- */

int64_t core_check_shape(const tr_shape *shape, tr_dtype dtype, const char *what)
{
    if (!core_dtype_ok(dtype)) return core_fail_status("%s: %d is no element type", what, (int)dtype);
    if (shape->ndim < 0 || shape->ndim > TR_MAX_DIMS) return core_fail_status("%s: a shape has 0 to %d sizes", what, TR_MAX_DIMS);
    int64_t n = 1, bytes;
    bool fits = true, empty = false;
    for (int i = 0; i < shape->ndim; i++) {
        if (shape->size[i] < 0) return core_fail_status("%s: the shape %s has a negative size", what, core_shape_text(shape));
        empty |= shape->size[i] == 0; /* the others count nevertheless: as NumPy, (0, huge, huge) is refused too */
        fits &= !__builtin_mul_overflow(n, shape->size[i] + (shape->size[i] == 0), &n);
    }
    if (!fits || __builtin_mul_overflow(n, (int64_t)core_dtype_bytes[dtype], &bytes))
        return core_fail_status("%s: the shape %s has more elements than memory can hold", what, core_shape_text(shape));
    return empty ? 0 : n;
}

int core_check_options(const tr_tensor_options *options, tr_dtype fallback, tr_dtype *dtype, const char *what)
{
    *dtype = options->dtype ? options->dtype : fallback ? fallback
                                                        : tr_get_default_dtype();
    if (!core_dtype_ok(*dtype)) return core_fail_status("%s: %d is no element type", what, (int)options->dtype);
    if (options->requires_grad && core_dtype_category[*dtype] < 2)
        return core_fail_status("%s: Only Tensors of floating point and complex dtype can require gradients, not %s", what, tr_dtype_name(*dtype));
    return 0;
}

static tr_tensor *make(tr_shape shape, const tr_tensor_options *options, tr_dtype fallback, const char *what)
{
    tr_dtype dtype;
    if (core_check_options(options, fallback, &dtype, what) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options->device, &shape, what);
    if (t && options->requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

tr_tensor *(tr_empty)(tr_shape shape, tr_tensor_options options) { return make(shape, &options, TR_DEFAULT_DTYPE, "tr_empty"); }

tr_tensor *core_from_data(const void *data, tr_dtype from, tr_shape shape, tr_tensor_options options)
{
    int64_t n = core_check_shape(&shape, from, "tr_from_data");
    if (n < 0) return NULL;
    if (!data && n) return core_null("tr_from_data");
    tr_device device = options.device;
    options.device = tr_cpu();
    tr_tensor *t = make(shape, &options, from, "tr_from_data");
    if (!t) return NULL;
    core_convert(t->data, (tr_dtype)t->dtype, data, from, n);
    if (device.type == TR_CPU) return t;
    options.device = device;
    tr_tensor *there = make(shape, &options, from, "tr_from_data");
    if (!there || core_send(there, t->data) < 0) return NULL;
    return there;
}

tr_dtype core_scalar_dtype(const tr_scalar *x)
{
    if (x->kind == TR_FLOAT64) return tr_get_default_dtype();
    if (x->kind == TR_COMPLEX128) return tr_get_default_dtype() == TR_FLOAT64 ? TR_COMPLEX128 : TR_COMPLEX64; /* as PyTorch's goes along */
    return x->kind;
}

int core_check_scalar(const tr_scalar *x, tr_dtype dtype, const char *what)
{
    if (x->kind == TR_DEFAULT_DTYPE) return core_fail_status("%s: %llu is more than int64 holds", what, (unsigned long long)x->whole);
    if (x->kind == TR_COMPLEX128 && core_dtype_ok(dtype) && core_dtype_category[dtype] != 3)
        return core_fail_status("%s: a complex number does not become %s", what, tr_dtype_name(dtype));
    return 0;
}
