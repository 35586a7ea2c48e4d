/* Sums whose results are known, on this rank's device: every element of every rank's. */
#include "launcher/worker/worker.h"

#include <stdio.h>

enum { SMALL = 1,
       LARGE = 1 << 20, /* 4 MiB, in pieces that take every way there is */
       PERIOD = 97,
       ROUNDS = 9 };

/* 0, 1 ... 96, 0, 1 ...: rank r adds r to it; whole numbers, small enough to be summed exactly. */
static tr_tensor *pattern(int64_t count)
{
    return tr_remainder(tr_arange(0, count, 1, .dtype = TR_FLOAT32), PERIOD);
}

static int check(int64_t count)
{
    TR_SCOPE;
    double ranks = (double)tr_dist_world();
    tr_tensor *t = tr_to_device(tr_add(pattern(count), tr_dist_rank()), tr_dist_device());
    if (tr_all_reduce(t) < 0) return -1;
    tr_tensor *want = tr_add(tr_mul(pattern(count), ranks), ranks * (ranks - 1) / 2);
    double wrong = tr_item(tr_sum(tr_ne(tr_to_device(t, tr_cpu()), want)));
    if (!(wrong >= 0)) return -1;
    if (wrong > 0) {
        tr_fail("%.0f of %lld elements of a sum over %lld ranks are wrong", wrong, (long long)count, (long long)tr_dist_world());
        return -1;
    }
    return 0;
}

/* Of the slowest rank, the median; NaN with an error standing. */
static double seconds(int64_t count)
{
    TR_SCOPE;
    double samples[ROUNDS];
    tr_tensor *t = tr_zeros(TR_SHAPE(count), .device = tr_dist_device());
    for (int i = 0; i < ROUNDS; i++) {
        if (tr_barrier() < 0) return -1;
        double begin = worker_now();
        if (tr_all_reduce(t) < 0 || tr_synchronize(tr_dist_device()) < 0) return -1;
        samples[i] = worker_slowest(worker_now() - begin);
    }
    return worker_median(samples, ROUNDS);
}

int worker_check(int argc, char **argv)
{
    if (tr_dist_init(&argc, &argv) < 0) return 1;
    int hosts = worker_hosts();
    double small = -1, large = -1;
    if (check(SMALL) == 0 && check(LARGE) == 0) {
        small = seconds(SMALL);
        large = seconds(LARGE);
    }
    if (tr_dist_rank() == 0 && large >= 0)
        printf("check ranks %lld hosts %d device %s %.9g %.9g %s\n", (long long)tr_dist_world(), hosts, tr_device_name(tr_dist_device()), small, large, tr_dist_transport());
    return tr_dist_finish();
}
