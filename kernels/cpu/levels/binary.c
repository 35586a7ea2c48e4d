/* Arithmetic of two operands: add, sub, mul, div, maximum, minimum; integers' pow. */
#include "kernels/cpu/levels/walk.h"

#include <math.h>

/* NaN if either is. */
static inline float maximum_f32(float a, float b) { return a > b || a != a ? a : b; }
static inline float minimum_f32(float a, float b) { return a < b || a != a ? a : b; }
static inline double maximum_f64(double a, double b) { return a > b || a != a ? a : b; }
static inline double minimum_f64(double a, double b) { return a < b || a != a ? a : b; }

static inline float div_f32(float a, float b) { return a / b; }
static inline double div_f64(double a, double b) { return a / b; }

/* Python's division of floats: the remainder takes b's sign, and a = floor_divide(a, b) b + remainder(a, b). */
#define DIVISION(T, t, FMOD, FLOOR, COPYSIGN)                                                    \
 static inline T fmod_##t(T a, T b) { return FMOD(a, b); }                                       \
 static inline T remainder_##t(T a, T b)                                                         \
 {                                                                                               \
  T left = FMOD(a, b);                                                                           \
  return left != 0 && (left < 0) != (b < 0) ? left + b : left;                                   \
 }                                                                                               \
 static inline T floor_divide_##t(T a, T b)                                                      \
 {                                                                                               \
  if (b == 0) return a / b;                                                                      \
  T left = FMOD(a, b), quotient = (a - left) / b;                                                \
  if (left != 0 && (left < 0) != (b < 0)) quotient -= 1;                                         \
  if (quotient == 0) return COPYSIGN(0, a / b);                                                  \
  T whole = FLOOR(quotient);                                                                     \
  return quotient - whole > (T)0.5 ? whole + 1 : whole; /* the quotient was off by a rounding */ \
 }
DIVISION(float, f32, fmodf, floorf, copysignf)
DIVISION(double, f64, fmod, floor, copysign)

/* Powers of integers, wrapping around; a negative exponent gives what of 1 / a^-b is whole. */
static inline uint64_t power(uint64_t a, int64_t b)
{
    if (b < 0) return a == 1 ? 1 : a == UINT64_MAX ? (b & 1 ? UINT64_MAX : 1)
                                                   : 0;
    uint64_t y = 1;
    for (; b; b >>= 1, a *= a)
        if (b & 1) y *= a;
    return y;
}

#define INTEGER(T, t)                                            \
 static inline T maximum_##t(T a, T b) { return a > b ? a : b; } \
 static inline T minimum_##t(T a, T b) { return a < b ? a : b; } \
 static inline T pow_##t(T a, T b) { return (T)power((uint64_t)(int64_t)a, (int64_t)b); }

/* Division by 0 gives 0, and by -1, which would trap on the smallest a, wraps around. */
#define SIGNED_DIVISION(T, U, t)                                              \
 static inline T fmod_##t(T a, T b) { return b == 0 || b == -1 ? 0 : a % b; } \
 static inline T remainder_##t(T a, T b)                                      \
 {                                                                            \
  T left = fmod_##t(a, b);                                                    \
  return left != 0 && (left < 0) != (b < 0) ? left + b : left;                \
 }                                                                            \
 static inline T floor_divide_##t(T a, T b)                                   \
 {                                                                            \
  if (b == 0) return 0;                                                       \
  if (b == -1) return (T)(0 - (U)a);                                          \
  return a / b - (a % b != 0 && (a < 0) != (b < 0));                          \
 }
SIGNED_DIVISION(int32_t, uint32_t, i32)
SIGNED_DIVISION(int64_t, uint64_t, i64)
static inline uint8_t fmod_u8(uint8_t a, uint8_t b) { return b ? a % b : 0; }
static inline uint8_t remainder_u8(uint8_t a, uint8_t b) { return fmod_u8(a, b); }
static inline uint8_t floor_divide_u8(uint8_t a, uint8_t b) { return b ? a / b : 0; }

INTEGER(int32_t, i32)
INTEGER(int64_t, i64)
INTEGER(uint8_t, u8)

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
static inline uint8_t or_b(uint8_t a, uint8_t b)
{
    return (a | b) != 0;
}
static inline uint8_t and_b(uint8_t a, uint8_t b) { return a != 0 && b != 0; }
#include "kernels/cpu/levels/binary_of.h"
static void add_loop_b(void *const *at, int64_t n, unsigned ones)
{
    run_b(or_b, at, n, ones);
}
static void mul_loop_b(void *const *at, int64_t n, unsigned ones) { run_b(and_b, at, n, ones); }
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

#define KERNEL(name, t, loop, type, work)                                          \
 static int name##_kernel_##t(const kernel_call *call)                             \
 {                                                                                 \
  const walk_plan plan = walk_plan_of(name##_loop_##loop, 3, 6, work, type, type); \
  return walk_run(call, &plan);                                                    \
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
