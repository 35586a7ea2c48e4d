/* Any dims of an array reduced by the loops of a reducer: a sum, a product, a maximum. */
#ifndef TRIREME_KERNELS_REDUCE_BY_H
#define TRIREME_KERNELS_REDUCE_BY_H

#include "kernels/cpu/levels/convert.h"

#define reduce_by LEVEL(reduce_by)

typedef void reduce_loop(void *accumulators, const void *x, int64_t n);
typedef void reduce_rows(void *accumulators, const void *x, int64_t next, int64_t rows, int64_t n);

typedef struct {
    reduce_loop *row, *columns; /* n elements into one accumulator; into n accumulators */
    reduce_loop *join;          /* n accumulators into one */
    tr_dtype read, accumulate;
    const void *start;   /* of the type accumulate; NULL: 0 */
    reduce_rows *matrix; /* rows, one after the other, into n accumulators: columns() of each; NULL: has none */
} reducer;

/* 0.  Elements come as `in`, are read as by->read, added up as by->accumulate, and leave as the call's type. */
int reduce_by(const kernel_call *call, const reducer *by, tr_dtype in);

static inline int64_t distance(int64_t stride) { return stride < 0 ? -stride : stride; }

#endif
