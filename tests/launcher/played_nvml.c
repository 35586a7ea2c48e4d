/* NVIDIA's management library, played: what PLAYED_NVML says of its GPUs, for tests of who asks it.
 *
 *     PLAYED_NVML="gpus=4 hot=1 ecc=2 switch"
 *
 * gpus       how many: at 0000:17:00.0, 0000:65:00.0, 0000:99:00.0, 0000:ca:00.0; each has two NVLinks to each other one,
 *            or with `switch` 18 to it
 * NAME=I     GPU I is: hot, capped, ecc, busy, unsteady (no persistence), prohibited, exclusive, mig, narrow, worn (rows
 *            to be replaced), broken (no rows left), unlinked (half of its NVLinks are down)
 * driver=V   that version; without=NAME: no answer to this question; fail=N: no start, with this status */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Declared and defined: nobody else declares it. */
#define PLAYED(type, name, ...)                                 \
 __attribute__((visibility("default"))) type name(__VA_ARGS__); \
 type name(__VA_ARGS__)

typedef struct {
    char bus_legacy[16];
    unsigned domain, bus, device, pci_device, pci_subsystem;
    char bus_id[32];
} pci_info;

typedef struct {
    unsigned long long total, free, used;
} memory_info;

enum { NOT_SUPPORTED = 3,
       NOT_FOUND = 6,
       NEEDS_ROOM = 7,
       MOST = 4 };

static int gpu[MOST] = {0, 1, 2, 3}; /* a device is the address of its number */
static const unsigned bus[MOST] = {0x17, 0x65, 0x99, 0xca};

/* The number behind "NAME=", -1: it is not said. */
static int said(const char *name)
{
    const char *text = getenv("PLAYED_NVML");
    size_t length = strlen(name);
    for (const char *at = text ? strstr(text, name) : NULL; at; at = strstr(at + 1, name))
        if (at[length] == '=' && (at == text || at[-1] == ' ')) return atoi(at + length + 1);
    return -1;
}

static int has(const char *word)
{
    const char *text = getenv("PLAYED_NVML");
    return text && strstr(text, word);
}

static int is(void *device, const char *how) { return said(how) == *(int *)device; }

static int gpus(void) { return said("gpus") < 0 ? 2 : said("gpus"); }

PLAYED(int, nvmlInit_v2, void) { return said("fail") > 0 ? said("fail") : 0; }
PLAYED(int, nvmlShutdown, void) { return 0; }
PLAYED(const char *, nvmlErrorString, int status) { return status == 9 ? "Driver Not Loaded" : "Unknown Error"; }

PLAYED(int, nvmlSystemGetDriverVersion, char *text, unsigned bytes)
{
    const char *played = getenv("PLAYED_NVML"), *v = played ? strstr(played, "driver=") : NULL;
    snprintf(text, bytes, "%.*s", v ? (int)strcspn(v + 7, " ") : 9, v ? v + 7 : "580.65.06");
    return 0;
}

PLAYED(int, nvmlSystemGetCudaDriverVersion_v2, int *version) { return *version = said("cuda") > 0 ? said("cuda") : 13000, 0; }

PLAYED(int, nvmlDeviceGetCount_v2, unsigned *count) { return *count = (unsigned)gpus(), 0; }

PLAYED(int, nvmlDeviceGetHandleByIndex_v2, unsigned index, void **device)
{
    if (index >= (unsigned)gpus() || index >= MOST) return NOT_FOUND;
    *device = &gpu[index];
    return 0;
}

PLAYED(int, nvmlDeviceGetName, void *device, char *text, unsigned bytes)
{
    (void)device;
    snprintf(text, bytes, "NVIDIA H100 80GB HBM3");
    return 0;
}

PLAYED(int, nvmlDeviceGetUUID, void *device, char *text, unsigned bytes)
{
    snprintf(text, bytes, "GPU-%d%d%d%d", *(int *)device, *(int *)device, *(int *)device, *(int *)device);
    return 0;
}

