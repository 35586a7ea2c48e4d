/* Recording: what operations tell it.
 *
 * Kernels know addresses, a recording must know whose they are: so an operation hands its tensors along with its call
 * (autograd_run), and a kernel that was called otherwise while recording is an error, not a gap. */
#ifndef TRIREME_AUTOGRAD_RECORD_H
#define TRIREME_AUTOGRAD_RECORD_H

#include "core/tensor.h"
#include "core/thread.h"
#include "kernels/run.h"

/* Called before a recorded call in every replay, to bring its numbers up to date.  0, or -1 with an error noted. */
typedef int autograd_knob(core_object *owner, kernel_call *call);

int autograd_run_recorded(kernel_call *call, const tr_tensor *const view[KERNEL_VIEWS], core_object *owner, autograd_knob *knob);

/* Run a call whose views lie in these tensors (NULL for none). */
static inline int autograd_run(kernel_call *call, const tr_tensor *out, const tr_tensor *a, const tr_tensor *b, const tr_tensor *c)
{
    if (core_here()->recording) return autograd_run_recorded(call, (const tr_tensor *const[KERNEL_VIEWS]){out, a, b, c}, NULL, NULL);
    return out->device ? kernel_run(core_device_at(out), call) : kernel_run_on_cpu(call);
}

/* Run a call on an array of kernel_optim_item; tensor[5 i ...] are item i's parameter, states and gradient.  at[1] lies in
 * `beside`, or is NULL with it. */
int autograd_run_items(kernel_call *call, tr_device device, tr_tensor *const *tensor, const tr_tensor *beside, core_object *owner, autograd_knob *knob);

/* While recording: what follows is made once and not recorded, until autograd_record_resume(before). */
bool autograd_record_pause(void);
void autograd_record_resume(bool before);

/* Before somebody takes leaf's gradient, or adds to it, or (false) gives it another, in a step that is recorded.  0, or -1
 * with an error noted. */
int autograd_record_gradient(tr_tensor *leaf, bool takes);

#endif
