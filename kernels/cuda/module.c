/* The entry of libtrireme-cuda: devices and their kernels, and what the kernels ask of the device that was entered. */
#include "core/cuda/cuda.h"
#include "kernels/cuda/cuda.h"

#include <stdio.h>

void *cuda_own_stream(void)
{
    cuda_device *d = cuda_here();
    return d ? d->stream : NULL;
}

void *cuda_stream(void)
{
    cudaStream_t captures = cuda_capture_stream();
    return captures ? captures : cuda_own_stream();
}

bool cuda_captures(void) { return cuda_capturing(); }

const void *cuda_numbers(const void *numbers, int64_t bytes, bool *launches)
{
    *launches = !cuda_capturing() || cuda_capture_stream();
    return cuda_capturing() ? cuda_capture_numbers(numbers, bytes) : NULL;
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
    if (cuda_capturing()) return cuda_capture_take(bytes);
    return cuda_take(cuda_here()->index, bytes, &capacity, kernel_name(call->kernel));
}

void cuda_scratch_give(void *scratch)
{
    if (cuda_capturing())
        cuda_capture_give();
    else if (scratch)
        cuda_give(cuda_here()->index, scratch, 0);
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
