#include "launcher/cuda.h"
#include "launcher/doctor.h"
#include "launcher/launcher.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USED_GIB = 2 }; /* the driver's own is below it */

/* ---- one GPU ---- */

static void judge_speed(findings *f, const nvml_gpu *g, const char *name)
{
    if (g->slow > 0 && g->slow & (NVML_SLOW_HEAT | NVML_SLOW_HARDWARE_HEAT))
        found(f, WARNING, "clocks", "look at fans, filters and what else heats the rack (nvidia-smi -q -d TEMPERATURE)", "%s runs at %d of %d MHz: it is too hot", name, g->clock_mhz, g->most_mhz);
    else if (g->slow > 0 && g->slow & (NVML_SLOW_HARDWARE | NVML_SLOW_POWER_BRAKE))
        found(f, WARNING, "clocks", "look at power supply and cables (nvidia-smi -q -d PERFORMANCE)", "%s runs at %d of %d MHz: its board slows it down", name, g->clock_mhz, g->most_mhz);
    else if (g->slow > 0 && g->slow & NVML_SLOW_POWER_CAP && g->processes == 0)
        found(f, WARNING, "clocks", "nvidia-smi -q -d POWER shows the limit, nvidia-smi -pl sets it", "%s runs at %d of %d MHz: its power is capped", name, g->clock_mhz, g->most_mhz);
    if (g->slow > 0 && g->slow & NVML_SLOW_SETTING)
        found(f, WARNING, "clocks", "nvidia-smi -rgc and -rac, unless somebody meant it", "%s runs at clocks that were set: %d of %d MHz", name, g->clock_mhz, g->most_mhz);
    if (g->pcie_lanes > 0 && g->pcie_lanes < g->most_pcie_lanes)
        found(f, WARNING, "PCIe", "see whether it sits well in its slot, and what the slot is wired for", "%s has %d of %d lanes", name, g->pcie_lanes, g->most_pcie_lanes);
    if (g->links > 0 && g->links_down > 0)
        found(f, WARNING, "NVLink", "nvidia-smi nvlink --status; the bridge or the switch may want a look, or a reset", "%s has %d of %d links up", name, g->links, g->links + g->links_down);
}

static void judge_health(findings *f, const nvml_gpu *g, const char *name)
{
    if (g->rows_failed > 0)
        found(f, PROBLEM, "ECC", "have it replaced", "%s has memory that failed and cannot be mapped away", name);
    else if (g->ecc_uncorrected > 0)
        found(f, PROBLEM, "ECC", "end what runs there and reset it (nvidia-smi --gpu-reset -i N); if it comes again, have it replaced", "%s: %lld memory error%s that could not be corrected", name, (long long)g->ecc_uncorrected, g->ecc_uncorrected == 1 ? "" : "s");
    else if (g->rows_pending > 0)
        found(f, WARNING, "ECC", "reset it when nothing runs there (nvidia-smi --gpu-reset -i N)", "%s waits for a reset to map failed memory away", name);
}

static void judge_use(findings *f, const nvml_gpu *g, const char *name, bool shared)
{
    char used[16], all[16];
    if (g->used_bytes > (int64_t)USED_GIB << 30 || g->processes > 0)
        found(f, WARNING, "GPU memory", "nvidia-smi shows whose they are", "%s: %s of %s in use, by %d process%s", name, bytes_text(g->used_bytes, used), bytes_text(g->memory_bytes, all), g->processes < 0 ? 0 : g->processes, g->processes == 1 ? "" : "es");
    if (g->mode == NVML_PROHIBITED)
        found(f, PROBLEM, "GPU mode", "nvidia-smi -c DEFAULT", "%s lets nobody compute", name);
    else if (g->mode == NVML_ONE_PROCESS && shared)
        found(f, PROBLEM, "GPU mode", "one rank for each GPU, or nvidia-smi -c DEFAULT", "%s takes one process, and several ranks share it", name);
    if (g->mig > 0)
        found(f, WARNING, "GPU mode", "for sums over NCCL: nvidia-smi -mig 0", "%s is divided (MIG): its parts do not reach each other", name);
    if (g->persistence == 0)
        found(f, WARNING, "driver", "systemctl enable --now nvidia-persistenced, or nvidia-smi -pm 1", "%s: the driver leaves it after each program, and every start waits for it", name);
}

