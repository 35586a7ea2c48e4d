/* A device's memory, in the order of its stream. */
#include "core/cuda/cuda.h"

#include <stdio.h>

enum { LEAST = 256 }; /* the runtime's own granularity; and nobody is asked for nothing */

static cudaError_t take(cuda_device *d, void **p, int64_t bytes)
{
    return d->pool ? cudaMallocFromPoolAsync(p, (size_t)bytes, d->pool, d->stream) : cuda_plain_take(&d->plain, p, bytes);
}

/* A device that failed, or a driver that is gone, is no news here. */
static void give(cuda_device *d, void *p, int64_t bytes)
{
    if (!d->pool)
        cuda_plain_give(&d->plain, p, bytes);
    else if (cudaFreeAsync(p, d->stream))
        (void)cudaGetLastError();
}

cudaError_t cuda_trim(cuda_device *d)
{
    if (!d->pool) return cuda_plain_trim(&d->plain, d->stream);
    cudaError_t status = cudaStreamSynchronize(d->stream);
    return status ? status : cudaMemPoolTrimTo(d->pool, 0);
}

/* What was freed but is still being used, and what is kept for later, may be what is missing. */
static cudaError_t take_again(cuda_device *d, void **p, int64_t bytes)
{
    (void)cudaGetLastError();
    cudaError_t status = cuda_trim(d);
    return status ? status : take(d, p, bytes);
}

/* Held and kept for later. */
static int64_t reserved_bytes(cuda_device *d)
{
    uint64_t value = 0;
    if (d->pool) return cudaMemPoolGetAttribute(d->pool, cudaMemPoolAttrReservedMemCurrent, &value) == cudaSuccess ? (int64_t)value : 0;
    pthread_mutex_lock(&d->plain.lock);
    int64_t bytes = d->plain.reserved_bytes;
    pthread_mutex_unlock(&d->plain.lock);
    return bytes;
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
    cudaError_t status = take(d, &p, *capacity);
    if (status == cudaErrorMemoryAllocation) status = take_again(d, &p, *capacity);
    if (status == cudaErrorMemoryAllocation) return fail_memory(d, what, bytes);
    if (status) return cuda_error(what, status), NULL;
    if (cuda_holds(&d->holders, p, *capacity, what) == 0) return p;
    give(d, p, *capacity);
    return cuda_host->fail_memory(what, bytes);
}

void cuda_give(int index, void *p, int64_t capacity)
{
    (void)capacity;
    cuda_device *d = cuda_enter(index);
    if (!d) return;
    int64_t bytes = cuda_lets_go(&d->holders, p);
    if (bytes) give(d, p, bytes);
}

tr_memory_stats cuda_memory(int index)
{
    cuda_device *d = cuda_enter(index);
    if (!d) return (tr_memory_stats){0};
    int64_t reserved = reserved_bytes(d);
    pthread_mutex_lock(&d->holders.lock);
    int64_t now = d->holders.bytes, peak = d->holders.peak_bytes;
    pthread_mutex_unlock(&d->holders.lock);
    return (tr_memory_stats){.allocated_bytes = now, .peak_bytes = peak, .cached_bytes = reserved > now ? reserved - now : 0};
}
