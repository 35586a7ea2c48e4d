/* Neighbouring casts of a recorded step, of whatever lengths, as one launch: a block takes a chunk of one of them.
 *
 *     launches    [cast x] [cast weight] [cast bias] [product]
 *     casts       [x | weight | bias] [product]
 *
 * None of them writes what another reads or writes, so that their order does not matter. */
#include "kernels/cuda/casts.cuh"
#include "kernels/cuda/together.h"
#include "kernels/cuda/walk.cuh"

enum { MOST_CASTS = 64,
       CHUNK = 2 * CAST_PACK * THREADS };

struct cast_list {
    cast of[MOST_CASTS];
    int64_t first[MOST_CASTS]; /* chunk of each */
    int64_t chunks;
    int count;
};
static_assert(sizeof(cast_list) <= 4096, "more than a launch can carry");

static bool meet(const void *a, int64_t a_bytes, const void *b, int64_t b_bytes)
{
    return (uintptr_t)a < (uintptr_t)b + (uintptr_t)b_bytes && (uintptr_t)b < (uintptr_t)a + (uintptr_t)a_bytes;
}

static bool writes_into(const kernel_call *a, const kernel_call *b)
{
    const int64_t bytes = a->n * core_dtype_bytes[a->type];
    return meet(a->at[0], bytes, b->at[0], b->n * core_dtype_bytes[b->type]) || meet(a->at[0], bytes, b->at[1], b->n * core_dtype_bytes[b->from]);
}

static bool may_follow(const kernel_call *const *calls, int count)
{
    const kernel_call *last = calls[count];
    if (!cast_kind(last) || last->n < 1 || meet(last->at[0], last->n * core_dtype_bytes[last->type], last->at[1], last->n * core_dtype_bytes[last->from])) return false;
    for (int i = 0; i < count; i++)
        if (writes_into(last, calls[i]) || writes_into(calls[i], last)) return false;
    return true;
}

__global__ void __launch_bounds__(THREADS) do_casts(const __grid_constant__ cast_list list)
{
    for (int64_t chunk = blockIdx.x; chunk < list.chunks; chunk += gridDim.x) {
        int t = 0; /* the last that begins here or before */
        for (int half = MOST_CASTS / 2; half > 0; half /= 2)
            if (t + half < list.count && list.first[t + half] <= chunk) t += half;
        const int64_t begin = (chunk - list.first[t]) * CHUNK, rest = list.of[t].n - begin;
        do_cast(list.of[t], begin, begin + (rest < CHUNK ? rest : (int64_t)CHUNK), (int)threadIdx.x, THREADS);
    }
}

int cuda_casts(const kernel_call *call, int more_than)
{
    const kernel_call *const *calls = (const kernel_call *const *)call->at[0];
    cast_list list;
    int count = 0;
    while (count < call->n && count < MOST_CASTS && may_follow(calls, count)) count++;
    if (count <= more_than) return 0;
    memset(&list, 0, sizeof list);
    for (; list.count < count; list.count++) {
        list.of[list.count] = cast_of(calls[list.count]);
        list.first[list.count] = list.chunks;
        list.chunks += (calls[list.count]->n + CHUNK - 1) / CHUNK;
    }
    LAUNCH(do_casts, grid_of(list.chunks), THREADS, list);
    return launched(call) < 0 ? -1 : count;
}
