/* Copies, of any type to any type. */
#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/walk.cuh"

template <class T>
struct move {
    typedef T out, a;
    typedef nothing b, c;
    static __device__ T of(T x, nothing, nothing) { return x; }
};

template <class TO, class FROM>
struct conversion {
    typedef TO out;
    typedef FROM a;
    typedef nothing b, c;
    static __device__ TO of(FROM x, nothing, nothing) { return converted<TO>::of(widened(x)); }
};

static int move_elements(const kernel_call *call)
{
    switch (core_dtype_bytes[call->type]) {
    case 1: return walk<move<uint8_t>>(call);
    case 2: return walk<move<uint16_t>>(call);
    case 4: return walk<move<uint32_t>>(call);
    case 8: return walk<move<uint64_t>>(call);
    default: return walk<move<twice8>>(call);
    }
}

template <class TO>
static int copy(const kernel_call *call)
{
    int from = call->from ? call->from : call->type;
    if (from == call->type && from != TR_BOOL) return move_elements(call);
    switch (from) {
    case TR_BOOL: return walk<conversion<TO, uint8_t>>(call);
    case TR_UINT8: return walk<conversion<TO, uint8_t>>(call);
    case TR_INT32: return walk<conversion<TO, int32_t>>(call);
    case TR_INT64: return walk<conversion<TO, int64_t>>(call);
    case TR_FLOAT16: return walk<conversion<TO, f16>>(call);
    case TR_BFLOAT16: return walk<conversion<TO, bf16>>(call);
    case TR_FLOAT32: return walk<conversion<TO, float>>(call);
    case TR_FLOAT64: return walk<conversion<TO, double>>(call);
    case TR_COMPLEX64: return walk<conversion<TO, complex64>>(call);
    case TR_COMPLEX128: return walk<conversion<TO, complex128>>(call);
    default: return cuda_fail(call, "the source's element type is none");
    }
}

void kernels_cuda_copy(kernel_table table)
{
#define PUT(T, TYPE) table[KERNEL_COPY][TYPE] = copy<T>;
    ELEMENT_TYPES(PUT)
}
