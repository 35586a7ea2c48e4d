/* The rows of pointwise.def on the CPU: forward, and backward as dx = dy derivative(x, y) in one pass. */
#include "kernels/cpu/levels/walk.h"
#include "kernels/formulas.h"
#include "kernels/rows.h"

#define LOOPS "kernels/cpu/levels/pointwise_of.h"
#include "kernels/cpu/levels/floats.h"

#define T     int32_t
#define U     uint32_t
#define OF(n) n##_i32
#include "kernels/cpu/levels/pointwise_integer.h"
#undef T
#undef U
#undef OF

#define T     int64_t
#define U     uint64_t
#define OF(n) n##_i64
#include "kernels/cpu/levels/pointwise_integer.h"
#undef T
#undef U
#undef OF

#define T     uint8_t
#define U     unsigned
#define OF(n) n##_u8
#include "kernels/cpu/levels/pointwise_integer.h"
#undef T
#undef U
#undef OF

/* Kernels: a loop with its plan.  Half types run float's loop.  libm takes some four times as long as our series. */
#define FORWARD(name, t, loop, work, type)                         \
 static int name##_kernel_##t(const kernel_call *call)             \
 {                                                                 \
  return walk_run_of(call, name##_##loop, 2, 0, work, type, type); \
 }
#define BACKWARD(name, t, loop, work, type)                                 \
 static int name##_backward_kernel_##t(const kernel_call *call)             \
 {                                                                          \
  return walk_run_of(call, name##_backward_##loop, 4, 2, work, type, type); \
 }
#define ROW(name, ...)                                               \
 FORWARD(name, f32, loop_f32, name##_work, TR_FLOAT32)               \
 FORWARD(name, f64, loop_f64, 4 * name##_work, TR_FLOAT64)           \
 FORWARD(name, f16, loop_f32, 4 + name##_work, TR_FLOAT16)           \
 FORWARD(name, bf16, loop_f32, 4 + name##_work, TR_BFLOAT16)         \
 BACKWARD(name, f32, loop_f32, name##_backward_work, TR_FLOAT32)     \
 BACKWARD(name, f64, loop_f64, 4 * name##_backward_work, TR_FLOAT64) \
 BACKWARD(name, f16, loop_f32, 4 + name##_backward_work, TR_FLOAT16) \
 BACKWARD(name, bf16, loop_f32, 4 + name##_backward_work, TR_BFLOAT16)
#include "kernels/pointwise.def"
#undef ROW

#define ROW(name)                          \
 FORWARD(name, i32, loop_i32, 1, TR_INT32) \
 FORWARD(name, i64, loop_i64, 2, TR_INT64) \
 FORWARD(name, u8, loop_u8, 1, TR_UINT8)
INTEGER_ROWS(ROW)
#undef ROW

void kernels_pointwise(kernel_table table)
{
#define ROW(name, ...)                                                     \
 table[KERNEL_##name][TR_FLOAT32] = name##_kernel_f32;                     \
 table[KERNEL_##name][TR_FLOAT64] = name##_kernel_f64;                     \
 table[KERNEL_##name][TR_FLOAT16] = name##_kernel_f16;                     \
 table[KERNEL_##name][TR_BFLOAT16] = name##_kernel_bf16;                   \
 table[KERNEL_##name##_backward][TR_FLOAT32] = name##_backward_kernel_f32; \
 table[KERNEL_##name##_backward][TR_FLOAT64] = name##_backward_kernel_f64; \
 table[KERNEL_##name##_backward][TR_FLOAT16] = name##_backward_kernel_f16; \
 table[KERNEL_##name##_backward][TR_BFLOAT16] = name##_backward_kernel_bf16;
#include "kernels/pointwise.def"
#undef ROW
#define ROW(name)                                    \
 table[KERNEL_##name][TR_INT32] = name##_kernel_i32; \
 table[KERNEL_##name][TR_INT64] = name##_kernel_i64; \
 table[KERNEL_##name][TR_UINT8] = name##_kernel_u8;
    INTEGER_ROWS(ROW)
#undef ROW
}
