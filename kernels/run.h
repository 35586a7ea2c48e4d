/* Calling a kernel, on the way of every operation: kernel_run() without what is seldom needed. */
#ifndef TRIREME_KERNELS_RUN_H
#define TRIREME_KERNELS_RUN_H

#include <stdatomic.h>
#include "core/watch.h"
#include "kernels/kernels.h"

/* The CPU's table, once it was chosen. */
extern _Atomic(const kernel_table *) kernels_cpu_chosen __attribute__((visibility("hidden")));

/* Run a call on the CPU, for a thread that is not recording. */
static inline int kernel_run_on_cpu(const kernel_call *call)
{
    const kernel_table *table = atomic_load_explicit(&kernels_cpu_chosen, memory_order_acquire);
    kernel_fn *kernel = table && !core_watched() ? (*table)[call->kernel][call->type] : NULL;
    return kernel ? kernel(call) : kernel_run((tr_device){TR_CPU, 0}, call);
}

#endif
