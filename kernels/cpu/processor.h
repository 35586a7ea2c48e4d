/* Which x86-64 level of the CPU kernels a processor runs: the library's rule, and what `trireme info` says. */
#ifndef KERNELS_CPU_PROCESSOR_H
#define KERNELS_CPU_PROCESSOR_H

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__) && !defined(TRIREME_GENERIC)
enum { CPU_LEVELS = 3 };
static const char *const cpu_level_names[CPU_LEVELS] = {"v2", "v3", "v4"};

/* Features, not level names: clang 14 does not know those. */
static inline bool cpu_runs_level(int level)
{
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (level < 2) return level == 0 || v3;
    return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#else
enum { CPU_LEVELS = 1 };
static const char *const cpu_level_names[CPU_LEVELS] = {"generic"};
static inline bool cpu_runs_level(int level) { return level == 0; }
#endif

/* The highest level that the processor runs, not above the one that cap names; a cap that is none is no cap. */
static inline int cpu_level(const char *cap)
{
    int level = 0;
    for (int i = 0; i < CPU_LEVELS; i++) {
        if (cpu_runs_level(i)) level = i;
        if (cap && strcmp(cap, cpu_level_names[i]) == 0) break;
    }
    return level;
}

#endif
