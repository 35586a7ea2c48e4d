/* Bringing operands together: one type, one device, shapes that broadcast; and what may be written to. */
#ifndef TRIREME_AUTOGRAD_OPERANDS_H
#define TRIREME_AUTOGRAD_OPERANDS_H

#include "autograd/autograd.h"

/* Both operands in this type, on one device; the shape they broadcast to.  False with an error noted.
 * Conversions are noted in the graph. */
bool autograd_meet(const char *function, tr_tensor **a, tr_tensor **b, tr_dtype type, tr_shape *shape);

/* |z| of complex numbers: tr_abs for them. */
tr_tensor *autograd_abs_complex(tr_tensor *z);

/* May t be written in place, from `from` (NULL: from numbers): not expanded, and no derivative lost?  0, or -1 with an
 * error noted. */
int autograd_writable(const tr_tensor *t, const tr_tensor *from, const char *function);

/* Do writes to t, element by element, change what is still to be read of `from`? */
bool autograd_overlap(const tr_tensor *t, const tr_tensor *from);

/* Checks shared by operations: on one device; the dim counted from the front.  false or -1 with an error noted. */
bool autograd_one_device(const char *function, const tr_tensor *a, const tr_tensor *b);
int autograd_dim(const char *function, const tr_tensor *t, int dim);

#endif
