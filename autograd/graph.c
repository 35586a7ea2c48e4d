/* Nodes: made by operations, held by tensors and by other nodes, let go without recursion. */
#include "autograd/autograd.h"
#include "autograd/hook.h"
#include "autograd/say.h"
#include "core/memory.h"

/* ---- letting go ----
 * A chain of 100,000 operations must not become 100,000 stack frames: a node that falls to nobody while another is being
 * let go waits on a list. */

static inline void waits(core_thread *here, autograd_node *n)
{
    n->next = here->release;
    here->release = n;
}

static inline void leave(core_thread *here, autograd_node *to)
{
    if (to && --to->origin.count == 0) waits(here, to);
}

/* A sink's hooks, or a list of edges. */
static __attribute__((noinline)) void let_go_of_more(core_thread *here, autograd_node *n)
{
    for (int i = 0; i < n->inputs; i++) leave(here, n->to[i]);
    if (n->inputs) {
        core_free(n->to);
        n->to = n->to_;
    } else if (n->hook) {
        autograd_hooks_free(n->hook);
        n->hook = NULL;
    }
}

/* What waits on its list is as new: node_new() need not look at what few nodes have. */
static __attribute__((noinline)) void renew(autograd_node *n)
{
    if (n->saved) autograd_let_go_of_saved(n);
    if (n->gradient) core_drop_tensor(n->gradient);
    n->gradient = NULL;
    n->told = false;
    n->args.shape.ndim = n->args.shape_b.ndim = -1;
}

static inline void let_go(core_thread *here, autograd_node *n)
{
    if (n->saved || n->told || n->gradient) renew(n);
    bool usual = (uint32_t)n->inputs - 1 < AUTOGRAD_INPUTS;
    if (usual) {
        leave(here, n->to_[0]);
        leave(here, n->to_[1]);
        leave(here, n->to_[2]);
    } else
        let_go_of_more(here, n);
    core_pool_give(here, CORE_POOL_NODE, n, n->home);
}

static void node_release(core_origin *origin)
{
    core_thread *here = core_here();
    autograd_node *n = (autograd_node *)origin;
    static autograd_node end_of_list;
    if (here->release) { /* somebody further down the stack is at it */
        waits(here, n);
        return;
    }
    here->release = &end_of_list;
    do {
        let_go(here, n);
        n = here->release;
        here->release = n->next;
    } while (n != &end_of_list);
}

/* ---- making ---- */

/* One more, from the system. */
static autograd_node *node_more(core_thread *here, const autograd_op *op)
{
    autograd_node *n = core_alloc(sizeof *n, op->name);
    if (!n) return NULL;
    n->home = here->id;
    n->origin.release = node_release;
    n->args.shape.ndim = n->args.shape_b.ndim = -1;
    n->to = n->to_;
    n->divisor = 1;
    return n;
}

static inline void node_begin(autograd_node *n, const autograd_op *op, int32_t inputs)
{
    n->origin.name = op->grad_name;
    n->origin.count = 1;
    n->origin.line = -1;
    n->op = op;
    n->inputs = inputs;
    n->saved = n->odd = 0;
}

static inline autograd_node *node_new(const autograd_op *op, int32_t inputs)
{
    core_thread *here = core_here();
    autograd_node *n = core_list_pop(&here->pool[CORE_POOL_NODE]);
    if (!n && !(n = node_more(here, op))) return NULL;
    node_begin(n, op, inputs);
    if (tr_places_wanted_) {
        n->origin.line = 0;
        n->origin.file = NULL;
    }
    if (inputs > AUTOGRAD_INPUTS && !(n->to = core_alloc(inputs * (int64_t)sizeof(void *), op->name))) {
        n->to = n->to_;
        core_pool_give(here, CORE_POOL_NODE, n, n->home);
        return NULL;
    }
    return n;
}

/* A leaf's gradient arrives here; see autograd_arrive in backward.c. */
static const autograd_op sink_op = {"accumulate", "AccumulateGrad", NULL, NULL};

static __attribute__((noinline)) core_origin *make_sink(tr_tensor *leaf)
{
    autograd_node *n = node_new(&sink_op, 0);
    if (!n) return NULL;
    for (int i = 0; i < AUTOGRAD_INPUTS; i++) n->to_[i] = NULL;
    n->origin.made = leaf;
    return leaf->sink = &n->origin;
}

autograd_node *autograd_sink(tr_tensor *leaf) { return (autograd_node *)(leaf->sink ? leaf->sink : make_sink(leaf)); }

/* The node that wants t's gradient; NULL if none does, or a sink has to be made. */
static inline core_origin *wanted_by(const tr_tensor *t)
{
    if (!t) return NULL;
    return t->origin || !(t->flags & CORE_REQUIRES_GRAD) ? t->origin : t->sink;
}

