/* Backward: the graph walked in reverse, each node once, after everything that leads to it.
 *
 * A node runs when its last gradient has come: its derivative gives gradients to its inputs' nodes.  From the root on, as long
 * as each node leads to one other, that one is next.  At the end of this line the nodes that it leads to are found and the
 * edges into each are counted, and from there on counted down.  Both walks keep their stacks in the nodes themselves
 * (`next`), so they need no memory and no recursion.
 *
 * The stack is last in, first out, and a node's edges are pushed first to last: the sinks of weights and biases, which
 * stand behind the input in tr_linear, run before the walk goes deeper.  So gradients are finished last layer first, as
 * early as they can be, which is what overlapping communication wants. */
#include "autograd/autocast.h"
#include "autograd/hook.h"
#include "autograd/record.h"

#include <stdatomic.h>
#include <trireme/ops.h>
#include "core/memory.h"
#include "core/scope.h"
#include "core/watch.h"

struct autograd_end_call {
    struct autograd_end_call *next;
    void (*call)(void *data);
    void *data;
};

static inline autograd_node *push(autograd_node *n, autograd_node *stack)
{
    n->next = stack;
    return n;
}

/* One more edge leads to n, which nobody waited for before it was found. */
static inline autograd_node *found(autograd_node *n, autograd_node *stack) { return n && n->waiting++ == 0 ? push(n, stack) : stack; }

void autograd_find(autograd_node *root)
{
    root->next = NULL;
    for (autograd_node *stack = root; stack;) {
        const autograd_node *n = stack;
        stack = n->next;
        if (n->inputs > AUTOGRAD_INPUTS)
            for (int i = 0; i < n->inputs; i++) stack = found(n->to[i], stack);
        else
            stack = found(n->to_[2], found(n->to_[1], found(n->to_[0], stack)));
    }
}

/* One edge less: the last one makes n ready. */
static inline autograd_node *arrived(autograd_node *n, autograd_node *ready) { return n && --n->waiting == 0 ? push(n, ready) : ready; }

static inline autograd_node *next_of(const autograd_node *n, autograd_node *ready)
{
    if (n->inputs <= AUTOGRAD_INPUTS) return arrived(n->to_[2], arrived(n->to_[1], arrived(n->to_[0], ready)));
    for (int i = 0; i < n->inputs; i++) ready = arrived(n->to[i], ready);
    return ready;
}

static inline void undivided(autograd_node *n)
{
    n->odd &= (uint8_t)~AUTOGRAD_DIVIDED;
    n->divisor = 1;
}

/* After an error: drop the gradients that are under way, and wait for none.  Some nodes wait and some did. */
static void clear(autograd_node *root)
{
    static _Atomic uint64_t passes;
    uint64_t pass = atomic_fetch_add(&passes, 1) + 1;
    root->pass = pass;
    root->next = NULL;
    for (autograd_node *stack = root; stack;) {
        autograd_node *n = stack, *const *to = autograd_edges(n);
        stack = n->next;
        core_drop_tensor(n->gradient);
        n->gradient = NULL;
        n->waiting = 0;
        undivided(n);
        for (int i = 0; i < n->inputs; i++)
            if (to[i] && to[i]->pass != pass) {
                to[i]->pass = pass;
                stack = push(to[i], stack);
            }
    }
}

/* sum + more, held by the caller in place of sum.  The first gradient is taken as it is; the second makes a sum of our
 * own; from then on it is added to in place, unless derivatives are being noted. */
int autograd_add_gradient(tr_tensor **sum, tr_tensor *more)
{
    if (!*sum) {
        *sum = core_keep_tensor(more);
        return 0;
    }
    bool ours = autograd_plain() && !core_shared(*sum, 1) && core_row_major_tensor(*sum);
    tr_tensor *total = ours ? (tr_add_)(*sum, more) : (tr_add)(*sum, more);
    if (!total) return -1;
    if (!ours) {
        core_keep_tensor(total);
        core_drop_tensor(*sum);
        *sum = total;
    }
    return 0;
}

static tr_tensor *divided(tr_tensor *t, double divisor) { return (tr_div)(t, tr_number_(divisor, TR_FLOAT32)); }

