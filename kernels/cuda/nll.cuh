/* The negative log likelihood of a batch and its derivative.  Losses add up in double, in an order that the number of
 * samples decides; the CPU's goes one by one, from which double's last bits differ.  A target that is no class is noted as
 * trouble, and its sample left out.
 *
 * B samples, C classes */
#ifndef TRIREME_KERNELS_CUDA_NLL_CUH
#define TRIREME_KERNELS_CUDA_NLL_CUH

#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/team.cuh"
#include "kernels/cuda/walk.cuh"

#include <trireme/ops.h>

enum { IGNORED = -100,
       PART = 16 * THREADS /* the least samples of a block */ };

struct nll_call {
    void *loss;    /* or dx */
    const void *x; /* or dloss */
    int64_t *count;
    const int64_t *target;
    int64_t samples, classes, part;
    int reduction;
    bool wide;
    divisor by_classes;
    cuda_trouble *trouble;
};

struct nll_sum {
    double loss;
    int64_t counted;
    static __device__ nll_sum join(nll_sum a, nll_sum b)
    {
        a.loss += b.loss, a.counted += b.counted;
        return a;
    }
    static __device__ nll_sum nothing()
    {
        nll_sum sum;
        sum.loss = 0, sum.counted = 0;
        return sum;
    }
};

template <class S>
static __device__ inline void finish(const nll_call &c, nll_sum sum)
{
    *c.count = sum.counted;
    if (c.reduction == TR_NONE) return;
    double below = c.reduction == TR_MEAN ? (double)sum.counted : 1; /* NaN of none */
    *(S *)c.loss = converted<S>::of(sum.loss / below);
}

/* A block sums its part of the samples; it is done if there is one. */
template <class S>
static __device__ inline void losses_of_block(const nll_call &c, nll_sum *parts, int64_t block, int64_t blocks)
{
    SHARED(nll_sum, of_warp, [WARPS]);
    int64_t begin = block * c.part, end = begin + c.part < c.samples ? begin + c.part : c.samples;
    nll_sum sum = nll_sum::nothing();
    for (int64_t b = begin + (int)threadIdx.x; b < end; b += THREADS) {
        int64_t target = c.target[b];
        bool inside = target >= 0 && target < c.classes;
        double loss = inside ? -(double)widened(((const S *)c.x)[b * c.classes + target]) : 0;
        if (!inside && target != IGNORED) note_trouble(c.trouble, KERNEL_NLL, target, c.classes);
        if (c.reduction == TR_NONE) ((S *)c.loss)[b] = converted<S>::of(loss);
        sum.loss += loss;
        sum.counted += inside;
    }
    sum = joined<nll_sum>(sum, THREADS, of_warp);
    if (threadIdx.x > 0) return;
    if (blocks == 1)
        finish<S>(c, sum);
    else
        parts[block] = sum;
}

/* dx is 0 but at the targets. */
template <class S>
static __device__ inline void dloss_of_thread(const nll_call &c, int64_t thread, int64_t threads)
{
    const double below = c.reduction == TR_MEAN ? (double)*c.count : 1;
    for (int64_t i = thread, n = c.samples * c.classes; i < n; i += threads) {
        int64_t b = quotient(i, c.by_classes, c.wide), class_ = i - b * c.classes, target = c.target[b];
        double dx = 0;
        if (target == class_) dx = -(double)widened(((const S *)c.x)[c.reduction == TR_NONE ? b : 0]) / below;
        if (class_ == 0 && target != IGNORED && (target < 0 || target >= c.classes)) note_trouble(c.trouble, KERNEL_NLL_BACKWARD, target, c.classes);
        ((S *)c.loss)[i] = converted<S>::of(dx);
    }
}

static inline nll_call nll_call_of(const kernel_call *call)
{
    nll_call c;
    memset(&c, 0, sizeof c);
    c.loss = call->at[0];
    c.target = (const int64_t *)call->at[3];
    c.samples = call->size[0], c.classes = call->size[1];
    c.reduction = (int)call->number[0];
    c.trouble = cuda_trouble_here();
    return c;
}

/* A block each takes its part of the samples. */
static inline nll_call nll_call_in(const kernel_call *call, int64_t parts)
{
    nll_call c = nll_call_of(call);
    c.count = (int64_t *)call->at[1], c.x = call->at[2];
    c.part = (c.samples + parts - 1) / parts;
    return c;
}

static inline nll_call nll_backward_call_of(const kernel_call *call)
{
    nll_call c = nll_call_of(call);
    c.x = call->at[1], c.count = (int64_t *)call->at[2];
    c.by_classes = divisor_of(c.classes);
    c.wide = c.samples * c.classes > MOST_NARROW;
    return c;
}

#endif
