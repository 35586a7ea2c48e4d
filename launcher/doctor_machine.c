#include "launcher/doctor.h"
#include "launcher/launcher.h"

#include <trireme/base.h>

#include <dlfcn.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

enum { RANK_SHM_MIB = 16,     /* the ranks' window, what MPI takes, and NCCL's buffers */
       RANK_MEMORY_MIB = 512, /* below it nothing much can be trained */
       RDMA_LOCKED_MIB = 1024 };

static const int64_t MiB = 1 << 20;

/* ---- versions ---- */

/* "Open MPI v4.1.4, package: ..." to its first comma. */
static void tell_mpi(findings *f, void *dist)
{
    int (*version)(char *text, int *length) = NULL;
    static char text[16384]; /* MPI_MAX_LIBRARY_VERSION_STRING of whichever it is */
    int length = 0;
    *(void **)&version = dlsym(dist, "MPI_Get_library_version");
    if (!version || version(text, &length) != 0)
        found(f, FINE, "MPI", NULL, "none: this libtrireme-dist knows one rank only");
    else
        found(f, FINE, "MPI", NULL, "%.*s", (int)strcspn(text, ",\n"), text);
    found_must_agree(f, PROBLEM);
}

void doctor_versions(findings *f)
{
    const char *(*version)(void) = NULL;
    void *library = open_beside("libtrireme.so." TR_SOVERSION), *dist = open_beside("libtrireme-dist.so." TR_SOVERSION);
    const char *error = dist ? NULL : dlerror();
    if (library) *(void **)&version = dlsym(library, "tr_version");
    if (version && strcmp(version(), TRIREME_VERSION) != 0)
        found(f, PROBLEM, "trireme", "install both of one version; LD_LIBRARY_PATH may lead to another's", "the command is %s, the library %s", TRIREME_VERSION, version());
    else
        found(f, FINE, "trireme", NULL, "%s%s", TRIREME_VERSION, version ? "" : ", its library not found: programs bring their own");
    found_must_agree(f, PROBLEM);
    if (dist)
        tell_mpi(f, dist);
    else if (!*TRIREME_BUILT_MPI)
        found(f, WARNING, "MPI", "install an MPI (libopenmpi-dev) and build again, if ranks are wanted", "trireme was built without it");
    else
        found(f, WARNING, "MPI", "is libtrireme-dist installed, and the MPI that it was built with?", "%s", error ? error : "libtrireme-dist.so." TR_SOVERSION " cannot be loaded");
}

/* ---- cores ---- */

void doctor_cores(findings *f, const machine *m, doctor_wish wish)
{
    char why[200];
    plan p;
    const char *given = getenv("OMP_NUM_THREADS");
    if (plan_make(&p, m, (plan_wish){wish.ranks, wish.threads, wish.oversubscribe}, why, sizeof why) < 0) {
        found(f, PROBLEM, "cores", "fewer ranks, a job with more cores, or --oversubscribe", "%.200s", why);
        return;
    }
    int threads = !wish.threads && given && atoi(given) > 0 ? atoi(given) : p.threads, cores = p.rank[0].cores;
    int capacity = machine_capacity(m), hardware = cpus_count(&p.rank[0].cpus);
    char quota[80] = "";
    if (m->quota > 0 && m->quota < m->usables) snprintf(quota, sizeof quota, ", of which the cgroup's quota is worth %.4g", m->quota);
    if (p.ranks > capacity)
        found(f, WARNING, "cores", "fewer ranks; waiting ranks give up their core, yet all take turns", "%d ranks on %d core%s%s", p.ranks, m->usables, m->usables == 1 ? "" : "s", quota);
    else if (threads > hardware)
        found(f, WARNING, "cores", "unset OMP_NUM_THREADS, or fewer ranks", "%d threads a rank, whose share is %d hardware thread%s", threads, hardware, hardware == 1 ? "" : "s");
    else if (threads * p.ranks > capacity && *quota)
        found(f, WARNING, "cores", "fewer threads, or a larger quota: the kernel stops what is beyond it", "%d rank%s of %d threads on %d cores%s", p.ranks, p.ranks == 1 ? "" : "s", threads, m->usables, quota);
    else
        found(f, FINE, "cores", NULL, "%d usable of %d%s: %d rank%s of %d core%s and %d thread%s", m->usables, m->cores, quota, p.ranks, p.ranks == 1 ? "" : "s", cores, cores == 1 ? "" : "s", threads, threads == 1 ? "" : "s");
    plan_free(&p);
}

