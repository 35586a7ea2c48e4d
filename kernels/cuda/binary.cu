/* Arithmetic of two operands: add, sub, mul, div, maximum, minimum, divisions of whole numbers, integers' pow. */
#include "kernels/cuda/walk.cuh"
#include "kernels/formulas_binary.h"
#include "kernels/formulas_complex.h"

/* out = f(a, b), S in memory, W computed. */
template <class S, class W, W (*f)(W, W)>
struct binary {
    typedef S out, a, b;
    typedef nothing c;
    static __device__ S of(S x, S y, nothing) { return narrowed<S>::of(f(widened(x), widened(y))); }
};

/* The operators of real types; signed integers wrap around in the unsigned type U. */
#define OPERATORS(T, U, t)                                              \
 static inline TR_BOTH T add_##t(T a, T b) { return (T)((U)a + (U)b); } \
 static inline TR_BOTH T sub_##t(T a, T b) { return (T)((U)a - (U)b); } \
 static inline TR_BOTH T mul_##t(T a, T b) { return (T)((U)a * (U)b); }
OPERATORS(float, float, f32)
OPERATORS(double, double, f64)
OPERATORS(int32_t, uint32_t, i32)
OPERATORS(int64_t, uint64_t, i64)
OPERATORS(uint8_t, unsigned, u8)

#define PUT(KERNEL, name, TYPE, S, W, t) table[KERNEL][TYPE] = walk<binary<S, W, name##_##t>>;
#define FLOATS(KERNEL, name)                        \
 PUT(KERNEL, name, TR_FLOAT32, float, float, f32)   \
 PUT(KERNEL, name, TR_FLOAT64, double, double, f64) \
 PUT(KERNEL, name, TR_FLOAT16, f16, float, f32)     \
 PUT(KERNEL, name, TR_BFLOAT16, bf16, float, f32)
#define INTEGERS(KERNEL, name)                      \
 PUT(KERNEL, name, TR_INT32, int32_t, int32_t, i32) \
 PUT(KERNEL, name, TR_INT64, int64_t, int64_t, i64) \
 PUT(KERNEL, name, TR_UINT8, uint8_t, uint8_t, u8)
#define COMPLEX(KERNEL, name)                               \
 PUT(KERNEL, name, TR_COMPLEX64, complex64, complex64, c64) \
 PUT(KERNEL, name, TR_COMPLEX128, complex128, complex128, c128)

SPILLS(binary<int64_t, int64_t, floor_divide_i64>) /* on sm_90 */
SPILLS(binary<int64_t, int64_t, fmod_i64>)         /* on sm_80 */

void kernels_cuda_binary(kernel_table table)
{
    /* clang-format off */
    FLOATS(KERNEL_ADD, add)                   INTEGERS(KERNEL_ADD, add) COMPLEX(KERNEL_ADD, add)
    FLOATS(KERNEL_SUB, sub)                   INTEGERS(KERNEL_SUB, sub) COMPLEX(KERNEL_SUB, sub)
    FLOATS(KERNEL_MUL, mul)                   INTEGERS(KERNEL_MUL, mul) COMPLEX(KERNEL_MUL, mul)
    FLOATS(KERNEL_DIV, div)                                             COMPLEX(KERNEL_DIV, div)
    FLOATS(KERNEL_MAXIMUM, maximum)           INTEGERS(KERNEL_MAXIMUM, maximum)
    FLOATS(KERNEL_MINIMUM, minimum)           INTEGERS(KERNEL_MINIMUM, minimum)
    FLOATS(KERNEL_FLOOR_DIVIDE, floor_divide) INTEGERS(KERNEL_FLOOR_DIVIDE, floor_divide)
    FLOATS(KERNEL_REMAINDER, remainder)       INTEGERS(KERNEL_REMAINDER, remainder)
    FLOATS(KERNEL_FMOD, fmod)                 INTEGERS(KERNEL_FMOD, fmod)
                                              INTEGERS(KERNEL_POW, pow)
    PUT(KERNEL_ADD, either, TR_BOOL, uint8_t, uint8_t, b)
    PUT(KERNEL_MUL, both, TR_BOOL, uint8_t, uint8_t, b)
    PUT(KERNEL_MAXIMUM, either, TR_BOOL, uint8_t, uint8_t, b)
    PUT(KERNEL_MINIMUM, both, TR_BOOL, uint8_t, uint8_t, b)
    /* clang-format on */
}
