#include "launcher/worker/worker.h"

#include <math.h>
#include <stdio.h>

enum { MOST_ROUNDS = 101,
       STEP_BYTES = 3 << 20, /* summed one after the other, as a step's buckets are: over a network that is not as one alone */
       LEAST_BYTES = 1 << 10,
       MOST_BYTES = 4 << 20 };

static const double longest_s = 0.03;

static int sum(tr_tensor *t) { return tr_all_reduce(t); }

static int gather(tr_tensor *t)
{
    TR_SCOPE;
    return tr_all_gather(t) ? 0 : -1;
}

/* Seconds of one; NaN with an error standing. */
static double sample(int (*run)(tr_tensor *t), tr_tensor *t, int times)
{
    if (tr_barrier() < 0) return NAN;
    double begin = worker_now();
    for (int i = 0; i < times; i++)
        if (run(t) < 0) return NAN;
    return worker_slowest((worker_now() - begin) / times);
}

static int measure(const char *name, int (*run)(tr_tensor *t), int64_t bytes, int64_t each, int rounds)
{
    TR_SCOPE;
    tr_tensor *t = tr_zeros(TR_SHAPE(each / (int64_t)sizeof(float)));
    double samples[MOST_ROUNDS], once = fmin(sample(run, t, 1), sample(run, t, 1));
    int times = (int)fmax(1, fmin(STEP_BYTES / (double)bytes, longest_s / once));
    for (int i = 0; i < rounds && i < MOST_ROUNDS; i++) samples[i] = sample(run, t, times);
    if (tr_error_stands()) return -1;
    if (tr_dist_rank() == 0) printf("bench %s %lld %.9g\n", name, (long long)bytes, worker_median(samples, rounds < MOST_ROUNDS ? rounds : MOST_ROUNDS));
    return 0;
}

int worker_collectives(const worker_wish *wish)
{
    const int64_t line = 64 * tr_dist_world(); /* equal parts of whole cache lines */
    if (tr_dist_world() == 1) return 0;
    for (int64_t bytes = LEAST_BYTES; bytes <= MOST_BYTES; bytes *= 4) {
        int64_t each = (bytes + line - 1) / line * 64;
        if (measure("sum", sum, bytes, bytes, wish->rounds) < 0) return -1;
        if (measure("gather", gather, each * tr_dist_world(), each, wish->rounds) < 0) return -1;
    }
    return 0;
}
