/* Data-parallel training on the ranks of one host, a thread and a batch of its own for each: what one rank does, what two do
 * that know nothing of each other, and what two do that add up their gradients.  Best: two that know nothing of each other.
 *
 * The program starts itself anew under `trireme run`, as `bench_scaling --ranks FILE BATCH TOGETHER ROUNDS RANKS`; rank 0
 * then writes into FILE the milliseconds a step took in each round, after how far the ranks' weights lie apart. */
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <trireme/dist.h>
#include <unistd.h>
#include "ceilings.h"
#include "mlp.h"

extern char **environ;

enum { MOST_ROUNDS = 1000,
       SAMPLES = 2048 /* that a rank sees in a round */ };

/* The largest difference between this rank's last weights and rank 0's. */
static double apart(tr_tensor *weight)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *all = tr_all_gather(tr_unsqueeze(tr_detach(weight), 0));
    return tr_item(tr_max(tr_abs(tr_sub(all, tr_select(all, 0, 0)))));
}

static int rank_main(int argc, char **argv)
{
    const char *path = argv[2];
    const int64_t ranks = atoll(argv[6]), batch = atoll(argv[3]), steps = 1 + SAMPLES / batch;
    bool together = atoi(argv[4]);
    int count = atoi(argv[5]);
    tr_dist_init(&argc, &argv);
    if (tr_dist_world() != ranks) return tr_dist_finish();
    tr_set_num_threads(1);
    mlp m = mlp_new(batch);
    if (m.x) bench_fill(tr_data(m.x), batch * PIXELS, (uint32_t)(1 + tr_dist_rank())); /* to each its own */
    tr_tensor *last = tr_parameters(m.model).tensor[4];
    if (together) m.model = tr_data_parallel(m.model);

    double took[MOST_ROUNDS];
    for (int round = -1; round < count; round++) {
        tr_barrier();
        double start = bench_seconds();
        for (int64_t i = 0; i < steps; i++)
            if (mlp_step(&m) < 0) return tr_dist_finish();
        tr_barrier(); /* the slowest rank counts */
        if (round >= 0) took[round] = 1e3 * (bench_seconds() - start) / (double)steps;
    }
    double error = together ? apart(last) : 0;
    FILE *f = tr_dist_rank() == 0 && !tr_error_stands() ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%g", error);
        for (int i = 0; i < count; i++) fprintf(f, " %.6g", took[i]);
        fclose(f);
    }
    return tr_dist_finish();
}

static int ranks_run(const char *launcher, const char *self, int ranks, int64_t batch, bool together, double *error, double *samples)
{
    char path[64], n[16], size[16], rounds[16];
    snprintf(path, sizeof path, "/tmp/bench_scaling.%ld", (long)getpid());
    snprintf(n, sizeof n, "%d", ranks);
    snprintf(size, sizeof size, "%lld", (long long)batch);
    snprintf(rounds, sizeof rounds, "%d", bench_rounds());
    const char *const argv[] = {launcher, "run", "--quiet", "-n", n, self, "--ranks", path, size, together ? "1" : "0", rounds, n, NULL};
    pid_t child;
    int status = -1, count = 0;
    remove(path);
    if (posix_spawnp(&child, launcher, NULL, NULL, (char *const *)argv, environ) != 0 || waitpid(child, &status, 0) != child || status != 0) return 0;
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    if (fscanf(f, "%lf", error) == 1)
        while (count < bench_rounds() && fscanf(f, "%lf", &samples[count]) == 1) count++;
    fclose(f);
    remove(path);
    return count == bench_rounds() ? count : 0;
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "--ranks") == 0) return rank_main(argc, argv);

    bench_subject subject = {"scaling", "a step of 784-512-512-10 on ranks of one thread, a batch each; best: as many that do not add up their gradients", "ms", "samples/s", "ranks * batch / time", "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    char self[PATH_MAX] = "", launcher[PATH_MAX + 16];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 1;
    snprintf(launcher, sizeof launcher, "%.*s/trireme", (int)(strrchr(self, '/') - self), self);
    if (access(launcher, X_OK) != 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        printf("# two ranks need two cores and %s\n", launcher);
        return bench_end();
    }
    const struct {
        const char *name;
        int ranks;
        bool together;
    } cases[] = {{"one rank", 1, false}, {"two ranks apart", 2, false}, {"two ranks together", 2, true}};
    const int64_t batches[] = {64, 1024};
    for (int i = 0; i < (bench_quick() ? 1 : 2); i++) {
        char size[32];
        double best = 0;
        snprintf(size, sizeof size, "batch %lld", (long long)batches[i]);
        printf("# peak of one thread and of two now: %.1f and %.1f GFLOP/s\n", ceiling_fma(1), ceiling_fma(2));
        for (int c = 0; c < 3; c++) {
            if (!bench_wants(cases[c].name, size)) continue;
            double samples[MOST_ROUNDS], error = INFINITY;
            int count = ranks_run(launcher, self, cases[c].ranks, batches[i], cases[c].together, &error, samples);
            if (count == 0) {
                printf("# %s, %s: did not run (no mpirun? built without MPI?)\n", cases[c].name, size);
                continue;
            }
            if (error != 0) { /* their weights are the same, bit for bit */
                bench_wrong(cases[c].name, size, error, 0);
                continue;
            }
            bench_case row = {.name = cases[c].name, .size = size, .work = (double)(cases[c].ranks * batches[i]), .ceiling = best};
            double median = bench_report(row, samples, count, error);
            best = cases[c].ranks == 2 && !cases[c].together ? row.work / (1e-3 * median) : 0;
        }
    }
    return bench_end();
}
