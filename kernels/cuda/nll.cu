/* The negative log likelihood (nll.cuh), launched. */
#include "kernels/cuda/nll.cuh"

enum { MOST_PARTS = 1024 };

template <class S>
__global__ void __launch_bounds__(THREADS, 1) sum_losses(const nll_call c, nll_sum *parts)
{
    losses_of_block<S>(c, parts, blockIdx.x, gridDim.x);
}

template <class S>
__global__ void __launch_bounds__(THREADS, 1) sum_parts(const nll_call c, const nll_sum *parts, int count)
{
    SHARED(nll_sum, of_warp, [WARPS]);
    nll_sum sum = nll_sum::nothing();
    for (int p = (int)threadIdx.x; p < count; p += THREADS) sum = nll_sum::join(sum, parts[p]);
    sum = joined<nll_sum>(sum, THREADS, of_warp);
    if (threadIdx.x == 0) finish<S>(c, sum);
}

template <class S>
static int nll(const kernel_call *call)
{
    int64_t parts = call->size[0] / PART;
    parts = parts < 1 ? 1 : parts > MOST_PARTS ? (int64_t)MOST_PARTS
                                               : parts;
    if (parts > MOST_BLOCKS) parts = MOST_BLOCKS;
    const nll_call c = nll_call_in(call, parts);
    nll_sum *sums = NULL;
    if (parts > 1 && !(sums = (nll_sum *)cuda_scratch_take(call, parts * (int64_t)sizeof *sums))) return -1;
    LAUNCH(sum_losses<S>, (unsigned)parts, THREADS, c, sums);
    int status = launched(call);
    if (sums && status == 0) {
        LAUNCH(sum_parts<S>, 1, THREADS, c, sums, (int)parts);
        status = launched(call);
    }
    if (sums) cuda_scratch_give(sums);
    return status;
}

template <class S>
__global__ void __launch_bounds__(THREADS, 1) spread_dloss(const nll_call c)
{
    dloss_of_thread<S>(c, thread_index(), thread_count());
}

template <class S>
static int nll_backward(const kernel_call *call)
{
    if (call->size[0] <= 0 || call->size[1] <= 0) return 0;
    const nll_call c = nll_backward_call_of(call);
    LAUNCH(spread_dloss<S>, blocks_for(c.samples * c.classes), THREADS, c);
    return launched(call);
}

void kernels_cuda_nll(kernel_table table)
{
#define PUT(TYPE, S)               \
 table[KERNEL_NLL][TYPE] = nll<S>; \
 table[KERNEL_NLL_BACKWARD][TYPE] = nll_backward<S>;
    PUT(TR_FLOAT32, float)
    PUT(TR_FLOAT64, double)
    PUT(TR_FLOAT16, f16)
    PUT(TR_BFLOAT16, bf16)
}
