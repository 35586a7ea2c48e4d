#include "core/tensor.h"

/* PyTorch keeps three tallies: dimensioned tensors, 0-d tensors, numbers.  A lower tally counts only where it is of a
 * higher category than the ones above it. */
static tr_dtype combine(tr_dtype higher, tr_dtype lower)
{
    if (higher == TR_DEFAULT_DTYPE) return lower;
    if (lower == TR_DEFAULT_DTYPE) return higher;
    if (core_dtype_category[lower] <= core_dtype_category[higher]) return higher;
    if (core_dtype_category[lower] == 3) /* a complex scalar raises float64 to complex128, other floats to complex64 */
        return core_dtype_category[higher] == 2 ? (higher == TR_FLOAT64 ? TR_COMPLEX128 : TR_COMPLEX64) : lower;
    return lower;
}

tr_dtype core_result_type(const tr_tensor *a, const tr_tensor *b)
{
    if (a->dtype == b->dtype && !((a->flags | b->flags) & CORE_NUMBER)) return (tr_dtype)a->dtype;
    return core_result_type_of((const tr_tensor *const[]){a, b}, 2);
}

tr_dtype core_result_type_of(const tr_tensor *const *operands, int count)
{
    tr_dtype tally[3] = {TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
    tr_dtype usual = tr_get_default_dtype();
    for (int i = 0; i < count; i++) {
        const tr_tensor *one = operands[i];
        if (!one) continue;
        int kind = one->shape.ndim ? 0 : one->flags & CORE_NUMBER ? 2
                                                                  : 1;
        tr_dtype t = (tr_dtype)one->dtype;
        if (kind == 2 && t == TR_FLOAT64) t = usual;
        if (kind == 2 && t == TR_COMPLEX128) t = usual == TR_FLOAT64 ? TR_COMPLEX128 : TR_COMPLEX64;
        tally[kind] = tally[kind] ? tr_promote_types(tally[kind], t) : t;
    }
    return combine(combine(tally[0], tally[1]), tally[2]);
}
