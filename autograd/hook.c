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

int(tr_set_grad_place)(tr_tensor *leaf, tr_tensor *place)
{
    if (!leaf) return core_null_status("tr_set_grad_place");
    if (!autograd_tracked(leaf) || leaf->origin) return core_fail_status("tr_set_grad_place: %s is not a leaf that requires grad", core_show(leaf));
    if (place && (!core_same_shape(&place->shape, &leaf->shape) || place->dtype != leaf->dtype || !core_same_device(place, leaf)))
        return core_fail_status("tr_set_grad_place: the place is %s, but the leaf is %s", core_show(place), core_show(leaf));
    if (place && (!core_row_major_tensor(place) || autograd_tracked(place)))
        return core_fail_status("tr_set_grad_place: %s must be row-major and in no graph", core_show(place));
    autograd_node *sink = autograd_sink(leaf);
    if (!sink) return -1;
    core_keep_tensor(place);
    if (sink->saved & AUTOGRAD_Y) core_drop_tensor(sink->out.t);
    sink->saved = place ? AUTOGRAD_Y : 0;
    sink->out.t = place;
    return 0;
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
