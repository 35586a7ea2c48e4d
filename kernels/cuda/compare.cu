/* Comparisons, which write bool.  NaN equals nothing, as in C. */
#include "kernels/cuda/walk.cuh"

/* bool = f(a, b), S in memory, W compared. */
template <class S, class W, bool (*f)(W, W)>
struct comparison {
    typedef truth out;
    typedef S a, b;
    typedef nothing c;
    static __device__ truth of(S x, S y, nothing)
    {
        truth t;
        t.bits = f(widened(x), widened(y));
        return t;
    }
};

template <class T>
static inline TR_BOTH bool eq(T a, T b) { return a == b; }
template <class T>
static inline TR_BOTH bool ne(T a, T b) { return a != b; }
template <class T>
static inline TR_BOTH bool lt(T a, T b) { return a < b; }
template <class T>
static inline TR_BOTH bool le(T a, T b) { return a <= b; }
template <class T>
static inline TR_BOTH bool gt(T a, T b) { return a > b; }
template <class T>
static inline TR_BOTH bool ge(T a, T b) { return a >= b; }
template <class T>
static inline TR_BOTH bool eq_complex(T a, T b) { return a.re == b.re && a.im == b.im; }
template <class T>
static inline TR_BOTH bool ne_complex(T a, T b) { return !eq_complex(a, b); }

#define PUT(KERNEL, name, TYPE, S, W) table[KERNEL][TYPE] = walk<comparison<S, W, name<W>>>;
#define REAL(KERNEL, name)                     \
 PUT(KERNEL, name, TR_FLOAT32, float, float)   \
 PUT(KERNEL, name, TR_FLOAT64, double, double) \
 PUT(KERNEL, name, TR_FLOAT16, f16, float)     \
 PUT(KERNEL, name, TR_BFLOAT16, bf16, float)   \
 PUT(KERNEL, name, TR_INT32, int32_t, int32_t) \
 PUT(KERNEL, name, TR_INT64, int64_t, int64_t) \
 PUT(KERNEL, name, TR_UINT8, uint8_t, uint8_t) \
 PUT(KERNEL, name, TR_BOOL, uint8_t, uint8_t)
#define COMPLEX(KERNEL, name)                          \
 PUT(KERNEL, name, TR_COMPLEX64, complex64, complex64) \
 PUT(KERNEL, name, TR_COMPLEX128, complex128, complex128)

void kernels_cuda_compare(kernel_table table)
{
    REAL(KERNEL_EQ, eq)
    REAL(KERNEL_NE, ne)
    REAL(KERNEL_LT, lt)
    REAL(KERNEL_LE, le)
    REAL(KERNEL_GT, gt)
    REAL(KERNEL_GE, ge)
    COMPLEX(KERNEL_EQ, eq_complex)
    COMPLEX(KERNEL_NE, ne_complex)
}
