/* What is looked at of a tensor that is printed: everything, or of more than 1000 elements three at either end of each
 * dim.  PyTorch and NumPy agree on that. */
#ifndef TRIREME_CORE_PRINT_SHOWN_H
#define TRIREME_CORE_PRINT_SHOWN_H

#include "core/tensor.h"

enum { CORE_PRINT_EDGE = 3 }; /* elements at either end of a dim that is cut */

typedef struct {
    bool cut[TR_MAX_DIMS];     /* is "..." printed in the middle of this dim? */
    int64_t size[TR_MAX_DIMS]; /* sizes of what is gathered */
    int64_t count;
    char *element; /* owns; `count` elements, row-major */
    int64_t capacity;
} core_shown;

/* Gather it from any strides and any device.  0, or -1 with an error noted and nothing to free. */
int core_shown_gather(core_shown *shown, const tr_tensor *t, const char *what);
void core_shown_free(core_shown *shown);

#endif
