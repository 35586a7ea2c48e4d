/* From the start of a process to the end of its first training step: one process, two ranks under `trireme run`, and beside
 * them what mpirun and MPI themselves take with the launcher's settings, to the end of a barrier (peers/empty_mpi.c).
 *
 * The program starts itself anew as `bench_startup --first-step FILE DEVICE`, which trains for one step there and writes into
 * FILE what the clock then says; that clock is the same for all processes of a machine.  Every round starts each of them
 * once. */
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <trireme/dist.h>
#include <unistd.h>
#include "mlp.h"
#include "on_device.h"

extern char **environ;

enum { MOST_ROUNDS = 1000 };

static int first_step(int argc, char **argv, const char *path, bool on_cpu)
{
    tr_dist_init(&argc, &argv);
    tr_device device = on_cpu ? tr_cpu() : tr_dist_device();
    tr_module *net = mlp_model(&mlp_usual);
    if (tr_module_to(net, device) < 0) return tr_dist_finish();
    tr_module *model = tr_data_parallel(net);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.01, .momentum = 0.9);
    tr_tensor *loss = tr_cross_entropy(tr_forward(model, tr_to_device(tr_rand(TR_SHAPE(64, PIXELS)), device)), tr_to_device(tr_randint(0, CLASSES, TR_SHAPE(64)), device));
    bool done = tr_backward(loss) == 0 && tr_step(sgd) == 0 && tr_item(loss) > 0;
    double now = bench_seconds();
    FILE *f = done && tr_dist_rank() == 0 ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%lld %.9f\n", (long long)tr_dist_world(), now);
        fclose(f);
    }
    return tr_dist_finish();
}

/* Milliseconds to the end of the first step; infinity if there was none, or not with so many ranks. */
static double start(char *const *argv, const char *path, long long ranks)
{
    pid_t child;
    int status = -1;
    remove(path);
    double from = bench_seconds(), to;
    if (posix_spawnp(&child, argv[0], NULL, NULL, argv, environ) != 0) return INFINITY;
    if (waitpid(child, &status, 0) != child || status != 0) return INFINITY;
    FILE *f = fopen(path, "r");
    long long world = 0;
    if (!f || fscanf(f, "%lld %lf", &world, &to) != 2 || world != ranks) to = INFINITY;
    if (f) fclose(f);
    remove(path);
    return 1e3 * (to - from);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--first-step") == 0) return first_step(argc, argv, argv[2], strcmp(argv[3], "cpu") == 0);

    bench_subject subject = {"startup", "from the start of a process to the end of its first step, 784-512-512-10, batch 64", "ms", NULL, NULL, "trireme", tr_version()};
    tr_device unused; /* every rank takes its own, or the CPU */
    if (!bench_begin_on(argc, argv, subject, &unused)) return bench_end();
    char self[PATH_MAX] = "", launcher[PATH_MAX + 16], empty[PATH_MAX + 16], path[64];
    char option[] = "--first-step", run[] = "run", quiet[] = "--quiet", bare[] = "--no-watch", n[] = "-n", two[] = "2", device[32];
    snprintf(device, sizeof device, "%s", bench_device());
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 1;
    int folder = (int)(strrchr(self, '/') - self);
    snprintf(launcher, sizeof launcher, "%.*s/trireme", folder, self);
    snprintf(empty, sizeof empty, "%.*s/peer_empty_mpi", folder, self);
    snprintf(path, sizeof path, "/tmp/bench_startup.%ld", (long)getpid());

    struct {
        const char *name, *size;
        long long ranks;
        char *argv[10];
        bool wanted;
        double worst, samples[MOST_ROUNDS];
    } cases[] = {
        {.name = "process", .size = "1 rank", .ranks = 1, .argv = {self, option, path, device}},
        {.name = "trireme run", .size = "2 ranks", .ranks = 2, .argv = {launcher, run, quiet, n, two, self, option, path, device}},
        {.name = "mpirun, empty MPI program", .size = "2 ranks", .ranks = 2, .argv = {launcher, run, quiet, bare, n, two, empty, path}},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    for (int i = 0; i < CASES; i++) {
        char *const *argv_of = cases[i].argv;
        bool there = access(argv_of[0], X_OK) == 0 && (i < 2 || access(empty, X_OK) == 0);
        cases[i].wanted = bench_wants(cases[i].name, cases[i].size);
        if (cases[i].wanted && !there) printf("# %s: there is no %s\n", cases[i].name, i < 2 ? argv_of[0] : empty);
        cases[i].wanted &= there;
    }
    for (int s = -1; s < bench_rounds(); s++)
        for (int i = 0; i < CASES; i++) {
            if (!cases[i].wanted) continue;
            double took = start(cases[i].argv, path, cases[i].ranks);
            cases[i].worst = fmax(cases[i].worst, took);
            if (s >= 0) cases[i].samples[s] = took;
        }
    double median[CASES] = {0};
    for (int i = 0; i < CASES; i++) {
        if (!cases[i].wanted) continue;
        if (isinf(cases[i].worst))
            printf("# %s: did not run\n", cases[i].name);
        else
            median[i] = bench_report((bench_case){.name = cases[i].name, .size = cases[i].size}, cases[i].samples, bench_rounds(), NAN);
    }
    if (median[1] > 0 && median[2] > 0)
        printf("#  the first step of two ranks has ended after %.0f ms (wanted: 200 at most), %.0f ms later than the barrier of the empty program\n", median[1], median[1] - median[2]);
    return bench_end();
}
