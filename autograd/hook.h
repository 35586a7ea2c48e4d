/* The room's inner parts: sinks, hooks, and letting go. */
#ifndef TRIREME_AUTOGRAD_HOOK_H
#define TRIREME_AUTOGRAD_HOOK_H

#include "autograd/autograd.h"

typedef struct autograd_hook {
    struct autograd_hook *next;
    tr_grad_hook *call;
    void *data;
    int id;
} autograd_hook;

/* The node that gathers a leaf's gradient, made when first needed; the leaf owns it.  NULL with an error noted. */
autograd_node *autograd_sink(tr_tensor *leaf);

void autograd_hooks_free(autograd_hook *hook);
void autograd_hooks_call(autograd_node *sink);

void autograd_let_go_of_saved(autograd_node *n);

#endif
