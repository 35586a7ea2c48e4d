/* Powers of floating numbers, and the derivative of a power with a number for exponent.  Other powers than the small
 * whole ones are CUDA's pow, which may differ from libm's in the last bits. */
#include "kernels/cuda/walk.cuh"

#define T     float
#define OF(n) n##_f32
#define M(w)  w##f
#include "kernels/formulas_power_of.h"
#undef T
#undef OF
#undef M

#define T     double
#define OF(n) n##_f64
#define M(w)  w
#include "kernels/formulas_power_of.h"
#undef T
#undef OF
#undef M

template <class S, class W, W (*f)(W, W)>
struct power {
    typedef S out, a, b;
    typedef nothing c;
    static __device__ S of(S x, S y, nothing) { return narrowed<S>::of(f(widened(x), widened(y))); }
};

/* (dx, dy, x, p) */
template <class S, class W, W (*slope)(W, W)>
struct power_backward {
    typedef S out, a, b, c;
    static __device__ S of(S dy, S x, S p)
    {
        W dx = widened(p) == 0 ? 0 : widened(dy) * slope(widened(x), widened(p));
        return narrowed<S>::of(dx);
    }
};

template <class OP>
static int backward(const kernel_call *call)
{
    kernel_call one_exponent = *call;
    one_exponent.ones |= 8;
    return walk<OP>(&one_exponent);
}

void kernels_cuda_power(kernel_table table)
{
    table[KERNEL_POW][TR_FLOAT32] = walk<power<float, float, pow_f32>>;
    table[KERNEL_POW][TR_FLOAT64] = walk<power<double, double, pow_f64>>;
    table[KERNEL_POW][TR_FLOAT16] = walk<power<f16, float, pow_f32>>;
    table[KERNEL_POW][TR_BFLOAT16] = walk<power<bf16, float, pow_f32>>;
    table[KERNEL_POW_BACKWARD][TR_FLOAT32] = backward<power_backward<float, float, pow_slope_f32>>;
    table[KERNEL_POW_BACKWARD][TR_FLOAT64] = backward<power_backward<double, double, pow_slope_f64>>;
    table[KERNEL_POW_BACKWARD][TR_FLOAT16] = backward<power_backward<f16, float, pow_slope_f32>>;
    table[KERNEL_POW_BACKWARD][TR_BFLOAT16] = backward<power_backward<bf16, float, pow_slope_f32>>;
}
