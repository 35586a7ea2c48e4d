/* The parts of reading a machine that need no hwloc. */
#include "launcher/machine.h"

#include <math.h>
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

void machine_free(machine *m)
{
    free(m->node);
    free(m->gpu);
    free(m->usable);
    *m = (machine){0};
}
