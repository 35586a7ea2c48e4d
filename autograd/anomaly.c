/* Anomaly mode: which operation made the first NaN of a backward pass, and who called it.
 *
 * The macros over operations know the caller's place only after the call, when the graph already holds the result's node
 * and, for operations made of operations, some behind it.  So the place goes to the result's node and to every node behind
 * it that has none yet: older ones got theirs when they were made (or, made while the mode was off, never will: their line
 * is -1). */
#include "autograd/hook.h"

int tr_places_wanted_;

bool tr_set_anomaly(bool on)
{
    bool before = tr_places_wanted_;
    tr_places_wanted_ = on;
    return before;
}

void tr_anomaly_restore_(const bool *before) { tr_places_wanted_ = *before; }

static bool waits(const autograd_node *n) { return n->origin.line == 0 && !n->origin.file; }

void tr_place_at_(tr_tensor *made, const char *file, int line)
{
    enum { MOST = 256 }; /* more nodes at once than any operation is made of; of a whole module some stay without a place */
    autograd_node *stack[MOST];
    int count = 0;
    if (made->origin && waits((autograd_node *)made->origin)) stack[count++] = (autograd_node *)made->origin;
    while (count) {
        autograd_node *n = stack[--count];
        n->origin.file = file;
        n->origin.line = line;
        for (int i = 0; i < n->inputs; i++)
            if (n->to[i] && waits(n->to[i]) && n->to[i]->op->derivative && count < MOST) stack[count++] = n->to[i];
    }
}

static bool has_nan(tr_tensor *t)
{
    int depth = tr_scope_open();
    bool before = tr_set_grad_enabled(false);
    tr_tensor *count = (tr_sum)((tr_ne)(t, t), (tr_reduce_options){0});
    bool found = count && (tr_item)(count) > 0;
    tr_set_grad_enabled(before);
    tr_scope_close(depth);
    return found;
}

bool autograd_is_anomaly(const autograd_node *n, int input, tr_tensor *dx)
{
    if (!has_nan(dx)) return false;
    const char *file = n->origin.line < 0 ? NULL : n->origin.file, *name = file;
    for (const char *c = file; c && *c; c++)
        if (*c == '/') name = c + 1;
    const char *by = file ? core_text("called at %s:%d", name, n->origin.line) : "called where anomaly mode was off";
    core_fail("tr_backward: Function '%s' returned nan values in its %dth output: the derivative of %s, %s", n->op->grad_name, input, n->op->name, by);
    return true;
}