tr_tensor *autograd_whole(autograd_node *n)
{
    tr_tensor *held = n->gradient;
    if (n->divisor == 1) return held;
    if (!core_shared(held, 1) && core_row_major_tensor(held)) {
        if (autograd_by_number(KERNEL_DIV, (tr_dtype)held->dtype, held, held, n->divisor) < 0) return NULL;
    } else {
        core_thread *here = core_here();
        int depth = core_scope_open(here);
        tr_tensor *whole = core_keep_tensor(divided(held, n->divisor));
        core_scope_close(here, depth);
        if (!whole) return NULL;
        core_drop_tensor(held);
        n->gradient = whole;
    }
    undivided(n);
    return n->gradient;
}

void autograd_give_(const autograd_node *n, int input, autograd_node *to, tr_tensor *dx)
{
    if (tr_places_wanted_ && autograd_is_anomaly(n, input, dx)) return;
    if (!to->gradient) {
        autograd_give_first(n, to, dx);
        return;
    }
    if (to->divisor != n->divisor) { /* from two means: neither can wait any longer */
        if (!autograd_whole(to)) return;
        if (n->divisor != 1 && !(dx = divided(dx, n->divisor))) return;
    }
    autograd_add_gradient(&to->gradient, dx);
}

static bool is_sink(const autograd_node *n) { return n && !n->inputs; }

tr_tensor *autograd_divide_later(autograd_node *n, tr_tensor *dy, int64_t count)
{
    bool waits = autograd_plain() && count > 0 && !is_sink(n->to[0]) && (dy->dtype == TR_FLOAT32 || dy->dtype == TR_FLOAT64);
    if (!waits) return divided(dy, (double)count);
    autograd_divide_when_seen(n, n->divisor * (double)count);
    return dy;
}

static inline bool retains(const autograd_node *n) { return n->origin.made && n->origin.made->flags & CORE_RETAINS_GRAD; }

/* Its derivative makes a larger gradient for a leaf: dividing dy is cheaper. */
static inline bool grows_for_a_leaf(const autograd_node *n)
{
    autograd_node *const *to = autograd_edges(n);
    for (int i = 0; i < n->inputs; i++) {
        const tr_tensor *leaf = is_sink(to[i]) ? to[i]->origin.made : NULL;
        if (leaf && leaf->numel > n->gradient->numel) return true;
    }
    return false;
}

tr_tensor *autograd_place_of(const autograd_node *n, int input)
{
    const autograd_node *to = n->to[input];
    const autograd_walk *w = core_here()->backward;
    bool all = is_sink(to) && to->waiting <= 1 && !to->gradient && n->divisor == 1 && w && !w->captures;
    tr_tensor *place = all && autograd_plain() ? autograd_place(to) : NULL;
    if (place) core_written(place);
    return place;
}

/* A leaf keeps its gradient: memory of its own, row-major, because programs write to it; and the same memory from pass to
 * pass, because programs hold on to it. */
static int arrive(const autograd_node *sink, tr_tensor *leaf, tr_tensor *gradient)
{
    if (!core_same_device(leaf, gradient))
        return core_fail_status("tr_backward: a gradient on %s for a leaf that has moved since, %s", tr_device_name(core_device_at(gradient)), core_show(leaf));
    if (core_here()->recording && autograd_record_gradient(leaf, true) < 0) return -1;
    tr_tensor *place = autograd_plain() ? autograd_place(sink) : NULL;
    if (place) {
        if (gradient != place && !(tr_copy_)(place, gradient)) return -1;
        leaf->grad = core_keep_tensor(place);
        return 0;
    }
    if (leaf->grad && autograd_plain() && core_row_major_tensor(leaf->grad)) return (tr_add_)(leaf->grad, gradient) ? 0 : -1;
    if (leaf->grad) return autograd_add_gradient(&leaf->grad, gradient);
    bool ours = autograd_plain() && !core_shared(gradient, 1) && core_row_major_tensor(gradient);
    tr_tensor *g = ours ? gradient : (tr_clone)(gradient);
    if (!g) return -1;
    leaf->grad = core_keep_tensor(g);
    return 0;
}

static void capture(const autograd_node *n, const autograd_walk *w)
{
    for (int64_t i = 0; i < w->captures; i++)
        if (w->inputs[i] == n) w->gradients[i] = core_keep_tensor(n->gradient);
}

/* What dy gives to the inputs of an operation; what else it makes goes again. */
static inline int derive(core_thread *here, autograd_node *n, tr_tensor *dy)
{
    int64_t mark = here->owned_count;
    n->op->derivative(n, dy);
    core_scope_release(here, mark);
    return here->failure.stands ? -1 : 0;
}