void doctor_judge_gpu(findings *f, const nvml_gpu *gpu, int number, bool shared)
{
    char name[48];
    snprintf(name, sizeof name, "GPU %d (%s)", number, gpu->bus);
    judge_health(f, gpu, name);
    judge_use(f, gpu, name, shared);
    judge_speed(f, gpu, name);
}

/* ---- driver and library ---- */

/* Of NVIDIA's; all of them. */
static int gpus_on_bus(int *all)
{
    machine bus = {0};
    int count = 0;
    machine_read_gpus(&bus, machine_root());
    for (int i = 0; i < bus.gpus; i++) count += strncmp(bus.gpu[i].name, "NVIDIA", 6) == 0;
    *all = bus.gpus;
    machine_free_gpus(&bus);
    return count;
}

static void tell_driver(findings *f, const nvml *n, int status)
{
    if (status == 0) {
        found(f, FINE, "driver", NULL, "%s, for CUDA up to %d.%d", n->driver, n->cuda / 1000, n->cuda % 1000 / 10);
        found_must_agree(f, WARNING);
        return;
    }
    char version[300];
    snprintf(version, sizeof version, "%s/proc/driver/nvidia/version", machine_root());
    bool there = access(version, R_OK) == 0;
    const char *advice = there ? "in a container: start it with --gpus all (NVIDIA Container Toolkit)" : "install NVIDIA's driver, and restart or modprobe nvidia";
    found(f, PROBLEM, "driver", advice, "%s", n->why);
}

static void tell_runtime(findings *f, const nvml *n)
{
    int (*runtime)(int *version) = NULL, version = 0;
    *(void **)&runtime = cuda_symbol("cudaRuntimeGetVersion");
    if (!runtime || runtime(&version) != 0) return;
    if (n->cuda && version / 1000 > n->cuda / 1000)
        found(f, PROBLEM, "CUDA", "a newer driver, or trireme built with an older toolkit", "libtrireme-cuda runs on CUDA %d.%d, the driver serves up to %d.%d", version / 1000, version % 1000 / 10, n->cuda / 1000, n->cuda % 1000 / 10);
    else
        found(f, FINE, "CUDA", NULL, "%d.%d", version / 1000, version % 1000 / 10);
    found_must_agree(f, WARNING);
}

/* "NVIDIA H100 80GB HBM3, 79.1 GiB, sm_90, 0000:17:00.0, peers 1 2": what the device tells of itself. */
static int capability_of(const char *text)
{
    const char *sm = strstr(text, ", sm_");
    return sm ? atoi(sm + 5) : 0;
}

/* As far as it holds for others of its kind. */
static int kind_length(const char *text)
{
    const char *sm = strstr(text, ", sm_");
    return sm ? (int)(sm - text + 2 + (long)strcspn(sm + 2, ",")) : (int)strlen(text);
}

static int peers_of(const char *text)
{
    const char *peers = strstr(text, ", peers");
    int count = 0;
    for (; peers && (peers = strchr(peers, ' ')); peers++) count++;
    return count > 0 ? count - 1 : 0; /* ", peers 1 2" has a space more */
}

/* built_for: "" where no such library was built. */
static void tell_code(findings *f, int device, int capability, const char *built_for)
{
    if (*built_for && capability && !cuda_code_serves(built_for, capability))
        found(f, PROBLEM, "CUDA", "build trireme with -DCMAKE_CUDA_ARCHITECTURES=native", "cuda:%d is sm_%d, and libtrireme-cuda has code for %s", device, capability, built_for);
}

