/* trireme run: cores are shared out by us, ranks are started by mpirun.
 *
 * mpirun starts `trireme rank SHARES -- program ...` on every rank, which takes its share by local rank, binds itself and
 * stands beside the program (guard.c) for job.c, here. On one host the plan is made once, here, and 64 ranks need not
 * read the topology 64 times; on several every host makes its own, for they may differ. */
#include "launcher/hosts.h"
#include "launcher/job.h"
#include "launcher/launcher.h"
#include "launcher/mpi_folder.h"
#include "launcher/options.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

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

/* Settings for mpirun. On one host shared memory and no look at the network, which is 0.2 s of the 0.3 s that an empty
 * program takes otherwise; between hosts Open MPI knows best. Open MPI 5 reads OMPI_MCA_ too, its launcher PRTE_MCA_;
 * "vader" is its "sm". */
static void add_settings(command *c, const run_options *o, bool network, bool oversubscribed)
{
    if (!network) {
        command_default(c, "OMPI_MCA_pml", "ob1");
        command_default(c, "OMPI_MCA_btl", "self,vader");
        command_default(c, "PMIX_MCA_gds", "hash");
        /* a batch system's list of hosts and slots: ours are this host and -n. Between hosts mpirun needs the list, to
         * tell srun where its daemons are to start */
        command_default(c, "OMPI_MCA_ras", "^slurm,tm,lsf,gridengine");
        command_default(c, "PRTE_MCA_ras", "^slurm,tm,lsf,gridengine");
    }
    /* TCP asks before it sends more than 64 KiB, and the question waits behind the other direction's data. Sums of gradients'
     * buckets over 1 Gbit/s: 41 ms of 2.7 MB so on two hosts, 24 where 256 KiB go at once; on four 70 and 42. */
    if (network) command_default(c, "OMPI_MCA_btl_tcp_eager_limit", "262144");
    if (!o->no_watch) command_default(c, "OMPI_MCA_orte_execute_quiet", "1"); /* who failed, we say better */
    if (oversubscribed) command_default(c, "OMPI_MCA_mpi_yield_when_idle", "1");
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

/* -x for what all hosts are to have: ours, the library's, NCCL's and OpenMP's settings, and the user's own. */
static void add_sent(command *c, const run_options *o)
{
    static const char *const families[] = {"TRIREME_", "NCCL_", "OMP_", "GOMP_"};
    for (char **variable = environ; *variable; variable++)
        for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
            size_t length = strcspn(*variable, "=");
            if (strncmp(*variable, families[f], strlen(families[f])) != 0 || strncmp(*variable, "TRIREME_LAUNCHER=", 17) == 0) continue;
            char *name = strndup(*variable, length);
            if (!name) out_of_memory();
            command_add(c, "-x");
            command_add_owned(c, name);
        }
    for (int i = 0; i < c->settings; i++) {
        const char *name = c->setting[i].name;
        if (getenv(name) || (strncmp(name, "TRIREME_", 8) != 0 && strncmp(name, "OMP_", 4) != 0 && strncmp(name, "GOMP_", 5) != 0 && strcmp(name, "COLUMNS") != 0)) continue;
        command_add(c, "-x");
        command_add(c, name);
    }
    for (int i = 0; i < o->sents; i++) {
        command_add(c, "-x");
        command_add(c, o->sent[i]);
    }
}

/* The words that make each rank's process start as one of ours. */
static void add_rank(command *c, const run_options *o, const char *launcher, const char *shares, bool alone)
{
    command_add(c, launcher);
    command_add(c, "rank");
    if (alone) command_add(c, "--alone");
    if (o->tag) command_add(c, "--tag-output");
    if (o->log_folder) {
        command_add(c, "--log-dir");
        command_add(c, o->log_folder);
    }
    if (strcmp(shares, "auto") == 0 && o->wish.oversubscribe) command_add(c, "--oversubscribe");
    if (strcmp(shares, "auto") == 0 && o->no_bind) command_add(c, "--no-bind");
    if (strcmp(shares, "auto") == 0 && o->wish.threads) {
        char *threads = need_memory(16, 1);
        snprintf(threads, 16, "%d", o->wish.threads);
        command_add(c, "--threads");
        command_add_owned(c, threads);
    }
    command_add(c, shares);
    command_add(c, "--");
}

static int run_job(const command *c, const run_options *o, int ranks, bool network)
{
    job_wish wish = {.command = c, .ranks = ranks, .network = network, .table = network && !o->quiet, .log_folder = o->log_folder, .start_s = o->start_s, .silent_s = o->silent_s, .grace_s = o->grace_s};
    for (int restarts = 0;; restarts++) {
        char number[16];
        snprintf(number, sizeof number, "%d", restarts);
        setenv("TRIREME_RESTART", number, 1);
        job_end end = job_run(wish);
        if (end.status == EXIT_SUCCESS || !end.restart || restarts == o->restarts) {
            if (end.restart && restarts > 0 && end.status != EXIT_SUCCESS) fprintf(stderr, "trireme run: no restart is left of %d\n", o->restarts);
            return end.status;
        }
        fprintf(stderr, "trireme run: restart %d of %d\n", restarts + 1, o->restarts);
    }
}

