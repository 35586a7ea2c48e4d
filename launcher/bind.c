/* trireme bind-exec SHARES -- program ...: what mpirun starts on every rank.
 *
 * SHARES lists the CPUs of each local rank, "0-3:4-7". Not for users, and so
 * in no help text. Whoever set a narrower affinity before us meant it: the
 * share is cut to what the process already has, never widened. */
#include "launcher/command.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
# include <sys/prctl.h>
#endif

static int local_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = getenv(names[i]);
        if (text && *text >= '0' && *text <= '9') return atoi(text);
    }
    fail(EXIT_USAGE, "bind-exec", "no local rank in the environment; trireme run starts this");
}

/* The rank's entry of "0-3:4-7". */
static cpus share_of(int rank, const char *shares)
{
    cpus share;
    const char *at = shares;
    for (int r = 0; at && r < rank; r++) {
        at = strchr(at, ':');
        if (at) at++;
    }
    if (!at) fail(EXIT_USAGE, "bind-exec", "local rank %d has no share in %s", rank, shares);
    if (cpus_parse(&share, at, strcspn(at, ":")) < 0) fail(EXIT_USAGE, "bind-exec", "'%s' is no list of CPUs", shares);
    return share;
}

/* mpirun that is killed, or interrupted at a bad moment (seen with Open MPI
 * 4.1.4), leaves its ranks running, and spinning. */
static void end_with_mpirun(void)
{
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

int launcher_bind_exec(int argc, char **argv)
{
    if (argc < 4 || strcmp(argv[2], "--") != 0) fail(EXIT_USAGE, "bind-exec", "needs SHARES -- program");
    int rank = local_rank();
    cpus share = share_of(rank, argv[1]), mine;
    if (cpus_of_this_thread(&mine) == 0) cpus_cut(&share, &mine);

    /* a rank that runs anywhere still computes the right thing: say so and go on */
    if (cpus_count(&share) == 0)
        fprintf(stderr, "trireme: rank %d: may use none of its CPUs in %s; not bound\n", rank, argv[1]);
    else if (cpus_bind_this_process(&share) != 0)
        fprintf(stderr, "trireme: rank %d: cannot bind: %s\n", rank, strerror(errno));

    end_with_mpirun();
    command c = {0};
    for (int i = 3; i < argc; i++) command_add(&c, argv[i]);
    command_exec(&c);
    fprintf(stderr, "trireme: rank %d: %s: %s\n", rank, argv[3], strerror(errno));
    command_free(&c);
    return EXIT_CANNOT_EXECUTE;
}
