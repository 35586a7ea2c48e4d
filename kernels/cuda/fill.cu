/* fill and arange. */
#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/walk.cuh"

template <class T>
struct repeated {
    T element;
    typedef T out;
    typedef nothing a, b, c;
    __device__ T of(nothing, nothing, nothing) const { return element; }
};

/* The number, once, as an element; then it is repeated as a word of its size. */
template <class T, class word>
static int fill(const kernel_call *call)
{
    static_assert(sizeof(T) == sizeof(word), "a word is an element's size");
    T element = converted<T>::of(call->number[0]);
    repeated<word> op;
    memcpy(&op.element, &element, sizeof element);
    return walk_over(call, op);
}

template <class T>
__global__ void __launch_bounds__(THREADS) count_up(T *out, int64_t n, double from, double step)
{
    for (int64_t i = thread_index(); i < n; i += thread_count()) out[i] = converted<T>::of(from + (double)i * step);
}

__global__ void __launch_bounds__(THREADS) count_whole(uint64_t *out, int64_t n, uint64_t from, uint64_t step)
{
    for (int64_t i = thread_index(); i < n; i += thread_count()) out[i] = from + (uint64_t)i * step;
}

template <class T>
static int arange(const kernel_call *call)
{
    if (call->n <= 0) return 0;
    if (call->flags & KERNEL_ARANGE_WHOLE)
        LAUNCH(count_whole, blocks_for(call->n), THREADS, (uint64_t *)call->at[0], call->n, call->word[0], call->word[1]);
    else
        LAUNCH(count_up<T>, blocks_for(call->n), THREADS, (T *)call->at[0], call->n, call->number[0], call->number[1]);
    return launched(call);
}

void kernels_cuda_fill(kernel_table table)
{
    table[KERNEL_FILL][TR_BOOL] = fill<truth, uint8_t>;
    table[KERNEL_FILL][TR_UINT8] = fill<uint8_t, uint8_t>;
    table[KERNEL_FILL][TR_INT32] = fill<int32_t, uint32_t>;
    table[KERNEL_FILL][TR_INT64] = fill<int64_t, uint64_t>;
    table[KERNEL_FILL][TR_FLOAT16] = fill<f16, uint16_t>;
    table[KERNEL_FILL][TR_BFLOAT16] = fill<bf16, uint16_t>;
    table[KERNEL_FILL][TR_FLOAT32] = fill<float, uint32_t>;
    table[KERNEL_FILL][TR_FLOAT64] = fill<double, uint64_t>;
    table[KERNEL_FILL][TR_COMPLEX64] = fill<complex64, uint64_t>;
    table[KERNEL_FILL][TR_COMPLEX128] = fill<complex128, twice8>;
#define PUT(T, TYPE) table[KERNEL_ARANGE][TYPE] = arange<T>;
    ELEMENT_TYPES(PUT)
}
