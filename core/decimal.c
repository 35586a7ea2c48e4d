/* Found by trying: as many digits as it takes until they read back.  The C library rounds exactly in both directions,
 * and nobody prints so many numbers that a faster way (Ryu, Grisu) would be felt. */
#include "core/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/half.h"

/* The text is in the locale's decimal point, for the C library to read. */
static core_decimal parse(const char *text, int digits)
{
    core_decimal d = {.digits = digits};
    int n = 0;
    for (; *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && n < digits) d.digit[n++] = *text;
    d.exponent = atoi(text + 1);
    return d;
}

/* Between x and its neighbours of 16 bits, or on the border if x's last bit is 0.  A double holds all three exactly. */
static bool reads_back_as_half(double value, double x, tr_dtype dtype)
{
    bool brain = dtype == TR_BFLOAT16;
    uint16_t bits = brain ? core_bfloat_from_float((float)x) : core_half_from_float((float)x);
    double below = bits ? (double)(brain ? core_bfloat_to_float((uint16_t)(bits - 1)) : core_half_to_float((uint16_t)(bits - 1))) : 0;
    double above = (double)(brain ? core_bfloat_to_float((uint16_t)(bits + 1)) : core_half_to_float((uint16_t)(bits + 1)));
    if (isinf(above)) above = x + (x - below);
    below = (below + x) / 2, above = (x + above) / 2;
    return bits & 1 ? below < value && value < above : below <= value && value <= above;
}

static bool reads_back(const core_decimal *d, double x, tr_dtype dtype)
{
    char text[CORE_DECIMAL_ROOM]; /* 125e-5: no point, and so no locale */
    snprintf(text, sizeof text, "%se%d", d->digit, d->exponent - d->digits + 1);
    if (dtype == TR_FLOAT64) return !(strtod(text, NULL) != x);
    if (dtype == TR_FLOAT32) return !(strtof(text, NULL) != (float)x);
    return reads_back_as_half(strtod(text, NULL), x, dtype);
}

static void add_one(core_decimal *d)
{
    int i = d->digits - 1;
    for (; i >= 0 && d->digit[i] == '9'; i--) d->digit[i] = '0';
    if (i >= 0) {
        d->digit[i]++;
    } else {
        d->digit[0] = '1';
        d->exponent++;
    }
}

core_decimal core_decimal_rounded(double x, tr_dtype dtype, int digits)
{
    char text[CORE_DECIMAL_ROOM];
    x = fabs(x);
    snprintf(text, sizeof text, "%.*e", digits - 1, x);
    core_decimal d = parse(text, digits);
    if (reads_back(&d, x, dtype)) return d;
    /* below a power of two numbers lie closer: what is nearest may be another number's, and the one above x's */
    core_decimal above = d;
    add_one(&above);
    return reads_back(&above, x, dtype) ? above : d;
}

core_decimal core_decimal_shortest(double x, tr_dtype dtype, int most)
{
    core_decimal d = {"0", 1, 0};
    x = fabs(x);
    for (int n = 1; n <= most && n <= CORE_DECIMAL_DIGITS; n++) {
        d = core_decimal_rounded(x, dtype, n);
        if (reads_back(&d, x, dtype)) break;
    }
    while (d.digits > 1 && d.digit[d.digits - 1] == '0') d.digit[--d.digits] = '\0';
    return d;
}

int core_decimal_text(double x, char text[CORE_DECIMAL_ROOM])
{
    if (isnan(x)) return snprintf(text, CORE_DECIMAL_ROOM, "nan");
    const char *sign = signbit(x) ? "-" : "";
    if (isinf(x)) return snprintf(text, CORE_DECIMAL_ROOM, "%sinf", sign);
    core_decimal d = core_decimal_shortest(x, TR_FLOAT64, CORE_DECIMAL_DIGITS);
    int whole = d.exponent + 1; /* digits before the point */
    if (whole < -3 || whole > 16) return snprintf(text, CORE_DECIMAL_ROOM, "%s%c%s%se%c%02d", sign, d.digit[0], d.digits > 1 ? "." : "", d.digit + 1, d.exponent < 0 ? '-' : '+', abs(d.exponent));
    if (whole <= 0) return snprintf(text, CORE_DECIMAL_ROOM, "%s0.%.*s%s", sign, -whole, "000", d.digit);
    if (whole >= d.digits) return snprintf(text, CORE_DECIMAL_ROOM, "%s%s%.*s.0", sign, d.digit, whole - d.digits, "0000000000000000");
    return snprintf(text, CORE_DECIMAL_ROOM, "%s%.*s.%s", sign, whole, d.digit, d.digit + whole);
}
