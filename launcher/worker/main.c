#include "launcher/worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int ranks_main(int argc, char **argv)
{
    worker_wish wish = {.samples = atoll(argv[2]), .compute_s = atof(argv[3]), .bucket_bytes = atoll(argv[4]), .rounds = atoi(argv[5])};
    if (tr_dist_init(&argc, &argv) < 0) return 1;
    if (wish.compute_s > 0) tr_set_num_threads(1); /* hosts that are simulated share their cores */
    setvbuf(stdout, NULL, _IOLBF, 0);
    int hosts = worker_hosts();
    if (tr_dist_rank() == 0) printf("bench ranks %lld hosts %d threads %d %s\n", (long long)tr_dist_world(), hosts, tr_num_threads(), tr_dist_transport());
    if (worker_collectives(&wish) == 0) worker_step(&wish);
    return tr_dist_finish();
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "ranks") == 0) return ranks_main(argc, argv);
    if (argc == 2 && strcmp(argv[1], "check") == 0) return worker_check(argc, argv);
    if (argc == 4 && strcmp(argv[1], "plot") == 0) return worker_plot(argv[2], argv[3]) < 0;
    fputs("trireme bench and trireme doctor start this program, on ranks\n", stderr);
    return 2;
}
