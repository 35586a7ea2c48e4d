/* trireme topo: topo.c the machine and the job's share of it, topo_gpus.c its GPUs. */
#ifndef LAUNCHER_TOPO_H
#define LAUNCHER_TOPO_H

#include "launcher/plan.h"

/* Each by its number in the order of the bus, with what NVIDIA's driver tells of it, if there is one. */
void topo_print_gpus(const machine *m);

/* The ranks whose cores are far from their GPUs, and what to do; nothing if there is none. */
void topo_print_far_gpus(const plan *p, const machine *m);

#endif
