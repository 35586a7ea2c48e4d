/* Rows reduced to a number, for whoever needs one: softmax's sums, the reductions. */
#ifndef TRIREME_KERNELS_REDUCE_H
#define TRIREME_KERNELS_REDUCE_H

#include "kernels/cpu/levels/convert.h"

#define row_sum_f32          LEVEL(row_sum_f32)
#define row_sum_f64          LEVEL(row_sum_f64)
#define row_sum_positive_f32 LEVEL(row_sum_positive_f32)

/* Sums of contiguous memory, in a fixed number of lanes that are folded in a fixed order: the same bits from every
 * compiler, level with fma or without, and number of threads. */
double row_sum_f32(const float *x, int64_t n);
double row_sum_f64(const double *x, int64_t n);

/* Of numbers that are not negative: from 128 on, four are added up as floats before they are converted, which is twice
 * as soon done and costs at most 2^-23 of the sum. */
double row_sum_positive_f32(const float *x, int64_t n);

#endif
