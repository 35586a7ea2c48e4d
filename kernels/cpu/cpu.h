/* The CPU's kernels that are compiled once: they move memory or call libraries that look at the processor themselves.
 * Each puts its own into the table. */
#ifndef TRIREME_KERNELS_CPU_H
#define TRIREME_KERNELS_CPU_H

#include "kernels/kernels.h"

void kernels_index(kernel_table table);
void kernels_mask(kernel_table table);
void kernels_nll(kernel_table table);
void kernels_gemm(kernel_table table);
void kernels_inverse(kernel_table table);
void kernels_solve(kernel_table table);
void kernels_cumsum(kernel_table table);
void kernels_sort(kernel_table table);

/* Fill a table with a level's kernels: "v2", "v3", "v4", elsewhere "generic".  False: not built, or this processor lacks
 * what it needs. */
bool kernels_of_level(const char *name, kernel_table table);

#endif
