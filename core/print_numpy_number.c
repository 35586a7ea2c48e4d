#include "core/print_numpy_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/decimal.h"
#include "core/dtype.h"

enum { PRECISION = 8 };

/* ---- floating numbers ---- */

/* The type that an element, or a part of it, has by itself. */
static tr_dtype part_dtype(tr_dtype dtype)
{
    return dtype == TR_COMPLEX64 ? TR_FLOAT32 : dtype == TR_COMPLEX128 ? TR_FLOAT64
                                                                       : dtype;
}

static double part_of(const void *data, tr_dtype dtype, int part, int64_t i)
{
    bool complex = core_dtype_category[dtype] == 3;
    return core_element_get(data, part_dtype(dtype), complex ? 2 * i + part : i);
}

/* The halves of a number's text: "-12" and "5" of -12.5, "-1" and "25e-03" of -1.25e-03. */
typedef struct {
    char before[32], after[32];
} halves;

static halves positional(const core_numpy_part *f, double x, tr_dtype dtype)
{
    halves h;
    core_decimal d = core_decimal_shortest(x, dtype, CORE_DECIMAL_DIGITS);
    if (d.digits - 1 - d.exponent > PRECISION) d = core_decimal_shortest(x, dtype, d.exponent + 1 + PRECISION);
    if (d.digits - 1 - d.exponent < 0) d = core_decimal_rounded(x, dtype, d.exponent + 1); /* up to the point all are shown */
    const char *sign = signbit(x) ? "-" : f->part ? "+"
                                                  : "";
    int whole = d.exponent + 1, given = whole < 0 ? 0 : whole;
    snprintf(h.before, sizeof h.before, "%s%.*s", sign, given ? given : 1, given ? d.digit : "0");
    snprintf(h.after, sizeof h.after, "%.*s%s", whole < 0 ? -whole : 0, "000000000", d.digit + given);
    return h;
}

/* `precision` < 0: no more digits than it takes. */
static halves scientific(const core_numpy_part *f, double x, tr_dtype dtype, int precision)
{
    halves h;
    core_decimal d = precision < 0 ? core_decimal_shortest(x, dtype, 1 + PRECISION) : core_decimal_rounded(x, dtype, 1 + precision);
    snprintf(h.before, sizeof h.before, "%s%c", signbit(x) ? "-" : f->part ? "+"
                                                                           : "",
             *d.digit);
    snprintf(h.after, sizeof h.after, "%se%c%0*d", d.digit + 1, d.exponent < 0 ? '-' : '+', f->exponent, abs(d.exponent));
    return h;
}

static int longer(int length, const char *text) { return (int)strlen(text) > length ? (int)strlen(text) : length; }

/* Zeros, NaN and infinities have no say in the style. The ratio is rounded as the type rounds. */
static bool is_scientific(const void *data, tr_dtype dtype, int part, int64_t n)
{
    double smallest = INFINITY, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double size = fabs(part_of(data, dtype, part, i));
        if (!isfinite(size) || !(size > 0)) continue;
        smallest = fmin(smallest, size);
        largest = fmax(largest, size);
    }
    if (!(largest > 0)) return false;
    union {
        uint64_t bytes;
        char any[8];
    } ratio;
    core_element_set(ratio.any, part_dtype(dtype), 0, largest / smallest);
    return largest >= 1e8 || smallest < 0.0001 || core_element_get(ratio.any, part_dtype(dtype), 0) > 1000;
}

static core_numpy_part part_format(const void *data, tr_dtype dtype, int part, int64_t n)
{
    core_numpy_part f = {.part = part, .scientific = is_scientific(data, dtype, part, n), .exponent = 2};
    bool all_finite = true, infinite_below = part == 1;
    for (int64_t i = 0; i < n; i++) {
        double x = part_of(data, dtype, part, i);
        if (!isfinite(x)) {
            all_finite = false;
            if (isinf(x) && x < 0) infinite_below = true;
            continue;
        }
        halves h = f.scientific ? scientific(&f, x, part_dtype(dtype), -1) : positional(&f, x, part_dtype(dtype));
        f.before = longer(f.before, h.before);
        if (!f.scientific) {
            f.after = longer(f.after, h.after);
            continue;
        }
        int digits = (int)strcspn(h.after, "e"), exponent = (int)strlen(h.after) - digits - 2;
        if (digits > f.precision) f.precision = digits;
        if (exponent > f.exponent) f.exponent = exponent;
    }
    if (f.scientific) f.after = f.precision + 2 + f.exponent;
    if (!all_finite) { /* "nan" or "-inf" may be wider, the point's column included */
        int width = 3 + infinite_below;
        if (f.before < width - f.after - 1) f.before = width - f.after - 1;
    }
    return f;
}

static int print_part(const core_numpy_part *f, double x, tr_dtype dtype, char *text)
{
    if (!isfinite(x)) {
        char word[8];
        snprintf(word, sizeof word, "%s%s", !isnan(x) && x < 0 ? "-" : f->part ? "+"
                                                                               : "",
                 isnan(x) ? "nan" : "inf");
        return snprintf(text, CORE_NUMPY_ROOM / 2, "%*s", f->before + 1 + f->after, word);
    }
    halves h = f->scientific ? scientific(f, x, dtype, f->precision) : positional(f, x, dtype);
    return snprintf(text, CORE_NUMPY_ROOM / 2, "%*s.%-*s", f->before, h.before, f->after, h.after);
}

/* ---- the others ---- */

static int print_whole(int width, const void *data, tr_dtype dtype, int64_t i, char *text)
{
    if (dtype == TR_BOOL) return snprintf(text, CORE_NUMPY_ROOM, "%*s", width, ((const uint8_t *)data)[i] ? "True" : "False");
    int64_t value = dtype == TR_INT64 ? ((const int64_t *)data)[i] : (int64_t)core_element_get(data, dtype, i);
    return snprintf(text, CORE_NUMPY_ROOM, "%*lld", width, (long long)value);
}

core_numpy_format core_numpy_format_for(const void *data, tr_dtype dtype, int64_t n, bool scalar)
{
    core_numpy_format f = {.dtype = dtype};
    if (core_dtype_category[dtype] >= 2) f.real = part_format(data, dtype, 0, n);
    if (core_dtype_category[dtype] == 3) f.imaginary = part_format(data, dtype, 1, n);
    if (dtype == TR_BOOL) f.width = scalar ? 0 : 5;
    char text[CORE_NUMPY_ROOM];
    for (int64_t i = 0; i < n && core_dtype_category[dtype] == 1; i++) {
        int length = print_whole(0, data, dtype, i, text);
        if (length > f.width) f.width = length;
    }
    return f;
}

int core_numpy_print(const core_numpy_format *f, const void *data, int64_t i, char text[CORE_NUMPY_ROOM])
{
    if (core_dtype_category[f->dtype] < 2) return print_whole(f->width, data, f->dtype, i, text);
    int length = print_part(&f->real, part_of(data, f->dtype, 0, i), part_dtype(f->dtype), text);
    if (core_dtype_category[f->dtype] < 3) return length;

    /* the j stands at the number, before what pads it */
    char imaginary[CORE_NUMPY_ROOM / 2];
    int end = print_part(&f->imaginary, part_of(data, f->dtype, 1, i), part_dtype(f->dtype), imaginary);
    while (imaginary[end - 1] == ' ') end--;
    return length + snprintf(text + length, CORE_NUMPY_ROOM / 2, "%.*sj%s", end, imaginary, imaginary + end);
}
