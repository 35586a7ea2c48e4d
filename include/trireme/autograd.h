/* Automatic differentiation: operations on tensors that require a gradient are noted in a graph; tr_backward walks it in
 * reverse and adds the derivatives of its root into every leaf's gradient. */
#ifndef TRIREME_AUTOGRAD_H
#define TRIREME_AUTOGRAD_H

#include <trireme/arrange.h>
#include <trireme/linalg.h>
#include <trireme/reduce.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ask for a gradient of a leaf (or stop asking).  Returns t, or NULL for a type that has none or a tensor in a graph. */
TR_API tr_tensor *(tr_requires_grad_)(tr_tensor *t, bool requires_grad);

typedef struct {
    tr_tensor *gradient; /* d(whatever)/d(root), of the root's shape; default 1 for a root of one element */
    bool retain_graph;   /* keep the saved values, so that backward can run again */
    bool create_graph;   /* note the derivatives too, so that they can be differentiated; implies retain_graph.  A leaf and
                          * its gradient may then hold each other: tr_set_grad(leaf, NULL), when done, lets both go */
    char reserved_;
} tr_backward_options;

/* Add d(root)/d(leaf) into the gradient of every leaf that leads to root.  Frees the saved values as it goes.
 * Returns 0, or -1 with an error standing; a value that was changed in place since it was saved is refused, and so is
 * everything while an earlier error stands, so that nobody trains on what went wrong. */
TR_API TR_CHECK_RESULT int(tr_backward)(tr_tensor *root, tr_backward_options options);

typedef struct {
    const tr_tensor *const *grad_outputs; /* d(whatever)/d(output), one for each output; default: 1 for outputs of one element */
    bool retain_graph, create_graph;      /* as for tr_backward */
    bool allow_unused;                    /* an input that no output depends on gets NULL; without this it is an error */
    char reserved_;
} tr_autograd_grad_options;

/* gradients[i] = d(sum of outputs)/d(inputs[i]), returned instead of added: no leaf's gradient changes, no hook is called, and
 * only the part of the graph that leads to the inputs is walked.  Inputs may be leaves or intermediate results.
 *     tr_tensor *dx;
 *     tr_autograd_grad(TR_TENSORS(y), TR_TENSORS(x), &dx, .create_graph = true);
 * gradients  room for one per input; they belong to the open scope.  Left alone on failure
 * returns    0, or -1 with an error standing */
TR_API TR_CHECK_RESULT int(tr_autograd_grad)(tr_tensors outputs, tr_tensors inputs, tr_tensor **gradients, tr_autograd_grad_options options);

/* The gradient gathered so far, borrowed (it lives as long as t keeps it); NULL if there is none yet.  Of a tensor that
 * is no leaf only after tr_retain_grad(). */
TR_API tr_tensor *tr_grad(const tr_tensor *t);

/* Replace t's gradient (kept), or remove it with NULL.  0, or -1 for another shape, type or device. */
TR_API int(tr_set_grad)(tr_tensor *t, tr_tensor *gradient);

/* Where leaf's gradient lies whenever backward gives it a new one: in place's memory, which products of matrices then write
 * to without a copy.  For memory that others look at, such as a window that ranks share.  What stands there is overwritten;
 * a gradient that leaf has is added to where it is.  Not for gradients that have a graph of their own (.create_graph).
 * place  of leaf's shape, type and device, row-major (kept); NULL: anywhere, as before
 * Returns 0, or -1 if leaf is none that requires grad, or place does not fit. */
TR_API int(tr_set_grad_place)(tr_tensor *leaf, tr_tensor *place);

/* Keep the gradient of an intermediate result.  Returns t. */
TR_API tr_tensor *(tr_retain_grad)(tr_tensor *t);

/* Call f(leaf, data) whenever backward has finished leaf's gradient, before it goes on.  One may be set by each of
 * several parties; returns an id > 0 for tr_remove_hook, or -1.  The hook may read and change the gradient. */
typedef void tr_grad_hook(tr_tensor *leaf, void *data);
TR_API int(tr_on_grad)(tr_tensor *leaf, tr_grad_hook *f, void *data);
TR_API void tr_remove_hook(tr_tensor *leaf, int id);

/* Call f(data) once, at the end of the backward pass that is running now (after every gradient is finished).  To be
 * called from a tr_on_grad hook; 0, or -1 outside of one. */
TR_API int(tr_on_backward_end)(void (*f)(void *data), void *data);

