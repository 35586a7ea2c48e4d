#include "dist/launcher.h"

#include <stdlib.h>

/* Open MPI, MPICH and its kin (Intel, Cray), MVAPICH, Flux.  First those that count all ranks. */
static const char *const counts[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "FLUX_JOB_SIZE"};

/* These say only that there is a launcher. */
static const char *const signs[] = {"PMIX_RANK", "PMI_RANK", "PMI_FD", "MPI_LOCALNRANKS", "PALS_RANKID"};

static int64_t count_in(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtoll(text, NULL, 10) : 0;
}

dist_launch dist_launcher(void)
{
    enum { COUNTS = sizeof counts / sizeof *counts,
           SIGNS = sizeof signs / sizeof *signs };
    for (int i = 0; i < COUNTS; i++)
        if (count_in(counts[i]) > 0) return (dist_launch){counts[i], count_in(counts[i])};

    /* Slurm: the size of the step, which srun sets.  SLURM_NTASKS is the whole allocation's, and a program that a batch
     * script starts by hand sees it too; so does a shell under `srun --pty`, which is a step of one task. */
    if (count_in("SLURM_STEP_NUM_TASKS") > 1) return (dist_launch){"SLURM_STEP_NUM_TASKS", count_in("SLURM_STEP_NUM_TASKS")};

    for (int i = 0; i < SIGNS; i++)
        if (getenv(signs[i])) return (dist_launch){signs[i], 0};
    return (dist_launch){0};
}

int64_t dist_launcher_local_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "MV2_COMM_WORLD_LOCAL_RANK", "PALS_LOCAL_RANKID", "FLUX_TASK_LOCAL_ID", "SLURM_LOCALID"};
    enum { NAMES = sizeof names / sizeof *names };
    for (int i = 0; i < NAMES; i++) {
        const char *text = getenv(names[i]);
        if (text && *text >= '0' && *text <= '9') return strtoll(text, NULL, 10);
    }
    return 0;
}
