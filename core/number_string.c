#include <math.h>
#include <stdio.h>
#include "core/decimal.h"
#include "core/tensor.h"

enum { ROOM = 2 * CORE_DECIMAL_ROOM + 8 };

/* Python leaves the ".0" out of a complex number's parts, and a real part that is 0 altogether. */
static void write_complex(double real, double imaginary, char text[ROOM])
{
    char part[2][CORE_DECIMAL_ROOM];
    double value[2] = {real, imaginary};
    for (int i = 0; i < 2; i++) {
        int length = core_decimal_text(value[i], part[i]);
        if (length > 2 && part[i][length - 2] == '.' && part[i][length - 1] == '0') part[i][length - 2] = '\0';
    }
    if (real == 0 && !signbit(real))
        snprintf(text, ROOM, "%sj", part[1]);
    else
        snprintf(text, ROOM, "(%s%s%sj)", part[0], *part[1] == '-' ? "" : "+", part[1]);
}

const char *(tr_number_string)(const tr_tensor *t)
{
    if (!t) return "None";
    core_value_leaves("tr_number_string");
    if (t->numel != 1) return core_fail("tr_number_string: %s has %lld elements, not one", core_show(t), (long long)t->numel), "";
    union {
        double any[2];
        int64_t whole;
    } element;
    tr_dtype dtype = (tr_dtype)t->dtype;
    if (core_receive(t, &element, t->data, core_dtype_bytes[dtype]) < 0) return "";
    char *text = core_scope_memory(ROOM, "tr_number_string");
    if (!text) return "";
    double value = core_element_get(&element, dtype, 0);
    if (dtype == TR_BOOL)
        snprintf(text, ROOM, "%s", value != 0 ? "True" : "False");
    else if (core_dtype_category[dtype] == 1)
        snprintf(text, ROOM, "%lld", (long long)(dtype == TR_INT64 ? element.whole : (int64_t)value));
    else if (dtype == TR_COMPLEX64)
        write_complex(value, (double)((const float *)&element)[1], text);
    else if (dtype == TR_COMPLEX128)
        write_complex(value, element.any[1], text);
    else
        core_decimal_text(value, text);
    return text;
}
