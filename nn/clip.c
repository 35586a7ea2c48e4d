/* Gradients are clipped together, by the norm of all of them.
 *
 * The norm and the factor are made where the gradients are, and the calls that scale read the factor there: nobody waits
 * for a device who does not ask for the norm, and a recorded step clips by another norm in every replay. */
#include <math.h>
#include "core/memory.h"
#include "nn/optim.h"

/* What a recording that looks at the norm in every replay holds on to. */
typedef struct {
    core_object object;
    int64_t capacity; /* of the block that this is */
    tr_tensor *norm;  /* owns one count: float64, the norm and the factor; on the first gradient's device */
} clipping;

static void destroy(core_object *object)
{
    clipping *c = (clipping *)object;
    core_drop_tensor(c->norm);
    core_block_give(c, c->capacity);
}

static const core_class class = {"clipping", destroy};

static clipping *clipping_new(tr_tensor *norm)
{
    int64_t capacity = 0;
    clipping *c = core_block_take(sizeof *c, &capacity, "tr_clip_grad_norm");
    if (!c) return NULL;
    *c = (clipping){.capacity = capacity, .norm = core_keep_tensor(norm)};
    return core_object_begin(&c->object, &class);
}

static tr_tensor *doubles(tr_device at, int64_t n)
{
    const tr_shape shape = {.ndim = 1, .size = {n}};
    return core_tensor_new(TR_FLOAT64, at, &shape, "tr_clip_grad_norm");
}

/* A call on the gradients alike in type and device with that of `like`; at[1] is element `at` of `beside`, if that is none
 * of NULL. */
static int run(kernel_call call, tr_tensors parameters, const tr_tensor *like, const tr_tensor *beside, int64_t at, clipping *owner, autograd_knob *knob)
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
    call.at[1] = beside ? (double *)beside->data + at : NULL;
    const tr_device device = core_device_at(like);
    int status = core_here()->recording ? autograd_run_items(&call, device, tensor, beside, owner ? &owner->object : NULL, knob) : kernel_run(device, &call);
    core_block_give(item, capacity);
    return status;
}

/* ---- measuring ---- */

/* The first of some gradients alike. */
static bool begins_group(tr_tensors parameters, int64_t i) { return parameters.tensor[i]->grad && nn_first_alike(parameters.tensor, i); }

/* The sum of squares of the gradients alike with that of p, into squares[at]. */
static int square(tr_tensors parameters, const tr_tensor *p, tr_tensor *squares, int64_t at)
{
    const kernel_call call = {.kernel = KERNEL_LIST_SQUARES};
    if (core_same_device(p, squares)) return run(call, parameters, p, squares, at, NULL, NULL);
    tr_tensor *sum = doubles(core_device_at(p), 1);
    if (!sum || run(call, parameters, p, sum, 0, NULL, NULL) < 0) return -1;
    return (tr_copy_)((tr_narrow)(squares, 0, at, 1), sum) ? 0 : -1;
}

static int dense(tr_tensors parameters)
{
    for (int64_t i = 0; i < parameters.count; i++)
        if (parameters.tensor[i]->grad && nn_dense_gradient(parameters.tensor[i]) < 0) return -1;
    return 0;
}

tr_tensor *nn_gradient_squares(tr_tensors parameters)
{
    if (dense(parameters) < 0) return NULL;
    int64_t first = -1, groups = 0;
    for (int64_t i = parameters.count - 1; i >= 0; i--)
        if (begins_group(parameters, i)) first = i, groups++;
    tr_tensor *squares = doubles(core_device_at(parameters.tensor[first < 0 ? 0 : first]), groups);
    for (int64_t i = 0, at = 0; squares && i < parameters.count; i++)
        if (begins_group(parameters, i) && square(parameters, parameters.tensor[i], squares, at++) < 0) return NULL;
    return squares;
}

/* What becomes the norm of all and the factor, when the device comes to it.  NULL with an error noted. */
static tr_tensor *measure(tr_tensors parameters, double max_norm)
{
    tr_tensor *squares = nn_gradient_squares(parameters), *norm = squares ? doubles(core_device_at(squares), 2) : NULL;
    if (!norm) return NULL;
    kernel_call call = {.kernel = KERNEL_CLIP_FACTOR, .type = TR_FLOAT64, .n = squares->numel, .at = {norm->data, squares->data}, .number = {max_norm}};
    return autograd_run(&call, norm, squares, NULL, NULL) < 0 ? NULL : norm;
}

