/* Its functions and structures are declared here as nvml.h of the toolkit has them (their binary interface is fixed: what
 * changes gets a new name): where this is built there may be no toolkit, and where it runs no driver. */
#include "launcher/nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0,
       NEEDS_ROOM = 7,
       CLOCK_SM = 1,
       UNCORRECTED = 1,
       SINCE_LOADED = 0 };

typedef void *device;

typedef struct {
    char bus_legacy[16];
    unsigned domain, bus, device, pci_device, pci_subsystem;
    char bus_id[32];
} pci_info;

typedef struct {
    unsigned long long total, free, used;
} memory_info;

static struct {
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error_text)(int status);
    int (*driver_version)(char *text, unsigned bytes);
    int (*cuda_version)(int *version);
    int (*count)(unsigned *count);
    int (*by_index)(unsigned index, device *d);
    int (*name)(device d, char *text, unsigned bytes);
    int (*uuid)(device d, char *text, unsigned bytes);
    int (*pci)(device d, pci_info *info);
    int (*memory)(device d, memory_info *info);
    int (*slow)(device d, unsigned long long *reasons);
    int (*slow_once)(device d, unsigned long long *reasons); /* its older name */
    int (*clock)(device d, int which, unsigned *mhz);
    int (*most_clock)(device d, int which, unsigned *mhz);
    int (*persistence)(device d, int *on);
    int (*mode)(device d, int *mode);
    int (*mig)(device d, unsigned *now, unsigned *pending);
    int (*processes)(device d, unsigned *count, void *infos);
    int (*ecc)(device d, int kind, int since, unsigned long long *count);
    int (*rows)(device d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed);
    int (*lanes)(device d, unsigned *lanes);
    int (*most_lanes)(device d, unsigned *lanes);
    int (*link)(device d, unsigned link, int *up);
    int (*far_end)(device d, unsigned link, pci_info *info);
} call;

/* All of them; those that every driver has first. */
static const struct {
    void *pointer;
    const char *name;
} names[] = {
    {&call.init, "nvmlInit_v2"},
    {&call.shutdown, "nvmlShutdown"},
    {&call.error_text, "nvmlErrorString"},
    {&call.driver_version, "nvmlSystemGetDriverVersion"},
    {&call.count, "nvmlDeviceGetCount_v2"},
    {&call.by_index, "nvmlDeviceGetHandleByIndex_v2"},
    {&call.cuda_version, "nvmlSystemGetCudaDriverVersion_v2"},
    {&call.name, "nvmlDeviceGetName"},
    {&call.uuid, "nvmlDeviceGetUUID"},
    {&call.pci, "nvmlDeviceGetPciInfo_v3"},
    {&call.memory, "nvmlDeviceGetMemoryInfo"},
    {&call.slow, "nvmlDeviceGetCurrentClocksEventReasons"},
    {&call.slow_once, "nvmlDeviceGetCurrentClocksThrottleReasons"},
    {&call.clock, "nvmlDeviceGetClockInfo"},
    {&call.most_clock, "nvmlDeviceGetMaxClockInfo"},
    {&call.persistence, "nvmlDeviceGetPersistenceMode"},
    {&call.mode, "nvmlDeviceGetComputeMode"},
    {&call.mig, "nvmlDeviceGetMigMode"},
    {&call.processes, "nvmlDeviceGetComputeRunningProcesses_v3"},
    {&call.ecc, "nvmlDeviceGetTotalEccErrors"},
    {&call.rows, "nvmlDeviceGetRemappedRows"},
    {&call.lanes, "nvmlDeviceGetCurrPcieLinkWidth"},
    {&call.most_lanes, "nvmlDeviceGetMaxPcieLinkWidth"},
    {&call.link, "nvmlDeviceGetNvLinkState"},
    {&call.far_end, "nvmlDeviceGetNvLinkRemotePciInfo_v2"},
};
enum { NEEDED = 6,
       NAMES = sizeof names / sizeof names[0] };

static bool load(nvml *n)
{
    const char *named = getenv("TRIREME_NVML_LIBRARY");
    void *object = dlopen(named && *named ? named : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!object) snprintf(n->why, sizeof n->why, "%s", dlerror());
    for (int i = 0; object && i < NAMES; i++) {
        void *found = dlsym(object, names[i].name);
        memcpy(names[i].pointer, &found, sizeof found);
        if (found || i >= NEEDED) continue;
        snprintf(n->why, sizeof n->why, "libnvidia-ml has no %s", names[i].name);
        return false;
    }
    return object;
}

