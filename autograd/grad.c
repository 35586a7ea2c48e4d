/* Gradients returned instead of added into leaves: torch.autograd.grad.
 *
 * The outputs' nodes are the inputs of one more node, the root, which lives on the stack here.  Before the walk the part of
 * the graph that leads to an input is marked, from the far end on; nothing else is run. */
#include "autograd/autocast.h"
#include "autograd/hook.h"
#include "core/memory.h"

static const autograd_op root_op = {"grad", "Root", NULL, NULL};

static autograd_node *node_of(tr_tensor *t) { return t->origin ? (autograd_node *)t->origin : autograd_sink(t); }

/* Everything that root leads to, each after all that leads to it; NULL if there is no memory. */
static autograd_node **in_order(autograd_node *root, int64_t *count)
{
    int64_t room = 64;
    autograd_node **order = core_alloc(room * (int64_t)sizeof *order, "tr_autograd_grad");
    *count = 0;
    autograd_find(root);
    root->next = NULL;
    for (autograd_node *ready = root; ready;) { /* to the end in any case: then nobody waits any more */
        autograd_node *n = ready;
        ready = n->next;
        if (order && *count == room) {
            autograd_node **more = core_realloc(order, room * (int64_t)sizeof *order, 2 * room * (int64_t)sizeof *order, "tr_autograd_grad");
            if (!more) core_free(order);
            order = more;
            room *= 2;
        }
        if (order) order[(*count)++] = n;
        for (int i = 0; i < n->inputs; i++)
            if (n->to[i] && --n->to[i]->waiting == 0) {
                n->to[i]->next = ready;
                ready = n->to[i];
            }
    }
    return order;
}

static int mark(autograd_node *root, const autograd_walk *w)
{
    int64_t count;
    autograd_node **order = in_order(root, &count);
    if (!order) return -1;
    for (int64_t i = 0; i < count; i++) order[i]->odd &= (uint8_t) ~(AUTOGRAD_CAPTURED | AUTOGRAD_NEEDED);
    for (int64_t i = 0; i < w->captures; i++) w->inputs[i]->odd |= AUTOGRAD_CAPTURED;
    for (int64_t i = count - 1; i >= 0; i--) {
        autograd_node *n = order[i];
        for (int e = 0; e < n->inputs; e++)
            if (n->to[e] && n->to[e]->odd & (AUTOGRAD_CAPTURED | AUTOGRAD_NEEDED)) n->odd |= AUTOGRAD_NEEDED;
    }
    core_free(order);
    return 0;
}

static void unmark(const autograd_walk *w)
{
    for (int64_t i = 0; i < w->captures; i++) w->inputs[i]->odd &= (uint8_t)~AUTOGRAD_CAPTURED;
}

/* The gradients of the outputs, into the nodes that the root leads to. */
static int begin(autograd_node *root, tr_tensors outputs, const tr_tensor *const *given)
{
    for (int64_t i = 0; i < outputs.count; i++) {
        tr_tensor *y = outputs.tensor[i];
        tr_tensor *gradient = autograd_root_gradient("tr_autograd_grad", y, given ? (tr_tensor *)(uintptr_t)given[i] : NULL);
        if (!gradient || autograd_add_gradient(&root->to[i]->gradient, gradient) < 0) return -1;
    }
    return 0;
}

/* After a failed begin. */
static void forget(autograd_node *root)
{
    for (int i = 0; i < root->inputs; i++) {
        core_drop_tensor(root->to[i]->gradient);
        root->to[i]->gradient = NULL;
    }
}

/* A gradient as a tensor of the open scope, still in the graph it may be in. */
static tr_tensor *handed_out(tr_tensor *g)
{
    tr_tensor *t = core_tensor_alias(g, &g->shape, g->stride, 0, "tr_autograd_grad");
    if (!t || !g->origin) return t;
    t->origin = g->origin;
    t->origin->count++;
    autograd_node *n = (autograd_node *)t->origin;
    if (n->origin.made == g && g->object.count == 1) n->origin.made = t; /* g is about to go */
    return t;
}

