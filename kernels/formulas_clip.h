/* Gradient clipping's numbers, for both sides. */
#ifndef TRIREME_KERNELS_FORMULAS_CLIP_H
#define TRIREME_KERNELS_FORMULAS_CLIP_H

#include <math.h>
#include "kernels/both.h"

/* By what to multiply for a norm of at most max_norm.  NaN stays NaN, and goes into every gradient, as in PyTorch. */
static inline TR_BOTH double clip_factor(double norm, double max_norm)
{
    double factor = max_norm / (norm + 1e-6);
    return factor >= 1 || max_norm == INFINITY ? 1 : factor;
}

/* out[0] the root of the sum of n squares, out[1] the factor. */
static inline TR_BOTH void clip_numbers(double *out, const double *squares, int64_t n, double max_norm)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += squares[i];
    out[0] = sqrt(sum);
    out[1] = clip_factor(out[0], max_norm);
}

#endif
