/* The layers that are made of one operation each, and modules one after the other. */
#include <math.h>
#include <stdio.h>
#include "nn/module.h"

typedef struct {
    tr_tensor *weight, *bias;
} linear;

static tr_tensor *linear_forward(tr_module *m, tr_tensor *x)
{
    const linear *self = m->self;
    return (tr_linear)(x, self->weight, self->bias);
}

static void linear_describe(const tr_module *m, char *text, size_t bytes)
{
    const linear *self = m->self;
    snprintf(text, bytes, "in_features=%lld, out_features=%lld, bias=%s", (long long)tr_size(self->weight, 1), (long long)tr_size(self->weight, 0), self->bias ? "True" : "False");
}

/* A parameter uniform in +-bound; the weight is drawn before the bias, as PyTorch does. */
static tr_tensor *uniform(tr_module *m, const char *name, tr_shape shape, double bound, const tr_linear_options *o)
{
    tr_tensor *t = (tr_empty)(shape, (tr_tensor_options){.dtype = o->dtype});
    return (tr_module_parameter)(m, name, t ? (tr_uniform_)(t, -bound, bound, o->generator) : NULL);
}

tr_module *(tr_linear_layer)(int64_t in, int64_t out, tr_linear_options options)
{
    CORE_TOLD_AS("tr_linear_layer");
    if (in < 0 || out < 0) return core_fail("tr_linear_layer: from %lld to %lld features", (long long)in, (long long)out);
    tr_module *m = (tr_module_new)("Linear", linear_forward, sizeof(linear));
    if (!m) return NULL;
    linear *self = m->self;
    m->describe = linear_describe;
    double bound = in > 0 ? 1 / sqrt((double)in) : 0;
    if (!(self->weight = uniform(m, "weight", (tr_shape){2, {out, in}}, bound, &options))) return NULL;
    if (!options.bias_off && !(self->bias = uniform(m, "bias", (tr_shape){1, {out}}, bound, &options))) return NULL;
    return m;
}

static tr_tensor *relu_forward(tr_module *m, tr_tensor *x) { return (void)m, (tr_relu)(x); }
static tr_tensor *tanh_forward(tr_module *m, tr_tensor *x) { return (void)m, (tr_tanh)(x); }
static tr_tensor *sigmoid_forward(tr_module *m, tr_tensor *x) { return (void)m, (tr_sigmoid)(x); }
static tr_tensor *flatten_forward(tr_module *m, tr_tensor *x) { return (void)m, (tr_flatten)(x, 1, -1); }

tr_module *(tr_relu_layer)(void) { return (tr_module_new)("ReLU", relu_forward, 0); }
tr_module *(tr_tanh_layer)(void) { return (tr_module_new)("Tanh", tanh_forward, 0); }
tr_module *(tr_sigmoid_layer)(void) { return (tr_module_new)("Sigmoid", sigmoid_forward, 0); }
tr_module *(tr_flatten_layer)(void) { return (tr_module_new)("Flatten", flatten_forward, 0); }

static tr_tensor *sequential_forward(tr_module *m, tr_tensor *x)
{
    for (int64_t i = 0; i < m->entries && x; i++)
        if (m->entry[i].child) x = (tr_forward)(m->entry[i].child, x);
    return x;
}

tr_module *(tr_sequential_of)(tr_module *const *modules, int64_t count)
{
    if (!modules || count < 1) return core_null("tr_sequential");
    tr_module *m = (tr_module_new)("Sequential", sequential_forward, 0);
    for (int64_t i = 0; m && i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)i);
        if (!(tr_module_child)(m, name, modules[i])) return NULL;
    }
    return m;
}
