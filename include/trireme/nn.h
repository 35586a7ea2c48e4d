/* Modules: parameters with names, a forward function, children.
 *
 * A module belongs to the open scope like everything else; a module that becomes another's child is kept by it.  One's
 * own module is a struct, a forward function, and the names of its parameters:
 *
 *     typedef struct { tr_tensor *w, *b; } line;
 *     static tr_tensor *line_forward(tr_module *m, tr_tensor *x)
 *     {
 *         line *self = tr_module_self(m);
 *         return tr_add(tr_mul(self->w, x), self->b);
 *     }
 *     tr_module *m = tr_module_new("Line", line_forward, sizeof(line));
 *     line *self = tr_module_self(m);
 *     self->w = tr_module_parameter(m, "w", tr_rand(TR_SHAPE(1)));
 *     self->b = tr_module_parameter(m, "b", tr_rand(TR_SHAPE(1)));
 *
 * Every forward runs in a scope of its own that hands out only its result. */
#ifndef TRIREME_NN_H
#define TRIREME_NN_H

#include <trireme/autograd.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef tr_tensor *tr_forward_function(tr_module *m, tr_tensor *input);

/* A module with `self_bytes` of zeroed memory of its own.  `kind` is copied ("Linear"). */
TR_API tr_module *(tr_module_new)(const char *kind, tr_forward_function *forward, size_t self_bytes);
TR_API void *tr_module_self(const tr_module *m);
TR_API const char *tr_module_kind(const tr_module *m);
TR_API tr_module *tr_module_keep(tr_module *m);
TR_API void tr_module_drop(tr_module *m);

/* Called with m, just before its memory goes. */
TR_API void tr_module_on_free(tr_module *m, void (*f)(tr_module *m));

/* Name a tensor as m's parameter (it then requires grad) or buffer (saved, moved, not trained); kept by m.  Returns the
 * tensor; NULL for NULL, or a name that is taken, empty, or holds a dot. */
TR_API tr_tensor *(tr_module_parameter)(tr_module *m, const char *name, tr_tensor *t);
TR_API tr_tensor *(tr_module_buffer)(tr_module *m, const char *name, tr_tensor *t);
TR_API tr_module *(tr_module_child)(tr_module *m, const char *name, tr_module *child);

/* Run m's forward function on input. */
TR_API tr_tensor *(tr_forward)(tr_module *m, tr_tensor *input);

/* All parameters of m and its children, in the order they were named, each once.  The list is m's, until m changes. */
TR_API tr_tensors tr_parameters(tr_module *m);

/* Walk names and tensors: "0.weight".  i from 0 until false; name and t are borrowed until m changes. */
TR_API bool tr_named_parameter(tr_module *m, int64_t i, const char **name, tr_tensor **t);
TR_API bool tr_named_buffer(tr_module *m, int64_t i, const char **name, tr_tensor **t);
TR_API tr_module *tr_module_get_child(tr_module *m, int64_t i, const char **name); /* NULL past the last */

/* Training mode (true at first), for m and its children. */
TR_API void tr_train(tr_module *m, bool training);
TR_API bool tr_is_training(const tr_module *m);

/* Move parameters and buffers (in place: the handles stay) to a device.  0, or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_module_to)(tr_module *m, tr_device device);

/* Forget the gradients of all parameters. */
TR_API void tr_module_zero_grad(tr_module *m);

/* "Lin(\n  (net): Linear(in_features=1, out_features=1, bias=True)\n)"; the string belongs to the open scope. */
TR_API const char *tr_module_to_string(tr_module *m);

/* Names and values of m's parameters and buffers as .safetensors; loading wants the same names and shapes, and changes
 * nothing if one differs.  Both return 0, or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_module_save)(tr_module *m, const char *path);
TR_API TR_CHECK_RESULT int(tr_module_load)(tr_module *m, const char *path);

/* ---- layers ---- */

