/* trireme rank [--alone] [options of trireme run] SHARES -- program ...: what mpirun starts on every rank.
 *
 * SHARES lists the CPUs of each local rank, "0-3:4-7"; "auto": they are shared out here, on a host that trireme run has
 * not seen; "none": not bound. Not for users, and so in no help text. Whoever set a narrower affinity before us meant
 * it: the share is cut to what the process already has, never widened. */
#include "launcher/guard.h"
#include "launcher/launcher.h"
#include "launcher/mpi_folder.h"
#include "launcher/options.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
# include <sys/prctl.h>
#endif

/* Where a rank stands among all, and among those of its host. */
typedef struct {
    int rank, ranks, local_rank, local_ranks;
} place;

static int number_in(const char *const names[3], int otherwise)
{
    for (int i = 0; i < 3; i++) {
        const char *text = names[i] ? getenv(names[i]) : NULL;
        if (text && *text >= '0' && *text <= '9') return atoi(text);
    }
    return otherwise;
}

static place find_place(bool alone)
{
    static const char *const rank[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"};
    static const char *const ranks[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"};
    static const char *const local[] = {"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"};
    static const char *const locals[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", NULL};
    if (alone) return (place){.ranks = 1, .local_ranks = 1};
    place p = {.local_rank = number_in(local, -1)};
    if (p.local_rank < 0) fail(EXIT_USAGE, "rank", "no local rank in the environment; trireme run starts this");
    p.rank = number_in(rank, p.local_rank);
    p.ranks = number_in(ranks, 0);
    p.local_ranks = number_in(locals, 0);
    return p;
}

/* trireme run passes its own options on; behind them, where its program would stand, come the shares. */
static run_options read_options(int argc, char **argv, const char **shares)
{
    if (argc < 2) fail(EXIT_USAGE, "rank", "needs SHARES -- program; trireme run starts this");
    run_options o = run_options_read(argc, argv);
    if (!o.program[1] || strcmp(o.program[1], "--") != 0 || !o.program[2]) fail(EXIT_USAGE, "rank", "needs SHARES -- program");
    *shares = o.program[0];
    o.program += 2;
    return o;
}

/* ---- binding ---- */

/* The rank's entry of "0-3:4-7". */
static cpus share_of(int rank, const char *shares)
{
    cpus share;
    const char *at = shares;
    for (int r = 0; at && r < rank; r++) {
        at = strchr(at, ':');
        if (at) at++;
    }
    if (!at) fail(EXIT_USAGE, "rank", "local rank %d has no share in %s", rank, shares);
    if (cpus_parse(&share, at, strcspn(at, ":")) < 0) fail(EXIT_USAGE, "rank", "'%s' is no list of CPUs", shares);
    return share;
}

static void bind_to(cpus share, int rank, const char *shares)
{
    cpus mine;
    if (cpus_of_this_thread(&mine) == 0) cpus_cut(&share, &mine);
    /* a rank that runs anywhere still computes the right thing: say so and go on */
    if (cpus_count(&share) == 0)
        fprintf(stderr, "trireme: rank %d: may use none of its CPUs in %s; not bound\n", rank, shares);
    else if (cpus_bind_this_process(&share) != 0)
        fprintf(stderr, "trireme: rank %d: cannot bind: %s\n", rank, strerror(errno));
}

/* Shares this host out, as trireme run does where it can see the host. Returns the rank's row of the table. */
static plan_rank share_out(plan_wish wish, place at, int *threads, char node[16], int *gpu)
{
    char why[200];
    machine m;
    plan p;
    const char *given = getenv("OMP_NUM_THREADS");
    machine_read(&m);
    machine_read_gpus_to_use(&m);
    wish.ranks = at.local_ranks > at.local_rank ? at.local_ranks : at.local_rank + 1;
    if (plan_make(&p, &m, wish, why, sizeof why) < 0) fail(EXIT_USAGE, "run", "on %s: %s", m.host, why);
    plan_rank mine = p.rank[at.local_rank];
    *threads = wish.threads || !given || atoi(given) < 1 ? p.threads : atoi(given);
    *gpu = mine.gpu;
    snprintf(node, 16, "several");
    if (mine.node >= 0) snprintf(node, 16, "%d", m.node[mine.node].number);
    if (m.gpus > 1) setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 0); /* as the plan counts them */
    if (p.oversubscribed) setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    plan_free(&p);
    machine_free(&m);
    return mine;
}

/* ---- meeting trireme run ---- */

/* Calls it; where nobody answers this rank must not run on its own. */
static void call(wire *line, const char *address, place at, const char *row)
{
    char key[WIRE_KEY_BYTES], host[254] = "";
    gethostname(host, sizeof host - 1);
    if (wire_connect(line, address, key) < 0)
        fail(EXIT_FAILURE, "run", "rank %d on %s cannot reach trireme run at %s: %s; --no-watch starts without it", at.rank, host,
             address + WIRE_KEY_BYTES, strerror(errno));
    wire_print(line, WIRE_HELLO, "%s%d\n%s\n%s", key, at.rank, host, row);
}

/* Waits until all ranks are there. Returns the seconds after which a silent line is dead. */
static int wait_for_go(wire *line)
{
    char *data;
    size_t bytes;
    for (;;) {
        struct pollfd waits = {.fd = line->fd, .events = POLLIN};
        if (poll(&waits, 1, -1) < 0 && errno != EINTR) exit(EXIT_FAILURE);
        bool down = wire_read(line) < 0;
        int type = wire_next(line, &data, &bytes);
        if (type == WIRE_GO) return atoi(data);
        if (down || type != 0) exit(EXIT_FAILURE); /* it has ended, and said why */
    }
}

/* mpirun that is killed, or interrupted at a bad moment (seen with Open MPI
 * 4.1.4), leaves its ranks running, and spinning. */
static void end_with_mpirun(void)
{
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

int launcher_rank(int argc, char **argv)
{
    bool alone = argc > 1 && strcmp(argv[1], "--alone") == 0;
    const char *shares;
    run_options o = read_options(argc - alone, argv + alone, &shares);
    place at = find_place(alone);
    char row[9000] = "", node[16] = "", threads_text[16], log[PATH_MAX];
    end_with_mpirun();
    unsetenv(MPI_FOLDER); /* mpirun has set another by it, and MPI_Init will not have both */

    if (strcmp(shares, "auto") == 0) {
        int threads = 1, gpu = -1;
        plan_rank mine = share_out(o.wish, at, &threads, node, &gpu);
        char *text = cpus_text(&mine.cpus);
        if (!o.no_bind) bind_to(mine.cpus, at.rank, text);
        snprintf(threads_text, sizeof threads_text, "%d", threads);
        setenv("OMP_NUM_THREADS", threads_text, 1);
        if (threads > 1 && !getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "10000", 0);
        snprintf(row, sizeof row, "%s\n%d\n%d\n%d\n%s", node, mine.cores, threads, gpu, text);
        free(text);
    } else if (strcmp(shares, "none") != 0) {
        bind_to(share_of(at.local_rank, shares), at.rank, shares);
    }

    wire line = {.fd = -1};
    int silent_s = 0;
    const char *address = getenv("TRIREME_LAUNCHER");
    bool watched = address && *address;
    if (watched) {
        call(&line, address, at, row);
        unsetenv("TRIREME_LAUNCHER"); /* its key is not the program's affair */
        silent_s = wait_for_go(&line);
    }

    command c = {0};
    for (char **word = o.program; *word; word++) command_add(&c, *word);
    if (!watched && !o.tag && !o.log_folder) {
        command_exec(&c);
        fprintf(stderr, "trireme: rank %d: %s: %s\n", at.rank, o.program[0], strerror(errno));
        command_free(&c);
        return EXIT_CANNOT_EXECUTE;
    }
    if (o.log_folder) log_path(log, sizeof log, o.log_folder, at.rank, at.ranks);
    int status = guard_run((guard_wish){.line = watched ? &line : NULL, .silent_s = silent_s, .rank = at.rank, .ranks = at.ranks, .tag = o.tag, .log = o.log_folder ? log : NULL, .program = &c});
    wire_close(&line);
    command_free(&c);
    free(o.sent);
    return status;
}
