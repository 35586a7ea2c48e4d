#include "launcher/worker/worker.h"

#include <stdlib.h>
#include <time.h>

double worker_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double worker_slowest(double seconds)
{
    TR_SCOPE;
    return tr_item(tr_max(tr_all_gather(tr_full(TR_SHAPE(1), seconds, .dtype = TR_FLOAT64))));
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double worker_median(double *samples, int count)
{
    qsort(samples, (size_t)count, sizeof *samples, ascending);
    return 0.5 * (samples[(count - 1) / 2] + samples[count / 2]);
}

/* Ranks that are the first of their host. */
int worker_hosts(void)
{
    TR_SCOPE;
    double first = tr_dist_local_rank() == 0;
    return (int)tr_item(tr_sum(tr_all_gather(tr_full(TR_SHAPE(1), first, .dtype = TR_FLOAT64))));
}
