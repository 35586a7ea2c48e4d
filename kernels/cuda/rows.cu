/* The rows of pointwise.def, forward; integers have some of them. */
#include "kernels/cuda/rows_of.cuh"

#define T     int32_t
#define U     uint32_t
#define OF(n) n##_i32
#include "kernels/rows_integer_of.h"
#undef T
#undef U
#undef OF

#define T     int64_t
#define U     uint64_t
#define OF(n) n##_i64
#include "kernels/rows_integer_of.h"
#undef T
#undef U
#undef OF

#define T     uint8_t
#define U     unsigned
#define OF(n) n##_u8
#include "kernels/rows_integer_of.h"
#undef T
#undef U
#undef OF

#define OP(name, S, W, t)      row_value<S, W, name##_value_##t, name##_careful_value_##t, name##_value_is_careful>
#define FORWARD(name, S, W, t) walk<OP(name, S, W, t)>
#define INTEGER(name, S, t)    walk<row_value<S, S, name##_value_##t, name##_value_##t, false>>

/* On sm_90. */
SPILLS(OP(exp, double, double, f64))
SPILLS(OP(exp2, double, double, f64))
SPILLS(OP(atan, double, double, f64))
/* On sm_80. */
SPILLS(OP(gelu, double, double, f64))

void kernels_cuda_rows(kernel_table table)
{
#define ROW(name, ...)                                                  \
 table[KERNEL_##name][TR_FLOAT32] = FORWARD(name, float, float, f32);   \
 table[KERNEL_##name][TR_FLOAT64] = FORWARD(name, double, double, f64); \
 table[KERNEL_##name][TR_FLOAT16] = FORWARD(name, f16, float, f32);     \
 table[KERNEL_##name][TR_BFLOAT16] = FORWARD(name, bf16, float, f32);
#include "kernels/pointwise.def"
#undef ROW
#define ROW(name)                                              \
 table[KERNEL_##name][TR_INT32] = INTEGER(name, int32_t, i32); \
 table[KERNEL_##name][TR_INT64] = INTEGER(name, int64_t, i64); \
 table[KERNEL_##name][TR_UINT8] = INTEGER(name, uint8_t, u8);
    INTEGER_ROWS(ROW)
#undef ROW
}
