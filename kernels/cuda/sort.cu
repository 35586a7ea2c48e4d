/* Sorting along a dim, stable, with the CPU's order and so its bits. */
#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/sorting.cuh"
#include "kernels/formulas_order.h"

static __device__ inline uint64_t key_of(int64_t x) { return key_of_int64(x); }
static __device__ inline uint64_t key_of(truth x) { return x.bits != 0; }
template <class T>
static __device__ inline uint64_t key_of(T x) { return key_of_double((double)widened(x)); }

/* Where item 0 of a row stands in (outer, n, inner): rows are numbered along (outer, inner). */
static __device__ inline int64_t row_at(int64_t row, int64_t n, int64_t inner) { return inner == 1 ? row * n : row / inner * n * inner + row % inner; }

template <class T>
struct keys_of {
    const T *x;
    int64_t n, inner;
    uint64_t flipped; /* all bits: the largest first */
    __device__ uint64_t of(int64_t row, int64_t i) const { return key_of(x[row_at(row, n, inner) + i * inner]) ^ flipped; }
};

/* The elements themselves, as words of their size. */
template <class word>
struct to_output {
    word *y;
    const word *x;
    int64_t *index;
    int64_t n, inner;
    __device__ void put(int64_t row, int64_t i, item sorted) const
    {
        int64_t at = row_at(row, n, inner);
        index[at + i * inner] = sorted.at;
        y[at + i * inner] = x[at + sorted.at * inner];
    }
};

template <class T, class word>
static int sort(const kernel_call *call)
{
    static_assert(sizeof(T) == sizeof(word), "a word is an element's size");
    int64_t n = call->size[1], inner = call->size[2];
    keys_of<T> keys = {(const T *)call->at[1], n, inner, call->flags & 1 ? ~(uint64_t)0 : 0};
    to_output<word> sink = {(word *)call->at[0], (const word *)call->at[1], (int64_t *)call->at[2], n, inner};
    return sort_rows(call, keys, sink, call->size[0] * inner, n);
}

void kernels_cuda_sort(kernel_table table)
{
    table[KERNEL_SORT][TR_BOOL] = sort<truth, uint8_t>;
    table[KERNEL_SORT][TR_UINT8] = sort<uint8_t, uint8_t>;
    table[KERNEL_SORT][TR_INT32] = sort<int32_t, uint32_t>;
    table[KERNEL_SORT][TR_INT64] = sort<int64_t, uint64_t>;
    table[KERNEL_SORT][TR_FLOAT16] = sort<f16, uint16_t>;
    table[KERNEL_SORT][TR_BFLOAT16] = sort<bf16, uint16_t>;
    table[KERNEL_SORT][TR_FLOAT32] = sort<float, uint32_t>;
    table[KERNEL_SORT][TR_FLOAT64] = sort<double, uint64_t>;
}
