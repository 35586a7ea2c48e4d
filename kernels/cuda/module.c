/* The entry of libtrireme-cuda: devices and their kernels, and what the kernels ask of the device that was entered. */
#include "core/cuda/cuda.h"
#include "kernels/cuda/cuda.h"

#include <stdio.h>

void *cuda_stream(void)
{
    cuda_device *d = cuda_here();
    return d ? d->stream : NULL;
}

cuda_trouble *cuda_trouble_here(void) { return cuda_here()->trouble; }

int cuda_fail(const kernel_call *call, const char *what)
{
    char message[256];
    snprintf(message, sizeof message, "%s: CUDA: %s", kernel_name(call->kernel), what);
    return cuda_host->fail(message);
}

int cuda_launched(const kernel_call *call, int status)
{
    cuda_launches_note(&cuda_here()->launches, call->kernel);
    return status ? cuda_error(kernel_name(call->kernel), (cudaError_t)status) : 0;
}

void *cuda_scratch_take(const kernel_call *call, int64_t bytes)
{
    int64_t capacity;
    return cuda_take(cuda_here()->index, bytes, &capacity, kernel_name(call->kernel));
}

void cuda_scratch_give(void *scratch)
{
    if (scratch) cuda_give(cuda_here()->index, scratch, 0);
}

const core_device *CORE_MODULE_ENTRY(const core_host *host)
{
    static kernel_table table;
    static core_device devices;
    kernels_cuda(table);
    cuda_begin(&devices, host, kernel_name);
    devices.kernels = &table;
    return &devices;
}
