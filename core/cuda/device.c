/* Which devices there are, entering one, waiting for it, and errors. */
#include "core/cuda/cuda.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DEVICES = 64 };

const core_host *cuda_host;
static const char *(*kernel_name_of)(int kernel);
static char no_reason[256];

static pthread_mutex_t beginning = PTHREAD_MUTEX_INITIALIZER;
static cuda_device all[MOST_DEVICES];
static _Thread_local cuda_device *here;

/* After these every call fails until the process ends. */
static bool lasts(cudaError_t status)
{
    switch ((int)status) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert: return true;
    default: return status >= cudaErrorHardwareStackError && status <= cudaErrorLaunchFailure;
    }
}

int cuda_error(const char *doing, cudaError_t status)
{
    char message[400], asked[200];
    (void)cudaGetLastError(); /* or the next launch would be blamed */
    int used = snprintf(message, sizeof message, "%s: CUDA: %s (%d)", doing, cudaGetErrorString(status), (int)status);
    if (here && lasts(status)) {
        cuda_launches_text(&here->launches, kernel_name_of, asked, sizeof asked);
        snprintf(message + used, sizeof message - (size_t)used, "; cuda:%d serves this process no more; asked of it last, the latest first: %s", here->index, asked);
    }
    return cuda_host->fail(message);
}

/* ---- a device begins ---- */

/* False with an error noted for a value that means nothing. */
static bool pools_wanted(bool *wanted)
{
    const char *value = getenv("TRIREME_CUDA_POOLS");
    *wanted = !value || !*value || strcmp(value, "on") == 0;
    if (*wanted || strcmp(value, "off") == 0) return true;
    char message[128];
    snprintf(message, sizeof message, "TRIREME_CUDA_POOLS=%.64s: expected on or off", value);
    return cuda_host->fail(message) == 0;
}

/* A pool of our own: the default one is shared with other libraries.  It keeps what was given back, and takes no block by
 * chance of timing, nor by waiting for another stream behind our back. */
static cudaError_t pool_new(int index, cudaMemPool_t *pool)
{
    int has = 0;
    if (cudaDeviceGetAttribute(&has, cudaDevAttrMemoryPoolsSupported, index) || !has) return (void)cudaGetLastError(), cudaSuccess;
    struct cudaMemPoolProps props = {.allocType = cudaMemAllocationTypePinned, .location = {.type = cudaMemLocationTypeDevice, .id = index}};
    uint64_t keep = UINT64_MAX;
    int off = 0;
    cudaError_t status = cudaMemPoolCreate(pool, &props);
    if (status == cudaErrorNotSupported) return (void)cudaGetLastError(), *pool = NULL, cudaSuccess; /* whatever the attribute says */
    if (!status) status = cudaMemPoolSetAttribute(*pool, cudaMemPoolAttrReleaseThreshold, &keep);
    if (!status) status = cudaMemPoolSetAttribute(*pool, cudaMemPoolReuseAllowOpportunistic, &off);
    if (!status) status = cudaMemPoolSetAttribute(*pool, cudaMemPoolReuseAllowInternalDependencies, &off);
    return status;
}

/* d is the current device.  What a first try had made, a second one keeps. */
static cudaError_t begin(cuda_device *d, int index, bool pools)
{
    cudaError_t status = cudaSuccess;
    d->index = index;
    if (pools && !d->pool) status = pool_new(index, &d->pool);
    if (!status && !d->trouble) {
        status = cudaHostAlloc((void **)&d->trouble, sizeof *d->trouble, cudaHostAllocMapped | cudaHostAllocPortable);
        if (!status) *d->trouble = (cuda_trouble){0};
    }
    if (!status) status = cuda_stage_begin(&d->up);
    if (!status) status = cuda_stage_begin(&d->down);
    if (status) return status;
    pthread_mutex_init(&d->holders.lock, NULL);
    pthread_mutex_init(&d->plain.lock, NULL);
    return cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking); /* the last: it says that d has begun */
}

