#include "core/device.h"

#include <stdlib.h>
#include <string.h>
#include "core/fail.h"
#include "core/memory.h"
#include "core/module.h"
#include "core/tensor.h"

/* ---- the CPU ---- */

static void *take(int index, int64_t bytes, int64_t *capacity, const char *what)
{
    (void)index;
    return core_block_take(bytes, capacity, what);
}

static void give(int index, void *p, int64_t capacity)
{
    (void)index;
    core_block_give(p, capacity);
}

static int copy(int index, void *to, const void *from, int64_t bytes)
{
    (void)index;
    if (bytes) memcpy(to, from, (size_t)bytes);
    return 0;
}

static int nothing(int index)
{
    (void)index;
    return 0;
}

static tr_memory_stats memory(int index)
{
    (void)index;
    return core_memory_stats();
}

const core_device core_cpu = {
    .count = 1,
    .take = take,
    .give = give,
    .to_device = copy,
    .from_device = copy,
    .synchronize = nothing,
    .enter = nothing,
    .memory = memory};

/* ---- any ---- */

const core_device *core_device_of(tr_device device)
{
    if (device.type == TR_CPU) return &core_cpu;
    if (device.type != TR_CUDA) return core_fail("there is no device type %d", (int)device.type);
    const core_device *cuda = core_cuda();
    if (!cuda->count) return core_fail("cuda:%d: there is no CUDA device: %s", device.index, cuda->reason);
    if (device.index < 0 || device.index >= cuda->count) return core_fail("cuda:%d: there are %d CUDA devices, from cuda:0", device.index, cuda->count);
    return cuda;
}

const tr_lanes_ *tr_lanes_of_(tr_device device)
{
    const core_device *d = core_device_of(device);
    if (d && !d->lanes) return core_fail("%s has no lanes", tr_device_name(device));
    return d ? d->lanes : NULL;
}

tr_device tr_cpu(void) { return (tr_device){TR_CPU, 0}; }
tr_device tr_cuda(int index) { return (tr_device){TR_CUDA, index}; }
bool tr_cuda_is_available(void) { return core_cuda()->count > 0; }
int tr_cuda_device_count(void) { return core_cuda()->count; }
const char *tr_cuda_missing(void) { return core_cuda()->reason; }

int(tr_synchronize)(tr_device device)
{
    CORE_TOLD_AS("tr_synchronize");
    const core_device *d = core_device_of(device);
    return d ? d->synchronize(device.index) : -1;
}

void tr_empty_cache(void)
{
    core_memory_trim();
    const core_device *cuda = core_cuda_if_loaded();
    if (cuda && cuda->count) cuda->trim();
}

tr_memory_stats tr_memory(tr_device device)
{
    if (device.type == TR_CPU) return core_memory_stats();
    const core_device *cuda = core_cuda();
    return device.index >= 0 && device.index < cuda->count ? cuda->memory(device.index) : (tr_memory_stats){0};
}

enum { MOST_DEVICES = 64 };

int(tr_device_parse)(const char *name, tr_device *device)
{
    if (!name || !device) return core_null_status("tr_device_parse");
    if (!strcmp(name, "cpu")) {
        *device = tr_cpu();
        return 0;
    }
    if (!strcmp(name, "cuda")) {
        *device = tr_cuda(0);
        return 0;
    }
    char *end = NULL;
    long index = strncmp(name, "cuda:", 5) == 0 && name[5] >= '0' && name[5] <= '9' ? strtol(name + 5, &end, 10) : -1;
    if (!end || *end || index < 0 || index >= MOST_DEVICES)
        return core_fail_status("tr_device_parse: \"%s\" is none of cpu, cuda, cuda:0, cuda:1, ...", name);
    *device = tr_cuda((int)index);
    return 0;
}

const char *tr_device_name(tr_device device)
{
    if (device.type == TR_CPU) return "cpu";
    return core_text("cuda:%d", device.index);
}

/* ---- copies while somebody watches ---- */

int core_receive_watched(const tr_tensor *t, void *host, const void *from, int64_t bytes)
{
    const core_there there = core_there_copy(t->storage->at, TR_LANE_OWN_);
    const int status = t->storage->device->from_device(t->storage->at.index, host, from, bytes);
    core_there_copied(&there, "copy to the host", bytes);
    return status;
}

int core_send_watched(tr_tensor *t, const void *host)
{
    const int64_t bytes = t->numel * core_dtype_bytes[t->dtype];
    const core_there there = core_there_copy(t->storage->at, TR_LANE_OWN_);
    const int status = t->storage->device->to_device(t->storage->at.index, t->data, host, bytes);
    core_there_copied(&there, "copy from the host", bytes);
    return status;
}
