/* Tensors of numbers that follow a rule: ones, full, arange, linspace. */
#include <math.h>
#include "autograd/operands.h"

tr_tensor *autograd_full(const char *function, const tr_shape *shape, const tr_scalar *value, const tr_tensor_options *options)
{
    tr_dtype dtype;
    if (core_check_options(options, core_scalar_dtype(value), &dtype, function) < 0 || core_check_scalar(value, dtype, function) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options->device, shape, function);
    if (!t || autograd_write(t, value, function) < 0) return NULL;
    if (options->requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

static const tr_scalar zero = {.kind = TR_FLOAT64}, one = {.kind = TR_FLOAT64, .real = 1};

tr_tensor *(tr_zeros)(tr_shape shape, tr_tensor_options options) { return autograd_full("tr_zeros", &shape, &zero, &options); }
tr_tensor *(tr_ones)(tr_shape shape, tr_tensor_options options) { return autograd_full("tr_ones", &shape, &one, &options); }
tr_tensor *(tr_full)(tr_shape shape, double value, tr_tensor_options options) { return autograd_full("tr_full", &shape, &(tr_scalar){.kind = TR_FLOAT64, .real = value}, &options); }
tr_tensor *tr_full_(tr_shape shape, tr_scalar value, tr_tensor_options options) { return autograd_full("tr_full", &shape, &value, &options); }

/* call, with its numbers, fills a new row of n. */
static tr_tensor *steps(kernel_call *call, int64_t n, tr_tensor_options options, const char *what)
{
    tr_dtype dtype;
    tr_shape shape = {1, {n}};
    if (core_check_options(&options, TR_DEFAULT_DTYPE, &dtype, what) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options.device, &shape, what);
    if (!t) return NULL;
    call->kernel = KERNEL_ARANGE;
    call->type = (uint8_t)dtype;
    call->n = n;
    call->at[0] = t->data;
    if (n && autograd_run(call, t, NULL, NULL, NULL) < 0) return NULL;
    if (options.requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

static tr_tensor *no_sequence(double start, double end, double step)
{
    const char *why = step > 0 && start > end ? ": it ends below its start" : step < 0 && start < end ? ": it ends above its start"
                                                                                                      : "";
    return core_fail("tr_arange: from %g to %g in steps of %g makes no sequence%s", start, end, step, why);
}
static tr_tensor *too_long(double start, double end, double step) { return core_fail("tr_arange: from %g to %g in steps of %g is too long", start, end, step); }

tr_tensor *(tr_arange)(double start, double end, double step, tr_tensor_options options)
{
    if (!(fabs(step) > 0) || !isfinite(start) || !isfinite(end) || !isfinite(step) || (step > 0 ? start > end : start < end)) return no_sequence(start, end, step);
    double n = ceil((end - start) / step);
    if (n > 0x1p53) return too_long(start, end, step);
    return steps(&(kernel_call){.number = {start, step}}, (int64_t)n, options, "tr_arange");
}

/* In int64, where every number up to its end has its digits. */
static tr_tensor *whole_steps(int64_t start, int64_t end, int64_t step, tr_tensor_options options)
{
    if (step == 0 || (step > 0 ? start > end : start < end)) return no_sequence((double)start, (double)end, (double)step);
    uint64_t first = (uint64_t)start, last = (uint64_t)end, by = (uint64_t)step, n = 0;
    if (step > 0 && start < end) n = (last - first - 1) / by + 1;
    if (step < 0 && start > end) n = (first - last - 1) / (0 - by) + 1;
    if (n > INT64_MAX) return too_long((double)start, (double)end, (double)step);
    return steps(&(kernel_call){.flags = KERNEL_ARANGE_WHOLE, .word = {first, by}}, (int64_t)n, options, "tr_arange");
}

tr_tensor *tr_arange_(tr_scalar start, tr_scalar end, tr_scalar step, tr_tensor_options options)
{
    const tr_scalar *const all[3] = {&start, &end, &step};
    bool whole = true;
    for (int i = 0; i < 3; i++) {
        if (core_check_scalar(all[i], TR_FLOAT64, "tr_arange") < 0) return NULL;
        whole &= core_dtype_category[all[i]->kind] < 2;
    }
    if (whole && !options.dtype) options.dtype = TR_INT64;
    if (whole && options.dtype == TR_INT64) return whole_steps(start.whole, end.whole, step.whole, options);
    return (tr_arange)(start.real, end.real, step.real, options);
}

tr_tensor *(tr_linspace)(double start, double end, int64_t n, tr_tensor_options options)
{
    if (n < 0) return core_fail("tr_linspace: %lld values", (long long)n);
    tr_tensor *t = steps(&(kernel_call){.number = {start, n > 1 ? (end - start) / (double)(n - 1) : 0}}, n, options, "tr_linspace");
    if (t && n > 1) { /* the last one exactly */
        tr_tensor *last = core_tensor_alias(t, &(tr_shape){0}, NULL, n - 1, "tr_linspace");
        if (!last || autograd_pointwise(KERNEL_FILL, (tr_dtype)t->dtype, last, NULL, 0, end) < 0) return NULL;
    }
    return t;
}
