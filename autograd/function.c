/* Operations of the program's own: a forward, which is not noted, and a derivative in place of its. */
#include "autograd/autograd.h"

static void derivative(autograd_node *n, tr_tensor *dy)
{
    const tr_function *f = (const tr_function *)(intptr_t)n->args.n[0];
    tr_tensor *x[AUTOGRAD_INPUTS] = {0}, *dx[AUTOGRAD_INPUTS] = {0}, *y = autograd_out(n);
    for (int i = 0; i < n->inputs; i++)
        if (!(x[i] = autograd_in(n, i))) return;
    dy = y ? autograd_whole(n) : NULL; /* it need not be linear in it */
    if (!dy) return;
    if (f->backward(x, y, dy, dx, (void *)(intptr_t)n->args.n[1]) < 0) {
        if (!tr_error_stands()) tr_fail("%s: backward failed, and did not say why", f->name);
        return;
    }
    for (int i = 0; i < n->inputs; i++) {
        if (!dx[i] || !autograd_wants(n, i)) continue;
        if (!core_same_shape(&dx[i]->shape, &x[i]->shape) || dx[i]->dtype != x[i]->dtype || !core_same_device(dx[i], x[i])) {
            core_fail("%s: the gradient of input %d is %s, but the input is %s", f->name, i, core_show(dx[i]), core_show(x[i]));
            return;
        }
        autograd_give(n, i, dx[i]);
    }
}

static const autograd_op function_op = {"apply", "FunctionBackward", derivative, NULL};

/* A result with memory of its own. */
static tr_tensor *made_by(const tr_function *f, const tr_tensors *inputs, void *data)
{
    TR_NO_GRAD;
    tr_tensor *y = f->forward(inputs->tensor, data);
    if (!y) return tr_error_stands() ? NULL : tr_fail("%s: forward made no result", f->name);
    return core_shared(y, 1) || autograd_tracked(y) ? (tr_clone)(y) : y;
}

tr_tensor *(tr_apply)(const tr_function *f, tr_tensors inputs, void *data)
{
    if (!f || !f->name || !f->forward || !f->backward) return core_fail("tr_apply: the function, its name, forward or backward is NULL");
    if (inputs.count < 1 || inputs.count > AUTOGRAD_INPUTS) return core_fail("tr_apply: %s: %lld inputs, where one to three can be", f->name, (long long)inputs.count);
    tr_tensor *x[AUTOGRAD_INPUTS] = {0};
    for (int64_t i = 0; i < inputs.count; i++)
        if (!(x[i] = inputs.tensor[i])) return core_null("tr_apply");
    int depth = tr_scope_open();
    if (depth > tr_scope_depth()) return NULL; /* none was opened: an error stands */
    tr_tensor *y = tr_pass_up(made_by(f, &inputs, data));
    tr_scope_close(depth);
    if (!y || core_dtype_category[y->dtype] < 2) return y;
    unsigned saves = AUTOGRAD_A | AUTOGRAD_B | AUTOGRAD_C | AUTOGRAD_Y | AUTOGRAD_CONJUGATES;
    autograd_args args = {.shape.ndim = -1, .shape_b.ndim = -1, .n = {(intptr_t)f, (intptr_t)data}};
    bool noted = autograd_on(x[0], x[1], x[2]);
    y = autograd_note(y, &function_op, x[0], x[1], x[2], saves, &args);
    return noted ? autograd_named(y, f->name) : y;
}
