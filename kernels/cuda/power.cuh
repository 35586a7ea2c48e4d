/* Powers of floating numbers as operations of walk.cuh.  Other powers than the small whole ones are CUDA's pow, which may differ
 * from libm's in the last bits. */
#ifndef TRIREME_KERNELS_CUDA_POWER_CUH
#define TRIREME_KERNELS_CUDA_POWER_CUH

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
struct power_value {
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

#endif
