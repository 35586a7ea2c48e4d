/* Data-parallel training on the ranks of one host, a thread and a batch of its own for each: what one rank does, what two do
 * that know nothing of each other, two that meet at a barrier where they would add up their gradients, and two that add
 * them up.  Best: two that know nothing of each other.
 *
 * With --device cuda each rank trains on its GPU, which is one for both where there is one: then two that know nothing of each
 * other share it, too, and what they add up passes through the host.
 *
 * The program starts itself anew under `trireme run`, as `bench_scaling --ranks FILE BATCH ROUNDS RANKS DEVICE SAMPLES WIDTH`.
 * Two ranks take all three ways in every round, each beginning with another one, so that what disturbs one disturbs all.
 * Rank 0 then writes into FILE how far the ranks' weights lie apart, and the milliseconds that a step took, round by round. */
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
#include "on_device.h"

extern char **environ;

enum { MOST_ROUNDS = 1000 };

typedef enum { APART,
               BARRIER,
               TOGETHER,
               WAYS } way;

/* ---- a rank ---- */

/* The largest difference between this rank's last weights and rank 0's. */
static double apart(tr_tensor *weight)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *all = tr_all_gather(tr_unsqueeze(bench_at_home(tr_detach(weight)), 0));
    return tr_item(tr_max(tr_abs(tr_sub(all, tr_select(all, 0, 0)))));
}

static int step(mlp *m, bool barrier)
{
    TR_SCOPE;
    tr_tensor *loss = tr_cross_entropy(tr_forward(m->model, m->x), m->y);
    if (tr_backward(loss) < 0 || (barrier && tr_barrier() < 0) || tr_step(m->sgd) < 0) return -1;
    tr_zero_grad(m->sgd);
    return 0;
}

/* Milliseconds; the slowest rank counts, and its device. */
static double steps_take(mlp *m, way w, int64_t steps)
{
    tr_barrier();
    double start = bench_seconds();
    for (int64_t i = 0; i < steps; i++)
        if (step(m, w == BARRIER) < 0) return NAN;
    if (tr_synchronize(tr_device_of(m->x)) < 0) return NAN;
    tr_barrier();
    return 1e3 * (bench_seconds() - start) / (double)steps;
}

static int rank_main(int argc, char **argv)
{
    const char *path = argv[2];
    const int64_t batch = atoll(argv[3]), ranks = atoll(argv[5]), steps = 1 + atoll(argv[7]) / batch;
    const mlp_network network = {"mlp", 3, {PIXELS, atoi(argv[8]), atoi(argv[8]), CLASSES}};
    int count = atoi(argv[4]), ways = ranks > 1 ? WAYS : 1;
    tr_dist_init(&argc, &argv);
    tr_device device = strcmp(argv[6], "cpu") != 0 ? tr_dist_device() : tr_cpu();
    if (tr_dist_world() != ranks) return tr_dist_finish();
    tr_set_num_threads(1);
    mlp m[WAYS];
    for (int w = 0; w < ways; w++) {
        m[w] = mlp_new_on(&network, batch, TR_DEFAULT_DTYPE, device);
        tr_tensor *x = tr_empty(TR_SHAPE(batch, PIXELS)); /* to each its own */
        if (x) bench_fill(tr_data(x), batch * PIXELS, (uint32_t)(1 + tr_dist_rank()));
        m[w].x = tr_to_device(x, device);
    }
    tr_tensor *last = tr_parameters(m[ways - 1].model).tensor[4];
    if (ranks > 1) m[TOGETHER].model = tr_data_parallel(m[TOGETHER].model);

    double took[MOST_ROUNDS][WAYS];
    for (int round = -1; round < count; round++)
        for (int i = 0; i < ways; i++) {
            int w = (round + 1 + i) % ways;
            double ms = steps_take(&m[w], (way)w, steps);
            if (!(ms > 0)) return tr_dist_finish();
            if (round >= 0) took[round][w] = ms;
        }
    double error = ranks > 1 ? apart(last) : 0;
    FILE *f = tr_dist_rank() == 0 && !tr_error_stands() ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%g", error);
        for (int i = 0; i < count; i++)
            for (int w = 0; w < ways; w++) fprintf(f, " %.6g", took[i][w]);
        fclose(f);
    }
    return tr_dist_finish();
}

/* ---- all of them ---- */

/* What shows that all of it runs where a device may be one that is played. */
static bool is_little(void) { return bench_quick() && bench_on_device(); }

