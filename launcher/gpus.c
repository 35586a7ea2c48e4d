/* The GPUs on the PCI bus, from the kernel's own files: whoever's driver or
 * library is or is not installed, the hardware is seen. */
#include "launcher/launcher.h"
#include "launcher/machine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of root/sys/bus/pci/devices/bus/name; "" if there is none. */
static const char *line_of(const char *root, const char *bus, const char *name, char line[64])
{
    char path[512];
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/%s", root, bus, name);
    FILE *file = fopen(path, "r");
    *line = 0;
    if (!file) return line;
    if (!fgets(line, 64, file)) *line = 0;
    fclose(file);
    return line;
}

/* -1 if there is none. */
static long number_of(const char *root, const char *bus, const char *name)
{
    char line[64];
    return *line_of(root, bus, name, line) ? strtol(line, NULL, 0) : -1;
}

/* PCI's display class holds GPUs and also the plain screens of servers; the makers tell them apart. */
static const char *maker_of(const char *root, const char *bus)
{
    if (number_of(root, bus, "class") >> 16 != 0x03) return NULL;
    switch (number_of(root, bus, "vendor")) {
    case 0x10de: return "NVIDIA";
    case 0x1002: return "AMD";
    case 0x8086: return "Intel";
    default: return NULL;
    }
}

/* The value of a line that the driver writes, "Model: \t\t NVIDIA H100 80GB HBM3", if it is the line of that key. */
static void take_value(const char *line, const char *key, char *to, size_t bytes)
{
    size_t length = strlen(key);
    if (strncmp(line, key, length) != 0) return;
    const char *value = line + length + strspn(line + length, " \t");
    snprintf(to, bytes, "%.*s", (int)strcspn(value, "\n"), value);
}

/* NVIDIA's driver tells the model, and by which name CUDA_VISIBLE_DEVICES may call it. */
static void name_gpu(machine_gpu *gpu, const char *root, const char *maker)
{
    char path[512], line[128];
    snprintf(gpu->name, sizeof gpu->name, "%s, device %04lx", maker, (unsigned long)number_of(root, gpu->bus, "device"));
    snprintf(path, sizeof path, "%s/proc/driver/nvidia/gpus/%s/information", root, gpu->bus);
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        take_value(line, "Model:", gpu->name, sizeof gpu->name);
        take_value(line, "GPU UUID:", gpu->uuid, sizeof gpu->uuid);
    }
    fclose(file);
}

void machine_read_gpus(machine *m, const char *root)
{
    char path[256];
    struct dirent **device = NULL;
    snprintf(path, sizeof path, "%s/sys/bus/pci/devices", root);
    int devices = scandir(path, &device, NULL, alphasort);
    m->gpu = need_memory(devices, sizeof *m->gpu);
    for (int i = 0; i < devices; i++) {
        const char *bus = device[i]->d_name, *maker = maker_of(root, bus);
        if (maker) {
            machine_gpu *gpu = &m->gpu[m->gpus++];
            snprintf(gpu->bus, sizeof gpu->bus, "%.15s", bus);
            gpu->node = (int)number_of(root, bus, "numa_node");
            name_gpu(gpu, root, maker);
        }
        free(device[i]);
    }
    free(device);
}

/* The GPU that CUDA calls by this entry of CUDA_VISIBLE_DEVICES: a number, or the beginning of its UUID. -1: none. */
static int gpu_called(const machine *m, const char *entry, size_t length)
{
    char *end;
    long number = strtol(entry, &end, 10);
    if (length > 0 && end == entry + length) return number >= 0 && number < m->gpus ? (int)number : -1;
    for (int i = 0; i < m->gpus; i++)
        if (length > 4 && strncmp(m->gpu[i].uuid, entry, length) == 0) return i;
    return -1;
}

void machine_hide_gpus(machine *m, const char *visible)
{
    if (!visible || strstr(visible, "MIG-")) return; /* a part of a GPU: which one only its driver knows */
    machine_gpu *kept = need_memory(m->gpus, sizeof *kept);
    int count = 0;
    for (const char *at = visible; count < m->gpus; at++) {
        size_t length = strcspn(at, ",");
        int gpu = gpu_called(m, at, length);
        if (gpu < 0) break; /* as CUDA does: what is behind a name that is none is not seen either */
        kept[count++] = m->gpu[gpu];
        at += length;
        if (*at == 0) break;
    }
    free(m->gpu);
    m->gpu = kept;
    m->gpus = count;
}

void machine_read_gpus_to_use(machine *m)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    if (!*TRIREME_BUILT_CUDA && !(named && *named)) return;
    machine_read_gpus(m, machine_root());
    int kept = 0;
    for (int i = 0; i < m->gpus; i++)
        if (strncmp(m->gpu[i].name, "NVIDIA", 6) == 0) m->gpu[kept++] = m->gpu[i];
    m->gpus = kept;
    machine_hide_gpus(m, getenv("CUDA_VISIBLE_DEVICES"));
}
