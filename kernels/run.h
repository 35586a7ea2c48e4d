/* Calling a kernel, on the way of every operation: kernel_run() without what is seldom needed. */
#ifndef TRIREME_KERNELS_RUN_H
#define TRIREME_KERNELS_RUN_H

#include <stdatomic.h>
#include "core/watch.h"
#include "kernels/kernels.h"

/* The CPU's table, once it was chosen. */
extern _Atomic(const kernel_table *) kernels_cpu_chosen __attribute__((visibility("hidden")));

/* Run a call of this kernel and type on the CPU, for a thread that is not recording. */
static inline __attribute__((always_inline)) int kernel_run_here(int number, tr_dtype type, const kernel_call *call)
{
    const kernel_table *table = atomic_load_explicit(&kernels_cpu_chosen, memory_order_acquire);
    kernel_fn *kernel = table && !core_watched() ? (*table)[number][type] : NULL;
    return kernel ? kernel(call) : kernel_run((tr_device){TR_CPU, 0}, call);
}
static inline int kernel_run_on_cpu(const kernel_call *call) { return kernel_run_here(call->kernel, (tr_dtype)call->type, call); }

#endif
