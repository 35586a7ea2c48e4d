/* Truth: of pairs, of single numbers, of whole tensors.  What is not 0 is true, NaN included; results are bool (of all or any
 * of uint8: uint8) and have no gradient. */
#include <math.h>
#include "autograd/operands.h"

#define ZERO tr_number_(0, TR_INT64)

static tr_tensor *truth(tr_tensor *t) { return t && t->dtype != TR_BOOL ? (tr_ne)(t, ZERO) : t; }

/* On bool, the kernels of arithmetic are logic: a product is "and", a sum "or". */
static tr_tensor *both(const char *function, tr_tensor *(*f)(tr_tensor *, tr_tensor *), tr_tensor *a, tr_tensor *b)
{
    if (!a || !b) return core_null(function);
    CORE_TOLD_AS(function);
    return f(truth(a), truth(b));
}

tr_tensor *(tr_logical_and)(tr_tensor *a, tr_tensor *b) { return both("tr_logical_and", (tr_mul), a, b); }
tr_tensor *(tr_logical_or)(tr_tensor *a, tr_tensor *b) { return both("tr_logical_or", (tr_add), a, b); }
tr_tensor *(tr_logical_xor)(tr_tensor *a, tr_tensor *b) { return both("tr_logical_xor", (tr_ne), a, b); }
tr_tensor *(tr_logical_not)(tr_tensor *x) { return x ? (tr_eq)(x, ZERO) : core_null("tr_logical_not"); }

tr_tensor *(tr_isnan)(tr_tensor *x) { return x ? (tr_ne)(x, x) : core_null("tr_isnan"); }

tr_tensor *(tr_isinf)(tr_tensor *x)
{
    if (!x) return core_null("tr_isinf");
    if (core_dtype_category[x->dtype] == 3) { /* infinite where a part is */
        x = (tr_detach)(x);
        return (tr_logical_or)((tr_isinf)((tr_real)(x)), (tr_isinf)((tr_imag)(x)));
    }
    if (core_dtype_category[x->dtype] < 2) return (tr_zeros)(x->shape, (tr_tensor_options){.dtype = TR_BOOL, .device = core_device_at(x)});
    return (tr_logical_or)((tr_eq)(x, tr_number_(INFINITY, TR_FLOAT32)), (tr_eq)(x, tr_number_(-INFINITY, TR_FLOAT32)));
}

tr_tensor *(tr_isfinite)(tr_tensor *x)
{
    if (!x) return core_null("tr_isfinite");
    tr_tensor *inf = (tr_isinf)(x), *nan = (tr_isnan)(x);
    return inf && nan ? (tr_logical_not)((tr_logical_or)(inf, nan)) : NULL;
}

/* Truth as numbers 0 and 1 for who asked about uint8, which was PyTorch's type of truth before bool. */
static tr_tensor *answer(tr_tensor *y, const tr_tensor *x) { return y && x->dtype == TR_UINT8 ? (tr_to)(y, TR_UINT8) : y; }

/* any: is a false one among those that are "not all false"?  Counted, so that nothing is true of all of no elements. */
tr_tensor *(tr_any)(tr_tensor *x, tr_reduce_options options)
{
    if (!x) return core_null("tr_any");
    CORE_TOLD_AS("tr_any");
    tr_tensor *count = (tr_sum)(truth(x), options);
    return answer(count ? (tr_ne)(count, ZERO) : NULL, x);
}

tr_tensor *(tr_all)(tr_tensor *x, tr_reduce_options options)
{
    if (!x) return core_null("tr_all");
    CORE_TOLD_AS("tr_all");
    tr_tensor *count = (tr_sum)((tr_logical_not)(x), options);
    return answer(count ? (tr_eq)(count, ZERO) : NULL, x);
}
