/* The graph of operations, and what an operation is.
 *
 * Every tensor that an operation makes from one that requires a gradient holds a node; a node holds the nodes its inputs
 * came from, and what its derivative will need.  A leaf owns a node too, its sink, which adds what arrives to the leaf's
 * gradient.  So edges lead from node to node:
 *
 *     loss --> [mean] --> [pow] --> [sub] --> [mm] --> [sink of theta]
 *                                     saved: X
 *
 * An operation is a function that checks, computes and notes (autograd_note), and an autograd_op beside it that says its
 * name, its derivative, and where tests sample it.  Derivatives are written in terms of operations, so that they can be
 * differentiated again; where nobody will, a fused kernel may take a short cut (autograd_plain()). */
#ifndef TRIREME_AUTOGRAD_AUTOGRAD_H
#define TRIREME_AUTOGRAD_AUTOGRAD_H

#include <trireme/autograd.h>
#include "core/tensor.h"
#include "core/thread.h"
#include "autograd/record.h"
#include "kernels/kernels.h"

enum { AUTOGRAD_INPUTS = 3 }; /* edges inline; cat has more and allocates */

typedef struct autograd_node autograd_node;

/* One sample of an operation, for the gradient check and the documentation: apply() on inputs of these shapes, drawn
 * from [low, high). */
typedef struct {
    const char *what;
    tr_tensor *(*apply)(tr_tensor *const *x);
    double low, high;
    int inputs;
    tr_shape shape[AUTOGRAD_INPUTS];
} autograd_case;

typedef struct autograd_op {
    const char *name;      /* "matmul" */
    const char *grad_name; /* "MmBackward0" */
    void (*derivative)(autograd_node *n, tr_tensor *dy);
    const autograd_case *cases; /* ends with one whose apply is NULL */
} autograd_op;

/* Every operation that has a derivative, NULL at the end: what the gradient check walks. */
extern const autograd_op *const autograd_ops[];

/* Small things an operation tells its derivative. */
typedef struct {
    tr_shape shape, shape_b; /* of inputs; ndim -1: nothing was stretched */
    int64_t n[4];
    double x[2];
} autograd_args;

typedef struct {
    tr_tensor *t; /* owns one count */
    uint32_t version;
} autograd_saved;

/* What keeps a walk from passing a node by with one look. */
enum {
    AUTOGRAD_SPENT = 1,    /* the saved values are gone */
    AUTOGRAD_RETAINED = 2, /* its tensor may keep its gradient (CORE_RETAINS_GRAD) */
    AUTOGRAD_DIVIDED = 4,  /* a division waits */
    AUTOGRAD_CAPTURED = 8, /* tr_autograd_grad's: somebody asked for its gradient */
    AUTOGRAD_NEEDED = 16,  /* and: leads to one that is captured */
};

/* Two cache lines are the graph; the third holds what was saved. */
struct autograd_node {
    core_origin origin; /* name, count */

    /* the walk */
    autograd_node *next;
    int32_t waiting; /* gradients that are still to come; 0 outside of walks, and along a line */

    int32_t inputs;
    const autograd_op *op;
    autograd_node *to_[AUTOGRAD_INPUTS]; /* NULL behind the last input */
    autograd_node **to;                  /* to_, where that is long enough; owns one count of each: where gradients of the inputs go; NULL where nobody wants one */
    tr_tensor *gradient;                 /* owns one count: what has come so far, but for a division */
    double divisor;                      /* that waits, else 1: autograd_divide_later */
    uint8_t odd;                         /* AUTOGRAD_SPENT ... */
    uint8_t saved;                       /* which of in (AUTOGRAD_A, B, C) and out (AUTOGRAD_Y) are there: only those are defined */
    bool told;                           /* args say something; else their ndims are -1 */
    uint32_t home;                       /* the thread that the node comes from: core_thread's id */

    autograd_saved in[AUTOGRAD_INPUTS], out; /* a sink's out: the place of its leaf's gradient (tr_set_grad_place) */
    autograd_args args;
    struct autograd_hook *hook; /* of a sink; owned */
    uint64_t pass;              /* which search saw it last */
};

static inline autograd_node *const *autograd_edges(const autograd_node *n) { return n->inputs > AUTOGRAD_INPUTS ? n->to : n->to_; }

/* ---- for operations ---- */

/* What to keep for the derivative: inputs by position, and the result. */
enum { AUTOGRAD_A = 1,
       AUTOGRAD_B = 2,
       AUTOGRAD_C = 4,
       AUTOGRAD_Y = 8,
       AUTOGRAD_CONJUGATES = 16 }; /* it may be complex: the derivative is dy times the conjugate of f' */

static inline bool autograd_tracked(const tr_tensor *t) { return t && (t->origin || (t->flags & CORE_REQUIRES_GRAD)); }