/* Of sample[way][round]; how many rounds: bench_rounds(), or 0 if they did not run. */
static int ranks_run(const char *launcher, const char *self, int ranks, int64_t batch, double *error, double sample[WAYS][MOST_ROUNDS])
{
    char path[64], n[16], size[16], rounds[16];
    snprintf(path, sizeof path, "/tmp/bench_scaling.%ld", (long)getpid());
    snprintf(n, sizeof n, "%d", ranks);
    snprintf(size, sizeof size, "%lld", (long long)batch);
    snprintf(rounds, sizeof rounds, "%d", bench_rounds());
    const char *samples = is_little() ? "16" : "2048", *width = is_little() ? "16" : "512"; /* samples: that a rank sees in a round */
    const char *const argv[] = {launcher, "run", "--quiet", "-n", n, self, "--ranks", path, size, rounds, n, bench_device(), samples, width, NULL};
    pid_t child;
    int status = -1, wanted = bench_rounds() * (ranks > 1 ? WAYS : 1), count = 0;
    remove(path);
    if (posix_spawnp(&child, launcher, NULL, NULL, (char *const *)argv, environ) != 0 || waitpid(child, &status, 0) != child || status != 0) return 0;
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    if (fscanf(f, "%lf", error) == 1)
        while (count < wanted && fscanf(f, "%lf", &sample[count % (ranks > 1 ? WAYS : 1)][count / (ranks > 1 ? WAYS : 1)]) == 1) count++;
    fclose(f);
    remove(path);
    return count == wanted ? bench_rounds() : 0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The throughput of adding up beside that of another way, in each round. */
static void print_ratio(const char *size, const char *of, double wanted, const double *other, const double *together, int count)
{
    double ratio[MOST_ROUNDS];
    for (int i = 0; i < count; i++) ratio[i] = 100 * other[i] / together[i];
    qsort(ratio, (size_t)count, sizeof *ratio, ascending);
    printf("#  %s: together %.1f %% of %s, median of the rounds' ratios [p10 %.1f, p90 %.1f]; wanted at batch 128: %g %%\n",
           size, ratio[count / 2], of, ratio[count / 10], ratio[count - 1 - count / 10], wanted);
}

static void measure(const char *launcher, const char *self, int64_t batch)
{
    static const char *const names[WAYS] = {"two ranks apart", "two ranks, a barrier", "two ranks together"};
    static double sample[WAYS][MOST_ROUNDS], sorted[MOST_ROUNDS];
    char size[32];
    double error = INFINITY, best = 0;
    snprintf(size, sizeof size, "batch %lld", (long long)batch);
    bool wanted = bench_wants("one rank", size);
    for (int w = 0; w < WAYS; w++) wanted |= bench_wants(names[w], size);
    if (!wanted) return;
    if (!bench_on_device()) printf("# peak of one thread and of two now: %.1f and %.1f GFLOP/s\n", ceiling_fma(1), ceiling_fma(2));
    for (int ranks = 1; ranks <= 2; ranks++) {
        int count = ranks_run(launcher, self, ranks, batch, &error, sample);
        if (count == 0) {
            printf("# %d rank%s, %s: did not run (no mpirun? built without MPI?)\n", ranks, ranks > 1 ? "s" : "", size);
            continue;
        }
        if (error != 0) { /* their weights are the same, bit for bit */
            bench_wrong(names[TOGETHER], size, error, 0);
            continue;
        }
        for (int w = 0; w < (ranks > 1 ? WAYS : 1); w++) {
            bench_case row = {.name = ranks > 1 ? names[w] : "one rank", .size = size, .work = (double)(ranks * batch), .ceiling = best};
            memcpy(sorted, sample[w], sizeof sorted);
            double median = bench_report(row, sorted, count, w == TOGETHER ? error : NAN);
            if (ranks > 1 && w == APART) best = row.work / (1e-3 * median);
        }
        if (ranks == 1) continue;
        print_ratio(size, "a barrier in place of the sum", 95, sample[BARRIER], sample[TOGETHER], count);
        print_ratio(size, "ranks apart", 92, sample[APART], sample[TOGETHER], count);
    }
}

int main(int argc, char **argv)
{
    if (argc == 9 && strcmp(argv[1], "--ranks") == 0) return rank_main(argc, argv);

    bench_subject subject = {"scaling", "a step of 784-512-512-10 on ranks of one thread, a batch each; best: as many that do not add up their gradients", "ms", "samples/s", "ranks * batch / time", "trireme", tr_version()};
    tr_device device;
    if (!bench_begin_on(argc, argv, subject, &device)) return bench_end();
    char self[PATH_MAX] = "", launcher[PATH_MAX + 16];
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 1;
    snprintf(launcher, sizeof launcher, "%.*s/trireme", (int)(strrchr(self, '/') - self), self);
    if (access(launcher, X_OK) != 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        printf("# two ranks need two cores and %s\n", launcher);
        return bench_end();
    }
    const int64_t batches[] = {is_little() ? 8 : 128, 64, 1024};
    for (int i = 0; i < (bench_quick() ? 1 : 3); i++) measure(launcher, self, batches[i]);
    return bench_end();
}