/* The norm and the factor, for which the device is waited for. */
static int read_numbers(const tr_tensor *norm, double number[2]) { return core_receive(norm, number, norm->data, 2 * (int64_t)sizeof *number); }

static int check_finite(double norm) { return isfinite(norm) ? 0 : core_fail_status("tr_clip_grad_norm: the total norm is %g", norm); }

static int check_replayed(core_object *object, kernel_call *call)
{
    (void)call;
    double number[2];
    return read_numbers(((const clipping *)object)->norm, number) < 0 ? -1 : check_finite(number[0]);
}

/* ---- scaling ---- */

/* By the factor that stands behind the norm. */
static int scale(tr_tensors parameters, tr_tensor *norm, clipping *owner, autograd_knob *knob)
{
    for (int64_t i = 0; i < parameters.count; i++)
        if (parameters.tensor[i]->grad) core_written(parameters.tensor[i]->grad);
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i], *there = norm;
        if (!begins_group(parameters, i)) continue;
        if (!core_same_device(p, norm) && !(there = (tr_to_device)(norm, core_device_at(p)))) return -1;
        if (run((kernel_call){.kernel = KERNEL_LIST_SCALE}, parameters, p, there, 1, owner, knob) < 0) return -1;
    }
    return 0;
}

int nn_scale_gradients(tr_tensors parameters, tr_tensor *factor) { return scale(parameters, factor, NULL, NULL); }

/* ---- clipping ---- */

/* The norm and the factor, by which the gradients are scaled.  Where the norm is waited for, because it must be finite or is
 * to be told, gradients that need no scaling are left alone.  NULL with an error noted. */
static tr_tensor *clip(tr_tensors parameters, double max_norm, bool must_be_finite, double *told)
{
    tr_tensor *norm = measure(parameters, max_norm);
    if (!norm) return NULL;
    if (must_be_finite || told) {
        double number[2];
        if (read_numbers(norm, number) < 0 || (must_be_finite && check_finite(number[0]) < 0)) return NULL;
        if (told) *told = number[0];
        if (number[1] == 1 && !core_here()->recording) return norm;
    }
    const bool looks_again = must_be_finite && core_here()->recording;
    if (isinf(max_norm) && !looks_again) return norm;
    clipping *owner = looks_again ? clipping_new(norm) : NULL;
    if (tr_error_stands()) return NULL;
    return scale(parameters, norm, owner, owner ? check_replayed : NULL) < 0 ? NULL : norm;
}

static int check(tr_tensors parameters, double max_norm)
{
    if (tr_error_stands()) return -1;
    if (!(max_norm >= 0)) return core_fail_status("tr_clip_grad_norm: max_norm %g", max_norm);
    for (int64_t i = 0; i < parameters.count; i++)
        if (!parameters.tensor || !parameters.tensor[i]) return core_null_status("tr_clip_grad_norm");
    return 0;
}

double(tr_clip_grad_norm)(tr_tensors parameters, double max_norm, tr_clip_grad_norm_options options)
{
    if (check(parameters, max_norm) < 0) return NAN;
    if (parameters.count < 1) return 0;
    bool before = tr_set_grad_enabled(false);
    int depth = tr_scope_open();
    double total = NAN;
    if (!clip(parameters, max_norm, options.error_if_nonfinite, &total)) total = NAN;
    tr_scope_close(depth);
    tr_set_grad_enabled(before);
    return total;
}

tr_tensor *(tr_clip_grad_norm_)(tr_tensors parameters, double max_norm, tr_clip_grad_norm_options options)
{
    CORE_TOLD_AS("tr_clip_grad_norm_");
    if (check(parameters, max_norm) < 0) return NULL;
    const tr_shape scalar = {0};
    if (parameters.count < 1) return (tr_zeros)(scalar, (tr_tensor_options){.dtype = TR_FLOAT64});
    bool before = tr_set_grad_enabled(false);
    int depth = tr_scope_open();
    const tr_tensor *both = clip(parameters, max_norm, options.error_if_nonfinite, NULL);
    tr_tensor *norm = both ? tr_pass_up(core_tensor_alias(both, &scalar, NULL, 0, "tr_clip_grad_norm_")) : NULL;
    tr_scope_close(depth);
    tr_set_grad_enabled(before);
    return norm;
}
