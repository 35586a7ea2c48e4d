/* Powers of floating numbers, and the derivative of a power with a number for exponent. */
#include "kernels/cpu/levels/walk.h"

#include <math.h>

#define T     float
#define OF(n) n##_f32
#define M(w)  w##f
#include "kernels/cpu/levels/power_of.h"
#undef T
#undef OF
#undef M

#define T     double
#define OF(n) n##_f64
#define M(w)  w
#include "kernels/cpu/levels/power_of.h"
#undef T
#undef OF
#undef M

/* type, the type whose loop runs, tr_dtype, cheap steps per element */
#define POWERS(K)            \
 K(f32, f32, TR_FLOAT32, 16) \
 K(f64, f64, TR_FLOAT64, 32) \
 K(f16, f32, TR_FLOAT16, 16) \
 K(bf16, f32, TR_BFLOAT16, 16)

#define KERNEL(t, loop, type, work)                                            \
 static int pow_kernel_##t(const kernel_call *call)                            \
 {                                                                             \
  return walk_run_of(call, pow_loop_##loop, 3, 6, work, type, type);           \
 }                                                                             \
 static int pow_backward_kernel_##t(const kernel_call *call)                   \
 {                                                                             \
  return walk_run_of(call, pow_backward_loop_##loop, 4, 10, work, type, type); \
 }
POWERS(KERNEL)

void kernels_power(kernel_table table)
{
#define ENTRY(t, loop, type, work)         \
 table[KERNEL_POW][type] = pow_kernel_##t; \
 table[KERNEL_POW_BACKWARD][type] = pow_backward_kernel_##t;
    POWERS(ENTRY)
}