static __attribute__((noinline)) int derive_watched(core_thread *here, autograd_node *n, tr_tensor *dy)
{
    CORE_SPAN(TRACE_BACKWARD, n->op->grad_name);
    return derive(here, n, dy);
}

/* Somebody sees this node's gradient: a leaf, who retains it, who asked for it. */
static int show(autograd_node *n, const autograd_walk *w)
{
    if (!autograd_whole(n)) return -1;
    if (n->odd & AUTOGRAD_CAPTURED) capture(n, w);
    bool arrives = !w->captures && n->origin.made;
    return arrives ? arrive(n, n->origin.made, n->gradient) : 0;
}

/* The gradient has been used; it may be another than the derivative was given (autograd_whole). */
static inline void done(autograd_node *n)
{
    tr_tensor *dy = n->gradient;
    n->gradient = NULL;
    if (n->odd & AUTOGRAD_DIVIDED) undivided(n);
    core_drop_tensor(dy);
}

static int run_sink(core_thread *here, autograd_node *n, const autograd_walk *w)
{
    if (!n->gradient) return 0;
    if (show(n, w) < 0) return -1;
    done(n);
    if (w->captures || !n->hook || !n->origin.made) return 0;
    autograd_hooks_call(n);
    return here->failure.stands ? -1 : 0;
}

enum { FAILED = -1,
       PASSED_BY,
       DERIVED };

/* Before a derivative that is odd or on no way into leaves. */
static __attribute__((noinline)) int look_at(autograd_node *n, const autograd_walk *w)
{
    bool seen = n->odd & AUTOGRAD_CAPTURED || retains(n);
    if (n->gradient && seen && show(n, w) < 0) return FAILED;
    if (w->captures && !(n->odd & AUTOGRAD_NEEDED)) return PASSED_BY;
    if (n->gradient && n->odd & AUTOGRAD_SPENT)
        return core_fail_status("tr_backward: Trying to backward through the graph a second time: the saved values of %s are gone. Specify .retain_graph = true the first time", n->op->grad_name);
    return DERIVED;
}

static inline __attribute__((always_inline)) int derive_and_let_go(core_thread *here, autograd_node *n, tr_tensor *dy, const autograd_walk *w)
{
    int status = !dy ? 0 : core_watched() ? derive_watched(here, n, dy)
                                          : derive(here, n, dy);
    if (status == 0 && n->saved && !w->keep_saved) autograd_let_go_of_saved(n);
    return status;
}

static int run(core_thread *here, autograd_node *n, const autograd_walk *w)
{
    bool usual = !(n->odd & ~AUTOGRAD_DIVIDED) && !w->captures;
    int way = usual ? DERIVED : look_at(n, w);
    if (way == FAILED || (n->odd & AUTOGRAD_DIVIDED && grows_for_a_leaf(n) && !autograd_whole(n))) return -1;
    if (way == DERIVED && derive_and_let_go(here, n, n->gradient, w) < 0) return -1;
    done(n);
    return 0;
}

/* Where the one edge leads that n has, or NULL. */
static inline autograd_node *along(const autograd_node *n)
{
    if (n->to_[2]) return NULL;
    if (n->to_[1]) return n->to_[0] ? NULL : n->to_[1];
    return n->to_[0];
}

/* Walk along such nodes, as long as nothing is odd about them: the node that is next, or NULL after an error. */
static autograd_node *walk_line(core_thread *here, autograd_node *n, const autograd_walk *w)
{
    for (autograd_node *to = NULL; !(n->odd & ~AUTOGRAD_DIVIDED) && n->gradient && (to = along(n)); n = to) {
        if (n->odd & AUTOGRAD_DIVIDED && is_sink(to) && grows_for_a_leaf(n) && !autograd_whole(n)) return NULL;
        if (derive_and_let_go(here, n, n->gradient, w) < 0) return NULL;
        done(n);
    }
    return n;
}

static int walk_all(core_thread *here, autograd_node *root, const autograd_walk *w)
{
    autograd_node *n = w->captures ? root : walk_line(here, root, w);
    if (!n) return -1;
    if (!n->inputs) return run_sink(here, n, w);
    autograd_find(n);
    n->next = NULL;
    for (autograd_node *ready = n; ready;) {
        n = ready;
        ready = n->next;
        if ((n->inputs ? run(here, n, w) : run_sink(here, n, w)) < 0) return -1;
        ready = next_of(n, ready);
    }
    return 0;
}

