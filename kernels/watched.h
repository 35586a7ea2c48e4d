#ifndef TRIREME_KERNELS_WATCHED_H
#define TRIREME_KERNELS_WATCHED_H

#include "kernels/kernels.h"

/* kernel(call) there, with a span for those who watch (core/watch.h). */
int kernel_run_watched(tr_device at, kernel_fn *kernel, const kernel_call *call);

#endif
