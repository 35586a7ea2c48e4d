/* What operations by index share: index.c picks, assign.c replaces, rows.c does both to whole rows. */
#ifndef TRIREME_AUTOGRAD_INDEX_H
#define TRIREME_AUTOGRAD_INDEX_H

#include "autograd/operands.h"

/* Run a kernel of rows (KERNEL_INDEX_SELECT, _ADD, _COPY) along dim of `whole`, the shape of the indexed side; all three
 * tensors row-major.  0, or -1 with an error noted. */
int autograd_rows(int kernel, tr_tensor *to, const tr_tensor *from, const tr_tensor *index, const tr_shape *whole, int dim);

/* May a value of this type be written into x?  None of a higher category, but C's `true` is an int. */
static inline bool autograd_becomes(const tr_tensor *value, const tr_tensor *x)
{
    return core_dtype_category[value->dtype] <= core_dtype_category[x->dtype] || (x->dtype == TR_BOOL && core_dtype_category[value->dtype] == 1);
}

/* For samples. */
static inline tr_tensor *autograd_sample_index(const tr_tensor *x, const int64_t *values, tr_shape shape) { return (tr_from_data)(values, TR_INT64, shape, (tr_tensor_options){.device = core_device_at(x)}); }
static inline tr_tensor *autograd_sample_mask(const tr_tensor *x, const uint8_t *values, tr_shape shape) { return (tr_from_data)(values, TR_BOOL, shape, (tr_tensor_options){.device = core_device_at(x)}); }

#endif
