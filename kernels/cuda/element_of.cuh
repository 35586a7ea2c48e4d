/* An element of float32 by the number of its kernel: for kernels that do several calls, whose list travels in the launch.  It
 * meets the functions of the call's own kernel, and so has its bits. */
#ifndef TRIREME_KERNELS_CUDA_ELEMENT_OF_CUH
#define TRIREME_KERNELS_CUDA_ELEMENT_OF_CUH

#include "kernels/cuda/power.cuh"
#include "kernels/cuda/rows_of.cuh"
#include "kernels/formulas_binary.h"

/* Which calls element_of() knows: of float32, row by row or as they are. */
static inline bool copies_as_it_is(const kernel_call *call) { return call->kernel == KERNEL_COPY && (call->from == 0 || call->from == call->type) && call->type != TR_BOOL; }
static inline bool is_of_elements(const kernel_call *call) { return call->kernel <= KERNEL_MINIMUM || call->kernel == KERNEL_FILL || copies_as_it_is(call); }

template <class T>
struct given {
    static __device__ T of(float x) { return x; }
};
template <>
struct given<nothing> {
    static __device__ nothing of(float) { return nothing(); }
};

template <class OP>
static __device__ inline float by(float a, float b, float c)
{
    return OP::of(given<typename OP::a>::of(a), given<typename OP::b>::of(b), given<typename OP::c>::of(c));
}

static __device__ inline float element_of(int kernel, float a, float b, float c, float number)
{
    switch (kernel) {
#define ROW(name, ...)                                                                                              \
case KERNEL_##name:                                                                                                 \
 return by<row_value<float, float, name##_value_f32, name##_careful_value_f32, name##_value_is_careful>>(a, b, c);  \
case KERNEL_##name##_backward:                                                                                      \
 return by<row_backward<float, float, name##_derivative_f32, name##_careful_derivative_f32, times_f32, name##_uses, \
                        name##_chooses, name##_derivative_is_careful>>(a, b, c);
#include "kernels/pointwise.def"
#undef ROW
    case KERNEL_ADD: return a + b;
    case KERNEL_SUB: return a - b;
    case KERNEL_MUL: return a * b;
    case KERNEL_DIV: return div_f32(a, b);
    case KERNEL_POW: return by<power_value<float, float, pow_f32>>(a, b, c);
    case KERNEL_POW_BACKWARD: return by<power_backward<float, float, pow_slope_f32>>(a, b, c);
    case KERNEL_MAXIMUM: return maximum_f32(a, b);
    case KERNEL_MINIMUM: return minimum_f32(a, b);
    case KERNEL_COPY: return a;
    default: return number; /* KERNEL_FILL */
    }
}

#endif
