/* Where an index leads: elements of row-major (size[0] ... size[ndim - 1]), whose position along dim `split` is taken from
 * an index.  One out of range is written down as trouble, and leads nowhere. */
#ifndef TRIREME_KERNELS_CUDA_INDEXED_CUH
#define TRIREME_KERNELS_CUDA_INDEXED_CUH

#include "kernels/cuda/walk.cuh"

struct indexed {
    cuda_trouble *trouble;
    int64_t bound; /* indices lie in [0, bound) */
    int64_t n;
    int kernel, ndim, split;
    bool wide;
    divisor size[TR_MAX_DIMS];
    int64_t stride[TR_MAX_DIMS];
};

static inline indexed indexed_of(const kernel_call *call, int ndim, int split, const int64_t *size, const int64_t *stride, int64_t bound)
{
    indexed x;
    memset(&x, 0, sizeof x);
    x.trouble = cuda_trouble_here(), x.bound = bound, x.kernel = call->kernel, x.ndim = ndim, x.split = split, x.n = 1;
    for (int d = 0; d < ndim; d++) {
        x.n *= size[d];
        x.size[d] = divisor_of(size[d]);
        x.stride[d] = stride[d];
    }
    x.wide = x.n > MOST_NARROW;
    return x;
}

static __device__ inline bool in_bounds(const indexed &x, int64_t index)
{
    if (index >= 0 && index < x.bound) return true;
    note_trouble(x.trouble, x.kernel, index, x.bound);
    return false;
}

/* Where element i stands whose index is this. */
static __device__ inline int64_t place(const indexed &x, int64_t i, int64_t index)
{
    int64_t at = 0;
    for (int d = x.ndim - 1; d >= 0; d--) {
        int64_t rest = d ? quotient(i, x.size[d], x.wide) : 0, position = i - rest * x.size[d].by;
        at += (d == x.split ? index : position) * x.stride[d];
        i = rest;
    }
    return at;
}

#endif