int launcher_run(int argc, char **argv)
{
    run_options o = run_options_read(argc, argv);
    hosts h = hosts_wanted("run", o.hosts, o.hostfile, &o.wish.ranks, o.wish.oversubscribe);
    bool network = h.hosts > 0;
    find_program(o.program[0]);

    char why[200], mpirun[PATH_MAX], launcher[PATH_MAX], ranks_text[16], threads[16], here[32], columns[16];
    char *shares = NULL, *list = NULL;
    int ranks = o.wish.ranks;
    bool oversubscribed = false, mpi = mpirun_find(mpirun, sizeof mpirun) == 0;
    command c = {0};
    machine m = {0};
    plan p = {0};
    if (network) {
        if (!o.quiet) fprintf(stderr, "trireme: %d rank%s on %d host%s\n", ranks, ranks == 1 ? "" : "s", h.hosts, h.hosts == 1 ? "" : "s");
        shares = strdup("auto");
        list = hosts_text(&h);
    } else {
        const char *given = getenv("OMP_NUM_THREADS");
        machine_read(&m);
        machine_read_gpus_to_use(&m);
        if (plan_make(&p, &m, o.wish, why, sizeof why) < 0) fail(EXIT_USAGE, "run", "%s", why);
        if (given && atoi(given) > 0 && !o.wish.threads) p.threads = atoi(given);
        ranks = p.ranks;
        oversubscribed = p.oversubscribed;
        snprintf(threads, sizeof threads, "%d", p.threads);
        if (o.wish.threads)
            command_set(&c, "OMP_NUM_THREADS", threads);
        else
            command_default(&c, "OMP_NUM_THREADS", threads);
        /* GNU's threads spin for milliseconds at a barrier before they sleep; where something else holds a core, every
         * barrier then lasts a scheduler's slice.  The MNIST example on two threads of two busy cores: 57 s, and 11 s so. */
        if (p.threads > 1 && !getenv("OMP_WAIT_POLICY")) command_default(&c, "GOMP_SPINCOUNT", "10000");
        if (m.gpus > 1) command_default(&c, "CUDA_DEVICE_ORDER", "PCI_BUS_ID"); /* as the plan counts them */
        shares = plan_cpus_text(&p);
        snprintf(here, sizeof here, "localhost:%d", ranks); /* as many slots as ranks: how many fit was decided above */
        list = strdup(here);
    }
    if (!shares || !list) out_of_memory();
    if (!mpi && (network || ranks > 1 || getenv("TRIREME_MPIRUN")))
        fail(mpirun_find(mpirun, sizeof mpirun), "run", "no '%s' to start %d ranks with: install Open MPI (Debian, Ubuntu: apt install openmpi-bin)", mpirun, ranks);
    if (o.log_folder && mkdir(o.log_folder, 0777) != 0 && errno != EEXIST) fail(EXIT_FAILURE, "run", "%s: %s", o.log_folder, strerror(errno));

    launcher_self(launcher, sizeof launcher);
    if (o.tag || o.log_folder)
        command_default(&c, "TRIREME_PROGRESS", "lines"); /* a bar would be one long line */
    else
        add_terminal(&c, columns);
    if (mpi) {
        add_settings(&c, &o, network, oversubscribed);
        snprintf(ranks_text, sizeof ranks_text, "%d", ranks);
        const char *line[] = {mpirun, "-n", ranks_text, "--host", list, "--bind-to", "none"};
        for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) command_add(&c, line[i]);
        if (network) {
            command_add(&c, "--map-by");
            command_add(&c, o.wish.oversubscribe ? "slot:OVERSUBSCRIBE" : "slot");
        }
        if (network && !o.no_watch && !o.dry_run) {
            command_add(&c, "-x");
            command_add(&c, "TRIREME_LAUNCHER");
            setenv("TRIREME_RESTART", "0", 1);
        }
        if (network || o.sents) add_sent(&c, &o);
    } else {
        for (int i = 0; i < o.sents; i++)
            if (strchr(o.sent[i], '=')) putenv(o.sent[i]);
    }
    if (!o.no_watch || mpi) add_rank(&c, &o, launcher, o.no_bind && !network ? "none" : shares, !mpi);
    for (char **word = o.program; *word; word++) command_add(&c, *word);

    int status = EXIT_SUCCESS;
    if (!o.quiet && !network) show(&p, &m, o.no_bind);
    fflush(stderr);
    if (o.dry_run) {
        command_print(stdout, &c);
    } else if (o.no_watch) {
        unsetenv("TRIREME_LAUNCHER");
        command_exec(&c);
        status = EXIT_CANNOT_EXECUTE;
        fprintf(stderr, "trireme run: %s: %s\n", c.arg[0], strerror(errno));
    } else {
        mpi_folder folder = mpi ? mpi_folder_make() : (mpi_folder){.held = -1};
        status = run_job(&c, &o, ranks, network);
        mpi_folder_remove(folder);
    }
    command_free(&c);
    free(o.sent);
    free(shares);
    free(list);
    hosts_free(&h);
    plan_free(&p);
    machine_free(&m);
    return status;
}