/* ---- memory ---- */

/* "MemAvailable:   24000000 kB" */
static int64_t meminfo(const char *root, const char *key)
{
    char path[300], line[128];
    long long kib = 0;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0) kib = strtoll(line + strlen(key), NULL, 10);
    fclose(file);
    return 1024 * (int64_t)kib;
}

void doctor_judge_shm(findings *f, int64_t bytes, int64_t free_bytes, int ranks)
{
    char size[16], left[16], want[16];
    bytes_text(bytes, size);
    bytes_text(free_bytes < 1 ? 1 : free_bytes, left);
    bytes_text(ranks * RANK_SHM_MIB * MiB, want);
    if (free_bytes >= ranks * RANK_SHM_MIB * MiB)
        found(f, FINE, "/dev/shm", NULL, "%s free of %s", left, size);
    else
        found(f, WARNING, "/dev/shm", "mount -o remount,size=1g /dev/shm; in a container: docker run --shm-size=1g", "%s free of %s, where %d rank%s may want %s", left, size, ranks, ranks == 1 ? "" : "s", want);
}

void doctor_memory(findings *f, const char *root, int ranks)
{
    char left[16], all[16], of_job[16], cgroup[60] = "", path[300];
    int64_t available = meminfo(root, "MemAvailable:"), limit = machine_memory_limit(root), total = meminfo(root, "MemTotal:");
    bytes_text(available, left);
    bytes_text(total, all);
    if (limit > 0 && limit < total) snprintf(cgroup, sizeof cgroup, "; the cgroup grants %s", bytes_text(limit, of_job));
    int64_t room = limit > 0 && limit < available ? limit : available;
    if (total == 0)
        found(f, FINE, "memory", NULL, "not known");
    else if (room > 0 && room < ranks * RANK_MEMORY_MIB * MiB)
        found(f, WARNING, "memory", "see what holds it (top), ask for a job with more, or fewer ranks", "%s available of %s%s, for %d rank%s", left, all, cgroup, ranks, ranks == 1 ? "" : "s");
    else
        found(f, FINE, "memory", NULL, "%s available of %s%s", left, all, cgroup);

    struct statvfs shm;
    snprintf(path, sizeof path, "%s/dev/shm", root);
    if (statvfs(path, &shm) == 0)
        doctor_judge_shm(f, (int64_t)shm.f_blocks * (int64_t)shm.f_frsize, (int64_t)shm.f_bavail * (int64_t)shm.f_frsize, ranks);
    else
        found(f, WARNING, "/dev/shm", "mount -t tmpfs tmpfs /dev/shm", "is not there: ranks of this host meet over MPI alone");
}

/* ---- limits ---- */

static bool has_entries(const char *root, const char *folder)
{
    char path[300];
    snprintf(path, sizeof path, "%s%s", root, folder);
    DIR *open = opendir(path);
    bool has = false;
    if (!open) return false;
    for (const struct dirent *e; !has && (e = readdir(open));) has = e->d_name[0] != '.';
    closedir(open);
    return has;
}

void doctor_limits(findings *f, const char *root)
{
    struct rlimit locked;
    char size[16];
    bool rdma = has_entries(root, "/sys/class/infiniband");
    if (getrlimit(RLIMIT_MEMLOCK, &locked) != 0) return;
    if (locked.rlim_cur == RLIM_INFINITY)
        snprintf(size, sizeof size, "unlimited");
    else
        bytes_text(locked.rlim_cur < 1 ? 1 : (int64_t)locked.rlim_cur, size);
    if (rdma && locked.rlim_cur != RLIM_INFINITY && locked.rlim_cur < (rlim_t)(RDMA_LOCKED_MIB * MiB))
        found(f, PROBLEM, "memlock", "ulimit -l unlimited: in /etc/security/limits.conf, and LimitMEMLOCK=infinity for sshd or slurmd", "%s, which RDMA's buffers do not fit into", size);
    else
        found(f, FINE, "memlock", NULL, "%s%s", size, rdma ? "" : ", and no RDMA card that would want more");
}
