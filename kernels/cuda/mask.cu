/* Elements picked by a mask of bool, out = x[mask], and its transpose, which puts them back where they stood.
 *
 * Where an element goes is the number of true ones before it.  Parts of the mask are counted, a block each; one block adds
 * the counts up; then the parts are walked again, each from its own number on. */
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/walk.cuh"

enum { WARPS = THREADS / 32,
       MOST_PARTS = 8192 };

/* fibres.h has a smaller one, for tests. */
#ifndef SMALLEST_PART
# define SMALLEST_PART ((int64_t)16 * THREADS)
#endif

/* How many threads before this one say yes, how many do in all; Every thread of the block calls it, with shared
 * memory that nobody still reads. */
static __device__ inline int64_t count_before(bool yes, int *counts, int64_t *all)
{
    const unsigned votes = __ballot_sync(0xffffffffu, yes), lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) counts[warp] = __popc(votes);
    __syncthreads();
    int64_t before = __popc(votes & ((1u << lane) - 1u)), total = 0;
    for (unsigned w = 0; w < WARPS; w++) {
        if (w < warp) before += counts[w];
        total += counts[w];
    }
    *all = total;
    return before;
}

/* counts[p]: the true ones of part p. */
__global__ void __launch_bounds__(THREADS) count_parts(int64_t *counts, const uint8_t *mask, int64_t n, int64_t part)
{
    SHARED(int, warps, [WARPS]);
    for (int64_t p = blockIdx.x; p * part < n; p += gridDim.x) {
        int64_t end = n - p * part < part ? n : (p + 1) * part, count = 0;
        for (int64_t i = p * part + threadIdx.x; i < end; i += THREADS) count += mask[i] != 0;
        for (int lanes = 16; lanes > 0; lanes /= 2) count += __shfl_xor_sync(0xffffffffu, count, lanes);
        if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = (int)count;
        __syncthreads();
        if (threadIdx.x == 0) {
            counts[p] = 0;
            for (int w = 0; w < WARPS; w++) counts[p] += warps[w];
        }
        __syncthreads();
    }
}

/* ... becomes the number of those before part p: one block. */
__global__ void __launch_bounds__(THREADS) add_up_parts(int64_t *counts, int64_t parts)
{
    SHARED(int64_t, sum, [THREADS]);
    int64_t each = (parts + THREADS - 1) / THREADS, from = threadIdx.x * each, end = from + each < parts ? from + each : parts;
    int64_t own = 0, before = 0;
    for (int64_t p = from; p < end; p++) own += counts[p];
    sum[threadIdx.x] = own;
    __syncthreads();
    for (unsigned t = 0; t < threadIdx.x; t++) before += sum[t];
    for (int64_t p = from; p < end; p++) {
        int64_t count = counts[p];
        counts[p] = before;
        before += count;
    }
}

template <class word, bool back>
__global__ void __launch_bounds__(THREADS) move_masked(word *out, const word *x, const uint8_t *mask, const int64_t *counts, int64_t n, int64_t part)
{
    SHARED(int, warps, [2][WARPS]); /* by turns: a warp may be one ahead */
    int turn = 0;
    for (int64_t p = blockIdx.x; p * part < n; p += gridDim.x) {
        int64_t end = n - p * part < part ? n : (p + 1) * part, at = counts[p], all;
        for (int64_t from = p * part; from < end; from += THREADS, turn ^= 1) {
            int64_t i = from + threadIdx.x;
            bool yes = i < end && mask[i];
            int64_t mine = at + count_before(yes, warps[turn], &all);
            if (back && i < end) out[i] = yes ? x[mine] : word();
            if (!back && yes) out[mine] = x[i];
            at += all;
        }
    }
}

template <class word, bool back>
static int masked(const kernel_call *call)
{
    const uint8_t *mask = (const uint8_t *)call->at[2];
    int64_t n = call->size[0], part = (n + MOST_PARTS - 1) / MOST_PARTS;
    if (n <= 0) return 0;
    part = (part + SMALLEST_PART - 1) / SMALLEST_PART * SMALLEST_PART;
    int64_t parts = (n + part - 1) / part;
    int64_t *counts = (int64_t *)cuda_scratch_take(call, parts * (int64_t)sizeof *counts);
    if (!counts) return -1;
    LAUNCH(count_parts, grid_of(parts), THREADS, counts, mask, n, part);
    LAUNCH(add_up_parts, 1, THREADS, counts, parts);
    LAUNCH((move_masked<word, back>), grid_of(parts), THREADS, (word *)call->at[0], (const word *)call->at[1], mask, counts, n, part);
    cuda_scratch_give(counts);
    return launched(call);
}

void kernels_cuda_mask(kernel_table table)
{
#define PUT(word)                                         \
 table[KERNEL_MASKED_SELECT][type] = masked<word, false>; \
 table[KERNEL_MASKED_SCATTER][type] = masked<word, true>;
    for (int type = TR_BOOL; type < TR_DTYPES; type++) switch (core_dtype_bytes[type]) {
        case 1:
            PUT(uint8_t)
            break;
        case 2:
            PUT(uint16_t)
            break;
        case 4:
            PUT(uint32_t)
            break;
        case 8:
            PUT(uint64_t)
            break;
        default: PUT(twice8)
        }
}