static int pci_of(int number, pci_info *info)
{
    *info = (pci_info){.bus = bus[number]};
    snprintf(info->bus_id, sizeof info->bus_id, "00000000:%02X:00.0", bus[number]);
    return 0;
}

PLAYED(int, nvmlDeviceGetPciInfo_v3, void *device, pci_info *info) { return pci_of(*(int *)device, info); }

PLAYED(int, nvmlDeviceGetMemoryInfo, void *device, memory_info *info)
{
    info->total = 85520809984ull;
    info->used = is(device, "busy") ? 42949672960ull : 629145600ull;
    info->free = info->total - info->used;
    return 0;
}

PLAYED(int, nvmlDeviceGetCurrentClocksThrottleReasons, void *device, unsigned long long *reasons)
{
    *reasons = is(device, "hot") ? 0x20 : is(device, "capped") ? 0x4
                                                               : 0x1;
    return 0;
}

PLAYED(int, nvmlDeviceGetClockInfo, void *device, int which, unsigned *mhz)
{
    *mhz = is(device, "hot") ? 900 : 1980;
    return which == 1 ? 0 : NOT_SUPPORTED;
}

PLAYED(int, nvmlDeviceGetMaxClockInfo, void *device, int which, unsigned *mhz)
{
    (void)device;
    return *mhz = 1980, which == 1 ? 0 : NOT_SUPPORTED;
}

PLAYED(int, nvmlDeviceGetPersistenceMode, void *device, int *on) { return *on = !is(device, "unsteady"), 0; }

PLAYED(int, nvmlDeviceGetComputeMode, void *device, int *mode)
{
    *mode = is(device, "prohibited") ? 2 : is(device, "exclusive") ? 3
                                                                   : 0;
    return 0;
}

PLAYED(int, nvmlDeviceGetMigMode, void *device, unsigned *now, unsigned *pending)
{
    *now = *pending = (unsigned)is(device, "mig");
    return 0;
}

PLAYED(int, nvmlDeviceGetComputeRunningProcesses_v3, void *device, unsigned *count, void *infos)
{
    (void)infos;
    *count = is(device, "busy") ? 3 : 0;
    return *count ? NEEDS_ROOM : 0;
}

PLAYED(int, nvmlDeviceGetTotalEccErrors, void *device, int kind, int since, unsigned long long *count)
{
    if (has("without=ecc")) return NOT_SUPPORTED;
    *count = kind == 1 && since == 0 && is(device, "ecc") ? 5 : 0;
    return 0;
}

PLAYED(int, nvmlDeviceGetRemappedRows, void *device, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed)
{
    *corrected = *uncorrected = 0;
    *pending = (unsigned)is(device, "worn");
    *failed = (unsigned)is(device, "broken");
    return 0;
}

PLAYED(int, nvmlDeviceGetCurrPcieLinkWidth, void *device, unsigned *lanes) { return *lanes = is(device, "narrow") ? 4 : 16, 0; }
PLAYED(int, nvmlDeviceGetMaxPcieLinkWidth, void *device, unsigned *lanes) { return (void)device, *lanes = 16, 0; }

static int links(void) { return has("switch") ? 18 : 2 * (gpus() - 1); }

PLAYED(int, nvmlDeviceGetNvLinkState, void *device, unsigned link, int *up)
{
    if ((int)link >= links()) return NOT_SUPPORTED;
    *up = !(is(device, "unlinked") && (int)link >= links() / 2);
    return 0;
}

PLAYED(int, nvmlDeviceGetNvLinkRemotePciInfo_v2, void *device, unsigned link, pci_info *info)
{
    int other = (int)link / 2;
    *info = (pci_info){.bus = 0x05 + link / 6};
    return has("switch") ? 0 : pci_of(other < *(int *)device ? other : other + 1, info);
}
