/* How the cores are shared out among the ranks of one host.
 *
 * All ranks take a step together, so the one with the fewest cores sets the
 * pace: every rank gets the same number of cores, floor(cores / ranks), whole
 * cores with all their hardware threads, neighbours in the machine's order.
 * No rank crosses from one NUMA node into another where all can avoid it, and
 * the nodes then get as equal a number of ranks as they have cores. A rank with
 * a GPU sits beside it as long as there is room:
 *
 *     2 nodes of 4 cores     0 1 2 3 | 4 5 6 7
 *     2 ranks                a a a a | b b b b
 *     3 ranks                a a b b | c c - -
 *     5 ranks                a b c - | d e - -      3 cores stay free
 *
 * With more ranks than cores (only when asked) neighbours share a core. */
#ifndef LAUNCHER_PLAN_H
#define LAUNCHER_PLAN_H

#include "launcher/machine.h"

#include <stdio.h>

typedef struct {
    int ranks;          /* 0: one for each GPU, or for each NUMA node where there is none */
    int threads;        /* per rank; 0: one for each of its cores */
    bool oversubscribe; /* more ranks than cores, more threads than hardware threads */
} plan_wish;

typedef struct {
    cpus cpus;
    int cores;
    int node; /* index into machine.node; -1: cores of several */
    int gpu;  /* index into machine.gpu: by local rank, in turns; -1: there is none */
} plan_rank;

typedef struct {
    plan_rank *rank; /* owned; by local rank */
    int ranks;
    int threads;         /* per rank */
    int free_cores;      /* given to nobody */
    bool oversubscribed; /* ranks outnumber the cores: waiting must give up the core */
} plan;

/* Shares out m's usable cores, each rank's near its GPU where there is room. Returns 0, or -1 with the reason in why, a sentence for the user. */
int plan_make(plan *p, const machine *m, plan_wish wish, char *why, size_t why_bytes);
void plan_free(plan *p);

/* Whether all of a rank's cores are on other NUMA nodes than its GPU; false where that is not known. */
bool plan_gpu_is_far(const plan *p, const machine *m, int rank);

/* A table's head and one row of it. A GPU below 0 is none. */
void plan_print_head(FILE *out, int host_width);
void plan_print_row(FILE *out, int host_width, int rank, const char *host, const char *node, int cores, int threads, int gpu,
                    const char *where);
int plan_host_width(const char *host);

/* The table of rank, host, node, cores, threads and GPU; at most limit rows (0: all). */
void plan_print(FILE *out, const plan *p, const machine *m, int limit);

/* What bind-exec reads: the ranks' CPUs, "0-3:4-7". The caller frees it. */
char *plan_cpus_text(const plan *p);

#endif
