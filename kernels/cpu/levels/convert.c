#include "kernels/cpu/levels/convert.h"
#include "core/half.h"

/* Real types but the halves convert directly; halves go by way of float, complex numbers by way of their real parts. */

/* clang-format off */
#define CONVERT(to, TO, from, FROM, value)                                    \
    static void to##_from_##from(void *to_, const void *from_, int64_t n)     \
    {                                                                         \
        TO *out = to_;                                                        \
        const FROM *in = from_;                                               \
        for (int64_t i = 0; i < n; i++) {                                     \
            FROM x = in[i];                                                   \
            out[i] = (TO)(value);                                             \
        }                                                                     \
    }
#define CONVERT_INTEGERS(from, FROM)                                          \
    CONVERT(b, uint8_t, from, FROM, x != 0)                                   \
    CONVERT(f32, float, from, FROM, x)                                        \
    CONVERT(f64, double, from, FROM, x)                                       \
    CONVERT(u8, uint8_t, from, FROM, x)                                       \
    CONVERT(i32, int32_t, from, FROM, x)                                      \
    CONVERT(i64, int64_t, from, FROM, x)
#define CONVERT_FLOATS(from, FROM)                                            \
    CONVERT(b, uint8_t, from, FROM, x != 0)                                   \
    CONVERT(f32, float, from, FROM, x)                                        \
    CONVERT(f64, double, from, FROM, x)                                       \
    CONVERT(u8, uint8_t, from, FROM, integer_of((double)x))                   \
    CONVERT(i32, int32_t, from, FROM, integer_of((double)x))                  \
    CONVERT(i64, int64_t, from, FROM, integer_of((double)x))
CONVERT_INTEGERS(u8, uint8_t)
CONVERT_INTEGERS(i32, int32_t)
CONVERT_INTEGERS(i64, int64_t)
CONVERT_FLOATS(f32, float)
CONVERT_FLOATS(f64, double)
CONVERT(b, uint8_t, c64, complex64, x.re != 0 || x.im != 0)
CONVERT(b, uint8_t, c128, complex128, x.re != 0 || x.im != 0)
CONVERT(f32, float, f16, uint16_t, core_half_to_float(x))
CONVERT(f32, float, bf16, uint16_t, core_bfloat_to_float(x))
CONVERT(f16, uint16_t, f32, float, core_half_from_float(x))
CONVERT(bf16, uint16_t, f32, float, core_bfloat_from_float(x))
CONVERT(f32, float, c64, complex64, x.re)
CONVERT(f64, double, c128, complex128, x.re)
/* clang-format on */

static void c64_from_f32(void *out, const void *in, int64_t n)
{
    complex64 *z = out;
    const float *x = in;
    for (int64_t i = 0; i < n; i++) z[i] = (complex64){x[i], 0};
}

static void c128_from_f64(void *out, const void *in, int64_t n)
{
    complex128 *z = out;
    const double *x = in;
    for (int64_t i = 0; i < n; i++) z[i] = (complex128){x[i], 0};
}

static void c64_from_c128(void *out, const void *in, int64_t n) { f32_from_f64(out, in, 2 * n); }
static void c128_from_c64(void *out, const void *in, int64_t n) { f64_from_f32(out, in, 2 * n); }

typedef void convert_fn(void *out, const void *in, int64_t n);

/* clang-format off */
#define FROM_REAL(to) [TR_BOOL] = to##_from_u8, [TR_UINT8] = to##_from_u8, [TR_INT32] = to##_from_i32, \
                      [TR_INT64] = to##_from_i64, [TR_FLOAT32] = to##_from_f32, [TR_FLOAT64] = to##_from_f64
