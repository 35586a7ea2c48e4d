/* CUDA's runtime, played: devices are memory of this process, and what a stream is asked for is done at once. */
#include "cuda_runtime_api.h"

#include <initializer_list>
#include <stdlib.h>
#include <string.h>

enum { DEVICES = 2 };

struct CUstream_st {
    int device;
};
struct CUmemPoolHandle_st {
    uint64_t attribute[cudaMemPoolAttrUsedMemHigh + 1];
};

/* Before every block of a device's memory. */
struct alignas(256) block {
    size_t bytes;
    cudaMemPool_t pool;
};

static thread_local int current;
static thread_local cudaError_t last;

static cudaError_t said(cudaError_t status)
{
    if (status) last = status;
    return status;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t status = last;
    last = cudaSuccess;
    return status;
}

const char *cudaGetErrorString(cudaError_t status)
{
    switch (status) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorNotReady: return "device not ready";
    }
    return "unrecognized error code";
}

cudaError_t cudaGetDeviceCount(int *count)
{
    const char *missing = getenv("PLAYED_NO_DEVICE");
    if (missing) return said(cudaErrorInsufficientDriver);
    *count = DEVICES;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= DEVICES) return said(cudaErrorInvalidDevice);
    current = device;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = new CUstream_st{current};
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaMemPoolCreate(cudaMemPool_t *pool, const struct cudaMemPoolProps *)
{
    *pool = new CUmemPoolHandle_st{};
    return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, enum cudaMemPoolAttr, void *) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr which, void *value)
{
    memcpy(value, &pool->attribute[which], sizeof pool->attribute[which]);
    return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }

cudaError_t cudaMallocFromPoolAsync(void **p, size_t bytes, cudaMemPool_t pool, cudaStream_t)
{
    block *b = (block *)aligned_alloc(256, (bytes + 2 * sizeof *b - 1) / sizeof *b * sizeof *b);
    if (!b) return said(cudaErrorMemoryAllocation);
    *b = {bytes, pool};
    *p = memset(b + 1, 0xff, bytes);
    for (int which : {cudaMemPoolAttrUsedMemCurrent, cudaMemPoolAttrReservedMemCurrent}) {
        pool->attribute[which] += bytes;
        if (pool->attribute[which + 1] < pool->attribute[which]) pool->attribute[which + 1] = pool->attribute[which];
    }
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t)
{
    block *b = (block *)p - 1;
    b->pool->attribute[cudaMemPoolAttrUsedMemCurrent] -= b->bytes;
    b->pool->attribute[cudaMemPoolAttrReservedMemCurrent] -= b->bytes;
    free(b);
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned)
{
    *p = malloc(bytes);
    return *p ? cudaSuccess : said(cudaErrorMemoryAllocation);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind, cudaStream_t)
{
    memcpy(to, from, bytes);
    return cudaSuccess;
}
