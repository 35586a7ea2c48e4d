/* trireme run: cores are shared out by us, ranks are started by mpirun.
 *
 * mpirun starts `trireme bind-exec SHARES -- program ...` on every rank, which
 * takes its share by local rank, binds itself and becomes the program: the
 * plan is made once, here, and 64 ranks need not read the topology 64 times. */
#include "launcher/command.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char help[] =
    "usage: trireme run [options] program [arguments]\n"
    "\n"
    "Starts N ranks of an MPI program on this host, each bound to its own share of\n"
    "the cores that this job may use. Exits with the program's status.\n"
    "\n"
    "  -n N             number of ranks; by default one for each NUMA node\n"
    "  --threads T      OMP_NUM_THREADS of each rank; by default $OMP_NUM_THREADS if\n"
    "                   set, else one for each of its cores\n"
    "  --oversubscribe  allow more ranks than cores\n"
    "  --no-bind        let ranks run on any core\n"
    "  --dry-run        print the mpirun line for a shell and exit\n"
    "  -q, --quiet      no table of ranks on stderr\n"
    "\n"
    "  trireme run -n 2 ./digits --epochs 3\n"
    "  trireme run -n 4 --oversubscribe ./digits\n";

typedef struct {
    plan_wish wish;
    bool dry_run, quiet, no_bind;
    char **program; /* with its arguments */
} options;

static options read_options(int argc, char **argv)
{
    enum { THREADS = 256,
           OVERSUBSCRIBE,
           NO_BIND,
           DRY_RUN,
           HOSTS };
    static const struct option names[] = {
        {"ranks", required_argument, NULL, 'n'},
        {"threads", required_argument, NULL, THREADS},
        {"oversubscribe", no_argument, NULL, OVERSUBSCRIBE},
        {"no-bind", no_argument, NULL, NO_BIND},
        {"dry-run", no_argument, NULL, DRY_RUN},
        {"quiet", no_argument, NULL, 'q'},
        {"hosts", required_argument, NULL, HOSTS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    options o = {0};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "+:n:qh", names, NULL)) != -1;) switch (c) {
        case 'n':
            if (strcmp(optarg, "p") == 0 && optind < argc) optarg = argv[optind++]; /* -np, as mpirun has it */
            o.wish.ranks = count_option("run", "-n", optarg);
            break;
        case THREADS: o.wish.threads = count_option("run", "--threads", optarg); break;
        case OVERSUBSCRIBE: o.wish.oversubscribe = true; break;
        case NO_BIND: o.no_bind = true; break;
        case DRY_RUN: o.dry_run = true; break;
        case 'q': o.quiet = true; break;
        case HOSTS: fail_usage("run", "--hosts: not yet; ranks are started on this host only");
        case 'h': fputs(help, stdout); exit(EXIT_SUCCESS);
        default: fail_option("run", c, argv);
        }
    if (optind == argc) fail_usage("run", "no program named");
    o.program = argv + optind;
    return o;
}

static void find_program(const char *name)
{
    char path[PATH_MAX], here[PATH_MAX];
    int status = program_find(name, path, sizeof path);
    if (status == EXIT_CANNOT_EXECUTE) fail(status, "run", "%s is not an executable file", path);
    if (status == 0) return;
    snprintf(here, sizeof here, "./%s", name);
    if (!strchr(name, '/') && access(here, X_OK) == 0)
        fail(status, "run", "no program '%s' on PATH; did you mean %s ?", name, here);
    fail(status, "run", "no program '%s'", name);
}

/* Settings for ranks of one host: shared memory and no look at the network,
 * which is 0.2 s of the 0.3 s that an empty program takes otherwise. Open MPI 5
 * reads OMPI_MCA_ too, its launcher PRTE_MCA_; "vader" is its "sm". */
static void add_settings(command *c, const plan *p)
{
    command_default(c, "OMPI_MCA_pml", "ob1");
    command_default(c, "OMPI_MCA_btl", "self,vader");
    command_default(c, "PMIX_MCA_gds", "hash");
    /* a batch system's list of hosts and slots: ours are this host and -n */
    command_default(c, "OMPI_MCA_ras", "^slurm,tm,lsf,gridengine");
    command_default(c, "PRTE_MCA_ras", "^slurm,tm,lsf,gridengine");
    if (p->oversubscribed) command_default(c, "OMPI_MCA_mpi_yield_when_idle", "1");
    if (geteuid() == 0) {
        command_default(c, "OMPI_ALLOW_RUN_AS_ROOT", "1");
        command_default(c, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    }
}

/* mpirun puts a pipe between a rank's stderr and the terminal: progress bars
 * are told of the terminal that only we see. */
static void add_terminal(command *c, char columns[16])
{
    struct winsize size;
    const char *terminal = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !terminal || strcmp(terminal, "dumb") == 0) return;
    command_default(c, "TRIREME_PROGRESS", "bar");
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return;
    snprintf(columns, 16, "%d", size.ws_col);
    command_default(c, "COLUMNS", columns);
}

