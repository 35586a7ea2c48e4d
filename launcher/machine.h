/* What this machine has, and what this job may use of it. */
#ifndef LAUNCHER_MACHINE_H
#define LAUNCHER_MACHINE_H

#include "launcher/cpus.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    cpus cpus; /* its hardware threads that this job may use: at least one */
    int node;  /* the NUMA node whose memory is nearest, an index into machine.node */
} machine_core;

typedef struct {
    int number;  /* the operating system's */
    int package; /* counted from 0 */
    int cores;
    cpus cpus;
    int64_t memory_bytes; /* 0: unknown */
} machine_node;

typedef struct {
    char name[8]; /* "L1d", "L2" ... */
    int count;
    int64_t bytes; /* of one */
} machine_cache;

typedef struct {
    char name[64];
    char bus[20];  /* PCI address, "0000:17:00.0" */
    char uuid[48]; /* "GPU-8a56...", "" where no driver tells */
    int node;      /* the operating system's number of the nearest NUMA node, -1: not known */
} machine_gpu;

typedef struct {
    char host[65];
    char cpu[96];    /* the processor's name, "" if the system does not tell */
    char source[40]; /* who told: "hwloc 2.9.0" */

    /* the whole machine */
    int packages, cores, hardware_threads;
    int64_t memory_bytes;
    machine_node *node; /* owned; NUMA nodes that have cores, in the machine's order */
    int nodes;
    machine_cache cache[8];
    int caches;
    machine_gpu *gpu; /* owned; after machine_read_gpus */
    int gpus;

    /* what this job may use: its affinity, and its share of CPU time */
    machine_core *usable; /* owned; neighbours stand side by side (package, node, cache) */
    int usables;
    double quota; /* CPUs' worth of time that the cgroup grants; 0: no limit */
} machine;

/* Reads all but the GPUs. Exits with a message where nothing can be read. */
void machine_read(machine *m);

/* Looks for NVIDIA's, AMD's and Intel's GPUs on the PCI bus. root is "" but in tests. */
void machine_read_gpus(machine *m, const char *root);

/* NVIDIA's, as programs will count them, where this trireme was built to use them (or TRIREME_CUDA_LIBRARY names what does):
 * otherwise none, for nothing will run on them. */
void machine_read_gpus_to_use(machine *m);

/* Leaves those that CUDA_VISIBLE_DEVICES names, "2,0" or UUIDs, in its order; NULL: all. */
void machine_hide_gpus(machine *m, const char *visible);

/* What stands before /sys and /proc: "" but in tests (TRIREME_TEST_ROOT). */
const char *machine_root(void);

void machine_free(machine *m);
void machine_free_gpus(machine *m);

/* "1.5 GiB"; "-" where it is not known. */
const char *bytes_text(int64_t bytes, char text[16]);

/* The memory that the system counts; 0: unknown. */
int64_t machine_memory_bytes(void);

/* How many cores' worth of work this job may do at once: usables, less where the quota is less; at least 1. */
int machine_capacity(const machine *m);

/* The CPU limit of this process's cgroup (v1 or v2; the tightest on the way to
 * the root), in CPUs; 0: none. root is "" but in tests. */
double machine_cpu_quota(const char *root);

/* The same of its memory, in bytes. */
int64_t machine_memory_limit(const char *root);

#endif