static void tell_devices(findings *f, const core_device *devices, int on_bus, const nvml *n)
{
    char text[400], first[400] = "";
    int pairs = 0, same = 0, links = 0;
    for (int i = 0; i < devices->count; i++) {
        devices->describe(i, text, sizeof text);
        if (i == 0) snprintf(first, sizeof first, "%.*s", kind_length(text), text);
        same += strncmp(text, first, strlen(first)) == 0;
        pairs += peers_of(text);
        tell_code(f, i, capability_of(text), TRIREME_BUILT_CUDA_FOR);
    }
    for (int i = 0; i < n->gpus; i++) links += n->gpu[i].links;
    if (same == devices->count)
        found(f, FINE, "devices", NULL, "%d x %s", devices->count, first);
    else
        found(f, WARNING, "devices", "the slowest sets the pace of all: CUDA_VISIBLE_DEVICES leaves some out", "%d, of several kinds: %s and others", devices->count, first);
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    if (devices->count < on_bus)
        found(f, visible ? FINE : WARNING, "devices", visible ? NULL : "dmesg | grep NVRM tells of GPUs that did not start", "%d of the %d GPUs on the bus%s%s", devices->count, on_bus, visible ? ": CUDA_VISIBLE_DEVICES=" : "", visible ? visible : "");
    int all = devices->count * (devices->count - 1);
    if (all == 0) return;
    if (pairs == all || (pairs == 0 && !links))
        found(f, FINE, "peers", NULL, "%s", pairs ? "every device reaches every other one's memory" : "no device reaches another's memory: copies pass through the host");
    else
        found(f, WARNING, "peers", "IOMMU and PCIe ACS forbid it (BIOS, kernel command line), and so do some containers", "devices reach each other's memory in %d of %d pairs", pairs, all);
}

static void tell_nccl(findings *f, int ranks)
{
    int version = cuda_nccl_version();
    if (version)
        found(f, FINE, "NCCL", NULL, "%d.%d.%d", version / 10000, version / 100 % 100, version % 100);
    else if (ranks == 1)
        found(f, FINE, "NCCL", NULL, "not found, nor needed by one rank");
    else
        found(f, WARNING, "NCCL", "install it (Debian, Ubuntu with NVIDIA's packages: libnccl2)", "not found: sums between GPUs pass through the host's memory");
    found_must_agree(f, PROBLEM);
}

static void tell_ranks(findings *f, const machine *m, const plan *p, int devices)
{
    for (int r = 0; p && r < p->ranks; r++)
        if (plan_gpu_is_far(p, m, r)) {
            found(f, WARNING, "devices", "trireme topo shows which; fewer ranks, or a job with the cores there", "rank %d's cores are far from its GPU (%s, NUMA node %d)", r, m->gpu[p->rank[r].gpu].bus, m->gpu[p->rank[r].gpu].node);
            break;
        }
    if (p && devices > 0 && p->ranks > devices)
        found(f, WARNING, "devices", "one rank for each: NCCL is not used where they share", "%d ranks share %d device%s", p->ranks, devices, devices == 1 ? "" : "s");
}

void doctor_gpus(findings *f, const machine *m, const plan *p, doctor_wish wish)
{
    const char *why = "";
    nvml n = {0};
    int all, on_bus = gpus_on_bus(&all), status = nvml_read(&n);
    const core_device *devices = cuda_devices(&why);
    int count = devices ? devices->count : 0;
    if (on_bus == 0 && n.gpus == 0 && count == 0) {
        found(f, FINE, "GPUs", NULL, "none%s: ranks compute on their cores", all ? " of NVIDIA's" : "");
        return;
    }
    if (on_bus > 0 || n.gpus > 0) tell_driver(f, &n, status);
    for (int i = 0; i < n.gpus; i++) doctor_judge_gpu(f, &n.gpu[i], i, p && count > 0 && p->ranks > count);
    if (!devices && !*TRIREME_BUILT_CUDA) {
        found(f, WARNING, "CUDA", "with NVIDIA's toolkit installed: configure with -DTRIREME_CUDA=ON", "trireme was built without it: GPUs are not used");
        return;
    }
    if (count == 0) {
        const char *visible = getenv("CUDA_VISIBLE_DEVICES");
        found(f, PROBLEM, "devices", visible ? "is CUDA_VISIBLE_DEVICES what was meant?" : "does nvidia-smi work? is libtrireme-cuda.so." TR_SOVERSION " where it was installed?", "none: %s", devices ? devices->reason : why);
        return;
    }
    tell_runtime(f, &n);
    tell_devices(f, devices, on_bus, &n);
    tell_ranks(f, m, p, count);
    tell_nccl(f, wish.job_ranks);
    if (wish.full) doctor_copies(f, devices);
}