int autograd_walk_from(autograd_node *root, autograd_walk *w)
{
    core_thread *here = core_here();
    here->backward = w;
    root->origin.count++; /* a hook may drop the root */
    int status = walk_all(here, root, w);
    if (status < 0) clear(root);
    core_origin_release(&root->origin);
    here->backward = NULL;
    return status;
}

tr_tensor *autograd_root_gradient(const char *function, tr_tensor *root, tr_tensor *given)
{
    if (!given) {
        if (root->numel != 1) return core_fail("%s: grad can be implicitly created only for scalar outputs, not %s", function, core_show(root));
        if (core_dtype_category[root->dtype] != 2) return core_fail("%s: grad can be implicitly created only for real scalar outputs, not %s", function, core_show(root));
        tr_tensor *one = core_tensor_like(root, (tr_dtype)root->dtype, function);
        if (one && !one->device && !core_here()->recording) { /* written here and now, without a kernel */
            core_element_set(one->data, (tr_dtype)one->dtype, 0, 1);
            return one;
        }
        return one && autograd_pointwise(KERNEL_FILL, (tr_dtype)one->dtype, one, NULL, 0, 1) == 0 ? one : NULL;
    }
    if (!core_same_shape(&given->shape, &root->shape) || given->dtype != root->dtype || !core_same_device(given, root))
        return core_fail("%s: the gradient is %s, but the root is %s", function, core_show(given), core_show(root));
    return given;
}

/* What comes to a root of tr_backward.  The 1 is nobody's to write to or to keep: the last pass's serves again. */
static tr_tensor *first_gradient(core_thread *here, tr_tensor *root, tr_tensor *given)
{
    if (given || here->recording) return autograd_root_gradient("tr_backward", root, given);
    tr_tensor *one = here->one;
    bool again = one && one->kind == root->kind && core_same_shape(&one->shape, &root->shape) && !core_shared(one, 1);
    if (again) return one;
    one = autograd_root_gradient("tr_backward", root, NULL);
    if (one) {
        core_drop_tensor(here->one);
        here->one = core_keep_tensor(one);
    }
    return one;
}

static int end_walk(autograd_end_call *end, bool call)
{
    while (end) {
        autograd_end_call *next = end->next;
        if (call) end->call(end->data);
        core_free(end);
        end = next;
    }
    return core_here()->failure.stands ? -1 : 0;
}

int(tr_backward)(tr_tensor *root, tr_backward_options options)
{
    core_thread *here = core_here();
    if (!root || here->failure.stands) return core_null_status("tr_backward");
    if (here->backward) return core_fail_status("tr_backward: called from within a backward pass");
    if (!autograd_tracked(root)) return core_fail_status("tr_backward: %s: element 0 of tensors does not require grad and does not have a grad_fn", core_show(root));
    autograd_walk w = {.keep_saved = options.retain_graph || options.create_graph};
    CORE_SPAN(TRACE_BACKWARD, "backward");
    bool off = here->grad_off;
    here->grad_off = !options.create_graph;
    tr_dtype cast = autograd_autocast_pause();
    int depth = core_scope_open(here);
    int status = -1;
    autograd_node *n = root->origin ? (autograd_node *)root->origin : autograd_sink(root);
    tr_tensor *gradient = n ? first_gradient(here, root, options.gradient) : NULL;
    if (gradient) {
        n->gradient = core_keep_tensor(gradient);
        status = autograd_walk_from(n, &w);
    }
    core_scope_close(here, depth);
    autograd_autocast_resume(cast);
    here->grad_off = off;
    int ended = end_walk(w.end, status == 0);
    return status < 0 ? status : ended;
}

int(tr_on_backward_end)(void (*call)(void *), void *data)
{
    autograd_walk *w = core_here()->backward;
    if (!w) return core_fail_status("tr_on_backward_end: no backward pass is running");
    autograd_end_call *end = core_alloc(sizeof *end, "tr_on_backward_end"), **last = &w->end;
    if (!end) return -1;
    *end = (autograd_end_call){NULL, call, data};
    while (*last) last = &(*last)->next;
    *last = end;
    return 0;
}
