/* Where every kernel call passes. */
#include "core/device.h"
#include "core/fail.h"
#include "core/thread.h"
#include "core/watch.h"
#include "kernels/watched.h"

/* Who is told of a kernel's failure asked for a function. */
static const char *function_of(int kernel)
{
    switch (kernel) {
    case KERNEL_GEMM:
    case KERNEL_GEMM_BIAS:
    case KERNEL_MATVEC: return "tr_matmul";
    case KERNEL_COPY: return "tr_copy_";
    case KERNEL_FILL: return "tr_fill_";
    case KERNEL_PHILOX_UNIFORM: return "tr_uniform_";
    case KERNEL_PHILOX_NORMAL: return "tr_normal_";
    default: return core_text("tr_%s", kernel_name(kernel));
    }
}

static kernel_fn *find_in(const kernel_table *table, tr_device device, const kernel_call *call)
{
    kernel_fn *kernel = call->kernel < KERNEL_COUNT && call->type < TR_DTYPES ? (*table)[call->kernel][call->type] : NULL;
    if (!kernel) core_fail("%s: %s is not served on %s", function_of(call->kernel), tr_dtype_name((tr_dtype)call->type), tr_device_name(device));
    return kernel;
}

kernel_fn *kernel_find(tr_device device, const kernel_call *call)
{
    if (device.type == TR_CPU) return find_in(kernels_cpu(), device, call);
    const core_device *there = core_device_of(device);
    return there ? find_in(there->kernels, device, call) : NULL;
}

/* On a device that is not the CPU; found, and entered. */
static kernel_fn *find_there(tr_device device, const kernel_call *call)
{
    const core_device *there = core_device_of(device);
    kernel_fn *kernel = there ? find_in(there->kernels, device, call) : NULL;
    return kernel && there->enter(device.index) == 0 ? kernel : NULL;
}

bool kernel_serves(tr_device device, int kernel, tr_dtype type)
{
    if (device.type == TR_CPU) return (*kernels_cpu())[kernel][type] != NULL;
    const core_device *there = core_device_of(device);
    const kernel_table *table = there ? there->kernels : NULL;
    return table && (*table)[kernel][type];
}

int kernel_run(tr_device device, const kernel_call *call)
{
    if (core_here()->recording) return core_fail_status("%s: this operation cannot be recorded", function_of(call->kernel));
    kernel_fn *kernel = device.type == TR_CPU ? find_in(kernels_cpu(), device, call) : find_there(device, call);
    if (kernel && core_watched()) return kernel_run_watched(device, kernel, call);
    return kernel ? kernel(call) : -1;
}

unsigned kernel_writes(int kernel)
{
    switch (kernel) {
    case KERNEL_SORT: return 5;
    case KERNEL_NLL:
    case KERNEL_LIST_SQUARES:
    case KERNEL_SCALER_CHECK: return 3;
    default: return 1;
    }
}

bool kernel_adds(const kernel_call *call)
{
    switch (call->kernel) {
    case KERNEL_GEMM:
    case KERNEL_GEMM_BIAS: return call->number[1] != 0;
    case KERNEL_INDEX_ADD:
    case KERNEL_INDEX_COPY:
    case KERNEL_SCATTER_ADD: return true;
    default: return false;
    }
}

bool kernel_may_refuse(int kernel)
{
    switch (kernel) {
    case KERNEL_INVERSE:
    case KERNEL_SOLVE:
    case KERNEL_NLL:
    case KERNEL_NLL_BACKWARD:
    case KERNEL_INDEX_SELECT:
    case KERNEL_INDEX_ADD:
    case KERNEL_INDEX_COPY:
    case KERNEL_GATHER:
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

bool kernel_takes_numbers(int kernel) { return kernel >= KERNEL_PHILOX_UNIFORM && kernel <= KERNEL_ADAGRAD; }