cuda_device *cuda_enter(int index)
{
    cuda_device *d = &all[index];
    int now = -1; /* others set it, too: NCCL, the program itself */
    if (here == d && cudaGetDevice(&now) == cudaSuccess && now == index) return d;
    cudaError_t status = cudaSetDevice(index);
    pthread_mutex_lock(&beginning);
    bool pools = true, known = d->stream || pools_wanted(&pools);
    if (known && !status && !d->stream) status = begin(d, index, pools);
    pthread_mutex_unlock(&beginning);
    if (!known) return NULL;
    if (!status) return here = d;
    char doing[32];
    snprintf(doing, sizeof doing, "cuda:%d", index);
    return cuda_error(doing, status), NULL;
}

cuda_device *cuda_here(void)
{
    if (!here) cuda_host->fail("CUDA: this thread has entered no device");
    return here;
}

/* ---- waiting ---- */

int cuda_trouble_told(cuda_device *d)
{
    cuda_trouble *t = d->trouble;
    int found = __atomic_load_n(&t->found, __ATOMIC_ACQUIRE);
    if (found <= 0) return 0; /* nothing, or another thread's work is about to say it */
    char message[256];
    if (t->bound < 0)
        snprintf(message, sizeof message, "tr_%s: matrix %lld is singular: the diagonal element %lld is zero", kernel_name_of(found - 1), t->value, -t->bound);
    else
        snprintf(message, sizeof message, "tr_%s: %lld is not in [0, %lld)", kernel_name_of(found - 1), t->value, t->bound);
    __atomic_store_n(&t->found, 0, __ATOMIC_RELEASE);
    return cuda_host->fail(message);
}

int cuda_wait(cuda_device *d)
{
    cudaError_t status = cudaStreamSynchronize(d->stream);
    return status ? cuda_error("waiting for the device", status) : cuda_trouble_told(d);
}

/* ---- what the library calls ---- */

static int enter(int index) { return cuda_enter(index) ? 0 : -1; }

static int synchronize(int index)
{
    cuda_device *d = cuda_enter(index);
    return d ? cuda_wait(d) : -1;
}

static void trim(void)
{
    for (int index = 0; index < MOST_DEVICES; index++) {
        pthread_mutex_lock(&beginning);
        bool began = all[index].stream;
        pthread_mutex_unlock(&beginning);
        if (began && cuda_enter(index) && cuda_trim(&all[index])) (void)cudaGetLastError();
    }
}

/* ", peers 1 2": whose memory the device reaches without the host. */
static void describe_peers(int index, char *text, size_t bytes)
{
    int count = 0, reaches = 0;
    size_t used = 0;
    *text = 0;
    if (cudaGetDeviceCount(&count)) return;
    for (int other = 0; other < count && used < bytes; other++)
        if (other != index && cudaDeviceCanAccessPeer(&reaches, index, other) == cudaSuccess && reaches)
            used += (size_t)snprintf(text + used, bytes - used, "%s %d", used ? "" : ", peers", other);
}

/* None of these begins anything on the device. */
static void describe(int index, char *text, int64_t bytes)
{
    struct cudaDeviceProp is = {0};
    char memory[32], bus[32] = "?", peers[128];
    int major = 0, minor = 0;
    cudaError_t status = cudaGetDeviceProperties(&is, index);
    if (!status) status = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);
    if (!status) status = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index);
    if (!status) status = cudaDeviceGetPCIBusId(bus, sizeof bus, index);
    describe_peers(index, peers, sizeof peers);
    if (status)
        snprintf(text, (size_t)bytes, "%s", cudaGetErrorString(status));
    else
        snprintf(text, (size_t)bytes, "%s, %s, sm_%d%d, %s%s", is.name, cuda_bytes_text((int64_t)is.totalGlobalMem, memory), major, minor, bus, peers);
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
        .across = cuda_across,
        .synchronize = synchronize,
        .enter = enter,
        .memory = cuda_memory,
        .describe = describe,
        .lanes = &cuda_lanes,
        .trim = trim,
        .graphs = &cuda_graphs,
    };
}
