/* Where every kernel call passes. */
#include "core/fail.h"
#include "core/thread.h"
#include "core/watch.h"
#include "kernels/watched.h"

static const char *const names[KERNEL_COUNT] = {
#define ROW(name, ...) [KERNEL_##name] = #name, [KERNEL_##name##_backward] = (#name "_backward"),
#include "kernels/pointwise.def"
#undef ROW
    [KERNEL_ADD] = "add",
    [KERNEL_SUB] = "sub",
    [KERNEL_MUL] = "mul",
    [KERNEL_DIV] = "div",
    [KERNEL_POW] = "pow",
    [KERNEL_POW_BACKWARD] = "pow_backward",
    [KERNEL_MAXIMUM] = "maximum",
    [KERNEL_MINIMUM] = "minimum",
    [KERNEL_FLOOR_DIVIDE] = "floor_divide",
    [KERNEL_REMAINDER] = "remainder",
    [KERNEL_FMOD] = "fmod",
    [KERNEL_EQ] = "eq",
    [KERNEL_NE] = "ne",
    [KERNEL_LT] = "lt",
    [KERNEL_LE] = "le",
    [KERNEL_GT] = "gt",
    [KERNEL_GE] = "ge",
    [KERNEL_WHERE] = "where",
    [KERNEL_COPY] = "copy",
    [KERNEL_FILL] = "fill",
    [KERNEL_ARANGE] = "arange",
    [KERNEL_SUM] = "sum",
    [KERNEL_MAX] = "max",
    [KERNEL_MIN] = "min",
    [KERNEL_PROD] = "prod",
    [KERNEL_ARGMAX] = "argmax",
    [KERNEL_ARGMIN] = "argmin",
    [KERNEL_GEMM] = "gemm",
    [KERNEL_MATVEC] = "matvec",
    [KERNEL_INVERSE] = "inverse",
    [KERNEL_SOLVE] = "solve",
    [KERNEL_DET] = "det",
    [KERNEL_CUMSUM] = "cumsum",
    [KERNEL_SORT] = "sort",
    [KERNEL_SOFTMAX] = "softmax",
    [KERNEL_LOG_SOFTMAX] = "log_softmax",
    [KERNEL_SOFTMAX_BACKWARD] = "softmax_backward",
    [KERNEL_LOG_SOFTMAX_BACKWARD] = "log_softmax_backward",
    [KERNEL_NLL] = "nll",
    [KERNEL_NLL_BACKWARD] = "nll_backward",
    [KERNEL_INDEX_SELECT] = "index_select",
    [KERNEL_INDEX_ADD] = "index_add",
    [KERNEL_INDEX_COPY] = "index_copy",
    [KERNEL_GATHER] = "gather",
    [KERNEL_SCATTER_ADD] = "scatter_add",
    [KERNEL_MASKED_SELECT] = "masked_select",
    [KERNEL_MASKED_SCATTER] = "masked_scatter",
    [KERNEL_PHILOX_UNIFORM] = "philox_uniform",
    [KERNEL_PHILOX_NORMAL] = "philox_normal",
    [KERNEL_SGD] = "sgd",
    [KERNEL_ADAM] = "adam",
    [KERNEL_RMSPROP] = "rmsprop",
    [KERNEL_ADAGRAD] = "adagrad",
    [KERNEL_LIST_SQUARES] = "list_squares",
    [KERNEL_LIST_SCALE] = "list_scale",
};

const char *kernel_name(int kernel) { return kernel >= 0 && kernel < KERNEL_COUNT ? names[kernel] : "unknown"; }

kernel_fn *kernel_find(tr_device device, const kernel_call *call)
{
    if (device.type != TR_CPU) {
        core_fail("%s: %s: built without CUDA", kernel_name(call->kernel), tr_device_name(device));
        return NULL;
    }
    kernel_fn *kernel = call->kernel < KERNEL_COUNT && call->type < TR_DTYPES ? (*kernels_cpu())[call->kernel][call->type] : NULL;
    if (!kernel) core_fail("%s: %s is not served on %s", kernel_name(call->kernel), tr_dtype_name((tr_dtype)call->type), tr_device_name(device));
    return kernel;
}

int kernel_run(tr_device device, const kernel_call *call)
{
    if (core_here()->recording) return core_fail_status("%s: this operation cannot be recorded", kernel_name(call->kernel));
    kernel_fn *kernel = kernel_find(device, call);
    if (kernel && core_watched()) return kernel_run_watched(kernel, call);
    return kernel ? kernel(call) : -1;
}

unsigned kernel_writes(int kernel) { return kernel == KERNEL_SORT ? 5 : kernel == KERNEL_NLL ? 3
                                                                                             : 1; }

bool kernel_adds(const kernel_call *call)
{
    switch (call->kernel) {
    case KERNEL_GEMM: return call->number[1] != 0;
    case KERNEL_INDEX_ADD:
    case KERNEL_INDEX_COPY:
    case KERNEL_SCATTER_ADD: return true;
    default: return false;
    }
}

bool kernel_is_pointwise(const kernel_call *call)
{
    bool row = call->kernel < KERNEL_ADD, arithmetic = call->kernel >= KERNEL_ADD && call->kernel <= KERNEL_FMOD;
    bool pointwise = row || arithmetic || call->kernel == KERNEL_FILL || (call->kernel == KERNEL_COPY && call->from == call->type);
    return pointwise && call->form == KERNEL_FLAT; /* other calls have no form */
}
