/* Gradients across replays.
 *
 * A step may end with gradients that the program uses or lets go of before the next one: tr_step and tr_zero_grad outside
 * the recording.  A replay writes to the memory of the recorded step, so the leaf must have that tensor as its gradient
 * again; and where the step took or added to a gradient that was there, it must still be there. */
#include "autograd/recording.h"

int autograd_record_gradient(tr_tensor *leaf, bool takes)
{
    tr_recording *r = core_here()->recorder;
    for (int64_t i = 0; i < r->gradients; i++)
        if (r->gradient[i].leaf == leaf) return 0; /* how it came first says how the step began */
    record_gradient *grown = record_room(r->gradient, r->gradients, &r->gradient_room, sizeof *r->gradient);
    if (!grown) return -1;
    r->gradient = grown;
    bool anew = !takes || !leaf->grad || leaf->grad->flags & CORE_MADE_RECORDING;
    r->gradient[r->gradients++] = (record_gradient){core_keep_tensor(leaf), anew ? NULL : core_keep_tensor(leaf->grad), anew};
    return 0;
}

void record_end_gradients(tr_recording *r)
{
    int64_t left = 0;
    for (int64_t i = 0; i < r->gradients; i++) {
        record_gradient g = r->gradient[i];
        if (g.anew && g.leaf->grad && g.leaf->object.count > 1) g.tensor = core_keep_tensor(g.leaf->grad);
        if (g.tensor)
            r->gradient[left++] = g;
        else
            core_drop_tensor(g.leaf); /* made and let go of within the step, or the leaf was */
    }
    r->gradients = left;
}

int record_bring_gradients(const tr_recording *r)
{
    for (int64_t i = 0; i < r->gradients; i++)
        if (!r->gradient[i].anew && r->gradient[i].leaf->grad != r->gradient[i].tensor)
            return core_fail_status("tr_replay: the step begins with a gradient of %s that is not there any more; record it again, or let the step begin with tr_zero_grad", core_show(r->gradient[i].leaf));
    for (int64_t i = 0; i < r->gradients; i++) {
        const record_gradient *g = &r->gradient[i];
        if (g->leaf->grad == g->tensor) continue;
        core_drop_tensor(g->leaf->grad);
        g->leaf->grad = core_keep_tensor(g->tensor);
    }
    return 0;
}

void record_forget_gradients(tr_recording *r)
{
    for (int64_t i = 0; i < r->gradients; i++) {
        core_drop_tensor(r->gradient[i].leaf);
        core_drop_tensor(r->gradient[i].tensor);
    }
    core_free(r->gradient);
    r->gradient = NULL;
    r->gradients = 0;
}
