/* A device's memory, in the order of its stream. */
#include "core/cuda/cuda.h"

enum { LEAST = 256 }; /* the runtime's own granularity; and nobody is asked for nothing */

/* What other streams' frees still hold, and what the pool keeps for later, may be what is missing. */
static cudaError_t take_again(cuda_device *d, void **p, size_t bytes)
{
    (void)cudaGetLastError();
    cudaError_t status = cudaStreamSynchronize(d->stream);
    if (!status) status = cudaMemPoolTrimTo(d->pool, 0);
    return status ? status : cudaMallocFromPoolAsync(p, bytes, d->pool, d->stream);
}

void *cuda_take(int index, int64_t bytes, int64_t *capacity, const char *what)
{
    cuda_device *d = cuda_enter(index);
    if (!d) return NULL;
    void *p = NULL;
    *capacity = bytes < LEAST ? LEAST : bytes;
    cudaError_t status = cudaMallocFromPoolAsync(&p, (size_t)*capacity, d->pool, d->stream);
    if (status == cudaErrorMemoryAllocation) status = take_again(d, &p, (size_t)*capacity);
    if (!status) return p;
    if (status != cudaErrorMemoryAllocation) return cuda_error(what, status), NULL;
    (void)cudaGetLastError();
    return cuda_host->fail_memory(what, bytes);
}

void cuda_give(int index, void *p, int64_t capacity)
{
    (void)capacity;
    cuda_device *d = cuda_enter(index);
    if (d) (void)cudaFreeAsync(p, d->stream);
}

int cuda_to_device(int index, void *device, const void *host, int64_t bytes)
{
    cuda_device *d = cuda_enter(index);
    if (!d || !bytes) return d ? 0 : -1;
    cudaError_t status = cudaMemcpyAsync(device, host, (size_t)bytes, cudaMemcpyHostToDevice, d->stream);
    return status ? cuda_error("copying to the device", status) : cuda_wait(d);
}

int cuda_from_device(int index, void *host, const void *device, int64_t bytes)
{
    cuda_device *d = cuda_enter(index);
    if (!d || !bytes) return d ? 0 : -1;
    cudaError_t status = cudaMemcpyAsync(host, device, (size_t)bytes, cudaMemcpyDeviceToHost, d->stream);
    return status ? cuda_error("copying from the device", status) : cuda_wait(d);
}

static int64_t figure(cudaMemPool_t pool, enum cudaMemPoolAttr which)
{
    uint64_t value = 0;
    return cudaMemPoolGetAttribute(pool, which, &value) == cudaSuccess ? (int64_t)value : 0;
}

tr_memory_stats cuda_memory(int index)
{
    cuda_device *d = cuda_enter(index);
    if (!d) return (tr_memory_stats){0};
    int64_t used = figure(d->pool, cudaMemPoolAttrUsedMemCurrent), held = figure(d->pool, cudaMemPoolAttrReservedMemCurrent);
    return (tr_memory_stats){.allocated_bytes = used, .peak_bytes = figure(d->pool, cudaMemPoolAttrUsedMemHigh), .cached_bytes = held - used};
}
