/* A test that starts its own program again as ranks of a job, in which the variable TEST_PART names what to do. */
#ifndef JOB_H
#define JOB_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <trireme/dist.h>
#include <unistd.h>

/* ---- in the ranks ---- */

/* What a rank does in a job of this name. */
typedef struct {
    const char *name;
    int (*play)(void);
} job_part;
#define PART(function) .name = #function, .play = function

/* For BEFORE_ALL: the part of this rank, which has met the others; NULL: this is the test itself. */
static const char *part_of_rank(int *argc, char ***argv)
{
    const char *part = getenv("TEST_PART");
    if (part && tr_dist_init(argc, argv) < 0) exit(tr_dist_finish());
    return part;
}

static _Noreturn void play_part(const job_part *parts, size_t count, const char *part)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(parts[i].name, part) == 0) exit(parts[i].play());
    exit(99);
}

/* ---- in the test ---- */

static char output[1 << 16];
static double took;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Plays a part under `launcher`; its exit status, with its output above. */
static int run_job(const char *launcher, const char *part)
{
    char self[2048], command[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = '\0';
    static const char *const settings[][2] = {
        {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
        {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
        {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
        {"OMPI_MCA_hwloc_base_binding_policy", "none"},
        {"OMPI_MCA_mpi_yield_when_idle", "1"},
        {"OMPI_MCA_pml", "ob1"},
        {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"},
        {"OMP_NUM_THREADS", "1"},
        {"LSAN_OPTIONS", "suppressions=" TEST_DIR "/suppressions/openmpi.lsan:print_suppressions=0"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) setenv(settings[i][0], settings[i][1], 0);
    setenv("TEST_PART", part, 1);
    snprintf(command, sizeof command, "timeout -k 2 20 %s '%s' 2>&1", launcher, self);
    double start = seconds_now();
    FILE *job = popen(command, "r");
    assert_non_null(job);
    output[fread(output, 1, sizeof output - 1, job)] = '\0';
    int status = pclose(job);
    took = seconds_now() - start;
    unsetenv("TEST_PART");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Was it late by more than a busy machine explains, which takes so long for a job of nothing? */
static bool too_late(double seconds)
{
    if (took <= seconds) return false;
    double start = seconds_now();
    return system("timeout 20 mpirun -n 3 true >/dev/null 2>&1") != 0 || took > seconds + 3 * (seconds_now() - start);
}

/* It failed, in time, and by itself. */
static void assert_failed_within(double seconds, int status, const char *what)
{
    if (status == 0 || status == 124 || took > seconds) print_error("%s: status %d after %.1f s:\n%s\n", what, status, took, output);
    assert_int_not_equal(status, 0);
    assert_int_not_equal(status, 124); /* ended by timeout */
    assert_false(too_late(seconds));
}

static void need_mpirun(void)
{
#if !__has_include(<mpi.h>)
    skip_because("built without MPI");
#endif
    if (system("command -v mpirun >/dev/null") != 0) skip_because("no mpirun");
}

static void assert_output_has(const char *text)
{
    if (!strstr(output, text)) print_error("not in the output: %s\n%s\n", text, output);
    assert_non_null(strstr(output, text));
}

#endif
