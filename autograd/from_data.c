/* Tensors of the program's own numbers.
 *
 * In a step that is recorded they are given by a call of their own, so that a replay begins with them again, whatever the
 * step then writes over them.  Where it writes nothing, pruning drops that call (record_prune.c). */
#include "autograd/autograd.h"

tr_tensor *(tr_from_data)(const void *data, tr_dtype from, tr_shape shape, tr_tensor_options options)
{
    tr_tensor *t = core_from_data(data, from, shape, options);
    if (!t || !core_here()->recording) return t;
    tr_tensor *again = core_tensor_like(t, (tr_dtype)t->dtype, "tr_from_data");
    if (!again || autograd_pointwise(KERNEL_COPY, (tr_dtype)t->dtype, again, &t, 1, 0) < 0) return NULL;
    again->flags |= t->flags & CORE_REQUIRES_GRAD;
    return again;
}

tr_tensor *tr_tensor_of_(tr_scalar value, tr_tensor_options options)
{
    if (!options.dtype) options.dtype = core_scalar_dtype(&value);
    if (core_check_scalar(&value, options.dtype, "tr_tensor_of") < 0) return NULL;
    bool whole = core_dtype_category[value.kind] < 2;
    const double parts[2] = {value.real, value.imag};
    return (tr_from_data)(whole ? (const void *)&value.whole : parts, whole ? TR_INT64 : value.kind, (tr_shape){0}, options);
}