/* y = x W' + b.  weight (out, in), bias (out), both uniform in +-1/sqrt(in), weight drawn first.  No bias: .bias_off */
typedef struct {
    bool bias_off;
    tr_dtype dtype;
    tr_generator *generator;
    char reserved_;
} tr_linear_options;
TR_API tr_module *(tr_linear_layer)(int64_t in, int64_t out, tr_linear_options options);
TR_API tr_module *(tr_relu_layer)(void);
TR_API tr_module *(tr_tanh_layer)(void);
TR_API tr_module *(tr_sigmoid_layer)(void);
TR_API tr_module *(tr_flatten_layer)(void); /* (B, ...) to (B, product of the rest) */

/* y = x mask / (1 - p), mask 0 with probability p, else 1; x floating.  grad  dx = dy mask / (1 - p).  The layer does so in
 * training (tr_train) and passes x on otherwise.  Its numbers are counted (TR_PHILOX) from its seed; default: one drawn from
 * this thread's generator.  In a loop over tr_next_shard (dist.h) they depend on the seed, the step and the place in the
 * global batch, not on the number of ranks.  tr_dropout's generator may be NULL: this thread's. */
typedef struct {
    uint64_t seed;
    char reserved_;
} tr_dropout_options;
TR_API tr_module *(tr_dropout_layer)(double p, tr_dropout_options options);
TR_API tr_tensor *(tr_dropout)(tr_tensor *x, double p, tr_generator *generator);

/* For loops over parts of a global batch (tr_next_shard calls it): this thread works on samples from `sample` on, in step
 * `step`; known = false: on whatever comes. */
TR_API void tr_set_sample_place(bool known, uint64_t step, uint64_t sample);

/* And counts the global batches that m has seen in parts: the number of this one, from 1.  Checkpoints of runs keep it. */
TR_API uint64_t tr_count_batch(tr_module *m);

/* Modules one after the other, named "0", "1", ... */
TR_API tr_module *(tr_sequential_of)(tr_module *const *modules, int64_t count);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_module_new(kind, forward, self_bytes) TR_MODULE_((tr_module_new)(kind, forward, self_bytes))
# define tr_module_parameter(m, name, t)          TR_TENSOR_((tr_module_parameter)(m, name, t))
# define tr_module_buffer(m, name, t)             TR_TENSOR_((tr_module_buffer)(m, name, t))
# define tr_module_child(m, name, child)          TR_MODULE_((tr_module_child)(m, name, child))
# define tr_forward(m, input)                     TR_TENSOR_((tr_forward)(m, input))
# define tr_module_to(m, device)                  TR_STATUS_((tr_module_to)(m, device))
# define tr_module_save(m, path)                  TR_STATUS_((tr_module_save)(m, path))
# define tr_module_load(m, path)                  TR_STATUS_((tr_module_load)(m, path))
# define tr_linear_layer(in, ...)                 TR_LINEAR_(in, __VA_ARGS__, )
# define TR_LINEAR_(in, out, ...)                 TR_MODULE_((tr_linear_layer)(in, out, (tr_linear_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_dropout(x, p, generator)              TR_TENSOR_((tr_dropout)(x, p, generator))
# define tr_dropout_layer(...)                    TR_DROPOUT_(__VA_ARGS__, )
# define TR_DROPOUT_(p, ...)                      TR_MODULE_((tr_dropout_layer)(p, (tr_dropout_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_relu_layer()                          TR_MODULE_((tr_relu_layer)())
# define tr_tanh_layer()                          TR_MODULE_((tr_tanh_layer)())
# define tr_sigmoid_layer()                       TR_MODULE_((tr_sigmoid_layer)())
# define tr_flatten_layer()                       TR_MODULE_((tr_flatten_layer)())
# define tr_sequential_of(modules, count)         TR_MODULE_((tr_sequential_of)(modules, count))
# define tr_sequential(...)                       TR_MODULE_((tr_sequential_of)((tr_module *const[]){__VA_ARGS__}, (int64_t)(sizeof((tr_module *const[]){__VA_ARGS__}) / sizeof(tr_module *))))
#endif

#endif
