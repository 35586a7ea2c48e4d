/* kernels/cuda/cublaslt.h says what cublasLt.h says, and the library, where it can be loaded, has every function of it. */
#include "kernels/cuda/cublaslt.h"

#include <cublasLt.h>
#include <stdbool.h>
#include <stdio.h>

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
SAME(LT_SUCCESS, CUBLAS_STATUS_SUCCESS);
SAME(LT_NOT_SUPPORTED, CUBLAS_STATUS_NOT_SUPPORTED);
SAME(LT_R_32F, CUDA_R_32F);
SAME(LT_R_64F, CUDA_R_64F);
SAME(LT_R_16F, CUDA_R_16F);
SAME(LT_C_32F, CUDA_C_32F);
SAME(LT_C_64F, CUDA_C_64F);
SAME(LT_R_16BF, CUDA_R_16BF);
SAME(LT_COMPUTE_32F, CUBLAS_COMPUTE_32F);
SAME(LT_COMPUTE_64F, CUBLAS_COMPUTE_64F);
SAME(LT_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_32F_FAST_TF32);
SAME(LT_OP_N, CUBLAS_OP_N);
SAME(LT_OP_T, CUBLAS_OP_T);
SAME(LT_EPILOGUE_DEFAULT, CUBLASLT_EPILOGUE_DEFAULT);
SAME(LT_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS);
SAME(LT_EPILOGUE_RELU_BIAS, CUBLASLT_EPILOGUE_RELU_BIAS);
SAME(LT_DESC_TRANSA, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(LT_DESC_TRANSB, CUBLASLT_MATMUL_DESC_TRANSB);
SAME(LT_DESC_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(LT_DESC_BIAS_POINTER, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(LT_DESC_BIAS_DATA_TYPE, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE);
SAME(LT_LAYOUT_BATCH_COUNT, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
SAME(LT_LAYOUT_BATCH_STEP, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
SAME(LT_PREFER_MAX_WORKSPACE, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(LT_PREFER_REDUCTION_SCHEMES, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
SAME(LT_PREFER_ALIGNMENT_A, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(LT_PREFER_ALIGNMENT_B, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(LT_PREFER_ALIGNMENT_C, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(LT_PREFER_ALIGNMENT_D, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
SAME(LT_REDUCTION_IN_COMPUTE_TYPE, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
SAME(sizeof(lt_algo), sizeof(cublasLtMatmulAlgo_t));
SAME(sizeof(lt_choice), sizeof(cublasLtMatmulHeuristicResult_t));
SAME(offsetof(lt_choice, workspace), offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
SAME(offsetof(lt_choice, status), offsetof(cublasLtMatmulHeuristicResult_t, state));

/* The functions take what ours do: pointers of the library's own for ours, its enumerations for int. */
#define TAKES(name, result, ...) _Static_assert(_Generic(&name, result(*)(__VA_ARGS__) : 1, default : 0), #name)
TAKES(cublasLtCreate, cublasStatus_t, cublasLtHandle_t *);
TAKES(cublasLtGetStatusString, const char *, cublasStatus_t);
TAKES(cublasLtMatmulDescCreate, cublasStatus_t, cublasLtMatmulDesc_t *, cublasComputeType_t, cudaDataType_t);
TAKES(cublasLtMatmulDescSetAttribute, cublasStatus_t, cublasLtMatmulDesc_t, cublasLtMatmulDescAttributes_t, const void *, size_t);
TAKES(cublasLtMatmulDescDestroy, cublasStatus_t, cublasLtMatmulDesc_t);
TAKES(cublasLtMatrixLayoutCreate, cublasStatus_t, cublasLtMatrixLayout_t *, cudaDataType, uint64_t, uint64_t, int64_t);
TAKES(cublasLtMatrixLayoutSetAttribute, cublasStatus_t, cublasLtMatrixLayout_t, cublasLtMatrixLayoutAttribute_t, const void *, size_t);
TAKES(cublasLtMatrixLayoutDestroy, cublasStatus_t, cublasLtMatrixLayout_t);
TAKES(cublasLtMatmulPreferenceCreate, cublasStatus_t, cublasLtMatmulPreference_t *);
TAKES(cublasLtMatmulPreferenceSetAttribute, cublasStatus_t, cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t, const void *, size_t);
TAKES(cublasLtMatmulPreferenceDestroy, cublasStatus_t, cublasLtMatmulPreference_t);
TAKES(cublasLtMatmulAlgoGetHeuristic, cublasStatus_t, cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t[], int *);
TAKES(cublasLtMatmul, cublasStatus_t, cublasLtHandle_t, cublasLtMatmulDesc_t, const void *, const void *, cublasLtMatrixLayout_t, const void *, cublasLtMatrixLayout_t, const void *, const void *, cublasLtMatrixLayout_t, void *, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t *, void *, size_t, cudaStream_t);

#define SET(set, object, attribute, type) (set(object, attribute, &(type){0}, sizeof(type)) == LT_SUCCESS)

/* Descriptors need no GPU: the library takes our attributes at our sizes. */
static bool takes_our_attributes(const cublaslt *lt)
{
    void *desc = NULL, *layout = NULL, *preference = NULL;
    if (lt->desc_create(&desc, LT_COMPUTE_32F, LT_R_32F) || lt->layout_create(&layout, LT_R_16BF, 8, 4, 16) || lt->preference_create(&preference)) return false;
    bool all = SET(lt->desc_set, desc, LT_DESC_TRANSA, int32_t) && SET(lt->desc_set, desc, LT_DESC_TRANSB, int32_t) && SET(lt->desc_set, desc, LT_DESC_BIAS_POINTER, const void *) && SET(lt->desc_set, desc, LT_DESC_BIAS_DATA_TYPE, int32_t);
    const uint32_t epilogue = LT_EPILOGUE_RELU_BIAS;
    all = all && lt->desc_set(desc, LT_DESC_EPILOGUE, &epilogue, sizeof epilogue) == LT_SUCCESS;
    const int32_t batch = 3;
    all = all && lt->layout_set(layout, LT_LAYOUT_BATCH_COUNT, &batch, sizeof batch) == LT_SUCCESS && SET(lt->layout_set, layout, LT_LAYOUT_BATCH_STEP, int64_t);
    all = all && SET(lt->preference_set, preference, LT_PREFER_MAX_WORKSPACE, uint64_t) && SET(lt->preference_set, preference, LT_PREFER_REDUCTION_SCHEMES, uint32_t);
    const uint32_t alignment = 2;
    for (int matrix = LT_PREFER_ALIGNMENT_A; matrix <= LT_PREFER_ALIGNMENT_D; matrix++) all = all && lt->preference_set(preference, matrix, &alignment, sizeof alignment) == LT_SUCCESS;
    return lt->desc_destroy(desc) == LT_SUCCESS && lt->layout_destroy(layout) == LT_SUCCESS && lt->preference_destroy(preference) == LT_SUCCESS && all;
}

int main(void)
{
    const cublaslt *lt = cublaslt_here();
    if (!lt) {
        puts("cuBLASLt cannot be loaded, or lacks a function");
        return 77;
    }
    const bool takes = takes_our_attributes(lt);
    printf("cuBLASLt %s our attributes; status 15: %s\n", takes ? "takes" : "does not take", lt->status_string(LT_NOT_SUPPORTED));
    return takes ? 0 : 1;
}
