/* Arithmetic of two numbers, where it is more than C's operator: what the CPU and the GPU both compute. */
#ifndef TRIREME_KERNELS_FORMULAS_BINARY_H
#define TRIREME_KERNELS_FORMULAS_BINARY_H

#include "kernels/both.h"

/* NaN if either is. */
static inline TR_BOTH float maximum_f32(float a, float b) { return a > b || a != a ? a : b; }
static inline TR_BOTH float minimum_f32(float a, float b) { return a < b || a != a ? a : b; }
static inline TR_BOTH double maximum_f64(double a, double b) { return a > b || a != a ? a : b; }
static inline TR_BOTH double minimum_f64(double a, double b) { return a < b || a != a ? a : b; }

static inline TR_BOTH float div_f32(float a, float b) { return a / b; }
static inline TR_BOTH double div_f64(double a, double b) { return a / b; }

/* Python's division of floats: the remainder takes b's sign, and a = floor_divide(a, b) b + remainder(a, b). */
#define DIVISION(T, t, FMOD, FLOOR, COPYSIGN)                                                    \
 static inline TR_BOTH T fmod_##t(T a, T b) { return FMOD(a, b); }                               \
 static inline TR_BOTH T remainder_##t(T a, T b)                                                 \
 {                                                                                               \
  T left = FMOD(a, b);                                                                           \
  return left != 0 && (left < 0) != (b < 0) ? left + b : left;                                   \
 }                                                                                               \
 static inline TR_BOTH T floor_divide_##t(T a, T b)                                              \
 {                                                                                               \
  if (b == 0) return a / b;                                                                      \
  T left = FMOD(a, b), quotient = (a - left) / b;                                                \
  if (left != 0 && (left < 0) != (b < 0)) quotient -= 1;                                         \
  if (quotient == 0) return COPYSIGN((T)0, a / b);                                               \
  T whole = FLOOR(quotient);                                                                     \
  return quotient - whole > (T)0.5 ? whole + 1 : whole; /* the quotient was off by a rounding */ \
 }
DIVISION(float, f32, fmodf, floorf, copysignf)
DIVISION(double, f64, fmod, floor, copysign)

/* Powers of integers, wrapping around; a negative exponent gives what of 1 / a^-b is whole. */
static inline TR_BOTH uint64_t power(uint64_t a, int64_t b)
{
    if (b < 0) return a == 1 ? 1 : a == UINT64_MAX ? (b & 1 ? UINT64_MAX : 1)
                                                   : 0;
    uint64_t y = 1;
    for (; b; b >>= 1, a *= a)
        if (b & 1) y *= a;
    return y;
}

#define INTEGER(T, t)                                                    \
 static inline TR_BOTH T maximum_##t(T a, T b) { return a > b ? a : b; } \
 static inline TR_BOTH T minimum_##t(T a, T b) { return a < b ? a : b; } \
 static inline TR_BOTH T pow_##t(T a, T b) { return (T)power((uint64_t)(int64_t)a, (int64_t)b); }

/* Division by 0 gives 0, and by -1, which would trap on the smallest a, wraps around. */
#define SIGNED_DIVISION(T, U, t)                                                      \
 static inline TR_BOTH T fmod_##t(T a, T b) { return b == 0 || b == -1 ? 0 : a % b; } \
 static inline TR_BOTH T remainder_##t(T a, T b)                                      \
 {                                                                                    \
  T left = fmod_##t(a, b);                                                            \
  return left != 0 && (left < 0) != (b < 0) ? left + b : left;                        \
 }                                                                                    \
 static inline TR_BOTH T floor_divide_##t(T a, T b)                                   \
 {                                                                                    \
  if (b == 0) return 0;                                                               \
  if (b == -1) return (T)(0 - (U)a);                                                  \
  return a / b - (a % b != 0 && (a < 0) != (b < 0));                                  \
 }
SIGNED_DIVISION(int32_t, uint32_t, i32)
SIGNED_DIVISION(int64_t, uint64_t, i64)
static inline TR_BOTH uint8_t fmod_u8(uint8_t a, uint8_t b) { return (uint8_t)(b ? a % b : 0); }
static inline TR_BOTH uint8_t remainder_u8(uint8_t a, uint8_t b) { return fmod_u8(a, b); }
static inline TR_BOTH uint8_t floor_divide_u8(uint8_t a, uint8_t b) { return (uint8_t)(b ? a / b : 0); }

INTEGER(int32_t, i32)
INTEGER(int64_t, i64)
INTEGER(uint8_t, u8)

/* bool: what is not 0 is true, the result is 0 or 1. */
static inline TR_BOTH uint8_t either_b(uint8_t a, uint8_t b) { return (a | b) != 0; }
static inline TR_BOTH uint8_t both_b(uint8_t a, uint8_t b) { return a != 0 && b != 0; }

#endif
