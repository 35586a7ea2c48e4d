/* What backward.c, grad.c, graph.c, hook.c and anomaly.c share: the walk, sinks, hooks, and letting go. */
#ifndef TRIREME_AUTOGRAD_HOOK_H
#define TRIREME_AUTOGRAD_HOOK_H

#include "autograd/autograd.h"

typedef struct autograd_hook {
    struct autograd_hook *next;
    tr_grad_hook *call;
    void *data;
    int id;
} autograd_hook;

typedef struct autograd_end_call autograd_end_call;

/* A walk in reverse. */
typedef struct {
    bool keep_saved;
    autograd_end_call *end;
    /* tr_autograd_grad's: gradients[i] is taken where it passes inputs[i], and nothing goes into leaves */
    autograd_node **inputs;
    tr_tensor **gradients; /* owns one count of each */
    int64_t captures;
} autograd_walk;

/* Walk from root, whose gradient has been set (or whose inputs' have), as `function`.  0, or -1 with an error noted. */
int autograd_walk_from(autograd_node *root, autograd_walk *w);

/* Find what root leads to: count edges, forget what an earlier walk left. */
void autograd_find(autograd_node *root);

/* What comes to a root: `given`, or 1 for one real element.  NULL with an error noted. */
tr_tensor *autograd_root_gradient(const char *function, tr_tensor *root, tr_tensor *given);

/* Is there a NaN in what n's derivative gives to this input?  Then an error is noted. */
bool autograd_is_anomaly(const autograd_node *n, int input, tr_tensor *dx);

/* sum + more, held by the caller in place of sum. */
int autograd_add_gradient(tr_tensor **sum, tr_tensor *more);

/* The node that gathers a leaf's gradient, made when first needed; the leaf owns it.  NULL with an error noted. */
autograd_node *autograd_sink(tr_tensor *leaf);

/* Where this sink's gradient is to lie, if somebody has said so and it has none yet; NULL for a node that is none, whose
 * tensor retains its gradient. */
static inline tr_tensor *autograd_place(const autograd_node *sink)
{
    const tr_tensor *leaf = sink->origin.made;
    return !sink->inputs && sink->saved & AUTOGRAD_Y && leaf && !leaf->grad ? sink->out.t : NULL;
}

void autograd_hooks_free(autograd_hook *hook);
void autograd_hooks_call(autograd_node *sink);

static inline void autograd_let_go_of_saved(autograd_node *n)
{
    unsigned saved = n->saved;
    n->saved = 0;
    n->odd |= AUTOGRAD_SPENT;
    if (saved & AUTOGRAD_A) core_drop_tensor(n->in[0].t);
    if (saved & AUTOGRAD_B) core_drop_tensor(n->in[1].t);
    if (saved & AUTOGRAD_C) core_drop_tensor(n->in[2].t);
    if (saved & AUTOGRAD_Y) core_drop_tensor(n->out.t);
}

#endif
