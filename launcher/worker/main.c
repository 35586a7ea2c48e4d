#include "launcher/worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
