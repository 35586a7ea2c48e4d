/* What formulas that the CPU's and the GPU's compiler both read begin with. */
#ifndef TRIREME_KERNELS_BOTH_H
#define TRIREME_KERNELS_BOTH_H

#include "core/both.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* a b + c, rounded once wherever the processor can: x86-64-v3 and up and GPUs, which so give the same bits. */
#if defined(__FMA__) || defined(__CUDACC__) || defined(__ARM_FEATURE_FMA)
# define HAVE_FMA 1
#else
# define HAVE_FMA 0
#endif
static inline TR_BOTH float fma_f32(float a, float b, float c)
{
#if HAVE_FMA
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

#endif
