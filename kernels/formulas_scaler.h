/* A gradient scaler's numbers, for both sides. */
#ifndef TRIREME_KERNELS_FORMULAS_SCALER_H
#define TRIREME_KERNELS_FORMULAS_SCALER_H

#include <float.h>
#include "kernels/both.h"

/* A scaler's state. */
enum { SCALER_SCALE,
       SCALER_STEPS, /* without an overflow, so far */
       SCALER_FOUND, /* an overflow, since the last update */
       SCALER_NUMBERS };

/* out[0]: is one of n sums of squares infinite or NaN?  out[1]: what gradients are to be multiplied by. */
static inline TR_BOTH void scaler_check(double *out, double *state, const double *squares, int64_t n, bool first)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += squares[i];
    const bool overflow = !(sum <= DBL_MAX);
    out[0] = overflow;
    out[1] = overflow ? 1 : 1 / state[SCALER_SCALE];
    state[SCALER_FOUND] = overflow || (!first && state[SCALER_FOUND] != 0);
}

static inline TR_BOTH void scaler_update(double *state, double growth, double backoff, double interval)
{
    double scale = state[SCALER_SCALE], steps = state[SCALER_STEPS] + 1;
    if (state[SCALER_FOUND] != 0) {
        scale *= backoff;
        steps = 0;
    } else if (steps >= interval) { /* more, where a scaler of a longer one was put back */
        if (scale * growth <= DBL_MAX) scale *= growth;
        steps = 0;
    }
    state[SCALER_SCALE] = scale;
    state[SCALER_STEPS] = steps;
}

#endif
