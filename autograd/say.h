/* PyTorch's spelling of types and sizes, for its sentences in error messages: who knows them, or looks one up, should
 * find the same words.  All are short-lived texts (core_text) or constants. */
#ifndef TRIREME_AUTOGRAD_SAY_H
#define TRIREME_AUTOGRAD_SAY_H

#include "core/tensor.h"

const char *autograd_say_sizes(const tr_shape *shape);   /* "[2, 3]" */
const char *autograd_say_product(const tr_shape *shape); /* "2x3" */
const char *autograd_say_type(tr_dtype dtype);           /* "Float": a torch.FloatTensor holds them */

/* ": The size of tensor a (3) must match ..." for two shapes that do not broadcast. */
const char *autograd_say_mismatch(const tr_shape *a, const tr_shape *b);

#endif
