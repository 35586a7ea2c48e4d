/* Contiguous memory from one element type to another. */
#ifndef TRIREME_KERNELS_CONVERT_H
#define TRIREME_KERNELS_CONVERT_H

#include "kernels/cpu/levels/level.h"

#define convert LEVEL(convert)
#define gather  LEVEL(gather)
#define scatter LEVEL(scatter)

/* out[i] = in[i], of any two types, as C converts; complex to real keeps the real part, a number is true where it is
 * not 0, and what does not fit an integer gives its smallest.  out may be in if the types are the same. */
void convert(tr_dtype to, void *out, tr_dtype from, const void *in, int64_t n);

/* out[i] = in[i stride], and out[i stride] = in[i], of elements of 1, 2, 4, 8 or 16 bytes. */
void gather(int bytes, void *out, const void *in, int64_t stride, int64_t n);
void scatter(int bytes, void *out, const void *in, int64_t stride, int64_t n);

/* Bytes of one element. */
static inline int bytes_of(tr_dtype type)
{
    static const uint8_t bytes[TR_DTYPES] = {
        [TR_BOOL] = 1, [TR_UINT8] = 1, [TR_INT32] = 4, [TR_INT64] = 8, [TR_FLOAT16] = 2, [TR_BFLOAT16] = 2, [TR_FLOAT32] = 4, [TR_FLOAT64] = 8, [TR_COMPLEX64] = 8, [TR_COMPLEX128] = 16};
    return bytes[type];
}

static inline bool is_half(tr_dtype type) { return type == TR_FLOAT16 || type == TR_BFLOAT16; }

#endif
