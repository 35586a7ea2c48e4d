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

static long number_of(const char *root, const char *bus, const char *name)
{
    char line[64];
    return strtol(line_of(root, bus, name, line), NULL, 0);
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

/* NVIDIA's driver tells the model: "Model: \t\t NVIDIA H100 80GB HBM3". */
static void name_gpu(machine_gpu *gpu, const char *root, const char *maker)
{
    char path[512], line[128];
    snprintf(gpu->name, sizeof gpu->name, "%s, device %04lx", maker, (unsigned long)number_of(root, gpu->bus, "device"));
    snprintf(path, sizeof path, "%s/proc/driver/nvidia/gpus/%s/information", root, gpu->bus);
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "Model:", 6) != 0) continue;
        const char *model = line + 6 + strspn(line + 6, " \t");
        snprintf(gpu->name, sizeof gpu->name, "%.*s", (int)strcspn(model, "\n"), model);
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

void machine_read_gpus_to_use(machine *m)
{
    if (!*TRIREME_BUILT_CUDA) return;
    machine_read_gpus(m, "");
    int kept = 0;
    for (int i = 0; i < m->gpus; i++)
        if (strncmp(m->gpu[i].name, "NVIDIA", 6) == 0) m->gpu[kept++] = m->gpu[i];
    m->gpus = kept;
}
