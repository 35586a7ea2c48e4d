/* The parts of reading a machine that need no hwloc. */
#include "launcher/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *machine_root(void)
{
    const char *root = getenv("TRIREME_TEST_ROOT");
    return root ? root : "";
}

int64_t machine_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (int64_t)pages * page_bytes : 0;
}

int machine_capacity(const machine *m)
{
    if (m->quota <= 0 || m->quota >= m->usables) return m->usables;
    int whole = (int)ceil(m->quota - 1e-9); /* a quota of 1.5 keeps two ranks busier than one */
    return whole > 1 ? whole : 1;
}

void machine_free_gpus(machine *m)
{
    free(m->gpu);
    m->gpu = NULL;
    m->gpus = 0;
}

void machine_free(machine *m)
{
    machine_free_gpus(m);
    free(m->node);
    free(m->usable);
    *m = (machine){0};
}

const char *bytes_text(int64_t bytes, char text[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024 && unit < 4; unit++) value /= 1024;
    if (bytes <= 0)
        snprintf(text, 16, "-");
    else if (value < 100 && value > (double)(int64_t)value)
        snprintf(text, 16, "%.1f %s", value, units[unit]);
    else
        snprintf(text, 16, "%.0f %s", value, units[unit]);
    return text;
}
