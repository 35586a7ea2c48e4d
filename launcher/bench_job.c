#include "launcher/bench.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Beside this command where both were built, else where it was installed. */
bool bench_worker_stands(char *path, size_t bytes)
{
    char self[PATH_MAX];
    launcher_self(self, sizeof self);
    int folder = (int)(strrchr(self, '/') - self);
    snprintf(path, bytes, "%.*s/trireme-bench-worker", folder, self);
    if (access(path, X_OK) == 0) return true;
    snprintf(path, bytes, "%.*s/%s/trireme-bench-worker", folder, self, TRIREME_TO_LIBEXEC);
    return access(path, X_OK) == 0;
}

void bench_worker_find(char *path, size_t bytes)
{
    if (!bench_worker_stands(path, bytes)) fail(EXIT_NOT_FOUND, "bench", "no %s: trireme was built or installed without it", path);
}

/* ---- what the worker says (worker/worker.h) ---- */

static void read_line(bench_job *j, const char *line)
{
    long long bytes;
    double seconds;
    int flag, used = 0;
    if (sscanf(line, "bench ranks %d hosts %d threads %d %n", &j->ranks, &j->hosts, &j->threads, &used) == 3 && used) {
        snprintf(j->transport, sizeof j->transport, "%.*s", (int)strcspn(line + used, "\n"), line + used);
    } else if (sscanf(line, "bench sum %lld %lf", &bytes, &seconds) == 2 && j->sums < BENCH_SIZES) {
        j->sum[j->sums++] = (bench_sum){bytes, seconds};
    } else if (sscanf(line, "bench gather %lld %lf", &bytes, &seconds) == 2 && j->gathers < BENCH_SIZES) {
        j->gather[j->gathers++] = (bench_sum){bytes, seconds};
    } else if (sscanf(line, "bench gradient %lld %lf", &bytes, &seconds) == 2 && j->gradients < BENCH_GRADIENTS) {
        j->gradient[j->gradients].bytes = bytes;
        j->gradient[j->gradients++].ready_s = seconds;
    } else if (sscanf(line, "bench thread %d", &flag) == 1) {
        j->thread = flag;
    } else if (sscanf(line, "bench alone %lf", &seconds) == 1) {
        j->alone_s = seconds;
    } else if (sscanf(line, "bench backward %lf", &seconds) == 1) {
        j->backward_s = seconds;
    } else if (sscanf(line, "bench together %lf", &seconds) == 1) {
        j->together_s = seconds;
    } else if (sscanf(line, "bench buffers %lf", &seconds) == 1) {
        j->buffers_s = seconds;
    } else if (sscanf(line, "bench communication %lf", &seconds) == 1) {
        j->communication_s = seconds;
    } else {
        fputs(line, stdout);
    }
}

static void read_all(bench_job *j, int from)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fdopen(from, "r");
    if (!f) out_of_memory();
    while (getline(&line, &room, f) >= 0)
        if (j) read_line(j, line); /* else it is the line of a dry run */
    free(line);
    fclose(f);
}

/* ---- a job ---- */

static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int bench_call(char *const *argv)
{
    pid_t child;
    int error = posix_spawn(&child, argv[0], NULL, NULL, argv, environ);
    if (error != 0) fail(EXIT_FAILURE, "bench", "%s: %s", argv[0], strerror(error));
    return wait_for(child);
}

/* The same, its output to a pipe that is read here. */
static int run(bench_job *j, char *const *argv)
{
    int ends[2];
    pid_t child;
    posix_spawn_file_actions_t files;
    fflush(stdout);
    if (pipe(ends) != 0) fail(EXIT_FAILURE, "bench", "no pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&files, ends[0]);
    posix_spawn_file_actions_addclose(&files, ends[1]);
    int error = posix_spawn(&child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (error != 0) fail(EXIT_FAILURE, "bench", "%s: %s", argv[0], strerror(error));
    read_all(j, ends[0]);
    return wait_for(child);
}

static int run_ranks(bench_job *job, const bench_options *o, int ranks, bool dry)
{
    char launcher[PATH_MAX], worker[PATH_MAX], n[16], threads[16], number[4][32];
    launcher_self(launcher, sizeof launcher);
    bench_worker_find(worker, sizeof worker);
    snprintf(n, sizeof n, "%d", ranks);
    snprintf(threads, sizeof threads, "%d", o->threads);
    snprintf(number[0], sizeof number[0], "%lld", (long long)o->samples);
    snprintf(number[1], sizeof number[1], "%.9g", o->compute_s);
    snprintf(number[2], sizeof number[2], "%lld", (long long)o->bucket_bytes);
    snprintf(number[3], sizeof number[3], "%d", o->rounds);

    const char **argv = need_memory(25 + 2 * o->sents, sizeof *argv);
    int args = 0;
    const char *begin[] = {launcher, "run", "--quiet", "-n", n, "--threads", threads};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) argv[args++] = begin[i];
    if (o->hosts || o->hostfile) {
        argv[args++] = o->hosts ? "--hosts" : "--hostfile";
        argv[args++] = o->hosts ? o->hosts : o->hostfile;
    }
    if (dry) argv[args++] = "--dry-run";
    if (o->oversubscribe) argv[args++] = "--oversubscribe";
    for (int i = 0; i < o->sents; i++) {
        argv[args++] = "-x";
        argv[args++] = o->sent[i];
    }
    const char *end[] = {worker, "ranks", number[0], number[1], number[2], number[3]};
    for (size_t i = 0; i < sizeof end / sizeof *end; i++) argv[args++] = end[i];
    int status = run(job, (char *const *)argv);
    free(argv);
    return status;
}

int bench_job_check(const bench_options *o, int ranks)
{
    return run_ranks(NULL, o, ranks, true);
}

int bench_job_run(bench_job *job, const bench_options *o, int ranks)
{
    *job = (bench_job){0};
    int status = run_ranks(job, o, ranks, false);
    if (status == 0 && (job->ranks != ranks || job->hosts < 1 || !(job->together_s > 0))) {
        fprintf(stderr, "trireme bench: %d ranks: the program that measures has not said all (built without MPI?)\n", ranks);
        status = EXIT_FAILURE;
    }
    return status;
}
