/* Rows reduced to a number, for whoever needs one: softmax's sums, the reductions. */
#ifndef TRIREME_KERNELS_REDUCE_H
#define TRIREME_KERNELS_REDUCE_H

#include "kernels/cpu/levels/convert.h"

/* Sums of contiguous memory, in a fixed number of lanes that are folded in a fixed order: the same bits from every
 * compiler, level with fma or without, and number of threads. */
double LEVEL(sum_f32)(const float *x, int64_t n);
double LEVEL(sum_f64)(const double *x, int64_t n);

#endif
