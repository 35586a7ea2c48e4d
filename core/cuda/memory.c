/* A device's memory, in the order of its stream. */
#include "core/cuda/cuda.h"

#include <stdio.h>

enum { LEAST = 256 }; /* the runtime's own granularity; and nobody is asked for nothing */

/* What was freed but is still being used, and what the pool keeps for later, may be what is missing. */
static cudaError_t take_again(cuda_device *d, void **p, size_t bytes)
{
    (void)cudaGetLastError();
    cudaError_t status = cudaStreamSynchronize(d->stream);
    if (!status) status = cudaMemPoolTrimTo(d->pool, 0);
    return status ? status : cudaMallocFromPoolAsync(p, bytes, d->pool, d->stream);
}

static int64_t figure(cudaMemPool_t pool, enum cudaMemPoolAttr which)
{
    uint64_t value = 0;
    return cudaMemPoolGetAttribute(pool, which, &value) == cudaSuccess ? (int64_t)value : 0;
}

/* "out of memory: tr_matmul asked for 1.5 GiB (1610612736 bytes) of cuda:0: 0.5 GiB of 79.1 GiB are free; 61.2 GiB are held
 * (...)": what other processes and the pool's gaps take is the difference. */
static void *fail_memory(cuda_device *d, const char *what, int64_t bytes)
{
    char message[400], held[200], asked[32], left[32], all[32];
    size_t free = 0, total = 0;
    (void)cudaGetLastError();
    (void)cudaMemGetInfo(&free, &total);
    cuda_holders_text(&d->holders, held, sizeof held);
    snprintf(message, sizeof message, "out of memory: %s asked for %s (%lld bytes) of cuda:%d: %s of %s are free; %s", what, cuda_bytes_text(bytes, asked), (long long)bytes, d->index, cuda_bytes_text((int64_t)free, left), cuda_bytes_text((int64_t)total, all), held);
    cuda_host->fail(message);
    return NULL;
}

void *cuda_take(int index, int64_t bytes, int64_t *capacity, const char *what)
{
    cuda_device *d = cuda_enter(index);
    if (!d) return NULL;
    void *p = NULL;
    *capacity = bytes < LEAST ? LEAST : bytes;
    cudaError_t status = cudaMallocFromPoolAsync(&p, (size_t)*capacity, d->pool, d->stream);
    if (status == cudaErrorMemoryAllocation) status = take_again(d, &p, (size_t)*capacity);
    if (status == cudaErrorMemoryAllocation) return fail_memory(d, what, bytes);
    if (status) return cuda_error(what, status), NULL;
    if (cuda_holds(&d->holders, p, *capacity, what) == 0) return p;
    (void)cudaFreeAsync(p, d->stream);
    return cuda_host->fail_memory(what, bytes);
}

void cuda_give(int index, void *p, int64_t capacity)
{
    (void)capacity;
    cuda_device *d = cuda_enter(index);
    if (!d) return;
    (void)cuda_lets_go(&d->holders, p);
    if (cudaFreeAsync(p, d->stream)) (void)cudaGetLastError(); /* a device that failed, or a driver that is gone */
}

tr_memory_stats cuda_memory(int index)
{
    cuda_device *d = cuda_enter(index);
    if (!d) return (tr_memory_stats){0};
    int64_t reserved = figure(d->pool, cudaMemPoolAttrReservedMemCurrent);
    pthread_mutex_lock(&d->holders.lock);
    int64_t now = d->holders.bytes, peak = d->holders.peak_bytes;
    pthread_mutex_unlock(&d->holders.lock);
    return (tr_memory_stats){.allocated_bytes = now, .peak_bytes = peak, .cached_bytes = reserved > now ? reserved - now : 0};
}
