/* Matrices times vectors (matvec.cuh), launched. */
#include "kernels/cuda/matvec.cuh"

template <class S, class W, int LANES>
__global__ void __launch_bounds__(THREADS) multiply_vector(const vector_product p)
{
    vector_of_block<S, W, LANES>(p, blockIdx.x, gridDim.x);
}

template <class S, class W, int LANES>
static int multiply_by(const kernel_call *call, const vector_product &p)
{
    enum { ROWS = THREADS / LANES };
    const int64_t blocks = (p.rows + ROWS - 1) / ROWS;
    LAUNCH((multiply_vector<S, W, LANES>), blocks > MOST_BLOCKS ? MOST_BLOCKS : (unsigned)blocks, THREADS, p);
    return launched(call);
}

template <class S, class W>
static int run(const kernel_call *call, const vector_product &p)
{
    if (takes_blocks(p)) return multiply_by<S, W, THREADS>(call, p);
    return multiply_by<S, W, FEW_LANES>(call, p);
}

static int run_any(const kernel_call *call, const vector_product &p)
{
    if (p.rows <= 0) return 0;
    switch (call->type) {
    case TR_UINT8: return run<uint8_t, uint32_t>(call, p);
    case TR_INT32: return run<int32_t, uint32_t>(call, p);
    case TR_INT64: return run<int64_t, uint64_t>(call, p);
    case TR_FLOAT16: return run<f16, float>(call, p);
    case TR_BFLOAT16: return run<bf16, float>(call, p);
    case TR_FLOAT32: return run<float, double>(call, p);
    case TR_FLOAT64: return run<double, double>(call, p);
    case TR_COMPLEX64: return run<complex64, complex64>(call, p);
    default: return run<complex128, complex128>(call, p);
    }
}

int cuda_gemm_vector(const kernel_call *call) { return run_any(call, vector_product_of(call)); }

static int matvec(const kernel_call *call)
{
    vector_product p;
    p.rows = p.m = call->size[0], p.k = call->size[1];
    p.alpha = 1, p.beta = 0;
    p.y = call->at[0], p.a = call->at[1], p.x = call->at[2], p.bias = NULL, p.relu = false;
    p.y_step = p.a_step = p.x_step = p.bias_row = 0;
    p.y_row = call->stride[0][0], p.a_row = call->stride[1][0], p.a_column = call->stride[1][1], p.x_row = call->stride[2][0];
    p.along_row = p.a_column == 1 || p.a_row != 1;
    return run_any(call, p);
}

void kernels_cuda_matvec(kernel_table table) { table[KERNEL_MATVEC][TR_FLOAT32] = matvec; }
