/* Devices whose memory is the host's, behind the entry of libtrireme-cuda, for tests of who copies between them.
 *
 *     PLAYED_DEVICE="devices=3 wrong=1 slow=2 alone"
 *
 * devices   how many, two by default; 0: none, with a reason
 * wrong=I   what is copied across to device I arrives with a word changed; lost=I: what goes there comes back changed
 * slow=I    copies across to device I take ten times as long
 * fails=I   and those to device I are errors
 * alone     no device reaches another's memory; sm=N: their architecture, 90 by default */
#include "core/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static core_device devices;
static const core_host *host;

/* The number behind "NAME=", -1: it is not said. */
static int said(const char *name)
{
    const char *text = getenv("PLAYED_DEVICE");
    size_t length = strlen(name);
    for (const char *at = text ? strstr(text, name) : NULL; at; at = strstr(at + 1, name))
        if (at[length] == '=' && (at == text || at[-1] == ' ')) return atoi(at + length + 1);
    return -1;
}

static void *take(int index, int64_t bytes, int64_t *capacity, const char *what)
{
    (void)index;
    void *memory = malloc((size_t)bytes);
    *capacity = bytes;
    return memory ? memory : host->fail_memory(what, bytes);
}

static void give(int index, void *memory, int64_t capacity)
{
    (void)index, (void)capacity;
    free(memory);
}

static int to_device(int index, void *device, const void *from, int64_t bytes)
{
    memcpy(device, from, (size_t)bytes);
    if (index == said("lost")) ((char *)device)[bytes / 2] ^= 1;
    return 0;
}

static int from_device(int index, void *to, const void *device, int64_t bytes)
{
    (void)index;
    memcpy(to, device, (size_t)bytes);
    return 0;
}

static int across(int to, void *there, int from, const void *here, int64_t bytes)
{
    (void)from;
    if (to == said("fails")) return host->fail("CUDA: peer access is not supported between these two devices (217)");
    if (to == said("slow")) nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
    memcpy(there, here, (size_t)bytes);
    if (to == said("wrong")) ((char *)there)[bytes - 1] ^= 1;
    return 0;
}

static int nothing(int index) { return (void)index, 0; }

static void describe(int index, char *text, int64_t bytes)
{
    char peers[64] = "";
    const char *how = getenv("PLAYED_DEVICE");
    size_t used = 0;
    for (int other = 0; other < devices.count && !(how && strstr(how, "alone")); other++)
        if (other != index) used += (size_t)snprintf(peers + used, sizeof peers - used, "%s %d", used ? "" : ", peers", other);
    snprintf(text, (size_t)bytes, "NVIDIA H100 80GB HBM3, 79.6 GiB, sm_%d, 0000:%02x:00.0%s", said("sm") < 0 ? 90 : said("sm"), 0x17 + index, peers);
}

const core_device *CORE_MODULE_ENTRY(const core_host *h)
{
    host = h;
    devices = (core_device){
        .count = said("devices") < 0 ? 2 : said("devices"),
        .take = take,
        .give = give,
        .to_device = to_device,
        .from_device = from_device,
        .across = across,
        .synchronize = nothing,
        .enter = nothing,
        .describe = describe,
    };
    if (!devices.count) devices.reason = "no CUDA-capable device is detected";
    return &devices;
}

/* The runtime's, which is looked for behind the entry. */
__attribute__((visibility("default"))) int cudaRuntimeGetVersion(int *version);
int cudaRuntimeGetVersion(int *version) { return *version = 13000, 0; }
