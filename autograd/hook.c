#include "autograd/hook.h"

#include <stdatomic.h>
#include "core/memory.h"

int(tr_on_grad)(tr_tensor *leaf, tr_grad_hook *call, void *data)
{
    if (!leaf || !call) return core_null_status("tr_on_grad");
    if (!autograd_tracked(leaf) || leaf->origin) return core_fail_status("tr_on_grad: %s is not a leaf that requires grad", core_show(leaf));
    static _Atomic int ids;
    autograd_node *sink = autograd_sink(leaf);
    autograd_hook *hook = sink ? core_alloc(sizeof *hook, "tr_on_grad") : NULL;
    if (!hook) return -1;
    autograd_hook **last = &sink->hook;
    while (*last) last = &(*last)->next;
    *hook = (autograd_hook){NULL, call, data, atomic_fetch_add(&ids, 1) + 1};
    *last = hook;
    return hook->id;
}

void tr_remove_hook(tr_tensor *leaf, int id)
{
    if (!leaf || !leaf->sink) return;
    for (autograd_hook **at = &((autograd_node *)leaf->sink)->hook; *at; at = &(*at)->next)
        if ((*at)->id == id) {
            autograd_hook *gone = *at;
            *at = gone->next;
            core_free(gone);
            return;
        }
}

void autograd_hooks_free(autograd_hook *hook)
{
    while (hook) {
        autograd_hook *next = hook->next;
        core_free(hook);
        hook = next;
    }
}

void autograd_hooks_call(autograd_node *sink)
{
    for (int last = 0;;) { /* a hook may remove any, and drop the leaf; ids only grow along the list */
        const autograd_hook *hook = sink->hook;
        while (hook && hook->id <= last) hook = hook->next;
        if (!hook || !sink->origin.made) return;
        last = hook->id;
        hook->call(sink->origin.made, hook->data);
    }
}
