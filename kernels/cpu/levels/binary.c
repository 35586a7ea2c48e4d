/* Arithmetic of two operands: add, sub, mul, div, maximum, minimum; integers' pow. */
#include "kernels/cpu/levels/walk.h"
#include "kernels/formulas_binary.h"
#include "kernels/formulas_complex.h"

#define RESULT T

#define T     float
#define U     float
#define OF(n) n##_f32
#include "kernels/cpu/levels/binary_real.h"
static void div_loop_f32(void *const *at, int64_t n, unsigned ones)
{
    run_f32(div_f32, at, n, ones);
}
#undef T
#undef U
#undef OF

#define T     double
#define U     double
#define OF(n) n##_f64
#include "kernels/cpu/levels/binary_real.h"
static void div_loop_f64(void *const *at, int64_t n, unsigned ones)
{
    run_f64(div_f64, at, n, ones);
}
#undef T
#undef U
#undef OF

#define T     int32_t
#define U     uint32_t
#define OF(n) n##_i32
#include "kernels/cpu/levels/binary_real.h"
static void pow_loop_i32(void *const *at, int64_t n, unsigned ones)
{
    run_i32(pow_i32, at, n, ones);
}
#undef T
#undef U
#undef OF

#define T     int64_t
#define U     uint64_t
#define OF(n) n##_i64
#include "kernels/cpu/levels/binary_real.h"
static void pow_loop_i64(void *const *at, int64_t n, unsigned ones)
{
    run_i64(pow_i64, at, n, ones);
}
#undef T
#undef U
#undef OF

#define T     uint8_t
#define U     unsigned
#define OF(n) n##_u8
#include "kernels/cpu/levels/binary_real.h"
static void pow_loop_u8(void *const *at, int64_t n, unsigned ones)
{
    run_u8(pow_u8, at, n, ones);
}
#undef T
#undef U
#undef OF

/* bool: what is not 0 is true, the result is 0 or 1. */
#define T     uint8_t
#define OF(n) n##_b
#include "kernels/cpu/levels/binary_of.h"
static void add_loop_b(void *const *at, int64_t n, unsigned ones)
{
    run_b(either_b, at, n, ones);
}
static void mul_loop_b(void *const *at, int64_t n, unsigned ones) { run_b(both_b, at, n, ones); }
#define maximum_loop_b add_loop_b
#define minimum_loop_b mul_loop_b
#undef T
#undef OF

#define T     complex64
#define R     float
#define OF(n) n##_c64
#include "kernels/cpu/levels/binary_complex.h"
#undef T
#undef R
#undef OF

#define T     complex128
#define R     double
#define OF(n) n##_c128
#include "kernels/cpu/levels/binary_complex.h"
#undef T
#undef R
#undef OF

/* name, type, the type whose loop runs, tr_dtype, cheap steps per element */
#define REAL(K, name)             \
 K(name, f32, f32, TR_FLOAT32, 1) \
 K(name, f64, f64, TR_FLOAT64, 2) \
 K(name, f16, f32, TR_FLOAT16, 6) \
 K(name, bf16, f32, TR_BFLOAT16, 6)
#define INTEGERS(K, name)       \
 K(name, i32, i32, TR_INT32, 1) \
 K(name, i64, i64, TR_INT64, 2) \
 K(name, u8, u8, TR_UINT8, 1)
#define COMPLEX(K, name)            \
 K(name, c64, c64, TR_COMPLEX64, 4) \
 K(name, c128, c128, TR_COMPLEX128, 6)
#define DIVISIONS(K, name)         \
 K(name, f32, f32, TR_FLOAT32, 16) \
 K(name, f64, f64, TR_FLOAT64, 32) \
 K(name, f16, f32, TR_FLOAT16, 16) \
 K(name, bf16, f32, TR_BFLOAT16, 16)

/* clang-format off */
#define BINARY(K)                                                                              \
    REAL(K, add) INTEGERS(K, add) COMPLEX(K, add) K(add, b, b, TR_BOOL, 1)                     \
    REAL(K, sub) INTEGERS(K, sub) COMPLEX(K, sub)                                              \
    REAL(K, mul) INTEGERS(K, mul) COMPLEX(K, mul) K(mul, b, b, TR_BOOL, 1)                     \
    REAL(K, div) COMPLEX(K, div)                                                               \
    INTEGERS(K, pow)                                                                           \
    REAL(K, maximum) INTEGERS(K, maximum) K(maximum, b, b, TR_BOOL, 1)                         \
    REAL(K, minimum) INTEGERS(K, minimum) K(minimum, b, b, TR_BOOL, 1)                         \
    DIVISIONS(K, floor_divide) INTEGERS(K, floor_divide)                                          \
    DIVISIONS(K, remainder) INTEGERS(K, remainder)                                                \
    DIVISIONS(K, fmod) INTEGERS(K, fmod)
/* clang-format on */

#define KERNEL(name, t, loop, type, work)                               \
 static int name##_kernel_##t(const kernel_call *call)                  \
 {                                                                      \
  return walk_run_of(call, name##_loop_##loop, 3, 6, work, type, type); \
 }
BINARY(KERNEL)

enum {
    KERNEL_add = KERNEL_ADD,
    KERNEL_sub = KERNEL_SUB,
    KERNEL_mul = KERNEL_MUL,
    KERNEL_div = KERNEL_DIV,
    KERNEL_pow = KERNEL_POW,
    KERNEL_maximum = KERNEL_MAXIMUM,
    KERNEL_minimum = KERNEL_MINIMUM,
    KERNEL_floor_divide = KERNEL_FLOOR_DIVIDE,
    KERNEL_remainder = KERNEL_REMAINDER,
    KERNEL_fmod = KERNEL_FMOD
};

void kernels_binary(kernel_table table)
{
#define ENTRY(name, t, loop, type, work) table[KERNEL_##name][type] = name##_kernel_##t;
    BINARY(ENTRY)
}
