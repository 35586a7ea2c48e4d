#include "autograd/say.h"

#include <stdio.h>

static const char *joined(const tr_shape *shape, const char *open, const char *between, const char *close)
{
    char text[TR_MAX_DIMS * 22 + 4];
    size_t at = (size_t)snprintf(text, sizeof text, "%s", open);
    for (int d = 0; d < shape->ndim && d < TR_MAX_DIMS && at < sizeof text; d++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%lld", d ? between : "", (long long)shape->size[d]);
    return core_text("%s%s", text, close);
}

const char *autograd_say_sizes(const tr_shape *shape) { return joined(shape, "[", ", ", "]"); }
const char *autograd_say_product(const tr_shape *shape) { return joined(shape, "", "x", ""); }

const char *autograd_say_type(tr_dtype dtype)
{
    static const char *const names[TR_DTYPES] = {
        [TR_FLOAT32] = "Float",
        [TR_FLOAT64] = "Double",
        [TR_FLOAT16] = "Half",
        [TR_BFLOAT16] = "BFloat16",
        [TR_INT64] = "Long",
        [TR_INT32] = "Int",
        [TR_UINT8] = "Byte",
        [TR_BOOL] = "Bool",
        [TR_COMPLEX64] = "ComplexFloat",
        [TR_COMPLEX128] = "ComplexDouble",
    };
    return core_dtype_ok(dtype) && names[dtype] ? names[dtype] : tr_dtype_name(dtype);
}

const char *autograd_say_mismatch(const tr_shape *a, const tr_shape *b)
{
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int d = ndim - 1; d >= 0; d--) {
        int at_a = d - (ndim - a->ndim), at_b = d - (ndim - b->ndim);
        int64_t x = at_a < 0 ? 1 : a->size[at_a], y = at_b < 0 ? 1 : b->size[at_b];
        if (x != y && x != 1 && y != 1)
            return core_text(": The size of tensor a (%lld) must match the size of tensor b (%lld) at non-singleton dimension %d", (long long)x, (long long)y, d);
    }
    return "";
}
