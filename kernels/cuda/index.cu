/* Picking rows and elements by index, and writing rows over others: elements are only moved, whatever they mean, and rows
 * as the largest words that they are made of. */
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/indexed.cuh"
#include "kernels/cuda/sorting.cuh"

/* ---- rows: of (outer, rows, inner) and (outer, count, inner) words ---- */
struct indexed_rows {
    indexed at; /* in what is indexed */
    const int64_t *index;
    divisor inner, count;
};

/* Element i belongs to which of the index? */
static __device__ inline int64_t number_of(const indexed_rows &r, int64_t i)
{
    int64_t row = quotient(i, r.inner, r.at.wide);
    return row - quotient(row, r.count, r.at.wide) * r.count.by;
}

static inline indexed_rows indexed_rows_of(const kernel_call *call, int64_t inner)
{
    int64_t size[] = {call->size[0], call->size[3], inner}, stride[] = {call->size[1] * inner, inner, 1};
    indexed_rows r;
    r.at = indexed_of(call, 3, 1, size, stride, call->size[1]);
    r.index = (const int64_t *)call->at[2];
    r.inner = divisor_of(inner), r.count = divisor_of(call->size[3]);
    return r;
}

template <template <class> class KERNEL>
static int by_words(const kernel_call *call)
{
    int64_t bytes = call->size[2] * core_dtype_bytes[call->type];
    if (call->size[0] * call->size[3] * bytes <= 0) return 0;
    uintptr_t all = (uintptr_t)call->at[0] | (uintptr_t)call->at[1] | (uintptr_t)bytes;
    return all % 16 == 0 ? KERNEL<word16>::run(call, bytes / 16) : all % 8 == 0 ? KERNEL<uint64_t>::run(call, bytes / 8)
                                                               : all % 4 == 0   ? KERNEL<uint32_t>::run(call, bytes / 4)
                                                               : all % 2 == 0   ? KERNEL<uint16_t>::run(call, bytes / 2)
                                                                                : KERNEL<uint8_t>::run(call, bytes);
}

template <class word>
__global__ void __launch_bounds__(THREADS) select_rows(word *out, const word *x, const indexed_rows r)
{
    for (int64_t i = thread_index(); i < r.at.n; i += thread_count()) {
        int64_t index = r.index[number_of(r, i)];
        out[i] = in_bounds(r.at, index) ? x[place(r.at, i, index)] : word();
    }
}

template <class word>
struct selecting {
    static int run(const kernel_call *call, int64_t inner)
    {
        indexed_rows r = indexed_rows_of(call, inner);
        LAUNCH(select_rows<word>, blocks_for(r.at.n), THREADS, (word *)call->at[0], (const word *)call->at[1], r);
        return launched(call);
    }
};

/* Of several rows for one place the last stays: `last` has its number, for those places that the index names. */
__global__ void __launch_bounds__(THREADS) forget_last(long long *last, const indexed_rows r)
{
    for (int64_t k = thread_index(); k < r.count.by; k += thread_count())
        if (in_bounds(r.at, r.index[k])) last[r.index[k]] = -1;
}

__global__ void __launch_bounds__(THREADS) find_last(long long *last, const indexed_rows r)
{
    for (int64_t k = thread_index(); k < r.count.by; k += thread_count())
        if (in_bounds(r.at, r.index[k])) atomicMax(&last[r.index[k]], (long long)k);
}

template <class word>
__global__ void __launch_bounds__(THREADS) copy_rows(word *out, const word *src, const long long *last, const indexed_rows r)
{
    for (int64_t i = thread_index(); i < r.at.n; i += thread_count()) {
        int64_t k = number_of(r, i), index = r.index[k];
        if (in_bounds(r.at, index) && last[index] == k) out[place(r.at, i, index)] = src[i];
    }
}

/* Where places are many more than rows for them, the index is sorted instead, which leaves equal ones in order. */
enum { MANY_MORE = 16 };

struct keys_of_index {
    const int64_t *index;
    __device__ uint64_t of(int64_t, int64_t k) const { return (uint64_t)index[k]; }
};

template <class word>
__global__ void __launch_bounds__(THREADS) copy_sorted_rows(word *out, const word *src, const item *sorted, const indexed_rows r)
{
    for (int64_t i = thread_index(); i < r.at.n; i += thread_count()) {
        const int64_t k = number_of(r, i), index = (int64_t)sorted[k].key;
        const bool is_last = k + 1 == r.count.by || (int64_t)sorted[k + 1].key != index;
        if (is_last && in_bounds(r.at, index)) out[place(r.at, i, index)] = src[i + (sorted[k].at - k) * r.inner.by];
    }
}

template <class word>
static int copy_in_order(const kernel_call *call, const indexed_rows &r)
{
    const int64_t count = r.count.by;
    item *sorted = (item *)cuda_scratch_take(call, count * (int64_t)sizeof *sorted);
    if (!sorted) return -1;
    const keys_of_index keys = {r.index};
    const to_items all = {sorted, 0, count};
    int status = sort_rows(call, keys, all, 1, count);
    if (status == 0) {
        LAUNCH(copy_sorted_rows<word>, blocks_for(r.at.n), THREADS, (word *)call->at[0], (const word *)call->at[1], sorted, r);
        status = launched(call);
    }
    cuda_scratch_give(sorted);
    return status;
}

template <class word>
struct copying {
    static int run(const kernel_call *call, int64_t inner)
    {
        indexed_rows r = indexed_rows_of(call, inner);
        if (call->size[1] / MANY_MORE > call->size[3]) return copy_in_order<word>(call, r);
        long long *last = (long long *)cuda_scratch_take(call, (call->size[1] + 1) * (int64_t)sizeof *last); /* never nothing */
        if (!last) return -1;
        LAUNCH(forget_last, blocks_for(r.count.by), THREADS, last, r);
        LAUNCH(find_last, blocks_for(r.count.by), THREADS, last, r);
        LAUNCH(copy_rows<word>, blocks_for(r.at.n), THREADS, (word *)call->at[0], (const word *)call->at[1], last, r);
        cuda_scratch_give(last);
        return launched(call);
    }
};

/* ---- elements ---- */
template <class word>
__global__ void __launch_bounds__(THREADS) gather_elements(word *out, const word *x, const int64_t *index, const indexed at)
{
    for (int64_t i = thread_index(); i < at.n; i += thread_count()) out[i] = in_bounds(at, index[i]) ? x[place(at, i, index[i])] : word();
}

template <class word>
static int gather(const kernel_call *call)
{
    indexed at = indexed_of(call, call->ndim, call->split, call->size, call->stride[1], (int64_t)call->number[0]);
    if (at.n <= 0) return 0;
    LAUNCH(gather_elements<word>, blocks_for(at.n), THREADS, (word *)call->at[0], (const word *)call->at[1], (const int64_t *)call->at[2], at);
    return launched(call);
}

void kernels_cuda_index(kernel_table table)
{
    for (int type = TR_BOOL; type < TR_DTYPES; type++) {
        table[KERNEL_INDEX_SELECT][type] = by_words<selecting>;
        table[KERNEL_INDEX_COPY][type] = by_words<copying>;
        switch (core_dtype_bytes[type]) {
        case 1: table[KERNEL_GATHER][type] = gather<uint8_t>; break;
        case 2: table[KERNEL_GATHER][type] = gather<uint16_t>; break;
        case 4: table[KERNEL_GATHER][type] = gather<uint32_t>; break;
        case 8: table[KERNEL_GATHER][type] = gather<uint64_t>; break;
        default: table[KERNEL_GATHER][type] = gather<twice8>;
        }
    }
}
