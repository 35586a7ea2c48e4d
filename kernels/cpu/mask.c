/* Elements picked by a mask of bool: out = x[mask], and its transpose, which puts them back where they stood. */
#include "kernels/cpu/cpu.h"

#include <string.h>

static int masked_select(const kernel_call *call)
{
    size_t bytes = (size_t)tr_dtype_size(call->type);
    char *out = call->at[0];
    const char *x = call->at[1];
    const uint8_t *mask = call->at[2];
    for (int64_t i = 0; i < call->size[0]; i++, x += bytes)
        if (mask[i]) {
            memcpy(out, x, bytes);
            out += bytes;
        }
    return 0;
}

static int masked_scatter(const kernel_call *call)
{
    size_t bytes = (size_t)tr_dtype_size(call->type);
    char *out = call->at[0];
    const char *src = call->at[1];
    const uint8_t *mask = call->at[2];
    for (int64_t i = 0; i < call->size[0]; i++, out += bytes) {
        if (mask[i]) {
            memcpy(out, src, bytes);
            src += bytes;
        } else {
            memset(out, 0, bytes);
        }
    }
    return 0;
}

void kernels_mask(kernel_table table)
{
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        table[KERNEL_MASKED_SELECT][type] = masked_select;
        table[KERNEL_MASKED_SCATTER][type] = masked_scatter;
    }
}