/* Is an operation on these to be noted? */
static inline bool autograd_on(const tr_tensor *a, const tr_tensor *b, const tr_tensor *c)
{
    return (autograd_tracked(a) || autograd_tracked(b) || autograd_tracked(c)) && !core_here()->grad_off;
}

/* Note that op made y from a, b, c (NULL where it has fewer inputs).  Does nothing unless one of them requires a
 * gradient and noting is on.  Returns y, or NULL with an error noted; NULL for y passes through. */
tr_tensor *autograd_note_(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, tr_tensor *c, unsigned saves, const autograd_args *args);
tr_tensor *autograd_note_pair(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, unsigned saves); /* most are */
static inline tr_tensor *autograd_note(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, tr_tensor *c, unsigned saves, const autograd_args *args)
{
    if (!y || !autograd_on(a, b, c)) return y;
    return c || args ? autograd_note_(y, op, a, b, c, saves, args) : autograd_note_pair(y, op, a, b, saves);
}

/* The same of two inputs that were broadcast, for one that is to be noted: their shapes become its args. */
tr_tensor *autograd_note_stretched(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, unsigned saves);

/* What y, a fresh result, tells its derivative, for the operation to fill; NULL if y was not noted. */
static inline autograd_args *autograd_args_of(tr_tensor *y)
{
    autograd_node *n = y ? (autograd_node *)y->origin : NULL;
    if (!n) return NULL;
    n->told = true;
    return &n->args;
}

/* The same without what an in-place operation owes to views (autograd/window.c): autograd_tell_views() pays it. */
tr_tensor *autograd_note_only(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b, tr_tensor *c, unsigned saves, const autograd_args *args);
tr_tensor *autograd_tell_views(tr_tensor *written);

/* The same for any number of inputs; `saved` is what autograd_in(n, 0) will give. */
tr_tensor *autograd_note_many(tr_tensor *y, const autograd_op *op, tr_tensors inputs, tr_tensor *saved, const autograd_args *args);

/* y, fresh from autograd_note, shown under another name than its operation's: PyTorch has several for some. */
static inline tr_tensor *autograd_named(tr_tensor *y, const char *grad_name)
{
    if (y && y->origin) y->origin->name = grad_name;
    return y;
}

/* May t be written in place now, from `from` (may be NULL)?  0, or -1 with an error noted. */
int autograd_check_in_place(const tr_tensor *t, const tr_tensor *from, const char *what);

/* t, row-major and seen by nobody else, in another shape. */
tr_tensor *autograd_reshaped(tr_tensor *t, const tr_shape *shape);

/* ---- for derivatives ---- */

static inline bool autograd_wants(const autograd_node *n, int input) { return n->to[input] != NULL; }

/* Memory for what n's derivative gives to this input: the place of a leaf's gradient, if this is all there is to it; else
 * NULL, and anything will do. */
tr_tensor *autograd_place_of(const autograd_node *n, int input);

/* A saved input, or the saved result; NULL with an error noted if it was changed since, or let go. */
tr_tensor *autograd_in_(autograd_node *n, int input);
static inline tr_tensor *autograd_in(autograd_node *n, int input)
{
    const autograd_saved *saved = &n->in[input];
    bool plain = n->saved >> input & 1 && saved->t->storage->version == saved->version;
    return plain ? saved->t : autograd_in_(n, input);
}
tr_tensor *autograd_out(autograd_node *n);

static inline void autograd_divide_when_seen(autograd_node *n, double divisor)
{
    n->odd |= AUTOGRAD_DIVIDED;
    n->divisor = divisor;
}

static inline void autograd_give_first(const autograd_node *n, autograd_node *to, tr_tensor *dx)
{
    to->gradient = core_keep_tensor(dx);
    if (n->odd & AUTOGRAD_DIVIDED) autograd_divide_when_seen(to, n->divisor);
}

/* Add dx to the gradient of an input.  NULL (an error stands) ends the walk. */
void autograd_give_(const autograd_node *n, int input, autograd_node *to, tr_tensor *dx);
static inline void autograd_give(const autograd_node *n, int input, tr_tensor *dx)
{
    autograd_node *to = n->to[input];
    if (!dx || !to) return;
    if (to->gradient || tr_places_wanted_)
        autograd_give_(n, input, to, dx);
    else
        autograd_give_first(n, to, dx);
}

/* dy / count, for an operation of one input that is linear in it.  It may be dy itself: then n->divisor remembers the rest,
 * and the division waits until somebody sees the gradient, a leaf or who retains it.  So does who derives by hand; every
 * element on the way is rounded once less. */
tr_tensor *autograd_divide_later(autograd_node *n, tr_tensor *dy, int64_t count);

