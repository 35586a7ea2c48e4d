/* A kernel for half types by way of float copies of its operands: for what is not done often in a half type. */
#ifndef TRIREME_KERNELS_THROUGH_FLOAT_H
#define TRIREME_KERNELS_THROUGH_FLOAT_H

#include "kernels/cpu/levels/convert.h"

#include <stdlib.h>

/* View v has length[v] elements of the call's type, or is handed on as it is where that is 0 or the view NULL.  Views
 * [0, written) are outputs, and are converted back. */
static inline int through_float(const kernel_call *call, kernel_fn *kernel, const int64_t *length, int written)
{
    int64_t all = 0, at = 0;
    for (int v = 0; v < KERNEL_VIEWS; v++) all += length[v];
    float *copies = malloc((size_t)(all ? all : 1) * sizeof *copies);
    if (!copies) {
        core_fail_memory(kernel_name(call->kernel), all * (int64_t)sizeof *copies);
        return -1;
    }
    kernel_call in_float = *call;
    in_float.type = TR_FLOAT32;
    for (int v = 0; v < KERNEL_VIEWS; at += length[v++]) {
        if (!length[v] || !call->at[v]) continue;
        in_float.at[v] = copies + at;
        convert(TR_FLOAT32, copies + at, call->type, call->at[v], length[v]);
    }
    int status = kernel(&in_float);
    for (int v = 0; v < written && status == 0; v++)
        if (length[v] && call->at[v]) convert(call->type, call->at[v], TR_FLOAT32, in_float.at[v], length[v]);
    free(copies);
    return status;
}

#endif
