/* A set of CPUs (hardware threads), by the operating system's numbers. */
#ifndef LAUNCHER_CPUS_H
#define LAUNCHER_CPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPUS_MAX = 8192 }; /* what the largest Linux kernels are built for */

typedef struct {
    uint64_t word[CPUS_MAX / 64];
} cpus;

/* Numbers outside 0 .. CPUS_MAX-1 are never members; adding one does nothing. */
void cpus_add(cpus *set, int cpu);
bool cpus_has(const cpus *set, int cpu);
int cpus_count(const cpus *set);
void cpus_join(cpus *set, const cpus *more);
void cpus_cut(cpus *set, const cpus *keep);

/* "0-3,8,10-11", as taskset and Slurm write it; "" for no CPU. The caller frees it. */
char *cpus_text(const cpus *set);

/* Reads what cpus_text writes from length characters. Returns 0, or -1 (set then holds anything). */
int cpus_parse(cpus *set, const char *text, size_t length);

/* The CPUs the calling thread may run on. Returns 0, or -1 where the system cannot tell. */
int cpus_of_this_thread(cpus *set);

/* Lets the calling process run on these CPUs only. Returns 0, or -1 with errno. */
int cpus_bind_this_process(const cpus *set);

#endif
