#include "launcher/cpus.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
# include <sched.h>
#endif

void cpus_add(cpus *set, int cpu)
{
    if (cpu >= 0 && cpu < CPUS_MAX) set->word[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

bool cpus_has(const cpus *set, int cpu)
{
    return cpu >= 0 && cpu < CPUS_MAX && (set->word[cpu / 64] >> (cpu % 64) & 1);
}

int cpus_count(const cpus *set)
{
    int count = 0;
    for (int i = 0; i < CPUS_MAX / 64; i++) count += __builtin_popcountll(set->word[i]);
    return count;
}

void cpus_join(cpus *set, const cpus *more)
{
    for (int i = 0; i < CPUS_MAX / 64; i++) set->word[i] |= more->word[i];
}

void cpus_cut(cpus *set, const cpus *keep)
{
    for (int i = 0; i < CPUS_MAX / 64; i++) set->word[i] &= keep->word[i];
}

char *cpus_text(const cpus *set)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) out_of_memory();
    const char *comma = "";
    for (int first = 0; first < CPUS_MAX; first++) {
        if (!cpus_has(set, first)) continue;
        int last = first;
        while (cpus_has(set, last + 1)) last++;
        if (last == first)
            fprintf(out, "%s%d", comma, first);
        else
            fprintf(out, "%s%d-%d", comma, first, last);
        comma = ",";
        first = last;
    }
    if (fclose(out) != 0) out_of_memory();
    return text;
}

/* The number at *at, which moves behind it; -1 if there is none below CPUS_MAX. */
static int number(const char **at, const char *end)
{
    const char *p = *at;
    int value = 0;
    for (; p < end && *p >= '0' && *p <= '9' && value < CPUS_MAX; p++) value = value * 10 + (*p - '0');
    if (p == *at || value >= CPUS_MAX) return -1;
    *at = p;
    return value;
}

int cpus_parse(cpus *set, const char *text, size_t length)
{
    *set = (cpus){0};
    const char *at = text, *end = text + length;
    while (at < end) {
        int first = number(&at, end), last = first;
        if (at < end && *at == '-') {
            at++;
            last = number(&at, end);
        }
        if (first < 0 || last < first) return -1;
        for (int cpu = first; cpu <= last; cpu++) cpus_add(set, cpu);
        if (at == end) break;
        if (*at++ != ',' || at == end) return -1;
    }
    return 0;
}

#if defined(__linux__)

int cpus_of_this_thread(cpus *set)
{
    /* the kernel refuses a mask shorter than its own, so ours is as long as any */
    cpu_set_t *mask = CPU_ALLOC(CPUS_MAX);
    if (!mask) return -1;
    *set = (cpus){0};
    int status = sched_getaffinity(0, CPU_ALLOC_SIZE(CPUS_MAX), mask);
    if (status == 0)
        for (size_t cpu = 0; cpu < CPUS_MAX; cpu++)
            if (CPU_ISSET_S(cpu, CPU_ALLOC_SIZE(CPUS_MAX), mask)) cpus_add(set, (int)cpu);
    CPU_FREE(mask);
    return status;
}

int cpus_bind_this_process(const cpus *set)
{
    cpu_set_t *mask = CPU_ALLOC(CPUS_MAX);
    if (!mask) return -1;
    CPU_ZERO_S(CPU_ALLOC_SIZE(CPUS_MAX), mask);
    for (size_t cpu = 0; cpu < CPUS_MAX; cpu++)
        if (cpus_has(set, (int)cpu)) CPU_SET_S(cpu, CPU_ALLOC_SIZE(CPUS_MAX), mask);
    int status = sched_setaffinity(0, CPU_ALLOC_SIZE(CPUS_MAX), mask);
    int error = errno;
    CPU_FREE(mask);
    errno = error;
    return status;
}

#else

int cpus_of_this_thread(cpus *set)
{
    *set = (cpus){0};
    return -1;
}

int cpus_bind_this_process(const cpus *set)
{
    (void)set;
    errno = ENOSYS;
    return -1;
}

#endif
