/* One rank, nobody to meet: every collective is done before it begins. */
#include "dist/transport.h"

#include <stdlib.h>
#include <string.h>

static int all_reduce(dist_transport *way, void *data, int64_t n, tr_dtype dtype)
{
    (void)way, (void)data, (void)n, (void)dtype;
    return 0;
}

static int broadcast(dist_transport *way, void *data, int64_t bytes, int64_t root)
{
    (void)way, (void)data, (void)bytes, (void)root;
    return 0;
}

static int all_gather(dist_transport *way, const void *mine, void *all, int64_t bytes)
{
    (void)way;
    if (bytes > 0) memcpy(all, mine, (size_t)bytes);
    return 0;
}

static int largest(dist_transport *way, uint64_t *words, int n, double seconds)
{
    (void)way, (void)words, (void)n, (void)seconds;
    return 0;
}

static int barrier(dist_transport *way)
{
    (void)way;
    return 0;
}

/* Never called: where there is one rank, an error is returned and nobody waits. */
static void leave_all(dist_transport *way, int status)
{
    (void)way, (void)status;
}

static int finish(dist_transport *way)
{
    (void)way;
    return 0;
}

dist_transport *dist_alone(void)
{
    static dist_transport one = {
        .name = "none",
        .world = 1,
        .all_reduce = all_reduce,
        .broadcast = broadcast,
        .all_gather = all_gather,
        .largest = largest,
        .barrier = barrier,
        .abort = leave_all,
        .finish = finish,
    };
    return &one;
}