static int hand_out(const autograd_walk *w, tr_tensor **gradients, bool allow_unused)
{
    for (int64_t i = 0; i < w->captures && !allow_unused; i++)
        if (!w->gradients[i])
            return core_fail_status("tr_autograd_grad: input %lld: One of the differentiated Tensors appears to not have been used in the graph. Set .allow_unused = true if this is the desired behavior.", (long long)i);
    tr_tensor **out = core_scope_memory(w->captures * (int64_t)sizeof *out, "tr_autograd_grad");
    for (int64_t i = 0; i < w->captures && out; i++)
        if (w->gradients[i] && !(out[i] = handed_out(w->gradients[i]))) return -1;
    for (int64_t i = 0; i < w->captures && out; i++) gradients[i] = out[i];
    return out ? 0 : -1;
}

static int check(const char *which, tr_tensors tensors)
{
    if (tensors.count < 1 || tensors.count > INT32_MAX || !tensors.tensor) return core_fail_status("tr_autograd_grad: a list of %lld %s", (long long)tensors.count, which);
    for (int64_t i = 0; i < tensors.count; i++) {
        const tr_tensor *t = tensors.tensor[i];
        if (!t) return core_null_status("tr_autograd_grad");
        if (!autograd_tracked(t)) return core_fail_status("tr_autograd_grad: %s %lld, %s: One of the differentiated Tensors does not require grad", which, (long long)i, core_show(t));
    }
    return 0;
}

static int walk(autograd_node *root, autograd_walk *w, tr_tensors outputs, const tr_autograd_grad_options *options)
{
    bool before = tr_set_grad_enabled(options->create_graph);
    tr_dtype cast = autograd_autocast_pause();
    int depth = tr_scope_open(), status = -1;
    if (mark(root, w) == 0) {
        if (begin(root, outputs, options->grad_outputs) == 0)
            status = autograd_walk_from(root, w);
        else
            forget(root);
    }
    unmark(w);
    tr_scope_close(depth);
    autograd_autocast_resume(cast);
    tr_set_grad_enabled(before);
    return status;
}

int(tr_autograd_grad)(tr_tensors outputs, tr_tensors inputs, tr_tensor **gradients, tr_autograd_grad_options options)
{
    core_thread *here = core_here();
    if (!gradients || here->failure.stands) return core_null_status("tr_autograd_grad");
    if (here->backward) return core_fail_status("tr_autograd_grad: called from within a backward pass");
    if (check("outputs", outputs) < 0 || check("inputs", inputs) < 0) return -1;
    autograd_node root = {.origin = {.name = "Root", .count = 2}, .op = &root_op, .divisor = 1, .inputs = (int32_t)outputs.count}; /* never let go */
    autograd_walk w = {.keep_saved = options.retain_graph || options.create_graph, .captures = inputs.count};
    int depth = tr_scope_open(), status = -1;
    root.to = outputs.count > AUTOGRAD_INPUTS ? core_scope_memory(outputs.count * (int64_t)sizeof *root.to, "tr_autograd_grad") : root.to_;
    w.inputs = core_scope_memory(inputs.count * (int64_t)sizeof *w.inputs, "tr_autograd_grad");
    w.gradients = core_scope_memory(inputs.count * (int64_t)sizeof *w.gradients, "tr_autograd_grad");
    bool ready = root.to && w.inputs && w.gradients;
    for (int64_t i = 0; i < outputs.count && ready; i++) ready = (root.to[i] = node_of(outputs.tensor[i])) != NULL;
    for (int64_t i = 0; i < inputs.count && ready; i++) ready = (w.inputs[i] = node_of(inputs.tensor[i])) != NULL;
    if (ready) status = walk(&root, &w, outputs, &options);
    if (status == 0) status = hand_out(&w, gradients, options.allow_unused);
    for (int64_t i = 0; i < inputs.count && w.gradients; i++) core_drop_tensor(w.gradients[i]);
    for (int64_t i = 0; i < inputs.count && status == 0; i++) tr_pass_up(gradients[i]);
    tr_scope_close(depth);
    return status;
}
