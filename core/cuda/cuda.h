/* CUDA devices: what the files of libtrireme-cuda share.  Plain C over the runtime's interface.
 *
 * Every device has one stream, in which its work is ordered, and a pool of its own that memory comes from in that order.
 * A device begins when a thread first enters it; nothing ends before the process does, since the driver may be gone by
 * then. */
#ifndef TRIREME_CORE_CUDA_CUDA_H
#define TRIREME_CORE_CUDA_CUDA_H

#include <cuda_runtime_api.h>
#include "core/cuda/trouble.h"
#include "core/module.h"

typedef struct {
    int index;
    cudaStream_t stream;
    cudaMemPool_t pool;
    cuda_trouble *trouble; /* in pinned memory */
} cuda_device;

/* The device that this thread entered; NULL with an error noted if it entered none. */
cuda_device *cuda_here(void);

/* Enter a device: the runtime's calls of this thread go there.  The device, or NULL with an error noted. */
cuda_device *cuda_enter(int index);

/* Wait for a device.  0, or -1 with an error noted that says what the device met. */
int cuda_wait(cuda_device *d);

/* Note what the runtime said while `doing` something: always -1. */
int cuda_error(const char *doing, cudaError_t status);

/* memory.c */
void *cuda_take(int index, int64_t bytes, int64_t *capacity, const char *what);
void cuda_give(int index, void *p, int64_t capacity);
int cuda_to_device(int index, void *device, const void *host, int64_t bytes);
int cuda_from_device(int index, void *host, const void *device, int64_t bytes);
tr_memory_stats cuda_memory(int index);

/* Find the devices and fill in all but the kernels, whose names name_of gives. */
void cuda_begin(core_device *devices, const core_host *host, const char *(*name_of)(int kernel));

extern const core_host *cuda_host;

#endif
