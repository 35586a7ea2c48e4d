/* The rows of pointwise.def on the GPU as operations of walk.cuh: the values and derivatives of kernels/rows_of.h, with
 * the careful look at NaN that some rows want. */
#ifndef TRIREME_KERNELS_CUDA_ROWS_OF_CUH
#define TRIREME_KERNELS_CUDA_ROWS_OF_CUH

#include "kernels/cuda/walk.cuh"
#include "kernels/formulas.h"
#include "kernels/rows.h"

#define T     float
#define OF(n) n##_f32
#define M(w)  w##_f32
#include "kernels/rows_of.h"
#undef T
#undef OF
#undef M

#define T     double
#define OF(n) n##_f64
#define M(w)  w##_f64
#include "kernels/rows_of.h"
#undef T
#undef OF
#undef M

/* y = value(x), S in memory, W computed. */
template <class S, class W, W (*value)(W), W (*careful)(W), bool is_careful>
struct row_value {
    typedef S out, a;
    typedef nothing b, c;
    static __device__ S of(S x, nothing, nothing)
    {
        W y = value(widened(x));
        if (is_careful && y != y) y = careful(widened(x));
        return narrowed<S>::of(y);
    }
};

/* An operand that is there only if it is read, which is 0 where it is not. */
template <class S, bool used>
struct if_used {
    typedef S type;
    template <class W>
    static __device__ W of(S x) { return widened(x); }
};
template <class S>
struct if_used<S, false> {
    typedef nothing type;
    template <class W>
    static __device__ W of(nothing) { return 0; }
};

/* dx = dy derivative(x, y) */
template <class S, class W, W (*derivative)(W, W), W (*careful)(W, W), W (*times)(bool, W, W), unsigned uses, bool chooses, bool is_careful>
struct row_backward {
    typedef if_used<S, (uses & KERNEL_USES_X) != 0> if_x;
    typedef if_used<S, (uses & KERNEL_USES_Y) != 0> if_y;
    typedef S out, a;
    typedef typename if_x::type b;
    typedef typename if_y::type c;
    static __device__ S of(S dy, b x_, c y_)
    {
        W x = if_x::template of<W>(x_), y = if_y::template of<W>(y_);
        W slope = derivative(x, y);
        if (is_careful && slope != slope) slope = careful(x, y);
        return narrowed<S>::of(times(chooses, widened(dy), slope));
    }
};

#endif
