#include "core/print_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "core/dtype.h"

/* The part of element i that is printed, of a floating or complex type. */
static double part_of(const core_number_format *f, const void *data, tr_dtype dtype, int64_t i)
{
    if (dtype == TR_COMPLEX64) return (double)((const float *)data)[2 * i + f->part];
    if (dtype == TR_COMPLEX128) return ((const double *)data)[2 * i + f->part];
    return core_element_get(data, dtype, i);
}

/* A program may have set a locale whose decimal point is another one, of one byte or several. */
static int plain_point(char *text, int length)
{
    int head = (int)strspn(text, "+-0123456789");
    int foreign = (int)strcspn(text + head, "0123456789");
    text[head] = '.';
    memmove(text + head + 1, text + head + foreign, (size_t)(length - head - foreign) + 1);
    return length - foreign + 1;
}

static int write_floating(const core_number_format *f, double x, char text[CORE_NUMBER_ROOM])
{
    if (!isfinite(x)) return snprintf(text, CORE_NUMBER_ROOM, "%s", isnan(x) ? "nan" : x < 0 ? "-inf"
                                                                                             : "inf");
    if (f->style == CORE_PRINT_WHOLE) return snprintf(text, CORE_NUMBER_ROOM, "%.0f.", x);
    return plain_point(text, snprintf(text, CORE_NUMBER_ROOM, f->style == CORE_PRINT_DECIMAL ? "%.4f" : "%.4e", x));
}

static int write_exact(const void *data, tr_dtype dtype, int64_t i, char text[CORE_NUMBER_ROOM])
{
    if (dtype == TR_BOOL) return snprintf(text, CORE_NUMBER_ROOM, "%s", ((const uint8_t *)data)[i] ? "True" : "False");
    int64_t value = dtype == TR_INT64 ? ((const int64_t *)data)[i] : (int64_t)core_element_get(data, dtype, i);
    return snprintf(text, CORE_NUMBER_ROOM, "%lld", (long long)value);
}

/* Whole numbers are written as such, unless they, or any, would need too many digits.  Zeros, NaN and infinities have
 * no say. */
static void choose_style(core_number_format *f, const void *data, tr_dtype dtype, int64_t n)
{
    double smallest = INFINITY, largest = 0;
    bool whole = true;
    for (int64_t i = 0; i < n; i++) {
        double x = part_of(f, data, dtype, i), size = fabs(x);
        if (!isfinite(x) || x == 0) continue;
        if (size < smallest) smallest = size;
        if (size > largest) largest = size;
        if (x != ceil(x)) whole = false;
    }
    f->style = whole ? CORE_PRINT_WHOLE : CORE_PRINT_DECIMAL;
    if (largest == 0) return;
    if (largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4)) f->style = CORE_PRINT_SCIENTIFIC;
}

core_number_format core_number_format_for(const void *data, tr_dtype dtype, int64_t n, int part)
{
    core_number_format f = {CORE_PRINT_EXACT, part, 1};
    bool floating = core_dtype_category[dtype] >= 2;
    if (floating) choose_style(&f, data, dtype, n);
    for (int64_t i = 0; i < n; i++) {
        char text[CORE_NUMBER_ROOM];
        double x = floating ? part_of(&f, data, dtype, i) : 1;
        if (!isfinite(x) || x == 0) continue;
        int length = floating ? write_floating(&f, x, text) : write_exact(data, dtype, i, text);
        if (length > f.width) f.width = length;
    }
    return f;
}

int core_number_print(const core_number_format *f, const void *data, tr_dtype dtype, int64_t i, char text[CORE_NUMBER_ROOM])
{
    char bare[CORE_NUMBER_ROOM];
    if (f->style == CORE_PRINT_EXACT)
        write_exact(data, dtype, i, bare);
    else
        write_floating(f, part_of(f, data, dtype, i), bare);
    return snprintf(text, CORE_NUMBER_ROOM, "%*s", f->width, bare);
}
