/* From the start of a process to the end of its first training step: one process, and two ranks under mpirun.
 *
 * The program starts itself anew as `bench_startup --first-step FILE`, which trains for one step and writes into FILE what
 * the clock then says; that clock is the same for all processes of a machine. */
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

extern char **environ;

static int first_step(int argc, char **argv, const char *path)
{
    tr_dist_init(&argc, &argv);
    tr_module *model = tr_data_parallel(mlp_model());
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.01, .momentum = 0.9);
    tr_tensor *loss = tr_cross_entropy(tr_forward(model, tr_rand(TR_SHAPE(64, PIXELS))), tr_randint(0, CLASSES, TR_SHAPE(64)));
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
    if (argc == 3 && strcmp(argv[1], "--first-step") == 0) return first_step(argc, argv, argv[2]);

    bench_subject subject = {"startup", "from the start of a process to the end of its first step, 784-512-512-10, batch 64", "ms", NULL, NULL, "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    char self[PATH_MAX] = "", launcher[PATH_MAX + 16], path[64], option[] = "--first-step", run[] = "run", quiet[] = "--quiet", n[] = "-n", two[] = "2";
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 1;
    snprintf(launcher, sizeof launcher, "%.*s/trireme", (int)(strrchr(self, '/') - self), self);
    snprintf(path, sizeof path, "/tmp/bench_startup.%ld", (long)getpid());

    const struct {
        const char *name, *size;
        long long ranks;
        char *argv[9];
    } cases[] = {
        {"process", "1 rank", 1, {self, option, path}},
        {"trireme run", "2 ranks", 2, {launcher, run, quiet, n, two, self, option, path}},
    };
    for (int i = 0; i < 2; i++) {
        if (!bench_wants(cases[i].name, cases[i].size)) continue;
        if (access(cases[i].argv[0], X_OK) != 0) {
            printf("# %s: there is no %s\n", cases[i].name, cases[i].argv[0]);
            continue;
        }
        double samples[1000], worst = start(cases[i].argv, path, cases[i].ranks);
        for (int s = 0; s < bench_rounds(); s++) {
            samples[s] = start(cases[i].argv, path, cases[i].ranks);
            if (samples[s] > worst) worst = samples[s];
        }
        if (isinf(worst)) {
            printf("# %s: did not train\n", cases[i].name);
            continue;
        }
        bench_report((bench_case){.name = cases[i].name, .size = cases[i].size}, samples, bench_rounds(), NAN);
    }
    return bench_end();
}
