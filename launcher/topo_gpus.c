#include "launcher/launcher.h"
#include "launcher/nvml.h"
#include "launcher/topo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAR_SHOWN = 4 };

/* "NVLink 2 to 1, 2 to 3; 16 to a switch": by the GPUs' numbers in the list. */
static void print_links(const machine *m, const nvml *n, const nvml_gpu *gpu)
{
    const char *sep = "NVLink ";
    if (gpu->links + gpu->links_down == 0) return;
    printf("       ");
    for (int i = 0; i < m->gpus; i++) {
        const nvml_gpu *other = nvml_at(n, m->gpu[i].bus);
        int links = other ? nvml_links_between(gpu, other) : 0;
        if (links) printf("%s%d to %d", sep, links, i);
        if (links) sep = ", ";
    }
    int switched = nvml_links_to_switch(n, gpu);
    if (switched) printf("%s%d to a switch", sep, switched);
    if (switched) sep = ", ";
    if (gpu->links_down) printf("%s%d not connected", sep, gpu->links_down);
    printf("\n");
}

void topo_print_gpus(const machine *m)
{
    char size[16];
    nvml told = {0};
    if (m->gpus) nvml_read(&told); /* where there is no driver, what the bus tells */
    if (m->gpus)
        printf("  GPUs       %d\n", m->gpus);
    else
        printf("  GPUs       none seen\n");
    for (int i = 0; i < m->gpus; i++) {
        const nvml_gpu *gpu = nvml_at(&told, m->gpu[i].bus);
        printf("    %2d  %-12s  %s", i, m->gpu[i].bus, gpu && *gpu->name ? gpu->name : m->gpu[i].name);
        if (gpu && gpu->memory_bytes > 0) printf(", %s", bytes_text(gpu->memory_bytes, size));
        if (m->gpu[i].node >= 0) printf(", NUMA node %d", m->gpu[i].node);
        printf("\n");
        if (gpu) print_links(m, &told, gpu);
    }
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    if (m->gpus && visible) printf("        CUDA_VISIBLE_DEVICES=%.60s\n", visible);
}

void topo_print_far_gpus(const plan *p, const machine *m)
{
    int far = 0;
    for (int r = 0; r < p->ranks; r++) {
        if (!plan_gpu_is_far(p, m, r) || ++far > FAR_SHOWN) continue;
        const machine_gpu *gpu = &m->gpu[p->rank[r].gpu];
        printf("  warning: rank %d: its GPU (%s) is beside NUMA node %d, its cores are not\n", r, gpu->bus, gpu->node);
    }
    if (far > FAR_SHOWN) printf("  warning: so it is with %d more\n", far - FAR_SHOWN);
    if (far) printf("  What these ranks copy to and from their GPUs crosses between the processors;\n"
                    "  fewer ranks, or a job that may use the cores there, would mend it.\n");
}
