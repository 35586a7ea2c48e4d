#include "core/dtype.h"

#include <complex.h>
#include <string.h>
#include "core/fail.h"
#include "core/half.h"
#include "core/thread.h"

static const char *const names[TR_DTYPES] = {"default", "bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128"};

static bool named(tr_dtype d) { return (int)d >= 0 && d < TR_DTYPES; }
const char *tr_dtype_name(tr_dtype dtype) { return named(dtype) ? names[dtype] : "unknown"; }
int64_t tr_dtype_size(tr_dtype dtype) { return named(dtype) ? core_dtype_bytes[dtype] : 0; }
bool tr_dtype_is_floating(tr_dtype dtype) { return named(dtype) && core_dtype_category[dtype] == 2; }
bool tr_dtype_is_complex(tr_dtype dtype) { return named(dtype) && core_dtype_category[dtype] == 3; }

/* Within a category the wider type; across categories the higher one.  Three pairs are wider than both. */
tr_dtype tr_promote_types(tr_dtype a, tr_dtype b)
{
    if (!core_dtype_ok(a) || !core_dtype_ok(b)) return TR_DEFAULT_DTYPE;
    tr_dtype low = a < b ? a : b, high = a < b ? b : a;
    if (low == TR_FLOAT16 && high == TR_BFLOAT16) return TR_FLOAT32;
    if (low == TR_FLOAT64 && high == TR_COMPLEX64) return TR_COMPLEX128;
    return high;
}

tr_dtype tr_get_default_dtype(void)
{
    int dtype = core_here()->default_dtype;
    return dtype ? (tr_dtype)dtype : TR_FLOAT32;
}

int(tr_set_default_dtype)(tr_dtype dtype)
{
    if (!tr_dtype_is_floating(dtype)) return core_fail_status("tr_set_default_dtype: %s: only floating-point types are supported as the default type", tr_dtype_name(dtype));
    core_here()->default_dtype = (uint8_t)dtype;
    return 0;
}

double core_element_get(const void *data, tr_dtype dtype, int64_t i)
{
    switch (dtype) {
    case TR_BOOL: return ((const uint8_t *)data)[i] != 0;
    case TR_UINT8: return ((const uint8_t *)data)[i];
    case TR_INT32: return ((const int32_t *)data)[i];
    case TR_INT64: return (double)((const int64_t *)data)[i];
    case TR_FLOAT16: return (double)core_half_to_float(((const uint16_t *)data)[i]);
    case TR_BFLOAT16: return (double)core_bfloat_to_float(((const uint16_t *)data)[i]);
    case TR_FLOAT32: return (double)((const float *)data)[i];
    case TR_FLOAT64: return ((const double *)data)[i];
    case TR_COMPLEX64: return (double)crealf(((const float complex *)data)[i]);
    case TR_COMPLEX128: return creal(((const double complex *)data)[i]);
    default: return 0;
    }
}

/* Out of an integer's range there is no right answer, but there must be no undefined one: the nearest end, NaN gives 0. */
static int64_t to_integer(double value, double low, double high)
{
    if (!(value == value)) return 0;
    return value <= low ? (int64_t)low : value >= high ? (high >= 0x1p63 ? INT64_MAX : (int64_t)high)
                                                       : (int64_t)value;
}

void core_element_set(void *data, tr_dtype dtype, int64_t i, double value)
{
    switch (dtype) {
    case TR_BOOL: ((uint8_t *)data)[i] = value != 0; break;
    case TR_UINT8: ((uint8_t *)data)[i] = (uint8_t)to_integer(value, -0x1p63, 0x1p63); break; /* wraps, as PyTorch */
    case TR_INT32: ((int32_t *)data)[i] = (int32_t)to_integer(value, INT32_MIN, INT32_MAX); break;
    case TR_INT64: ((int64_t *)data)[i] = to_integer(value, -0x1p63, 0x1p63); break;
    case TR_FLOAT16: ((uint16_t *)data)[i] = core_half_from_float((float)value); break;
    case TR_BFLOAT16: ((uint16_t *)data)[i] = core_bfloat_from_float((float)value); break;
    case TR_FLOAT32: ((float *)data)[i] = (float)value; break;
    case TR_FLOAT64: ((double *)data)[i] = value; break;
    case TR_COMPLEX64: ((float complex *)data)[i] = (float)value; break;
    case TR_COMPLEX128: ((double complex *)data)[i] = value; break;
    default: break;
    }
}

static int64_t integer_get(const void *data, tr_dtype dtype, int64_t i)
{
    return dtype == TR_INT64 ? ((const int64_t *)data)[i] : (int64_t)core_element_get(data, dtype, i);
}

void core_convert(void *to, tr_dtype to_type, const void *from, tr_dtype from_type, int64_t n)
{
    if (n <= 0) return;
    if (to_type == from_type) {
        memcpy(to, from, (size_t)(n * core_dtype_bytes[to_type]));
    } else if (core_dtype_category[from_type] == 3 && core_dtype_category[to_type] == 3) {
        bool narrow = to_type == TR_COMPLEX64;
        for (int64_t i = 0; i < n; i++) {
            if (narrow)
                ((float complex *)to)[i] = (float complex)((const double complex *)from)[i];
            else
                ((double complex *)to)[i] = (double complex)((const float complex *)from)[i];
        }
    } else if (core_dtype_category[from_type] <= 1 && core_dtype_category[to_type] == 1) {
        for (int64_t i = 0; i < n; i++) { /* integers wrap and lose nothing on the way through double */
            int64_t value = integer_get(from, from_type, i);
            if (to_type == TR_INT64)
                ((int64_t *)to)[i] = value;
            else if (to_type == TR_INT32)
                ((int32_t *)to)[i] = (int32_t)value;
            else
                ((uint8_t *)to)[i] = (uint8_t)value;
        }
    } else {
        for (int64_t i = 0; i < n; i++) core_element_set(to, to_type, i, core_element_get(from, from_type, i));
    }
}