static inline autograd_node *edge(core_origin *origin)
{
    if (origin) origin->count++;
    return (autograd_node *)origin;
}

/* wanted_by(t) with a count for the edge.  Sets *failed if there is no memory. */
static inline autograd_node *edge_to(tr_tensor *t, bool *failed)
{
    core_origin *origin = wanted_by(t);
    if (!origin && autograd_tracked(t) && !(origin = make_sink(t))) *failed = true;
    return edge(origin);
}

static void tell(autograd_node *n, const autograd_args *args)
{
    n->args = *args;
    n->told = true;
}

static inline void put(autograd_node *n, unsigned which, autograd_saved *place, tr_tensor *t)
{
    t->object.count++;
    place->t = t;
    place->version = t->storage->version;
    n->saved |= (uint8_t)which;
}

/* A derivative that needs complex values needs their conjugates. */
static inline bool save(autograd_node *n, unsigned which, autograd_saved *place, tr_tensor *t, unsigned saves)
{
    put(n, which, place, t);
    bool served = t->dtype < TR_COMPLEX64 || saves & AUTOGRAD_CONJUGATES;
    if (!served) core_fail("tr_%s: its derivative does not serve complex numbers, %s", n->op->name, core_show(t));
    return served;
}

/* The result, saved by its own node, would hold itself for ever: a second handle without origin is saved instead. */
static bool save_result(autograd_node *n, tr_tensor *y, unsigned saves)
{
    tr_tensor *alias = core_tensor_alias(y, &y->shape, y->stride, 0, n->op->name);
    return alias && save(n, AUTOGRAD_Y, &n->out, alias, saves);
}

/* y's handle takes the node over; in place, y's old origin has become one of the node's edges. */
static inline tr_tensor *attach(tr_tensor *y, autograd_node *n, bool failed)
{
    if (failed) {
        core_origin_release(&n->origin);
        return NULL;
    }
    if (y->origin) {
        if (y->origin->made == y) y->origin->made = NULL;
        core_origin_release(y->origin);
    }
    if (y->flags & CORE_RETAINS_GRAD) n->odd |= AUTOGRAD_RETAINED;
    y->origin = &n->origin;
    n->origin.made = y;
    return y;
}

static inline __attribute__((always_inline)) tr_tensor *note(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, tr_tensor *c, unsigned saves, const autograd_args *args, bool stretched)
{
    autograd_node *n = node_new(op, c ? 3 : 1 + (b != NULL));
    if (!n) return NULL;
    bool failed = false;
    n->to_[0] = edge_to(a, &failed);
    n->to_[1] = edge_to(b, &failed);
    n->to_[2] = edge_to(c, &failed);
    if (a && saves & AUTOGRAD_A) failed |= !save(n, AUTOGRAD_A, &n->in[0], a, saves);
    if (b && saves & AUTOGRAD_B) failed |= !save(n, AUTOGRAD_B, &n->in[1], b, saves);
    if (c && saves & AUTOGRAD_C) failed |= !save(n, AUTOGRAD_C, &n->in[2], c, saves);
    if (args) tell(n, args);
    if (stretched && b) {
        n->told = true;
        core_copy_shape(&n->args.shape, &a->shape);
        core_copy_shape(&n->args.shape_b, &b->shape);
    }
    if (saves & AUTOGRAD_Y) failed |= !save_result(n, y, saves);
    return attach(y, n, failed);
}

tr_tensor *autograd_note_only(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, tr_tensor *c, unsigned saves, const autograd_args *args)
{
    return note(y, op, a, b, c, saves, args, false);
}

static inline tr_tensor *and_views(tr_tensor *y, const tr_tensor *a)
{
    if (!y || (!y->base && !y->views)) return y;
    bool written = y == a || y->storage->version > 0; /* a fresh result may be a view of fresh memory */
    return written ? autograd_tell_views(y) : y;
}

tr_tensor *autograd_note_(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, tr_tensor *c, unsigned saves, const autograd_args *args)
{
    return and_views(note(y, op, a, b, c, saves, args, false), a);
}

/* wanted_by(t); *missing, where a sink has to be made. */
static inline core_origin *wanted_there(const tr_tensor *t, bool *missing)
{
    core_origin *to = t ? t->origin : NULL;
    if (to || !t || !(t->flags & CORE_REQUIRES_GRAD)) return to;
    *missing |= !t->sink;
    return t->sink;
}

static __attribute__((noinline)) tr_tensor *note_any_pair(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, unsigned saves)
{
    return and_views(note(y, op, a, b, NULL, saves, NULL, false), a);
}

