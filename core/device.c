#include "core/device.h"

#include <stdlib.h>
#include <string.h>
#include "core/fail.h"
#include "core/memory.h"

static int host_copy(void *to, const void *from, int64_t bytes)
{
    if (bytes) memcpy(to, from, (size_t)bytes);
    return 0;
}

static int host_zero(void *p, int64_t bytes)
{
    if (bytes) memset(p, 0, (size_t)bytes);
    return 0;
}

const core_device core_cpu = {"cpu", core_block_take, core_block_give, host_copy, host_copy, host_zero};

const core_device *core_device_of(tr_device device)
{
    if (device.type == TR_CPU) return &core_cpu;
    if (device.type != TR_CUDA) return core_fail("there is no device type %d", (int)device.type);
    return core_fail("cuda:%d: this library was built without CUDA", device.index);
}

tr_device tr_cpu(void) { return (tr_device){TR_CPU, 0}; }
tr_device tr_cuda(int index) { return (tr_device){TR_CUDA, index}; }
bool tr_cuda_is_available(void) { return false; } /* as core_device_of says */

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