/* ---- an operation of one's own, whose derivative the program knows ----
 *     static tr_tensor *cube(tr_tensor *const *x, void *data) { return tr_mul(x[0], tr_square(x[0])); }
 *     static int cube_backward(tr_tensor *const *x, tr_tensor *y, tr_tensor *dy, tr_tensor **dx, void *data)
 *     {
 *         dx[0] = tr_mul(dy, tr_mul(3, tr_square(x[0])));
 *         return 0;
 *     }
 *     static const tr_function cubed = {"CubeBackward", cube, cube_backward};
 *     y = tr_apply(&cubed, TR_TENSORS(x), NULL);
 * forward   its result, made of the inputs by whatever means; nothing of it is noted
 * backward  dx[i] = d(whatever)/d(x[i]), like x[i], from the inputs, the result and dy = d(whatever)/d(y), none of which it writes
 *           to; NULL, as it begins: none goes there.  Made by operations on these it can be differentiated again.  0, or a
 *           negative status after tr_fail
 * Both run in scopes of their own.  In a recorded step what they do by other means than the library's stands in tr_record_call. */
typedef struct {
    const char *name; /* tr_grad_fn's, and in errors; stays where it is, as all of this does */
    tr_tensor *(*forward)(tr_tensor *const *x, void *data);
    int (*backward)(tr_tensor *const *x, tr_tensor *y, tr_tensor *dy, tr_tensor **dx, void *data);
} tr_function;

/* f's result for one to three inputs; it belongs to the open scope.  `data`, the program's, lives as long as the graph.  NULL with
 * an error standing. */
TR_API tr_tensor *(tr_apply)(const tr_function *f, tr_tensors inputs, void *data);

/* The name of the operation that made t, "MulBackward0", or NULL for a leaf. */
TR_API const char *tr_grad_fn(const tr_tensor *t);

/* Nothing is noted while switched off.  TR_NO_GRAD; as a block's first line switches it off until the block is left;
 * the function returns what it was. */
TR_API bool tr_grad_enabled(void);
TR_API bool tr_set_grad_enabled(bool enabled);
TR_API void tr_grad_restore_(const bool *before);

/* Anomaly mode: while on, backward fails as soon as a derivative makes a NaN, and the error names the operation and the
 * line of the program that called it ("Function 'SqrtBackward0' returned nan values in its 0th output ...").  It must be on
 * while the graph is made, too, for the line to be known; every gradient is looked through, so it costs time.
 * TR_ANOMALY; as a block's first line switches it on until the block is left; the function returns what it was.  It is one
 * switch for all threads. */
TR_API bool tr_set_anomaly(bool on);
TR_API void tr_anomaly_restore_(const bool *before);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
# define TR_ANOMALY bool TR_JOIN_(tr_anomaly_, __LINE__) __attribute__((cleanup(tr_anomaly_restore_), unused)) = tr_set_anomaly(true)
# define TR_NO_GRAD bool TR_JOIN_(tr_no_grad_, __LINE__) __attribute__((cleanup(tr_grad_restore_), unused)) = tr_set_grad_enabled(false)
#endif

#ifndef __cplusplus
# define tr_requires_grad_(t, requires_grad) TR_TENSOR_((tr_requires_grad_)(t, requires_grad))
# define tr_backward(...)                    TR_BACKWARD_(__VA_ARGS__, )
# define TR_BACKWARD_(root, ...)             TR_STATUS_((TR_HERE_, (tr_backward)(root, (tr_backward_options){.reserved_ = 0, __VA_ARGS__})))
# define tr_autograd_grad(outputs, inputs, ...) \
  TR_AUTOGRAD_GRAD_(outputs, inputs, __VA_ARGS__, )
# define TR_AUTOGRAD_GRAD_(outputs, inputs, gradients, ...) \
  TR_STATUS_((tr_autograd_grad)(outputs, inputs, gradients, (tr_autograd_grad_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_apply(f, inputs, data)      TR_TENSOR_((tr_apply)(f, inputs, data))
# define tr_set_grad(t, gradient)       TR_STATUS_((tr_set_grad)(t, gradient))
# define tr_set_grad_place(leaf, place) TR_STATUS_((tr_set_grad_place)(leaf, place))
# define tr_retain_grad(t)              TR_TENSOR_((tr_retain_grad)(t))
# define tr_on_grad(leaf, f, data)      TR_STATUS_((tr_on_grad)(leaf, f, data))
# define tr_on_backward_end(f, data)    TR_STATUS_((tr_on_backward_end)(f, data))
#endif

#endif
