/* Tensors like another one: its shape, its device, and its type unless another is asked for. */
#include "autograd/operands.h"

static bool like(const char *function, const tr_tensor *t, tr_tensor_options *options)
{
    if (!t) {
        core_null(function);
        return false;
    }
    if (!options->dtype) options->dtype = (tr_dtype)t->dtype;
    options->device = core_device_at(t);
    return true;
}

tr_tensor *(tr_empty_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_empty_like", t, &options) ? (tr_empty)(t->shape, options) : NULL; }
tr_tensor *(tr_zeros_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_zeros_like", t, &options) ? (tr_zeros)(t->shape, options) : NULL; }
tr_tensor *(tr_ones_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_ones_like", t, &options) ? (tr_ones)(t->shape, options) : NULL; }
tr_tensor *(tr_full_like)(tr_tensor *t, double value, tr_tensor_options options) { return like("tr_full_like", t, &options) ? (tr_full)(t->shape, value, options) : NULL; }
tr_tensor *tr_full_like_(tr_tensor *t, tr_scalar value, tr_tensor_options options) { return like("tr_full_like", t, &options) ? autograd_full("tr_full_like", &t->shape, &value, &options) : NULL; }
tr_tensor *(tr_rand_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_rand_like", t, &options) ? (tr_rand)(t->shape, options) : NULL; }
tr_tensor *(tr_randn_like)(tr_tensor *t, tr_tensor_options options) { return like("tr_randn_like", t, &options) ? (tr_randn)(t->shape, options) : NULL; }

tr_tensor *autograd_zeros(const tr_tensor *dy, const tr_shape *shape)
{
    return (tr_zeros)(*shape, (tr_tensor_options){.dtype = (tr_dtype)dy->dtype, .device = core_device_at(dy)});
}
