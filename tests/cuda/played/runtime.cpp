/* The runtime's other names: errors, devices, pools, copies; and launches. */
#include "inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>

std::mutex lock;
played_counts counts;
cudaError_t broken[DEVICES];
thread_local int current;
static thread_local cudaError_t last;

/* ---- errors ---- */

void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("played: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

cudaError_t said(cudaError_t status)
{
    if (status) last = status;
    return status;
}

cudaError_t cudaPeekAtLastError(void) { return broken[current] ? broken[current] : last; }

cudaError_t cudaGetLastError(void)
{
    cudaError_t status = cudaPeekAtLastError();
    last = cudaSuccess;
    return status;
}

const char *cudaGetErrorString(cudaError_t status)
{
    switch (status) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorIllegalState: return "the operation cannot be performed in the present state";
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    case cudaErrorNotSupported: return "operation not supported";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorMisalignedAddress: return "misaligned address";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
    default: return "unrecognized error code";
    }
}

/* ---- devices ---- */

static int device_count(void)
{
    const char *wish = getenv("PLAYED_DEVICES");
    int n = wish ? atoi(wish) : 2;
    return n >= 0 && n <= DEVICES ? n : DEVICES;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    if (getenv("PLAYED_NO_DEVICE")) return said(cudaErrorInsufficientDriver);
    *count = device_count();
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= device_count()) return said(cudaErrorInvalidDevice);
    current = device;
    return said(broken[device]);
}

cudaError_t cudaGetDevice(int *device)
{
    *device = current;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    std::lock_guard<std::mutex> hold(lock);
    *free = memory_free_bytes(current);
    *total = memory_total_bytes();
    return said(broken[current]);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = getenv("PLAYED_NO_DEVICE") ? 0 : 13000;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int *reaches, int device, int other)
{
    *reaches = device != other;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int bytes, int device)
{
    snprintf(text, (size_t)bytes, "0000:%02X:00.0", 0x17 + device);
    return cudaSuccess;
}

static bool has_pools(void) { return !getenv("PLAYED_NO_POOLS"); }
static bool says_pools(void) { return has_pools() || strcmp(getenv("PLAYED_NO_POOLS"), "unsaid") == 0; }

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr which, int)
{
    *value = which == cudaDevAttrComputeCapabilityMajor ? 9 : which == cudaDevAttrMultiProcessorCount ? 4
                                                          : which == cudaDevAttrMemoryPoolsSupported  ? says_pools()
                                                                                                      : 0;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *is, int device)
{
    *is = {};
    snprintf(is->name, sizeof is->name, "a CPU that plays a GPU");
    is->uuid.bytes[15] = (char)(device + 1);
    is->totalGlobalMem = memory_total_bytes();
    return cudaSuccess;
}

/* ---- memory ---- */

cudaError_t cudaMemPoolCreate(cudaMemPool_t *pool, const struct cudaMemPoolProps *props)
{
    if (!has_pools()) return said(cudaErrorNotSupported);
    *pool = new CUmemPoolHandle_st{props->location.id, {}};
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr which, void *value)
{
    std::lock_guard<std::mutex> hold(lock);
    if (which == cudaMemPoolAttrReservedMemHigh || which == cudaMemPoolAttrUsedMemHigh) {
        if (*(uint64_t *)value) return said(cudaErrorInvalidValue);
        pool->attribute[which] = pool->attribute[which - 1];
    }
    return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr which, void *value)
{
    std::lock_guard<std::mutex> hold(lock);
    memcpy(value, &pool->attribute[which], sizeof pool->attribute[which]);
    return cudaSuccess;
}

/* What is reserved is given back when the pool is trimmed. */
static void pool_is(cudaMemPool_t pool, uint64_t reserved, uint64_t used)
{
    uint64_t *a = pool->attribute;
    a[cudaMemPoolAttrReservedMemCurrent] = reserved, a[cudaMemPoolAttrUsedMemCurrent] = used;
    if (a[cudaMemPoolAttrReservedMemHigh] < reserved) a[cudaMemPoolAttrReservedMemHigh] = reserved;
    if (a[cudaMemPoolAttrUsedMemHigh] < used) a[cudaMemPoolAttrUsedMemHigh] = used;
}

void pool_count(cudaMemPool_t pool, int64_t bytes)
{
    uint64_t used = pool->attribute[cudaMemPoolAttrUsedMemCurrent] + (uint64_t)bytes, reserved = pool->attribute[cudaMemPoolAttrReservedMemCurrent];
    pool_is(pool, used > reserved ? used : reserved, used);
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes)
{
    std::lock_guard<std::mutex> hold(lock);
    counts.waits++;
    uint64_t used = pool->attribute[cudaMemPoolAttrUsedMemCurrent];
    pool_is(pool, used > bytes ? used : bytes, used);
    return said(broken[pool->device]);
}

cudaError_t cudaMallocFromPoolAsync(void **p, size_t bytes, cudaMemPool_t pool, cudaStream_t stream)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(stream) || stream->device != pool->device) return said(cudaErrorInvalidResourceHandle);
    if (!bytes) return said(cudaErrorInvalidValue);
    if (cudaError_t no = capture_forbids(stream)) return no; /* a recorded step allocates nothing */
    if (broken[pool->device]) return said(broken[pool->device]);
    *p = memory_take(pool->device, bytes, stream, pool);
    return *p ? cudaSuccess : said(cudaErrorMemoryAllocation);
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t stream)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(stream)) return said(cudaErrorInvalidResourceHandle);
    if (broken[stream->device]) return said(broken[stream->device]);
    if (cudaError_t no = capture_forbids(stream)) return no;
    return memory_give(p, stream) ? cudaSuccess : said(cudaErrorInvalidValue);
}

