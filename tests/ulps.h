/* How far a float is from the right value. */
#ifndef TEST_ULPS_H
#define TEST_ULPS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* |got - want| in units of the last place of a float at want; infinity for NaN in place of a number or a number in place
 * of NaN. */
static inline double ulps(float got, double want)
{
    if (isnan(want)) return isnan(got) ? 0 : INFINITY;
    if (isnan(got)) return INFINITY;
    if ((double)got == want || got == (float)want) return 0;
    if (isinf(got)) return isinf((float)want) || fabs(want) > 3.4028235e38 ? 0 : INFINITY;
    int exponent;
    frexp(want, &exponent);
    return fabs((double)got - want) / ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

#endif
