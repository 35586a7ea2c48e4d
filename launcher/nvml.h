/* What NVIDIA's driver tells of its GPUs, through its management library (libnvidia-ml), which needs no CUDA context and is
 * loaded only when asked. */
#ifndef LAUNCHER_NVML_H
#define LAUNCHER_NVML_H

#include <stdbool.h>
#include <stdint.h>

enum { NVML_GPUS = 64,
       NVML_LINKS = 36 };

/* Why a GPU runs slower than it could: bits of nvml_gpu.slow. */
enum { NVML_SLOW_IDLE = 0x1,
       NVML_SLOW_SETTING = 0x2, /* clocks that somebody has set */
       NVML_SLOW_POWER_CAP = 0x4,
       NVML_SLOW_HARDWARE = 0x8,
       NVML_SLOW_HEAT = 0x20,
       NVML_SLOW_HARDWARE_HEAT = 0x40,
       NVML_SLOW_POWER_BRAKE = 0x80 };

enum { NVML_SHARED = 0,
       NVML_PROHIBITED = 2,
       NVML_ONE_PROCESS = 3 };

/* A number that the driver does not tell is -1. */
typedef struct {
    char name[96];
    char bus[20]; /* as the system writes it, "0000:17:00.0" */
    char uuid[80];
    int64_t memory_bytes, used_bytes;
    int64_t slow;
    int clock_mhz, most_mhz; /* of the multiprocessors */
    int persistence;         /* 1: the driver stays loaded between programs */
    int mode;                /* NVML_SHARED ... */
    int mig;                 /* 1: divided */
    int processes;           /* that compute on it now */
    int64_t ecc_uncorrected; /* since the driver was loaded */
    int rows_pending;        /* 1: memory that failed is replaced when the GPU is reset */
    int rows_failed;         /* 1: there is none left to replace it */
    int pcie_lanes, most_pcie_lanes;
    int links;                    /* NVLinks that are up */
    int links_down;               /* that the GPU has, and are not */
    char far_end[NVML_LINKS][20]; /* of each that is up: the PCI address of a GPU or a switch */
} nvml_gpu;

typedef struct {
    char driver[64]; /* "580.65.06" */
    int cuda;        /* the newest CUDA it can run, 13000; 0: not told */
    nvml_gpu gpu[NVML_GPUS];
    int gpus;
    char why[200]; /* why nothing is known */
} nvml;

/* Reads it all. Returns 0, or -1 with why. */
int nvml_read(nvml *n);

/* The GPU at a PCI address; NULL: not told of. */
const nvml_gpu *nvml_at(const nvml *n, const char *bus);

/* NVLinks between two of them; to a switch, which joins all that are at one. */
int nvml_links_between(const nvml_gpu *a, const nvml_gpu *b);
int nvml_links_to_switch(const nvml *n, const nvml_gpu *gpu);

#endif
