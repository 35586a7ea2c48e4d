#include "kernels/cuda/gemm_arguments.h"

#include "kernels/cuda/cublaslt.h"

#include <string.h>

static bool types_of(int type, uint32_t flags, gemm_shape *s)
{
    static const int32_t known[TR_DTYPES][3] = {
        [TR_FLOAT16] = {LT_R_16F, LT_R_32F, LT_COMPUTE_32F},
        [TR_BFLOAT16] = {LT_R_16BF, LT_R_32F, LT_COMPUTE_32F},
        [TR_FLOAT32] = {LT_R_32F, LT_R_32F, LT_COMPUTE_32F},
        [TR_FLOAT64] = {LT_R_64F, LT_R_64F, LT_COMPUTE_64F},
        [TR_COMPLEX64] = {LT_C_32F, LT_C_32F, LT_COMPUTE_32F},
        [TR_COMPLEX128] = {LT_C_64F, LT_C_64F, LT_COMPUTE_64F}};
    s->type = known[type][0], s->scale_type = known[type][1], s->compute_type = known[type][2];
    if (type == TR_FLOAT32 && flags & KERNEL_GEMM_TF32) s->compute_type = LT_COMPUTE_32F_FAST_TF32;
    return s->compute_type != 0;
}

/* The classes that plans know: what an allocation begins at, and what loads are made of. */
static int32_t alignment_of(const void *at)
{
    const uintptr_t address = (uintptr_t)at;
    if (address % 256 == 0) return 256;
    int32_t bytes = 16;
    while (address % (uintptr_t)bytes != 0) bytes /= 2;
    return bytes;
}

/* One matrix of a call, rows x columns as they are told to the library when it need not be turned: dense columns.  Where
 * there is one row or column alone, its stride says nothing. */
static bool matrix_of(const void *at, int64_t batch, int64_t step, int64_t rows, int64_t columns, int64_t row, int64_t column, gemm_matrix *found)
{
    const bool dense_columns = (row == 1 || rows == 1) && (column >= rows || columns == 1);
    const bool dense_rows = (column == 1 || columns == 1) && (row >= columns || rows == 1);
    if ((!dense_columns && !dense_rows) || (batch > 1 && step < 0)) return false;
    *found = dense_columns ? (gemm_matrix){.rows = rows, .columns = columns, .leading = columns == 1 || column < rows ? rows : column}
                           : (gemm_matrix){.rows = columns, .columns = rows, .leading = rows == 1 || row < columns ? columns : row, .transposed = 1};
    found->step = batch > 1 ? step : 0;
    found->alignment = alignment_of(at);
    return true;
}

bool gemm_arguments_of(const kernel_call *call, gemm_epilogue epilogue, const void *bias, gemm_arguments *found)
{
    static const int32_t epilogues[] = {LT_EPILOGUE_DEFAULT, LT_EPILOGUE_BIAS, LT_EPILOGUE_RELU_BIAS};
    const int64_t batch = call->size[0], m = call->size[1], n = call->size[2], k = call->size[3];
    const int64_t *c_stride = call->stride[0], *a_stride = call->stride[1], *b_stride = call->stride[2];
    if (batch < 1 || m < 1 || n < 1 || k < 1 || batch > INT32_MAX || m > INT32_MAX || n > INT32_MAX || k > INT32_MAX) return false;

    memset(found, 0, sizeof *found);
    gemm_shape *s = &found->shape;
    if (!types_of(call->type, call->flags, s) || (epilogue != GEMM_ALONE && (s->type == LT_C_32F || s->type == LT_C_64F))) return false;
    s->batch = (int32_t)batch;
    s->epilogue = epilogues[epilogue];
    if (epilogue != GEMM_ALONE) {
        found->bias = bias;
        s->bias_alignment = alignment_of(bias);
    }
    found->alpha = call->number[0], found->beta = call->number[1];
    found->d = call->at[0];

    /* c' = b' a', unless c's columns are dense and its rows are not */
    if (matrix_of(call->at[0], batch, c_stride[0], n, m, c_stride[2], c_stride[1], &s->d) && !s->d.transposed) {
        found->a = call->at[2], found->b = call->at[1];
        return matrix_of(found->a, batch, b_stride[0], n, k, b_stride[2], b_stride[1], &s->a) && matrix_of(found->b, batch, a_stride[0], k, m, a_stride[2], a_stride[1], &s->b);
    }
    if (epilogue != GEMM_ALONE || !matrix_of(call->at[0], batch, c_stride[0], m, n, c_stride[1], c_stride[2], &s->d) || s->d.transposed) return false;
    found->a = call->at[1], found->b = call->at[2];
    return matrix_of(found->a, batch, a_stride[0], m, k, a_stride[1], a_stride[2], &s->a) && matrix_of(found->b, batch, b_stride[0], k, n, b_stride[1], b_stride[2], &s->b);
}
