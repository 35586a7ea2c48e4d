/* trireme info: what this trireme is, and what it finds here. */
#include "kernels/cpu/processor.h"
#include "launcher/command.h"
#include "launcher/launcher.h"

#include <getopt.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char help[] =
    "usage: trireme info\n"
    "\n"
    "Prints the version, how it was built, and the mpirun, hwloc, processor and CUDA\n"
    "devices found (or why there are none).\n";

#if defined(__clang__)
# define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
# define COMPILER "gcc " __VERSION__
#else
# define COMPILER "an unknown compiler"
#endif

/* The kernels that the library will choose here. */
static const char *kernels_text(char text[100])
{
    static const char *const features[] = {" (SSE4.2)", " (AVX2, FMA)", " (AVX-512)"};
    const char *cap = getenv("TRIREME_CPU_LEVEL");
    int level = cpu_level(cap), best = cpu_level(NULL);
    const char *family = CPU_LEVELS > 1 ? "x86-64-" : "";
    snprintf(text, 100, "%s%s%s", family, cpu_level_names[level], CPU_LEVELS > 1 ? features[level] : "");
    if (level != best) {
        size_t used = strlen(text);
        snprintf(text + used, 100 - used, "; TRIREME_CPU_LEVEL holds it below %s", cpu_level_names[best]);
    }
    return text;
}

/* How ranks will travel, as far as that is known before they are started. */
static const char *ranks_meet(void)
{
    const char *wish = getenv("TRIREME_TRANSPORT");
    if (!*TRIREME_BUILT_MPI) return "not at all: built without MPI";
    if (!wish || !*wish || strcmp(wish, "auto") == 0) return "in shared memory where there is room for it, hosts over MPI";
    if (strcmp(wish, "shared") == 0) return "in shared memory, hosts over MPI (TRIREME_TRANSPORT)";
    if (strcmp(wish, "mpi") == 0) return "over MPI (TRIREME_TRANSPORT)";
    return "not at all: TRIREME_TRANSPORT is none of auto, shared, mpi";
}

/* The first line that `mpirun --version` prints. */
static void first_line_of_version(char *mpirun, char *line, size_t bytes)
{
    int ends[2];
    pid_t child;
    char option[] = "--version", *argv[] = {mpirun, option, NULL};
    posix_spawn_file_actions_t actions;
    *line = 0;
    if (pipe(ends) != 0) return;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    int status = posix_spawn(&child, mpirun, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    if (status == 0 && out) {
        char rest[256];
        if (!fgets(line, (int)bytes, out)) *line = 0;
        while (fgets(rest, sizeof rest, out)) continue; /* it must not die of a closed pipe */
        waitpid(child, NULL, 0);
    }
    if (out)
        fclose(out);
    else
        close(ends[0]);
    line[strcspn(line, "\n")] = 0;
}

int launcher_info(int argc, char **argv)
{
    static const struct option names[] = {
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", names, NULL)) != -1;) {
        if (c != 'h') fail_option("info", c, argv);
        fputs(help, stdout);
        return EXIT_SUCCESS;
    }
    if (optind < argc) fail_usage("info", "'%s': no argument expected", argv[optind]);

    machine m;
    char mpirun[PATH_MAX], version[128], kernels[100];
    machine_read(&m);
    printf("trireme %s\n", TRIREME_VERSION);
    printf("built with\n");
    printf("  compiler   %s\n", COMPILER);
    printf("  build      %s\n", *TRIREME_BUILD_TYPE ? TRIREME_BUILD_TYPE : "no build type");
    printf("  MPI        %s\n", *TRIREME_BUILT_MPI ? TRIREME_BUILT_MPI : "no");
    printf("  CUDA       %s\n", *TRIREME_BUILT_CUDA ? TRIREME_BUILT_CUDA : "no");
    printf("found here\n");
    if (mpirun_find(mpirun, sizeof mpirun) == 0) {
        first_line_of_version(mpirun, version, sizeof version);
        printf("  mpirun     %s: %s\n", mpirun, *version ? version : "tells no version");
    } else {
        printf("  mpirun     none; only one rank can be started\n");
    }
    printf("  ranks meet %s\n", ranks_meet());
    printf("  topology   from %s\n", m.source);
    printf("  processor  %s\n", *m.cpu ? m.cpu : "not known");
    printf("  kernels    %s\n", kernels_text(kernels));
    printf("  cores      %d usable of %d\n", m.usables, m.cores);
    cuda_print(true);
    machine_free(&m);
    return EXIT_SUCCESS;
}
