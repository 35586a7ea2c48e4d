/* Elements as 64-bit keys whose order as unsigned numbers is the order that sorting wants: a float's bits, turned so that
 * negative ones lie below, -0 as 0, NaN above all.  The complement of a key sorts the largest first. */
#ifndef TRIREME_KERNELS_FORMULAS_ORDER_H
#define TRIREME_KERNELS_FORMULAS_ORDER_H

#include "kernels/both.h"

static inline TR_BOTH uint64_t key_of_int64(int64_t x) { return (uint64_t)x ^ (uint64_t)1 << 63; }

/* Exact for every type but int64. */
static inline TR_BOTH uint64_t key_of_double(double x)
{
    const uint64_t sign = (uint64_t)1 << 63;
    if (x != x) return UINT64_MAX;
    uint64_t bits = bits_of_f64(x + 0.0); /* -0 becomes 0 */
    return bits & sign ? ~bits : bits | sign;
}

#endif
