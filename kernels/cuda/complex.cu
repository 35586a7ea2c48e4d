/* Rows of pointwise.def of complex numbers, their lengths and powers.  The CPU takes its functions of C's library, and these
 * stand in functions_complex.h, so that the last bits may differ; lengths of complex64 have the same. */
#include "kernels/cuda/complex.cuh"
#include "kernels/rows.h"

#define T       wide
#define R       double
#define OF(n)   n##_wide
#define M(w)    w##_c128
#define REAL(f) f
static inline TR_BOTH wide complex_of_wide(double re, double im) { return wide(re, im); }
#include "kernels/rows_complex_of.h"
#undef T
#undef R
#undef OF
#undef M
#undef REAL

template <class S, wide (*value)(wide)>
struct complex_row {
    typedef S out, a;
    typedef nothing b, c;
    static __device__ S of(S z, nothing, nothing) { return rounded<S>::of(value(wide(z))); }
};

template <class S, wide (*f)(wide, wide)>
struct complex_binary {
    typedef S out, a, b;
    typedef nothing c;
    static __device__ S of(S x, S y, nothing) { return rounded<S>::of(f(wide(x), wide(y))); }
};

template <class S, wide (*value)(wide)>
struct blocks_at_once<complex_row<S, value>> {
    enum { LEAST = 1 };
};
template <class S, wide (*f)(wide, wide)>
struct blocks_at_once<complex_binary<S, f>> {
    enum { LEAST = 1 };
};

template <class R, class S, R (*f)(S)>
struct length {
    typedef R out;
    typedef S a;
    typedef nothing b, c;
    static __device__ R of(S z, nothing, nothing) { return f(z); }
};

/* A row that complex numbers do not have is not compiled. */
template <bool has, class OP>
static void put(kernel_fn **kernel)
{
    if constexpr (has) *kernel = walk<OP>;
}

void kernels_cuda_complex(kernel_table table)
{
#define ROW(name, ...)                                                                                    \
 put<name##_has_complex, complex_row<complex64, name##_value_wide>>(&table[KERNEL_##name][TR_COMPLEX64]); \
 put<name##_has_complex, complex_row<complex128, name##_value_wide>>(&table[KERNEL_##name][TR_COMPLEX128]);
#include "kernels/pointwise.def"
#undef ROW
    table[KERNEL_abs][TR_COMPLEX64] = walk<length<float, complex64, abs_c64>>;
    table[KERNEL_abs][TR_COMPLEX128] = walk<length<double, complex128, abs_c128>>;
    table[KERNEL_POW][TR_COMPLEX64] = walk<complex_binary<complex64, power_wide>>;
    table[KERNEL_POW][TR_COMPLEX128] = walk<complex_binary<complex128, power_wide>>;
}