static convert_fn *const direct[TR_DTYPES][TR_DTYPES] = {
    [TR_BOOL]       = {FROM_REAL(b), [TR_COMPLEX64] = b_from_c64, [TR_COMPLEX128] = b_from_c128},
    [TR_UINT8]      = {FROM_REAL(u8)},
    [TR_INT32]      = {FROM_REAL(i32)},
    [TR_INT64]      = {FROM_REAL(i64)},
    [TR_FLOAT64]    = {FROM_REAL(f64), [TR_COMPLEX128] = f64_from_c128},
    [TR_FLOAT32]    = {FROM_REAL(f32), [TR_FLOAT16] = f32_from_f16, [TR_BFLOAT16] = f32_from_bf16, [TR_COMPLEX64] = f32_from_c64},
    [TR_FLOAT16]    = {[TR_FLOAT32] = f16_from_f32},
    [TR_BFLOAT16]   = {[TR_FLOAT32] = bf16_from_f32},
    [TR_COMPLEX64]  = {[TR_FLOAT32] = c64_from_f32, [TR_COMPLEX128] = c64_from_c128},
    [TR_COMPLEX128] = {[TR_FLOAT64] = c128_from_f64, [TR_COMPLEX64] = c128_from_c64},
};
/* clang-format on */

/* The real type that a type without a direct way goes through. */
static tr_dtype stop(tr_dtype to, tr_dtype from)
{
    if (is_half(from)) return TR_FLOAT32;
    if (from == TR_COMPLEX64) return TR_FLOAT32;
    if (from == TR_COMPLEX128) return TR_FLOAT64;
    return to == TR_COMPLEX128 ? TR_FLOAT64 : TR_FLOAT32;
}

void convert(tr_dtype to, void *out, tr_dtype from, const void *in, int64_t n)
{
    if (to == from && to != TR_BOOL) {
        if (out != in) memcpy(out, in, (size_t)(n * bytes_of(to)));
        return;
    }
    convert_fn *way = direct[to][from];
    if (way) {
        way(out, in, n);
        return;
    }
    tr_dtype middle = stop(to, from);
    for (int64_t i = 0; i < n; i += BLOCK) {
        double block[BLOCK];
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        direct[middle][from](block, (const char *)in + i * bytes_of(from), count);
        convert(to, (char *)out + i * bytes_of(to), middle, block, count);
    }
}

#define STRIDED(type)                                                               \
 static void gather_##type(void *out_, const void *in_, int64_t stride, int64_t n)  \
 {                                                                                  \
  type *out = out_;                                                                 \
  const type *in = in_;                                                             \
  for (int64_t i = 0; i < n; i++) out[i] = in[i * stride];                          \
 }                                                                                  \
 static void scatter_##type(void *out_, const void *in_, int64_t stride, int64_t n) \
 {                                                                                  \
  type *out = out_;                                                                 \
  const type *in = in_;                                                             \
  for (int64_t i = 0; i < n; i++) out[i * stride] = in[i];                          \
 }
STRIDED(word1)
STRIDED(word2)
STRIDED(word4)
STRIDED(word8)
STRIDED(word16)

void gather(int bytes, void *out, const void *in, int64_t stride, int64_t n)
{
    if (stride == 1) {
        memcpy(out, in, (size_t)(n * bytes));
        return;
    }
    switch (bytes) {
    case 1: gather_word1(out, in, stride, n); break;
    case 2: gather_word2(out, in, stride, n); break;
    case 4: gather_word4(out, in, stride, n); break;
    case 8: gather_word8(out, in, stride, n); break;
    default: gather_word16(out, in, stride, n); break;
    }
}

void scatter(int bytes, void *out, const void *in, int64_t stride, int64_t n)
{
    if (stride == 1) {
        memcpy(out, in, (size_t)(n * bytes));
        return;
    }
    switch (bytes) {
    case 1: scatter_word1(out, in, stride, n); break;
    case 2: scatter_word2(out, in, stride, n); break;
    case 4: scatter_word4(out, in, stride, n); break;
    case 8: scatter_word8(out, in, stride, n); break;
    default: scatter_word16(out, in, stride, n); break;
    }
}
