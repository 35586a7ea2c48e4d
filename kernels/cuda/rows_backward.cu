/* The rows of pointwise.def, backward: dx = dy derivative(x, y) in one pass. */
#include "kernels/cuda/rows_of.cuh"

#define OP(name, S, W, t)       row_backward<S, W, name##_derivative_##t, name##_careful_derivative_##t, times_##t, name##_uses, name##_chooses, name##_derivative_is_careful>
#define BACKWARD(name, S, W, t) walk<OP(name, S, W, t)>

/* On sm_90. */
SPILLS(OP(abs, bf16, float, f32))
SPILLS(OP(sqrt, bf16, float, f32))
SPILLS(OP(sigmoid, bf16, float, f32))
SPILLS(OP(log2, bf16, float, f32))
SPILLS(OP(log10, bf16, float, f32))
SPILLS(OP(asin, bf16, float, f32))
SPILLS(OP(acos, bf16, float, f32))
SPILLS(OP(acos, float, float, f32))
SPILLS(OP(silu, float, float, f32))
/* On sm_80. */
SPILLS(OP(log, float, float, f32))
SPILLS(OP(log1p, float, float, f32))
SPILLS(OP(asin, float, float, f32))
SPILLS(OP(atan, float, float, f32))
SPILLS(OP(softplus, float, float, f32))
/* On sm_80 and sm_120. */
SPILLS(OP(sin, double, double, f64))
SPILLS(OP(cos, double, double, f64))
SPILLS(OP(erf, double, double, f64))

void kernels_cuda_rows_backward(kernel_table table)
{
#define ROW(name, ...)                                                              \
 table[KERNEL_##name##_backward][TR_FLOAT32] = BACKWARD(name, float, float, f32);   \
 table[KERNEL_##name##_backward][TR_FLOAT64] = BACKWARD(name, double, double, f64); \
 table[KERNEL_##name##_backward][TR_FLOAT16] = BACKWARD(name, f16, float, f32);     \
 table[KERNEL_##name##_backward][TR_BFLOAT16] = BACKWARD(name, bf16, float, f32);
#include "kernels/pointwise.def"
#undef ROW
}
