/* Devices and their memory.  The CPU is built in; CUDA brings a core_device of its own when its library is loaded. */
#ifndef TRIREME_CORE_DEVICE_H
#define TRIREME_CORE_DEVICE_H

#include <trireme/types.h>

typedef struct core_device {
    const char *name;
    /* At least `bytes` of memory, *capacity says how many; NULL with an error noted that names `what`. */
    void *(*take)(int64_t bytes, int64_t *capacity, const char *what);
    void (*give)(void *p, int64_t capacity);
    /* Memory to and from the host; to_device and from_device wait until it is done.  0 or -1. */
    int (*to_device)(void *device, const void *host, int64_t bytes);
    int (*from_device)(void *host, const void *device, int64_t bytes);
    int (*zero)(void *device, int64_t bytes);
} core_device;

/* The device, or NULL with an error noted that says why it is not there. */
const core_device *core_device_of(tr_device device);

extern const core_device core_cpu;

#endif
