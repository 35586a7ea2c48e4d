/* Who requires a gradient, whether operations are noted, and where gradients are read. */
#include "autograd/hook.h"
#include "autograd/record.h"

bool tr_grad_enabled(void) { return !core_here()->grad_off; }

bool tr_set_grad_enabled(bool enabled)
{
    core_thread *here = core_here();
    bool before = !here->grad_off;
    here->grad_off = !enabled;
    return before;
}

void tr_grad_restore_(const bool *before) { core_here()->grad_off = !*before; }

tr_tensor *(tr_requires_grad_)(tr_tensor *t, bool requires_grad)
{
    if (!t) return core_null("tr_requires_grad_");
    if (requires_grad && core_dtype_category[t->dtype] < 2)
        return core_fail("tr_requires_grad_: %s: only Tensors of floating point and complex dtype can require gradients", core_show(t));
    if (!requires_grad && t->origin)
        return core_fail("tr_requires_grad_: you can only change requires_grad flags of leaf variables. only a leaf can stop requiring a gradient; use tr_detach");
    if (requires_grad)
        t->flags |= CORE_REQUIRES_GRAD;
    else
        t->flags &= (uint8_t)~CORE_REQUIRES_GRAD;
    return t;
}

tr_tensor *(tr_detach)(tr_tensor *t)
{
    if (!t) return core_null("tr_detach");
    return core_tensor_alias(t, &t->shape, t->stride, 0, "tr_detach");
}

tr_tensor *tr_grad(const tr_tensor *t)
{
    if (t && t->grad && core_here()->recording && autograd_record_gradient((tr_tensor *)(uintptr_t)t, true) < 0) return NULL;
    return t ? t->grad : NULL;
}

int(tr_set_grad)(tr_tensor *t, tr_tensor *gradient)
{
    if (!t) return core_null_status("tr_set_grad");
    if (gradient && (!core_same_shape(&gradient->shape, &t->shape) || gradient->dtype != t->dtype || !core_same_device(gradient, t)))
        return core_fail_status("tr_set_grad: the gradient is %s, but the tensor is %s", core_show(gradient), core_show(t));
    if (core_here()->recorder && autograd_record_gradient(t, false) < 0) return -1;
    core_keep_tensor(gradient);
    core_drop_tensor(t->grad);
    t->grad = gradient;
    return 0;
}

tr_tensor *(tr_retain_grad)(tr_tensor *t)
{
    if (!t) return core_null("tr_retain_grad");
    if (!autograd_tracked(t)) return core_fail("tr_retain_grad: %s does not require grad", core_show(t));
    if (!t->origin) return t; /* a leaf does anyway */
    t->flags |= CORE_RETAINS_GRAD;
    ((autograd_node *)t->origin)->odd |= AUTOGRAD_RETAINED;
    return t;
}

const char *tr_grad_fn(const tr_tensor *t) { return t && t->origin ? t->origin->name : NULL; }
