/* Gradient clipping: the sum of squares of a list of arrays, and scaling them.  The list is the host's and goes to the
 * kernel by value, MOST_ARRAYS of its arrays a launch.  A block takes a chunk of one array, and the chunks' sums are added
 * in order by one block, in double: the order depends on the arrays' sizes alone.  The CPU's is another, from which
 * double's last bits differ. */
#include "kernels/cuda/team.cuh"
#include "kernels/cuda/walk.cuh"
#include "kernels/formulas_clip.h"

enum { AHEAD = 8,
       CHUNK = 16384,
       MOST_ARRAYS = 160 }; /* 3840 of the 4096 bytes that a kernel's arguments may have everywhere */

struct clip_list {
    struct {
        void *at;
        int64_t n, before; /* chunks of the arrays before it */
    } array[MOST_ARRAYS];
    int64_t chunks;
    int count;
};
static_assert(sizeof(clip_list) <= 4000, "arguments of every driver's kernels");

/* The elements of chunk c, and how many. */
template <class T>
static __device__ inline T *chunk_of(const clip_list &list, int64_t c, int *n)
{
    int first = 0, last = list.count - 1;
    while (first < last) {
        int middle = (first + last + 1) / 2;
        if (list.array[middle].before <= c)
            first = middle;
        else
            last = middle - 1;
    }
    int64_t begin = (c - list.array[first].before) * CHUNK, rest = list.array[first].n - begin;
    *n = rest < CHUNK ? (int)rest : (int)CHUNK;
    return (T *)list.array[first].at + begin;
}

template <class T>
__global__ void __launch_bounds__(THREADS, 1) square_chunks(const clip_list list, double *sums)
{
    SHARED(double, of_warp, [WARPS]);
    for (int64_t c = blockIdx.x; c < list.chunks; c += gridDim.x) {
        int n, i = (int)threadIdx.x;
        const T *x = chunk_of<T>(list, c, &n);
        double sum = 0;
        for (; i + (AHEAD - 1) * THREADS < n; i += AHEAD * THREADS) {
            T held[AHEAD];
            UNROLLED
            for (int k = 0; k < AHEAD; k++) held[k] = x[i + k * THREADS];
            UNROLLED
            for (int k = 0; k < AHEAD; k++) sum += (double)held[k] * (double)held[k];
        }
        for (; i < n; i += THREADS) sum += (double)x[i] * (double)x[i];
        sum = joined<sum_join>(sum, THREADS, of_warp);
        if (threadIdx.x == 0) sums[c] = sum;
    }
}

__global__ void __launch_bounds__(THREADS, 1) add_chunks(double *out, const double *sums, int64_t count)
{
    SHARED(double, of_warp, [WARPS]);
    double sum = 0;
    for (int64_t c = threadIdx.x; c < count; c += THREADS) sum += sums[c];
    sum = joined<sum_join>(sum, THREADS, of_warp);
    if (threadIdx.x == 0) *out = sum;
}

template <class T>
__global__ void __launch_bounds__(THREADS, 1) scale_chunks(const clip_list list, const double *there, double here)
{
    const T factor = (T)(there ? *there : here);
    if (factor == 1) return;
    for (int64_t c = blockIdx.x; c < list.chunks; c += gridDim.x) {
        int n, i = (int)threadIdx.x;
        T *x = chunk_of<T>(list, c, &n);
        for (; i + (AHEAD - 1) * THREADS < n; i += AHEAD * THREADS) {
            T held[AHEAD];
            UNROLLED
            for (int k = 0; k < AHEAD; k++) held[k] = x[i + k * THREADS];
            UNROLLED
            for (int k = 0; k < AHEAD; k++) x[i + k * THREADS] = held[k] * factor;
        }
        for (; i < n; i += THREADS) x[i] *= factor;
    }
}

/* The next arrays of a call's list that have elements; false: there are none. */
static bool next_arrays(const kernel_call *call, int64_t *at, clip_list *list)
{
    const kernel_optim_item *item = (const kernel_optim_item *)call->at[0];
    list->count = 0, list->chunks = 0;
    for (; *at < call->n && list->count < MOST_ARRAYS; ++*at) {
        if (item[*at].n <= 0) continue;
        list->array[list->count].at = item[*at].parameter;
        list->array[list->count].n = item[*at].n;
        list->array[list->count++].before = list->chunks;
        list->chunks += (item[*at].n + CHUNK - 1) / CHUNK;
    }
    return list->count > 0;
}

template <class T>
static int squares(const kernel_call *call)
{
    clip_list list;
    int64_t chunks = 0, done = 0;
    for (int64_t at = 0; next_arrays(call, &at, &list);) chunks += list.chunks;
    double *sums = (double *)cuda_scratch_take(call, (chunks + 1) * (int64_t)sizeof *sums);
    if (!sums) return -1;
    int status = 0;
    for (int64_t at = 0; status == 0 && next_arrays(call, &at, &list); done += list.chunks) {
        LAUNCH(square_chunks<T>, grid_of(list.chunks), THREADS, list, sums + done);
        status = launched(call);
    }
    if (status == 0) {
        LAUNCH(add_chunks, 1, THREADS, (double *)call->at[1], sums, chunks);
        status = launched(call);
    }
    cuda_scratch_give(sums);
    return status;
}

template <class T>
static int scale(const kernel_call *call)
{
    clip_list list;
    if (!call->at[1] && call->number[0] == 1) return 0;
    for (int64_t at = 0; next_arrays(call, &at, &list);) {
        LAUNCH(scale_chunks<T>, grid_of(list.chunks), THREADS, list, (const double *)call->at[1], call->number[0]);
        if (launched(call) < 0) return -1;
    }
    return 0;
}

__global__ void __launch_bounds__(1, 1) make_factor(double *out, const double *squares, int64_t n, double max_norm)
{
    clip_numbers(out, squares, n, max_norm);
}

static int factor(const kernel_call *call)
{
    LAUNCH(make_factor, 1, 1, (double *)call->at[0], (const double *)call->at[1], call->n, call->number[0]);
    return launched(call);
}

void kernels_cuda_clip(kernel_table table)
{
    table[KERNEL_LIST_SQUARES][TR_FLOAT32] = squares<float>;
    table[KERNEL_LIST_SQUARES][TR_FLOAT64] = squares<double>;
    table[KERNEL_LIST_SCALE][TR_FLOAT32] = scale<float>;
    table[KERNEL_LIST_SCALE][TR_FLOAT64] = scale<double>;
    table[KERNEL_CLIP_FACTOR][TR_FLOAT64] = factor;
}
