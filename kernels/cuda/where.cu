/* out = condition ? a : b, of elements of one size, whatever they mean. */
#include "kernels/cuda/walk.cuh"

template <class T>
struct choice {
    typedef T out, b, c;
    typedef uint8_t a;
    static __device__ T of(uint8_t condition, T yes, T no) { return condition ? yes : no; }
};

void kernels_cuda_where(kernel_table table)
{
    for (int type = TR_BOOL; type < TR_DTYPES; type++) switch (core_dtype_bytes[type]) {
        case 1: table[KERNEL_WHERE][type] = walk<choice<uint8_t>>; break;
        case 2: table[KERNEL_WHERE][type] = walk<choice<uint16_t>>; break;
        case 4: table[KERNEL_WHERE][type] = walk<choice<uint32_t>>; break;
        case 8: table[KERNEL_WHERE][type] = walk<choice<uint64_t>>; break;
        default: table[KERNEL_WHERE][type] = walk<choice<twice8>>;
        }
}