static void self(char *path, size_t bytes)
{
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    if (length < 0) fail(EXIT_FAILURE, "run", "cannot tell where the trireme command stands: %s", strerror(errno));
    path[length] = 0;
}

static void show(const plan *p, const machine *m, bool no_bind)
{
    fprintf(stderr, "trireme: %d rank%s on %s%s\n", p->ranks, p->ranks == 1 ? "" : "s", m->host,
            no_bind ? ", not bound to these CPUs" : "");
    plan_print(stderr, p, m, 16);
    if (p->free_cores) fprintf(stderr, "  %d core%s left over\n", p->free_cores, p->free_cores == 1 ? "" : "s");
    const char *slurm_hosts = getenv("SLURM_JOB_NUM_NODES");
    if (slurm_hosts && atoi(slurm_hosts) > 1) fprintf(stderr, "  only this one of the Slurm job's %d hosts is used\n", atoi(slurm_hosts));
    fflush(stderr);
}

int launcher_run(int argc, char **argv)
{
    options o = read_options(argc, argv);
    find_program(o.program[0]);

    char why[200], mpirun[PATH_MAX], launcher[PATH_MAX], ranks[16], threads[16], host[32], columns[16];
    machine m;
    plan p;
    machine_read(&m);
    const char *given = getenv("OMP_NUM_THREADS");
    if (plan_make(&p, &m, o.wish, why, sizeof why) < 0) fail(EXIT_USAGE, "run", "%s", why);
    if (given && atoi(given) > 0 && !o.wish.threads) p.threads = atoi(given);

    int found = mpirun_find(mpirun, sizeof mpirun);
    if (found != 0 && (p.ranks > 1 || getenv("TRIREME_MPIRUN")))
        fail(found, "run", "no '%s' to start %d ranks with: install Open MPI (Debian, Ubuntu: apt install openmpi-bin)", mpirun, p.ranks);

    command c = {0};
    snprintf(threads, sizeof threads, "%d", p.threads);
    if (o.wish.threads)
        command_set(&c, "OMP_NUM_THREADS", threads);
    else
        command_default(&c, "OMP_NUM_THREADS", threads);
    /* GNU's threads spin for milliseconds at a barrier before they sleep; where something else holds a core, every
     * barrier then lasts a scheduler's slice.  The MNIST example on two threads of two busy cores: 57 s, and 11 s so. */
    if (p.threads > 1 && !getenv("OMP_WAIT_POLICY")) command_default(&c, "GOMP_SPINCOUNT", "10000");
    if (found == 0) {
        add_settings(&c, &p);
        add_terminal(&c, columns);
        snprintf(ranks, sizeof ranks, "%d", p.ranks);
        snprintf(host, sizeof host, "localhost:%d", p.ranks); /* as many slots as ranks: how many fit was decided above */
        const char *line[] = {mpirun, "-n", ranks, "--host", host, "--bind-to", "none"};
        for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) command_add(&c, line[i]);
    }
    char *shares = plan_cpus_text(&p);
    if (found == 0 && !o.no_bind) {
        self(launcher, sizeof launcher);
        command_add(&c, launcher);
        command_add(&c, "bind-exec");
        command_add(&c, shares);
        command_add(&c, "--");
    }
    for (char **word = o.program; *word; word++) command_add(&c, *word);

    int status = EXIT_SUCCESS;
    if (!o.quiet) show(&p, &m, o.no_bind);
    if (o.dry_run) {
        command_print(stdout, &c);
    } else {
        command_exec(&c);
        status = EXIT_CANNOT_EXECUTE;
        fprintf(stderr, "trireme run: %s: %s\n", c.arg[0], strerror(errno));
    }
    command_free(&c);
    free(shares);
    plan_free(&p);
    machine_free(&m);
    return status;
}
