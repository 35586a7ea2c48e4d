/* Powers of floating numbers, and the derivative of a power with a number for exponent. */
#include "kernels/cuda/power.cuh"

template <class OP>
static int backward(const kernel_call *call)
{
    kernel_call one_exponent = *call;
    one_exponent.ones |= 8;
    return walk<OP>(&one_exponent);
}

void kernels_cuda_power(kernel_table table)
{
    table[KERNEL_POW][TR_FLOAT32] = walk<power_value<float, float, pow_f32>>;
    table[KERNEL_POW][TR_FLOAT64] = walk<power_value<double, double, pow_f64>>;
    table[KERNEL_POW][TR_FLOAT16] = walk<power_value<f16, float, pow_f32>>;
    table[KERNEL_POW][TR_BFLOAT16] = walk<power_value<bf16, float, pow_f32>>;
    table[KERNEL_POW_BACKWARD][TR_FLOAT32] = backward<power_backward<float, float, pow_slope_f32>>;
    table[KERNEL_POW_BACKWARD][TR_FLOAT64] = backward<power_backward<double, double, pow_slope_f64>>;
    table[KERNEL_POW_BACKWARD][TR_FLOAT16] = backward<power_backward<f16, float, pow_slope_f32>>;
    table[KERNEL_POW_BACKWARD][TR_BFLOAT16] = backward<power_backward<bf16, float, pow_slope_f32>>;
}
