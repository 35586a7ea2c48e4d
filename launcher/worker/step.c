#include "launcher/worker/worker.h"

#include <math.h>
#include <stdio.h>

enum { MOST_ROUNDS = 101 };

/* Seconds of one step; the slowest rank counts.  NaN with an error standing. */
static double steps_take(network *n, int steps)
{
    if (tr_barrier() < 0) return NAN;
    double begin = worker_now();
    for (int i = 0; i < steps; i++)
        if (network_step(n) < 0) return NAN;
    return worker_slowest((worker_now() - begin) / steps);
}

/* The network's sums alone, in the buckets of its steps: everything is ready at once. */
static double sums_take(const network *n, tr_reducer *r)
{
    if (tr_barrier() < 0) return NAN;
    double begin = worker_now();
    if (tr_reducer_begin(r, 1) < 0) return NAN;
    for (int i = 0; i < n->gradients; i++)
        if (tr_reducer_ready(r, n->gradients - 1 - i) < 0) return NAN;
    if (tr_reducer_wait(r) < 0) return NAN;
    return worker_slowest(worker_now() - begin);
}

/* A step of simulated device work whose gradients are buffers. */
static double buffers_take(network *n, tr_reducer *r)
{
    if (tr_barrier() < 0) return NAN;
    n->begin_s = worker_now();
    network_works_until(n, network_finishes(n, -1));
    if (tr_reducer_begin(r, 1) < 0) return NAN;
    for (int i = 0; i < n->gradients; i++) {
        network_works_until(n, network_finishes(n, i));
        if (tr_reducer_ready(r, n->gradients - 1 - i) < 0) return NAN;
    }
    if (tr_reducer_wait(r) < 0) return NAN;
    return worker_slowest(worker_now() - n->begin_s);
}

static int sums_as_buffers(network *n, const worker_wish *wish, int rounds)
{
    TR_SCOPE;
    double alone[MOST_ROUNDS], step[MOST_ROUNDS];
    tr_buffer buffers[NETWORK_GRADIENTS];
    for (int i = 0; i < n->gradients; i++) { /* the last buffer is finished first */
        int64_t count = n->bytes[n->gradients - 1 - i] / (int64_t)sizeof(float);
        buffers[i] = (tr_buffer){tr_data(tr_zeros(TR_SHAPE(count))), count, TR_FLOAT32};
    }
    tr_reducer *r = tr_error_stands() ? NULL : tr_reducer_new(buffers, n->gradients, .bucket_bytes = wish->bucket_bytes, .first_bucket_bytes = wish->bucket_bytes);
    for (int i = -2; r && i < rounds; i++) { /* the second learns the order */
        double took = sums_take(n, r), beside = n->compute_s > 0 ? buffers_take(n, r) : 0;
        if (i < 0) continue;
        alone[i] = took;
        step[i] = beside;
    }
    tr_reducer_free(r);
    if (tr_error_stands()) return -1;
    if (tr_dist_rank() == 0) printf("bench communication %.9g\nbench buffers %.9g\n", worker_median(alone, rounds), worker_median(step, rounds));
    return 0;
}

static double median_of(double (*rounds)[NETWORK_GRADIENTS], int count, int column)
{
    double samples[MOST_ROUNDS];
    for (int i = 0; i < count; i++) samples[i] = rounds[i][column];
    return worker_median(samples, count);
}

int worker_step(const worker_wish *wish)
{
    TR_SCOPE;
    static network by_itself, ranks;
    static double ready[MOST_ROUNDS][NETWORK_GRADIENTS];
    double alone[MOST_ROUNDS], together[MOST_ROUNDS], backward[MOST_ROUNDS];
    int rounds = wish->rounds < MOST_ROUNDS ? wish->rounds : MOST_ROUNDS;
    if (network_make(&by_itself, wish, false) < 0 || network_make(&ranks, wish, true) < 0) return -1;

    const double fill = 0.05; /* of a round: so that a scheduler's slice does not matter */
    steps_take(&ranks, 2);    /* buckets find their order */
    steps_take(&by_itself, 2);
    double once = steps_take(&by_itself, 1);
    int steps = once < fill ? (int)(fill / once) + 1 : 1;
    for (int i = 0; i < rounds; i++) { /* in turns: what disturbs one disturbs the other */
        alone[i] = steps_take(&by_itself, steps);
        together[i] = steps_take(&ranks, steps);
        backward[i] = by_itself.backward_s;
        for (int g = 0; g < by_itself.gradients; g++) ready[i][g] = by_itself.ready_s[g];
        if (tr_error_stands()) return -1;
    }
    if (tr_dist_rank() == 0) {
        for (int g = 0; g < by_itself.gradients; g++) printf("bench gradient %lld %.9g\n", (long long)by_itself.bytes[g], median_of(ready, rounds, g));
        printf("bench alone %.9g\nbench backward %.9g\nbench together %.9g\n", worker_median(alone, rounds), worker_median(backward, rounds), worker_median(together, rounds));
        printf("bench thread %d\n", tr_data_parallel_report_of(ranks.model).by_thread);
    }
    return tr_dist_world() == 1 ? 0 : sums_as_buffers(&ranks, wish, rounds);
}
