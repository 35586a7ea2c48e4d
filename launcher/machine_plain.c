/* The machine without hwloc: CPUs that the system lets us run on, each taken
 * for a core of its own, and one NUMA node. Packages, caches and
 * hardware threads stay unknown. */
#include "launcher/launcher.h"
#include "launcher/machine.h"

#include <stdio.h>
#include <unistd.h>

void machine_read(machine *m)
{
    *m = (machine){.packages = 1, .nodes = 1};
    snprintf(m->source, sizeof m->source, "the system (built without hwloc)");
    if (gethostname(m->host, sizeof m->host - 1) != 0) snprintf(m->host, sizeof m->host, "localhost");
    m->quota = machine_cpu_quota(machine_root());

    long online = sysconf(_SC_NPROCESSORS_ONLN);
    m->cores = m->hardware_threads = online > 0 && online <= CPUS_MAX ? (int)online : 1;
    m->memory_bytes = machine_memory_bytes();

    cpus usable;
    if (cpus_of_this_thread(&usable) != 0 || cpus_count(&usable) == 0) {
        usable = (cpus){0};
        for (int cpu = 0; cpu < m->cores; cpu++) cpus_add(&usable, cpu);
    }
    m->node = need_memory(1, sizeof *m->node);
    m->node[0] = (machine_node){.cores = m->cores, .cpus = usable, .memory_bytes = m->memory_bytes};
    m->usable = need_memory(cpus_count(&usable), sizeof *m->usable);
    for (int cpu = 0; cpu < CPUS_MAX; cpu++)
        if (cpus_has(&usable, cpu)) cpus_add(&m->usable[m->usables++].cpus, cpu);
}
