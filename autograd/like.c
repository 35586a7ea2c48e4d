/* Tensors like another one: its shape, its device, and its type unless another is asked for. */
#include "autograd/operands.h"

typedef tr_tensor *maker(tr_shape shape, tr_tensor_options options);

static tr_tensor_options options_of(const tr_tensor *t, tr_tensor_options options)
{
    if (!options.dtype) options.dtype = (tr_dtype)t->dtype;
    options.device = core_device_at(t);
    return options;
}

static tr_tensor *like(const char *function, maker *make, const tr_tensor *t, tr_tensor_options options)
{
    CORE_TOLD_AS(function);
    return t ? make(t->shape, options_of(t, options)) : core_null(function);
}

tr_tensor *(tr_empty_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_empty_like", (tr_empty), t, options); }
tr_tensor *(tr_zeros_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_zeros_like", (tr_zeros), t, options); }
tr_tensor *(tr_ones_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_ones_like", (tr_ones), t, options); }
tr_tensor *(tr_rand_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_rand_like", (tr_rand), t, options); }
tr_tensor *(tr_randn_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_randn_like", (tr_randn), t, options); }

tr_tensor *(tr_full_like)(tr_tensor *t, double value, tr_tensor_options options) { return tr_full_like_(t, (tr_scalar){.kind = TR_FLOAT64, .real = value}, options); }
tr_tensor *tr_full_like_(tr_tensor *t, tr_scalar value, tr_tensor_options options)
{
    if (!t) return core_null("tr_full_like");
    options = options_of(t, options);
    return autograd_full("tr_full_like", &t->shape, &value, &options);
}

tr_tensor *autograd_zeros(const tr_tensor *dy, const tr_shape *shape)
{
    return (tr_zeros)(*shape, (tr_tensor_options){.dtype = (tr_dtype)dy->dtype, .device = core_device_at(dy)});
}
