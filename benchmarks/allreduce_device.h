/* The sums of bench_allreduce between ranks' devices. */
#ifndef ALLREDUCE_DEVICE_H
#define ALLREDUCE_DEVICE_H

#include "dist/transport.h"

/* Every size, on every rank; rank 0 prints.  The number of elements on any rank that are not the sum.  A rank that fails says
 * why and ends all. */
int64_t allreduce_on_device(dist_transport *way, tr_device at, int rounds, bool quick);

#endif
