/* Gradients are clipped together, by the norm of all of them. */
#include <math.h>
#include "core/memory.h"
#include "nn/optim.h"

/* The gradients alike in type and device with that of `like`, in span[0 .. count). */
static int64_t collect(tr_tensors parameters, const tr_tensor *like, kernel_span *span)
{
    int64_t count = 0;
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i];
        if (p->grad && nn_alike(p, like)) span[count++] = (kernel_span){p->grad->data, p->grad->numel};
    }
    return count;
}

static double norm(tr_tensors parameters, kernel_span *span)
{
    double sum = 0;
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i];
        if (!p->grad || !nn_first_alike(parameters.tensor, i)) continue;
        const tr_shape scalar = {0};
        tr_tensor *squares = core_tensor_new(TR_FLOAT64, core_device_at(p), &scalar, "tr_clip_grad_norm");
        if (!squares) return NAN;
        kernel_call call = {.kernel = KERNEL_LIST_SQUARES, .type = p->dtype, .n = collect(parameters, p, span), .at = {squares->data, span}};
        if (kernel_run(core_device_at(p), &call) < 0) return NAN;
        sum += (tr_item)(squares);
    }
    return sqrt(sum);
}

static int scale(tr_tensors parameters, kernel_span *span, double factor)
{
    for (int64_t i = 0; i < parameters.count; i++) {
        tr_tensor *p = parameters.tensor[i];
        if (!p->grad) continue;
        core_written(p->grad);
        if (!nn_first_alike(parameters.tensor, i)) continue;
        kernel_call call = {.kernel = KERNEL_LIST_SCALE, .type = p->dtype, .n = collect(parameters, p, span), .at = {span}, .number = {factor}};
        if (kernel_run(core_device_at(p), &call) < 0) return -1;
    }
    return 0;
}

static double clip(tr_tensors parameters, double max_norm, kernel_span *span, bool error_if_nonfinite)
{
    for (int64_t i = 0; i < parameters.count; i++)
        if (parameters.tensor[i]->grad && nn_dense_gradient(parameters.tensor[i]) < 0) return NAN;
    double total = norm(parameters, span);
    if (tr_error_stands()) return NAN;
    if (error_if_nonfinite && !isfinite(total)) return core_fail("tr_clip_grad_norm: the total norm is %g", total), NAN;
    double factor = max_norm / (total + 1e-6);
    if (factor >= 1 || isinf(max_norm)) return total; /* NaN is neither: it goes into every gradient, as in PyTorch */
    return scale(parameters, span, factor) < 0 ? NAN : total;
}

double(tr_clip_grad_norm)(tr_tensors parameters, double max_norm, tr_clip_grad_norm_options options)
{
    if (tr_error_stands()) return NAN;
    if (!(max_norm >= 0)) return core_fail("tr_clip_grad_norm: max_norm %g", max_norm), NAN;
    if (parameters.count < 1) return 0;
    for (int64_t i = 0; i < parameters.count; i++)
        if (!parameters.tensor || !parameters.tensor[i]) return core_null("tr_clip_grad_norm"), NAN;
    int64_t capacity = 0;
    kernel_span *span = core_block_take(parameters.count * (int64_t)sizeof *span, &capacity, "tr_clip_grad_norm");
    if (!span) return NAN;
    bool before = tr_set_grad_enabled(false);
    int depth = tr_scope_open();
    double total = clip(parameters, max_norm, span, options.error_if_nonfinite);
    tr_scope_close(depth);
    tr_set_grad_enabled(before);
    core_block_give(span, capacity);
    return total;
}
