/* The machine as hwloc sees it.
 *
 * hwloc numbers two ways: "logical" in the order of the tree, so that
 * neighbours share caches, and "os" as the kernel does. Shares are cut in
 * logical order; what is shown and bound are the kernel's numbers.
 * HWLOC_SYNTHETIC="pack:2 core:8 pu:2" puts an imagined machine in place of
 * this one, all of it usable. */
#include "launcher/launcher.h"
#include "launcher/machine.h"

#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cpus from_bitmap(hwloc_const_bitmap_t bitmap)
{
    cpus set = {0};
    for (int cpu = hwloc_bitmap_first(bitmap); cpu >= 0 && cpu < CPUS_MAX; cpu = hwloc_bitmap_next(bitmap, cpu)) cpus_add(&set, cpu);
    return set;
}

static cpus allowed(hwloc_topology_t topology)
{
    cpus set = from_bitmap(hwloc_topology_get_allowed_cpuset(topology)), bound;
    if (hwloc_topology_is_thissystem(topology) && cpus_of_this_thread(&bound) == 0) cpus_cut(&set, &bound);
    return set;
}

static void read_nodes(machine *m, hwloc_topology_t topology)
{
    int count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
    m->node = need_memory(count, sizeof *m->node);
    for (int i = 0; i < count; i++) {
        hwloc_obj_t object = hwloc_get_obj_by_type(topology, HWLOC_OBJ_NUMANODE, (unsigned)i);
        m->memory_bytes += (int64_t)object->attr->numanode.local_memory;
        if (hwloc_bitmap_iszero(object->cpuset)) continue; /* memory of its own, as GPUs and CXL have */
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, object);
        m->node[m->nodes++] = (machine_node){
            .number = (int)object->os_index,
            .package = package ? (int)package->logical_index : 0,
            .cpus = from_bitmap(object->cpuset),
            .memory_bytes = (int64_t)object->attr->numanode.local_memory,
        };
    }
}

/* The node of a core: the first whose CPUs hold the core's. */
static int node_of(const machine *m, hwloc_obj_t core)
{
    for (int d = 0; d < m->nodes; d++)
        if (cpus_has(&m->node[d].cpus, hwloc_bitmap_first(core->cpuset))) return d;
    return 0;
}

static void read_cores(machine *m, hwloc_topology_t topology)
{
    cpus usable = allowed(topology);
    /* some virtual machines and ARM systems tell of hardware threads only */
    hwloc_obj_type_t type = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    m->cores = hwloc_get_nbobjs_by_type(topology, type);
    m->usable = need_memory(m->cores, sizeof *m->usable);
    for (int i = 0; i < m->cores; i++) {
        hwloc_obj_t object = hwloc_get_obj_by_type(topology, type, (unsigned)i);
        machine_core core = {.cpus = from_bitmap(object->cpuset), .node = node_of(m, object)};
        m->node[core.node].cores++;
        cpus_cut(&core.cpus, &usable);
        if (cpus_count(&core.cpus) > 0) m->usable[m->usables++] = core;
    }
}

static void read_caches(machine *m, hwloc_topology_t topology)
{
    static const struct {
        hwloc_obj_type_t type;
        const char *name;
    } kinds[] = {
        {HWLOC_OBJ_L1CACHE, "L1d"},
        {HWLOC_OBJ_L2CACHE, "L2"},
        {HWLOC_OBJ_L3CACHE, "L3"},
        {HWLOC_OBJ_L4CACHE, "L4"}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        int count = hwloc_get_nbobjs_by_type(topology, kinds[k].type);
        if (count <= 0) continue;
        machine_cache *cache = &m->cache[m->caches++];
        snprintf(cache->name, sizeof cache->name, "%s", kinds[k].name);
        cache->count = count;
        cache->bytes = (int64_t)hwloc_get_obj_by_type(topology, kinds[k].type, 0)->attr->cache.size;
    }
}

void machine_read(machine *m)
{
    hwloc_topology_t topology;
    *m = (machine){0};
    if (hwloc_topology_init(&topology) != 0) out_of_memory();
    hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (hwloc_topology_load(topology) != 0) fail(EXIT_FAILURE, NULL, "hwloc cannot read this machine");

    bool real = hwloc_topology_is_thissystem(topology);
    snprintf(m->source, sizeof m->source, "hwloc " HWLOC_VERSION);
    if (!real)
        snprintf(m->host, sizeof m->host, "synthetic");
    else if (gethostname(m->host, sizeof m->host - 1) != 0)
        snprintf(m->host, sizeof m->host, "localhost");
    if (real) m->quota = machine_cpu_quota(machine_root());
    hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    const char *cpu = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (cpu) snprintf(m->cpu, sizeof m->cpu, "%s", cpu);
    m->packages = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
    if (m->packages < 1) m->packages = 1;
    m->hardware_threads = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);

    read_nodes(m, topology);
    if (real && m->nodes == 1 && machine_memory_bytes() > 0) /* some kernels forget memory that was added later */
        m->memory_bytes = m->node[0].memory_bytes = machine_memory_bytes();
    read_cores(m, topology);
    read_caches(m, topology);
    hwloc_topology_destroy(topology);
    if (m->usables == 0) fail(EXIT_FAILURE, NULL, "hwloc and the system disagree: no CPU is left to use");
}
