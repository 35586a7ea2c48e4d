/* Which devices there are, entering one, waiting for it, and errors. */
#include "core/cuda/cuda.h"

#include <pthread.h>
#include <stdio.h>

enum { MOST_DEVICES = 64 };

const core_host *cuda_host;
static const char *(*kernel_name_of)(int kernel);
static char no_reason[256];

static pthread_mutex_t beginning = PTHREAD_MUTEX_INITIALIZER;
static cuda_device all[MOST_DEVICES];
static _Thread_local cuda_device *here;

int cuda_error(const char *doing, cudaError_t status)
{
    char message[256];
    snprintf(message, sizeof message, "%s: CUDA: %s (%d)", doing, cudaGetErrorString(status), (int)status);
    return cuda_host->fail(message);
}

/* ---- a device begins ---- */

/* A pool of our own: the default one is shared with other libraries.  It keeps what was given back, and takes no block by
 * chance of timing, nor by waiting for another stream behind our back. */
static cudaError_t pool_new(int index, cudaMemPool_t *pool)
{
    struct cudaMemPoolProps props = {.allocType = cudaMemAllocationTypePinned, .location = {.type = cudaMemLocationTypeDevice, .id = index}};
    uint64_t keep = UINT64_MAX;
    int off = 0;
    cudaError_t status = cudaMemPoolCreate(pool, &props);
    if (!status) status = cudaMemPoolSetAttribute(*pool, cudaMemPoolAttrReleaseThreshold, &keep);
    if (!status) status = cudaMemPoolSetAttribute(*pool, cudaMemPoolReuseAllowOpportunistic, &off);
    if (!status) status = cudaMemPoolSetAttribute(*pool, cudaMemPoolReuseAllowInternalDependencies, &off);
    return status;
}

/* d is the current device. */
static cudaError_t begin(cuda_device *d, int index)
{
    cuda_device made = {.index = index};
    cudaError_t status = cudaStreamCreateWithFlags(&made.stream, cudaStreamNonBlocking);
    if (!status) status = pool_new(index, &made.pool);
    if (!status) status = cudaHostAlloc((void **)&made.trouble, sizeof *made.trouble, cudaHostAllocMapped | cudaHostAllocPortable);
    if (status) return status;
    *made.trouble = (cuda_trouble){0};
    *d = made;
    return cudaSuccess;
}

cuda_device *cuda_enter(int index)
{
    cuda_device *d = &all[index];
    if (here == d) return d;
    cudaError_t status = cudaSetDevice(index);
    pthread_mutex_lock(&beginning);
    if (!status && !d->stream) status = begin(d, index);
    pthread_mutex_unlock(&beginning);
    if (status) {
        cuda_error("a CUDA device", status);
        return NULL;
    }
    return here = d;
}

cuda_device *cuda_here(void)
{
    if (!here) cuda_host->fail("CUDA: this thread has entered no device");
    return here;
}

/* ---- waiting ---- */

static int tell_trouble(cuda_trouble *t)
{
    char message[256];
    snprintf(message, sizeof message, "%s: %lld is not in [0, %lld)", kernel_name_of(t->found - 1), t->value, t->bound);
    *t = (cuda_trouble){0};
    return cuda_host->fail(message);
}

int cuda_wait(cuda_device *d)
{
    cudaError_t status = cudaStreamSynchronize(d->stream);
    if (status) return cuda_error("waiting for the device", status);
    return d->trouble->found ? tell_trouble(d->trouble) : 0;
}

/* ---- what the library calls ---- */

static int enter(int index) { return cuda_enter(index) ? 0 : -1; }

static int synchronize(int index)
{
    cuda_device *d = cuda_enter(index);
    return d ? cuda_wait(d) : -1;
}

void cuda_begin(core_device *devices, const core_host *host, const char *(*name_of)(int kernel))
{
    cuda_host = host;
    kernel_name_of = name_of;
    int count = 0;
    cudaError_t status = cudaGetDeviceCount(&count); /* whatever it says that is no success: there are none */
    if (status || !count) snprintf(no_reason, sizeof no_reason, "%s", status ? cudaGetErrorString(status) : "the driver knows none");
    *devices = (core_device){
        .count = status ? 0 : count < MOST_DEVICES ? count
                                                   : MOST_DEVICES,
        .reason = status || !count ? no_reason : NULL,
        .take = cuda_take,
        .give = cuda_give,
        .to_device = cuda_to_device,
        .from_device = cuda_from_device,
        .synchronize = synchronize,
        .enter = enter,
        .memory = cuda_memory,
    };
}
