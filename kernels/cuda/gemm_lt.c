/* Matrix products by cuBLASLt, and which they are:
 *
 *   of floating or complex elements, neither side a vector, more than 64^3 products in all, and every matrix with dense
 *   rows or dense columns        cuBLASLt
 *   all others                   our own kernels (gemm_plain.cu, matvec.cu)
 *
 * Where the library is not there, or does not do a product, our own kernels
 * do.  float32 is computed as float32, or as TF32 where the call lets it be and the library can; halves are summed in float32.
 *
 * A bias is the library's epilogue, which adds it to sums that have not been rounded to halves yet; our own kernels add it
 * to what they have rounded, and so give the bits of a product and an addition.
 *
 * So is relu, if TRIREME_CUDA_EPILOGUE=relu lets it be: ours keeps NaN, what the library does with it is nowhere said.  Without
 * that, and where the library knows it not, it is a launch of its own behind the product. */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/gemm.h"
#include "kernels/cuda/gemm_plans.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A number as the library wants it. */
typedef union {
    float single[2];
    double twice[2];
} scale;

static scale scale_of(int type, double number)
{
    scale s = {.twice = {0}};
    if (type == LT_R_64F || type == LT_C_64F)
        s.twice[0] = number;
    else
        s.single[0] = (float)number;
    return s;
}

/* 0 or -1, or 1: the library does not do this one. */
static int multiply(const cublaslt *lt, const kernel_call *call, const gemm_arguments *g)
{
    gemm_plans *plans = gemm_plans_of(lt, cuda_own_stream());
    gemm_plan *p = plans ? gemm_plan_of(lt, plans, g) : NULL;
    if (!p) return 1;
    void *workspace = NULL;
    if (p->workspace > 0 && !(workspace = cuda_scratch_take(call, (int64_t)p->workspace))) return -1;
    const scale alpha = scale_of(g->shape.scale_type, g->alpha), beta = scale_of(g->shape.scale_type, g->beta);
    int status = lt->matmul(gemm_plans_handle(plans), p->desc, &alpha, g->a, p->a, g->b, p->b, &beta, g->d, p->d, g->d, p->d, &p->algo, workspace, p->workspace, cuda_stream());
    if (workspace) cuda_scratch_give(workspace);
    if (status == LT_NOT_SUPPORTED) p->usable = false;
    return status == LT_SUCCESS ? 0 : status == LT_NOT_SUPPORTED ? 1
                                                                 : cuda_fail(call, lt->status_string(status));
}

/* 0 or -1, or 1: there is no library, or it does not do this one. */
static int by_library(const kernel_call *call, gemm_epilogue epilogue, const void *bias)
{
    static pthread_mutex_t plans = PTHREAD_MUTEX_INITIALIZER; /* and the descriptors in them */
    gemm_arguments g;
    const cublaslt *lt;
    if (!cuda_gemm_is_large(call) || !gemm_arguments_of(call, epilogue, bias, &g) || !(lt = cublaslt_here())) return 1;
    pthread_mutex_lock(&plans);
    int status = multiply(lt, call, &g);
    if (status == 1 && g.shape.compute_type == LT_COMPUTE_32F_FAST_TF32) { /* a GPU older than TF32 */
        g.shape.compute_type = LT_COMPUTE_32F;
        status = multiply(lt, call, &g);
    }
    pthread_mutex_unlock(&plans);
    return status;
}

static int gemm(const kernel_call *call)
{
    int status = by_library(call, GEMM_ALONE, NULL);
    return status == 1 ? cuda_gemm_plain(call) : status;
}

static kernel_fn *add[TR_DTYPES], *relu[TR_DTYPES];

/* Something of all of c's elements, in place. */
static kernel_call over_c(const kernel_call *call, int kernel)
{
    kernel_call c = {.kernel = (uint16_t)kernel, .type = call->type, .form = KERNEL_STRIDED, .ndim = 3, .n = call->size[0] * call->size[1] * call->size[2], .at = {call->at[0], call->at[0]}};
    memcpy(c.size, call->size, 3 * sizeof *c.size);
    memcpy(c.stride[0], call->stride[0], 3 * sizeof *c.stride[0]);
    memcpy(c.stride[1], call->stride[0], 3 * sizeof *c.stride[1]);
    return c;
}

static int add_bias(const kernel_call *call)
{
    kernel_call sum = over_c(call, KERNEL_ADD);
    sum.at[2] = call->at[3];
    sum.stride[2][2] = 1;
    return add[call->type](&sum);
}

static int take_relu(const kernel_call *call)
{
    const kernel_call of = over_c(call, KERNEL_relu);
    return relu[call->type](&of);
}

static bool relu_in_passing(void)
{
    const char *value = getenv("TRIREME_CUDA_EPILOGUE");
    return value && strcmp(value, "relu") == 0;
}

static int gemm_bias(const kernel_call *call)
{
    const bool has_relu = cuda_gemm_has_relu(call);
    int status = has_relu && relu_in_passing() ? by_library(call, GEMM_BIAS_RELU, call->at[3]) : 1;
    if (status != 1) return status;
    status = by_library(call, GEMM_BIAS, call->at[3]);
    if (status == 1 && (status = by_library(call, GEMM_ALONE, NULL)) == 0) status = add_bias(call); /* the library knows no bias here */
    if (status == 1) return cuda_gemm_plain(call);
    return status == 0 && has_relu ? take_relu(call) : status;
}

/* After the kernels of rows.cu and binary.cu. */
void kernels_cuda_gemm(kernel_table table)
{
    for (int type = TR_UINT8; type <= TR_INT64; type++) table[KERNEL_GEMM][type] = table[KERNEL_GEMM_BIAS][type] = cuda_gemm_plain;
    for (int type = TR_FLOAT16; type < TR_DTYPES; type++) {
        table[KERNEL_GEMM][type] = gemm;
        table[KERNEL_GEMM_BIAS][type] = gemm_bias;
        add[type] = table[KERNEL_ADD][type];
        relu[type] = table[KERNEL_relu][type];
    }
}