/* What most notes are goes without a call: a fresh real result that its derivative does not need, and edges that exist. */
tr_tensor *autograd_note_pair(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, unsigned saves)
{
    core_thread *here = core_here();
    bool missing = false;
    core_origin *to_a = wanted_there(a, &missing), *to_b = wanted_there(b, &missing);
    bool fresh = !((uintptr_t)y->origin | (uintptr_t)y->base | (uintptr_t)y->views);
    bool plain = fresh && y->dtype < TR_COMPLEX64 && !(saves & AUTOGRAD_Y) && !missing;
    if (!plain || tr_places_wanted_ || !here->pool[CORE_POOL_NODE]) return note_any_pair(y, op, a, b, saves);
    autograd_node *n = core_list_pop(&here->pool[CORE_POOL_NODE]);
    node_begin(n, op, 1 + (b != NULL));
    n->to_[0] = edge(to_a);
    n->to_[1] = edge(to_b);
    n->to_[2] = NULL;
    if (saves & AUTOGRAD_A) put(n, AUTOGRAD_A, &n->in[0], a);
    if (saves & AUTOGRAD_B) put(n, AUTOGRAD_B, &n->in[1], b);
    y->origin = &n->origin;
    n->origin.made = y;
    return y;
}

tr_tensor *autograd_note_stretched(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, unsigned saves)
{
    return and_views(note(y, op, a, b, NULL, saves, NULL, true), a);
}

tr_tensor *autograd_note_many(tr_tensor *y, const autograd_op *op, tr_tensors inputs, tr_tensor *saved, const autograd_args *args)
{
    bool tracked = false;
    for (int64_t i = 0; i < inputs.count; i++) tracked |= autograd_tracked(inputs.tensor[i]);
    if (!y || !tracked || core_here()->grad_off) return y;
    autograd_node *n = node_new(op, (int32_t)inputs.count);
    if (!n) return NULL;
    bool failed = false;
    for (int i = 0; i < AUTOGRAD_INPUTS; i++) n->to_[i] = NULL;
    for (int64_t i = 0; i < inputs.count; i++) n->to[i] = edge_to(inputs.tensor[i], &failed);
    if (saved) failed |= !save(n, AUTOGRAD_A, &n->in[0], saved, 0);
    if (args) tell(n, args);
    return attach(y, n, failed);
}

/* ---- what derivatives ask for ---- */

static tr_tensor *changed(const autograd_node *n, const autograd_saved *saved)
{
    const autograd_node *from = saved == &n->out ? n : saved - n->in < n->inputs ? n->to[saved - n->in]
                                                                                 : NULL;
    const char *made_by = from && from->op->derivative ? core_text(", which is output 0 of %s,", from->op->grad_name) : "";
    return core_fail("tr_backward: a value that %s needs was changed in place: one of the variables needed for gradient computation has been modified by an inplace operation: "
                     "[torch.%sTensor %s]%s is at version %u; expected version %u instead",
                     n->op->grad_name, autograd_say_type((tr_dtype)saved->t->dtype), autograd_say_sizes(&saved->t->shape), made_by, saved->t->storage->version, saved->version);
}

static tr_tensor *unpack(autograd_node *n, unsigned which, const autograd_saved *saved)
{
    if (!(n->saved & which)) {
        if (n->odd & AUTOGRAD_SPENT) return core_fail("tr_backward: Trying to backward through the graph a second time: the saved values of %s are gone. Specify .retain_graph = true the first time", n->op->grad_name);
        return core_fail("%s: its derivative asks for a value that was not saved", n->op->name);
    }
    if (saved->t->storage->version != saved->version) return changed(n, saved);
    return saved->t;
}

tr_tensor *autograd_in_(autograd_node *n, int input) { return unpack(n, 1u << input, &n->in[input]); }

tr_tensor *autograd_out(autograd_node *n)
{
    tr_tensor *y = unpack(n, AUTOGRAD_Y, &n->out);
    if (!y || autograd_plain()) return y;
    y = core_tensor_alias(y, &y->shape, y->stride, 0, n->op->name); /* in a graph again, where it came from */
    if (!y) return NULL;
    n->origin.count++;
    y->origin = &n->origin;
    return y;
}

int autograd_check_in_place(const tr_tensor *t, const tr_tensor *from, const char *what)
{
    if (!autograd_on(t, from, NULL)) return 0;
    if (autograd_tracked(t) && !t->origin) return core_fail_status("%s: a leaf Variable that requires grad is being used in an in-place operation. (do it under TR_NO_GRAD)", what);
    if (t->base && autograd_tracked(t->base) && !t->base->origin)
        return core_fail_status("%s: a view of a leaf Variable that requires grad is being used in an in-place operation. (do it under TR_NO_GRAD)", what);
    if (t->flags & CORE_BLIND_VIEW)
        return core_fail_status("%s: %s: A view was created in no_grad mode and is being modified inplace with grad mode enabled; its base would not learn of it", what, core_show(t));
    return 0;
}