cudaError_t cudaMalloc(void **p, size_t bytes)
{
    std::lock_guard<std::mutex> hold(lock);
    if (broken[current]) return said(broken[current]);
    if (cudaError_t no = capture_forbids_here()) return no;
    counts.waits++; /* it may */
    *p = memory_take(current, bytes, NULL, NULL);
    return *p ? cudaSuccess : said(cudaErrorMemoryAllocation);
}

cudaError_t cudaFree(void *p)
{
    std::lock_guard<std::mutex> hold(lock);
    if (cudaError_t no = capture_forbids_here()) return no;
    counts.waits++;
    finish_all();
    return !p || memory_give(p, NULL) ? said(broken[current]) : said(cudaErrorInvalidValue);
}

/* ---- copies ---- */

/* The host's ordinary memory is read before the call returns, and written after all of the stream: both may wait. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(stream)) return said(cudaErrorInvalidResourceHandle);
    if (broken[stream->device]) return said(broken[stream->device]);
    int there = memory_device(to, bytes), here = memory_device(from, bytes);
    if ((there >= 0) != (kind != cudaMemcpyDeviceToHost) || (here >= 0) != (kind != cudaMemcpyHostToDevice)) return said(cudaErrorInvalidValue);
    if ((there >= 0 && there != stream->device) || (here >= 0 && here != stream->device)) return said(cudaErrorInvalidValue);
    bool pageable = (there < 0 && !is_pinned(to, bytes)) || (here < 0 && !is_pinned(from, bytes));
    counts.copies++;
    if (!pageable) {
        enqueue(stream, {"a copy", [=] { memcpy(to, from, bytes); }, nullptr, nullptr});
        return cudaSuccess;
    }
    if (cudaError_t no = capture_forbids(stream)) return no;
    counts.pageable++, counts.waits++;
    if (kind == cudaMemcpyDeviceToHost) {
        enqueue(stream, {"a copy", [=] { memcpy(to, from, bytes); }, nullptr, nullptr});
        return said(finish(stream));
    }
    std::string held((const char *)from, bytes);
    enqueue(stream, {"a copy", [=] { memcpy(to, held.data(), bytes); }, nullptr, nullptr});
    return cudaSuccess;
}

cudaError_t cudaMemcpyPeerAsync(void *to, int there, const void *from, int here, size_t bytes, cudaStream_t stream)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(stream)) return said(cudaErrorInvalidResourceHandle);
    if (broken[stream->device]) return said(broken[stream->device]);
    if (memory_device(to, bytes) != there || memory_device(from, bytes) != here) return said(cudaErrorInvalidValue);
    if (there != stream->device && here != stream->device) return said(cudaErrorInvalidValue);
    counts.copies++;
    enqueue(stream, {"a copy", [=] { memcpy(to, from, bytes); }, nullptr, nullptr, there == stream->device ? here : there});
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(stream)) return said(cudaErrorInvalidResourceHandle);
    if (broken[stream->device]) return said(broken[stream->device]);
    if (memory_device(p, bytes) != stream->device) return said(cudaErrorInvalidValue);
    enqueue(stream, {"a memset", [=] { memset(p, value, bytes); }, nullptr, nullptr});
    return cudaSuccess;
}

/* ---- launches ---- */

static int64_t fault_in;
static int fault;

void played_fault_at(int64_t n, int status)
{
    std::lock_guard<std::mutex> hold(lock);
    fault_in = n;
    fault = status;
}

void played_enqueue(void *stream, const char *name, void (*does)(void *), void (*ends)(void *), void *argument)
{
    played_enqueue_when(stream, name, nullptr, does, ends, argument);
}

static bool can_launch_on(cudaStream_t stream)
{
    if (!is_stream(stream) || stream->device != current) return said(cudaErrorInvalidResourceHandle), false;
    if (broken[current]) return false;
    counts.launches++;
    return true;
}

static work work_of(const char *name, int device, int (*ready)(void *), void (*does)(void *), const std::shared_ptr<void> &argument)
{
    bool faulty = fault_in > 0 && --fault_in == 0;
    work w = {name, [=] {
                  if (faulty)
                      broken[device] = (cudaError_t)fault;
                  else
                      does(argument.get());
              },
              nullptr, nullptr};
    if (ready) w.ready = [=] { return ready(argument.get()) != 0; };
    return w;
}

void played_enqueue_when(void *handle, const char *name, int (*ready)(void *), void (*does)(void *), void (*ends)(void *), void *argument)
{
    std::lock_guard<std::mutex> hold(lock);
    std::shared_ptr<void> owned(argument, ends);
    cudaStream_t stream = (cudaStream_t)handle;
    if (can_launch_on(stream)) enqueue(stream, work_of(name, current, ready, does, owned));
}

void played_enqueue_again(void *handle, const played_again *what, void *argument)
{
    std::lock_guard<std::mutex> hold(lock);
    played_again is = *what;
    std::shared_ptr<void> owned(argument, is.gone);
    cudaStream_t stream = (cudaStream_t)handle;
    if (!can_launch_on(stream)) return;
    auto launched = [=](cudaStream_t on) {
        std::shared_ptr<void> once(is.launch(owned.get(), on), [=](void *p) { is.ends(p), (void)owned; });
        return work_of(is.name, on->device, is.ready, is.work, once);
    };
    if (stream->in)
        capture_work(stream, {is.name, nullptr, nullptr, nullptr, -1, nullptr, launched});
    else
        enqueue(stream, launched(stream));
}

void played_count(played_counts *now)
{
    std::lock_guard<std::mutex> hold(lock);
    *now = counts;
}
