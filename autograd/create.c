/* Tensors of numbers that follow a rule: ones, full, arange, linspace. */
#include <math.h>
#include "autograd/autograd.h"

static tr_tensor *filled(tr_shape shape, double value, tr_tensor_options options, const char *what)
{
    tr_dtype dtype;
    if (core_check_options(&options, TR_DEFAULT_DTYPE, &dtype, what) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options.device, &shape, what);
    if (!t || autograd_pointwise(KERNEL_FILL, dtype, t, NULL, 0, value) < 0) return NULL;
    if (options.requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

tr_tensor *(tr_zeros)(tr_shape shape, tr_tensor_options options) { return filled(shape, 0, options, "tr_zeros"); }
tr_tensor *(tr_ones)(tr_shape shape, tr_tensor_options options) { return filled(shape, 1, options, "tr_ones"); }
tr_tensor *(tr_full)(tr_shape shape, double value, tr_tensor_options options) { return filled(shape, value, options, "tr_full"); }

tr_tensor *tr_full_f_(tr_shape shape, double value, tr_tensor_options options) { return (tr_full)(shape, value, options); }

tr_tensor *tr_full_b_(tr_shape shape, bool value, tr_tensor_options options)
{
    if (!options.dtype) options.dtype = TR_BOOL;
    return (tr_full)(shape, value, options);
}

tr_tensor *tr_full_i_(tr_shape shape, long long value, tr_tensor_options options)
{
    if (!options.dtype) options.dtype = TR_INT64;
    tr_tensor *t = (tr_full)(shape, (double)value, options);
    if (!t || (value > -(1LL << 53) && value < 1LL << 53)) return t;
    TR_SCOPE;
    TR_NO_GRAD;
    return (tr_copy_)(t, tr_integer_(value)); /* more digits than a double has */
}

tr_tensor *tr_full_u_(tr_shape shape, unsigned long long value, tr_tensor_options options)
{
    if (value > INT64_MAX) return core_fail("tr_full: %llu is more than int64 holds", value);
    return tr_full_i_(shape, (long long)value, options);
}

/* PyTorch's default complex type goes with the default type. */
tr_tensor *tr_full_z_(tr_shape shape, double real, double imag, tr_tensor_options options)
{
    if (!options.dtype) options.dtype = tr_get_default_dtype() == TR_FLOAT64 ? TR_COMPLEX128 : TR_COMPLEX64;
    tr_tensor *t = (tr_full)(shape, 0, options);
    if (!t) return NULL;
    if (core_dtype_category[t->dtype] != 3) return core_fail("tr_full: a complex number does not become %s", tr_dtype_name(options.dtype));
    TR_SCOPE;
    TR_NO_GRAD;
    return (tr_copy_)(t, tr_complex_number_(real, imag));
}

tr_tensor *tr_scalar_z_(double real, double imag, tr_tensor_options options) { return tr_full_z_((tr_shape){0}, real, imag, options); }

static tr_tensor *steps(int64_t n, double start, double step, tr_tensor_options options, const char *what)
{
    tr_dtype dtype;
    tr_shape shape = {1, {n}};
    if (core_check_options(&options, TR_DEFAULT_DTYPE, &dtype, what) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options.device, &shape, what);
    if (!t) return NULL;
    kernel_call call = {
        .kernel = KERNEL_ARANGE, .type = (uint8_t)dtype, .n = n, .at = {t->data}, .number = {start, step}};
    if (n && autograd_run(&call, t, NULL, NULL, NULL) < 0) return NULL;
    if (options.requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

tr_tensor *(tr_arange)(double start, double end, double step, tr_tensor_options options)
{
    if (!(fabs(step) > 0) || !isfinite(start) || !isfinite(end) || !isfinite(step))
        return core_fail("tr_arange: from %g to %g in steps of %g makes no sequence", start, end, step);
    double n = ceil((end - start) / step);
    if (n > 0x1p53) return core_fail("tr_arange: from %g to %g in steps of %g is too long", start, end, step);
    return steps(n > 0 ? (int64_t)n : 0, start, step, options, "tr_arange");
}

tr_tensor *tr_arange_(bool whole, double start, double end, double step, tr_tensor_options options)
{
    if (whole && !options.dtype) options.dtype = TR_INT64;
    return (tr_arange)(start, end, step, options);
}

tr_tensor *(tr_linspace)(double start, double end, int64_t n, tr_tensor_options options)
{
    if (n < 0) return core_fail("tr_linspace: %lld values", (long long)n);
    tr_tensor *t = steps(n, start, n > 1 ? (end - start) / (double)(n - 1) : 0, options, "tr_linspace");
    if (t && n > 1) { /* the last one exactly */
        tr_tensor *last = core_tensor_alias(t, &(tr_shape){0}, NULL, n - 1, "tr_linspace");
        if (!last || autograd_pointwise(KERNEL_FILL, (tr_dtype)t->dtype, last, NULL, 0, end) < 0) return NULL;
    }
    return t;
}
