/* The share of CPU time, and of memory, that a container or a batch job was given.
 *
 * Affinity says on which CPUs a process may run, the cgroup's quota for how
 * long: 64 visible CPUs and a quota of 4 is the usual container. Ranks beyond
 * the quota are stopped by the kernel in the middle of their waits. */
#include "launcher/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double tighter(double a, double b) { return a > 0 && (b <= 0 || a < b) ? a : b; }

/* v2: "max 100000" or "200000 100000" in cpu.max */
static double limit_v2(const char *folder)
{
    char path[4200];
    double quota = 0, period = 0;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    int found = fscanf(file, "%lf %lf", &quota, &period); /* NOLINT(cert-err34-c): "max" is no number, and means none */
    fclose(file);
    return found == 2 && quota > 0 && period > 0 ? quota / period : 0;
}

static double number_in(const char *folder, const char *name)
{
    char path[4200], text[64] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (!fgets(text, sizeof text, file)) text[0] = 0;
    fclose(file);
    return strtod(text, NULL);
}

/* v1: -1 means no limit */
static double limit_v1(const char *folder)
{
    double quota = number_in(folder, "cpu.cfs_quota_us"), period = number_in(folder, "cpu.cfs_period_us");
    return quota > 0 && period > 0 ? quota / period : 0;
}

static double memory_v2(const char *folder) { return number_in(folder, "memory.max"); } /* "max" is no number, and means none */

static double memory_v1(const char *folder)
{
    double bytes = number_in(folder, "memory.limit_in_bytes");
    return bytes < 0x1p60 ? bytes : 0; /* as large as can be: no limit */
}

/* A limit may stand at any level, and a container may see only the end of its
 * path, mounted as the root: so ask on every level from the leaf to the mount. */
static double limit_upwards(const char *mount, const char *group, double (*limit)(const char *folder))
{
    char folder[4096];
    int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (length < 0 || length >= (int)sizeof folder) return 0;
    double quota = 0;
    for (;;) {
        quota = tighter(limit(folder), quota);
        char *slash = strrchr(folder, '/');
        if (!slash || strlen(folder) <= strlen(mount)) return quota;
        *slash = 0;
    }
}

static bool names(const char *controllers, const char *one)
{
    size_t length = strlen(one);
    for (const char *at = controllers; at; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (strncmp(at, one, length) == 0 && (at[length] == ',' || at[length] == 0)) return true;
    }
    return false;
}

/* Linux links v1's folder of cpu,cpuacct as cpu. */
static double tightest(const char *root, const char *controller, double (*v2)(const char *folder), double (*v1)(const char *folder))
{
    char path[256], line[2048];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    double limit = 0;
    while (fgets(line, sizeof line, file)) { /* "0::/a/b" (v2) or "4:cpu,cpuacct:/a/b" (v1) */
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        controllers++;
        *group++ = 0;
        bool second = *controllers == 0;
        if (!second && !names(controllers, controller)) continue;
        snprintf(path, sizeof path, second ? "%s/sys/fs/cgroup" : "%s/sys/fs/cgroup/%s", root, controller);
        limit = tighter(limit_upwards(path, group, second ? v2 : v1), limit);
    }
    fclose(file);
    return limit;
}

double machine_cpu_quota(const char *root) { return tightest(root, "cpu", limit_v2, limit_v1); }

int64_t machine_memory_limit(const char *root) { return (int64_t)tightest(root, "memory", memory_v2, memory_v1); }
