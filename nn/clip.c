/* Gradients are clipped together, by the norm of all of them.
 *
 * In a recorded step the norm is another one in every replay: the sums of squares are calls like others, and the factor is
 * a knob of the calls that scale. */
#include <math.h>
#include "core/memory.h"
#include "nn/optim.h"

/* What is known of a list of gradients, and what a recording holds on to. */
typedef struct {
    core_object object;
    int64_t capacity; /* of the block that this is */
    double max_norm;
    bool error_if_nonfinite;
    int64_t groups;
    tr_tensor *squares[]; /* own one count each: the sums of squares of the gradients alike in type and device */
} clipping;

static void destroy(core_object *object)
{
    clipping *c = (clipping *)object;
    for (int64_t i = 0; i < c->groups; i++) core_drop_tensor(c->squares[i]);
    core_block_give(c, c->capacity);
}

static const core_class class = {"clipping", destroy};

/* A call on the gradients alike in type and device with that of `like`. */
static int run(kernel_call call, tr_tensors parameters, const tr_tensor *like, clipping *c, autograd_knob *knob)
{
    enum { EACH = 2 + KERNEL_OPTIM_STATES };
    const int64_t bytes = parameters.count * (int64_t)(sizeof(kernel_optim_item) + EACH * sizeof(tr_tensor *));
    int64_t capacity = 0;
    kernel_optim_item *item = core_block_take(bytes, &capacity, "tr_clip_grad_norm");
    if (!item) return -1;
    tr_tensor **tensor = (tr_tensor **)(item + parameters.count);
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i];
        if (!p->grad || !nn_alike(p, like)) continue;
        for (int v = 0; v < EACH; v++) tensor[call.n * EACH + v] = v ? NULL : p->grad;
        item[call.n++] = (kernel_optim_item){.parameter = p->grad->data, .n = p->grad->numel};
    }
    call.type = like->dtype;
    call.at[0] = item;
    const tr_device device = core_device_at(like);
    int status = core_here()->recording ? autograd_run_items(&call, device, tensor, &c->object, knob) : kernel_run(device, &call);
    core_block_give(item, capacity);
    return status;
}

static int measure(clipping *c, tr_tensors parameters)
{
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i];
        if (!p->grad || !nn_first_alike(parameters.tensor, i)) continue;
        const tr_shape scalar = {0};
        tr_tensor *sum = core_tensor_new(TR_FLOAT64, core_device_at(p), &scalar, "tr_clip_grad_norm");
        if (!sum) return -1;
        c->squares[c->groups++] = core_keep_tensor(sum);
        if (run((kernel_call){.kernel = KERNEL_LIST_SQUARES, .at = {NULL, sum->data}}, parameters, p, c, NULL) < 0) return -1;
    }
    return 0;
}

static double norm(const clipping *c)
{
    double sum = 0;
    bool recording = autograd_record_pause(); /* a replay asks again */
    for (int64_t i = 0; i < c->groups; i++) sum += (tr_item)(c->squares[i]);
    autograd_record_resume(recording);
    return sqrt(sum);
}

/* By what to multiply for this norm.  -1 with an error noted. */
static int factor_for(const clipping *c, double total, double *factor)
{
    if (c->error_if_nonfinite && !isfinite(total)) return core_fail_status("tr_clip_grad_norm: the total norm is %g", total);
    *factor = c->max_norm / (total + 1e-6);
    if (*factor >= 1 || isinf(c->max_norm)) *factor = 1; /* NaN is neither: it goes into every gradient, as in PyTorch */
    return 0;
}

static int factor_replayed(core_object *object, kernel_call *call)
{
    const clipping *c = (const clipping *)object;
    return factor_for(c, norm(c), &call->number[0]);
}

static int scale(clipping *c, tr_tensors parameters, double factor)
{
    if (factor == 1 && !core_here()->recording) return 0;
    for (int64_t i = 0; i < parameters.count; i++) {
        tr_tensor *p = parameters.tensor[i];
        if (!p->grad) continue;
        core_written(p->grad);
        if (nn_first_alike(parameters.tensor, i) && run((kernel_call){.kernel = KERNEL_LIST_SCALE, .number = {factor}}, parameters, p, c, factor_replayed) < 0) return -1;
    }
    return 0;
}

int nn_scale_gradients(tr_tensors parameters, double factor)
{
    for (int64_t i = 0; i < parameters.count; i++)
        if (parameters.tensor[i]->grad && nn_dense_gradient(parameters.tensor[i]) < 0) return -1;
    return scale(NULL, parameters, factor);
}

static double clip(clipping *c, tr_tensors parameters)
{
    for (int64_t i = 0; i < parameters.count; i++)
        if (parameters.tensor[i]->grad && nn_dense_gradient(parameters.tensor[i]) < 0) return NAN;
    if (measure(c, parameters) < 0) return NAN;
    double total = norm(c), factor = 1;
    if (tr_error_stands() || factor_for(c, total, &factor) < 0) return NAN;
    return scale(c, parameters, factor) < 0 ? NAN : total;
}

double(tr_clip_grad_norm)(tr_tensors parameters, double max_norm, tr_clip_grad_norm_options options)
{
    if (tr_error_stands()) return NAN;
    if (!(max_norm >= 0)) return core_fail("tr_clip_grad_norm: max_norm %g", max_norm), NAN;
    if (parameters.count < 1) return 0;
    for (int64_t i = 0; i < parameters.count; i++)
        if (!parameters.tensor || !parameters.tensor[i]) return core_null("tr_clip_grad_norm"), NAN;
    bool before = tr_set_grad_enabled(false);
    int depth = tr_scope_open();
    double total = NAN;
    int64_t capacity = 0;
    clipping *c = core_block_take((int64_t)sizeof *c + parameters.count * (int64_t)sizeof *c->squares, &capacity, "tr_clip_grad_norm");
    if (c) {
        *c = (clipping){.capacity = capacity, .max_norm = max_norm, .error_if_nonfinite = options.error_if_nonfinite};
        if (core_object_begin(&c->object, &class)) total = clip(c, parameters);
    }
    tr_scope_close(depth);
    tr_set_grad_enabled(before);
    return total;
}