/* dy, after the divisions that wait: for a derivative that leaves dy's type, and so the range that it has. */
tr_tensor *autograd_whole(autograd_node *n);

/* True while derivatives will not be differentiated themselves, so that fused kernels may serve. */
static inline bool autograd_plain(void) { return core_here()->grad_off; }

/* May a derivative write what it gives over dy, which it has no more use for?  Where nobody else has either. */
static inline bool autograd_dies(const tr_tensor *dy) { return autograd_plain() && !core_here()->recording && core_row_major_tensor(dy) && !core_shared(dy, 1); }

/* Zeros of this shape, of dy's type and on its device. */
tr_tensor *autograd_zeros(const tr_tensor *dy, const tr_shape *shape);

/* dy summed over the dimensions along which a tensor of this shape was broadcast; dy itself for ndim -1. */
tr_tensor *autograd_sum_to(tr_tensor *dy, const tr_shape *shape);

/* A derivative: all elements equal to the one that was chosen share dy.  a is x, args.shape_b y's shape with the dims that went. */
void autograd_share(autograd_node *n, tr_tensor *dy);

/* The same for n's input of this shape: its args. */
static inline tr_tensor *autograd_unstretched(const autograd_node *n, tr_tensor *dx, const tr_shape *shape) { return n->told ? autograd_sum_to(dx, shape) : dx; }

/* ---- calling kernels ---- */

/* Run a pointwise kernel: inputs of broadcastable shapes (NULL where the kernel has none) into out. */
int autograd_pointwise(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *const *in, int inputs, double number);

/* Where a number's value stands in this type.  It keeps the place: a recorded call may point there. */
enum { AUTOGRAD_FLOAT_OF_NUMBER = 48 }; /* bytes on, from the first; written when the number is */
void *autograd_number_in(tr_tensor *number, tr_dtype type);
static inline void *autograd_number_at(tr_tensor *number, tr_dtype type)
{
    bool stands = type == TR_FLOAT32 && number->dtype != TR_COMPLEX128;
    return stands ? (char *)number->data + AUTOGRAD_FLOAT_OF_NUMBER : autograd_number_in(number, type);
}

/* The same for up to three inputs of out's shape or one element, where these mostly lie as it does. */
int autograd_flat(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *a, tr_tensor *b, tr_tensor *c);

static inline __attribute__((always_inline)) void autograd_operand_(kernel_call *call, int view, tr_tensor *t)
{
    call->at[view] = t->data;
    if (!(t->flags & CORE_NUMBER)) return;
    call->at[view] = autograd_number_at(t, (tr_dtype)call->type);
    if (call->n != 1) call->ones |= (uint8_t)(1u << view);
}

/* What every flat call says; its operands and numbers are the caller's. */
static inline __attribute__((always_inline)) void autograd_begin_flat_(kernel_call *call, int kernel, tr_dtype type, const tr_tensor *out)
{
    call->kernel = (uint16_t)kernel;
    call->type = call->from = (uint8_t)type;
    call->form = KERNEL_FLAT;
    call->ones = 0;
    call->flags = 0;
    call->n = out->numel;
    call->at[0] = out->data;
}

/* The same for two of one type, or a number among them: most calls.  Here: for row-major memory of the CPU, and a thread
 * that is not recording. */
static inline __attribute__((always_inline)) int autograd_pair_here(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *a, tr_tensor *b)
{
    kernel_call call;
    autograd_begin_flat_(&call, kernel, type, out);
    autograd_operand_(&call, 1, a);
    autograd_operand_(&call, 2, b);
    return kernel_run_here(kernel, type, &call);
}
static inline __attribute__((always_inline)) int autograd_pair(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *a, tr_tensor *b)
{
    bool flat = out->flags & a->flags & b->flags & CORE_ROW_MAJOR && !out->device && out->numel; /* a device takes no numbers */
    return flat && !core_here()->recording ? autograd_pair_here(kernel, type, out, a, b) : autograd_flat(kernel, type, out, a, b, NULL);
}

/* The same for a of out's shape and a number of the library's own, of a type that has a point. */
int autograd_by_number(int kernel, tr_dtype type, tr_tensor *out, tr_tensor *a, double number);

/* Row-major memory of this shape as (outer, n, inner) around a dim of n. */
void autograd_around(const tr_shape *shape, int dim, int64_t size[3]);

/* Join neighbouring dims that every view walks as one, drop those of size 1; returns how many are left. */
int autograd_collapse(int ndim, int64_t *size, int64_t (*stride)[TR_MAX_DIMS], int views);

/* t as row-major memory of this type: t itself, or a copy, not noted. */
tr_tensor *autograd_plain_copy(tr_tensor *t, tr_dtype type);

#endif