static void write_bus(char bus[20], const pci_info *info)
{
    snprintf(bus, 20, "%04x:%02x:%02x.0", info->domain & 0xffff, info->bus & 0xff, info->device & 0xff);
}

/* A question that this driver has not, or has no answer to, leaves its answer as it is: -1. */
#define ask(name, ...) (call.name && call.name(__VA_ARGS__) == SUCCESS)

static int told(bool answered, const unsigned *value)
{
    return answered ? (int)*value : -1;
}

static void read_links(nvml_gpu *g, device d)
{
    for (unsigned i = 0; i < NVML_LINKS; i++) {
        int up = 0;
        pci_info info = {0};
        if (!ask(link, d, i, &up)) continue;
        g->links_down += !up;
        if (!up) continue;
        if (ask(far_end, d, i, &info)) write_bus(g->far_end[g->links], &info);
        g->links++;
    }
}

static void read_health(nvml_gpu *g, device d)
{
    unsigned long long count = 0;
    unsigned corrected = 0, uncorrected = 0, pending = 0, failed = 0;
    g->ecc_uncorrected = ask(ecc, d, UNCORRECTED, SINCE_LOADED, &count) ? (int64_t)count : -1;
    bool answered = ask(rows, d, &corrected, &uncorrected, &pending, &failed);
    g->rows_pending = told(answered, &pending);
    g->rows_failed = told(answered, &failed);
}

static void read_use(nvml_gpu *g, device d)
{
    memory_info memory = {0};
    unsigned count = 0;
    bool answered = ask(memory, d, &memory);
    g->memory_bytes = answered ? (int64_t)memory.total : -1;
    g->used_bytes = answered ? (int64_t)memory.used : -1;
    int status = call.processes ? call.processes(d, &count, NULL) : -1; /* with no room for any it says how many */
    g->processes = status == SUCCESS || status == NEEDS_ROOM ? (int)count : -1;
}

static void read_speed(nvml_gpu *g, device d)
{
    unsigned long long reasons = 0;
    unsigned value = 0;
    g->slow = ask(slow, d, &reasons) || ask(slow_once, d, &reasons) ? (int64_t)reasons : -1;
    g->clock_mhz = told(ask(clock, d, CLOCK_SM, &value), &value);
    g->most_mhz = told(ask(most_clock, d, CLOCK_SM, &value), &value);
    g->pcie_lanes = told(ask(lanes, d, &value), &value);
    g->most_pcie_lanes = told(ask(most_lanes, d, &value), &value);
}

static void read_gpu(nvml_gpu *g, device d)
{
    pci_info info = {0};
    unsigned now = 0, pending = 0;
    if (!ask(persistence, d, &g->persistence)) g->persistence = -1;
    if (!ask(mode, d, &g->mode)) g->mode = -1;
    g->mig = told(ask(mig, d, &now, &pending), &now);
    (void)ask(name, d, g->name, sizeof g->name);
    (void)ask(uuid, d, g->uuid, sizeof g->uuid);
    if (ask(pci, d, &info)) write_bus(g->bus, &info);
    read_use(g, d);
    read_speed(g, d);
    read_health(g, d);
    read_links(g, d);
}

int nvml_read(nvml *n)
{
    *n = (nvml){0};
    unsigned count = 0;
    if (!load(n)) return -1;
    int status = call.init();
    if (status == SUCCESS) status = call.count(&count);
    if (status == SUCCESS) status = call.driver_version(n->driver, sizeof n->driver);
    if (status != SUCCESS) {
        snprintf(n->why, sizeof n->why, "%s", call.error_text(status));
        return -1;
    }
    if (!ask(cuda_version, &n->cuda)) n->cuda = 0;
    for (unsigned i = 0; i < count && n->gpus < NVML_GPUS; i++) {
        device d = NULL;
        if (ask(by_index, i, &d)) read_gpu(&n->gpu[n->gpus++], d);
    }
    call.shutdown();
    return 0;
}

const nvml_gpu *nvml_at(const nvml *n, const char *bus)
{
    for (int i = 0; i < n->gpus; i++)
        if (strcmp(n->gpu[i].bus, bus) == 0) return &n->gpu[i];
    return NULL;
}

int nvml_links_between(const nvml_gpu *a, const nvml_gpu *b)
{
    int links = 0;
    for (int i = 0; i < a->links; i++) links += strcmp(a->far_end[i], b->bus) == 0;
    return links;
}

int nvml_links_to_switch(const nvml *n, const nvml_gpu *gpu)
{
    int links = 0;
    for (int i = 0; i < gpu->links; i++) links += *gpu->far_end[i] && !nvml_at(n, gpu->far_end[i]);
    return links;
}
