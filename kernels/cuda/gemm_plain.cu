/* Matrix products by kernels of our own (gemm_plain.cuh): what small products are computed by, those that the library does not
 * take, and what it is tested against. */
#include "kernels/cuda/gemm_plain.cuh"
#include "kernels/cuda/walk.cuh"

template <class S, class W, int PER>
__global__ void __launch_bounds__(THREADS, 1) multiply(const product p)
{
    tiles_of_block<S, W, PER>(p, blockIdx.x, gridDim.x);
}

template <class S, class W>
static int gemm(const kernel_call *call)
{
    const product p = product_of(call);
    const int64_t tiles = p.batch * p.tiles_down * p.tiles_across;
    if (p.batch <= 0 || p.m <= 0 || p.n <= 0) return 0;
    if (in_large_tiles(p))
        LAUNCH((multiply<S, W, 4>), grid_of(tiles), THREADS, p);
    else
        LAUNCH((multiply<S, W, 2>), grid_of(tiles), THREADS, p);
    return launched(call);
}

int cuda_gemm_plain(const kernel_call *call)
{
    if (call->size[1] == 1 || call->size[2] == 1) return cuda_gemm_vector(call);
    switch (call->type) {
    case TR_UINT8: return gemm<uint8_t, uint32_t>(call);
    case TR_INT32: return gemm<int32_t, uint32_t>(call);
    case TR_INT64: return gemm<int64_t, uint64_t>(call);
    case TR_FLOAT16: return gemm<f16, float>(call);
    case TR_BFLOAT16: return gemm<bf16, float>(call);
    case TR_FLOAT32: return gemm<float, float>(call);
    case TR_FLOAT64: return gemm<double, double>(call);
    case TR_COMPLEX64: return gemm<complex64, complex64>(call);
    default: return gemm<complex128, complex128>(call);
    }
}
