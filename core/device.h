/* Devices and their memory.  The CPU is built in; CUDA comes as a shared object of its own (module.h). */
#ifndef TRIREME_CORE_DEVICE_H
#define TRIREME_CORE_DEVICE_H

#include <trireme/lanes.h>
#include <trireme/tensor.h>
#include <trireme/types.h>

/* What a thread's kernels ask of a device can be noted instead of done, and then be done as a whole, again and again. */
typedef struct core_graph core_graph;
typedef int core_asking(void *data); /* calls kernels; 0; positive: that was to find out what they want, ask again; negative with an error noted */

typedef struct {
    /* Note what `ask` asks for, which is not done; it may be called again, if there was too little memory for what its kernels
     * want.  What its lanes (trireme/lanes.h) are asked for meanwhile is in the graph.  NULL with an error noted. */
    core_graph *(*capture)(int index, core_asking *ask, void *data);
    /* Do it, in the order of what else the device is asked for.  Before, `renew` calls once more, in their order, those
     * kernels whose numbers may have changed (kernel_takes_numbers), which then launch nothing.  0 or negative. */
    int (*launch)(core_graph *graph, core_asking *renew, void *data);
    void (*forget)(core_graph *graph);
} core_graphs;

/* Devices of one kind.  `index` says which of them. */
typedef struct core_device {
    int count;
    const char *reason; /* why there are none; NULL if there are some */
    /* At least `bytes` of memory, *capacity says how many; NULL with an error noted that names `what`. */
    void *(*take)(int index, int64_t bytes, int64_t *capacity, const char *what);
    void (*give)(int index, void *p, int64_t capacity);
    /* Memory to and from the host, in the order of what the device is asked.  to_device has read `host` when it returns, and
     * waits for nothing; from_device waits, for all that was asked before, too: what that met is its error.  0 or -1. */
    int (*to_device)(int index, void *device, const void *host, int64_t bytes);
    int (*from_device)(int index, void *host, const void *device, int64_t bytes);
    /* From one of these devices to another, in the order of both, waiting for nothing.  0 or -1. */
    int (*across)(int to, void *there, int from, const void *here, int64_t bytes);
    int (*synchronize)(int index);
    /* The kernels that this thread calls from now on run there.  0 or -1. */
    int (*enter)(int index);
    tr_memory_stats (*memory)(int index);
    /* "NVIDIA H100 80GB HBM3, 79.1 GiB, sm_90, 0000:17:00.0, peers 1 2", which starts nothing there.  NULL where nobody asks. */
    void (*describe)(int index, char *text, int64_t bytes);
    void *kernels;             /* a kernel_table (kernels/kernels.h) */
    const tr_lanes_ *lanes;    /* NULL: none */
    void (*trim)(void);        /* What is kept for reuse on any of these devices goes back to the system; waits for them. */
    const core_graphs *graphs; /* NULL: none */
} core_device;

/* The device's kind, or NULL with an error noted that says why it is not there. */
const core_device *core_device_of(tr_device device);

extern const core_device core_cpu __attribute__((visibility("hidden")));

#endif
