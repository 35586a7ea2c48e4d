#include "launcher/job_state.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
# include <sys/prctl.h>
#endif

enum { GUARDS_TAKE_MS = 500,   /* to tell us, after SIGKILL */
       MPIRUN_TAKES_MS = 2000, /* to end after its ranks; it sleeps a second to see whether they do. Then SIGKILL: interrupted
                                * in its own abort, Open MPI 4.1.4 crashes, and between hosts it does not heed SIGTERM */
       MPIRUN_WELL_MS = 10000, /* the same where all went well */
       DRAIN_MS = 1000,
       STRANGERS = 64 };

static volatile sig_atomic_t told[NSIG];
static void on_signal(int number) { told[number] = 1; }
static bool told_to_end;
static sigset_t mask_while_waiting; /* the signals that we catch come only then */

/* ---- starting ---- */

static void start_mpirun(job *j)
{
    pid_t parent = getpid();
    fflush(NULL);
    j->mpirun = fork();
    if (j->mpirun < 0) fail(EXIT_FAILURE, "run", "cannot start a process: %s", strerror(errno));
    if (j->mpirun > 0) {
        setpgid(j->mpirun, j->mpirun);
        return;
    }
    setpgid(0, 0); /* Ctrl-C is ours: we end the ranks in order, mpirun last */
    sigprocmask(SIG_SETMASK, &mask_while_waiting, NULL);
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(EXIT_FAILURE);
#endif
    if (isatty(STDIN_FILENO)) { /* not in the terminal's foreground, it would be stopped for reading there */
        int nothing = open("/dev/null", O_RDONLY);
        if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    }
    command_exec(j->wish.command);
    int why = errno;
    fprintf(stderr, "trireme run: %s: %s\n", j->wish.command->arg[0], strerror(why));
    _exit(why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

bool job_wants_end(void) { return told_to_end || told[SIGINT] || told[SIGTERM] || told[SIGHUP]; }

int job_wait(struct pollfd *waits, nfds_t count, int ms)
{
    struct timespec time = {.tv_nsec = ms * 1000000L};
    return ppoll(waits, count, &time, &mask_while_waiting);
}

/* ---- ending ---- */

static void leave(job *j)
{
    job_tell_all(j, WIRE_BYE, 0);
    j->phase = LEAVING;
    j->deadline_ms = now_ms() + (j->failed || j->signal ? MPIRUN_TAKES_MS : MPIRUN_WELL_MS);
}

void job_end_ranks(job *j, int grace_s)
{
    if (j->phase >= LEAVING) return;
    int64_t deadline = now_ms() + 1000 * (int64_t)grace_s + GUARDS_TAKE_MS;
    if (j->phase == ENDING && deadline >= j->deadline_ms) return;
    job_tell_all(j, WIRE_END, grace_s);
    j->phase = ENDING;
    j->deadline_ms = deadline;
}

void job_fail(job *j)
{
    j->failed = true;
    job_end_ranks(j, FAILED_GRACE_S);
}

/* ---- the loop ---- */

static void wait_for_something(job *j, struct pollfd *waits, const char *key)
{
    int ms = j->phase >= ENDING ? 20 : 250; /* deadlines and silence are looked at so often */
    waits[0] = (struct pollfd){.fd = j->listening, .events = POLLIN};
    for (int i = 0; i < j->callers; i++) {
        const caller *c = &j->caller[i];
        waits[i + 1] = (struct pollfd){.fd = c->line.fd, .events = (short)(POLLIN | (wire_unsent(&c->line) ? POLLOUT : 0))};
    }
    if (job_wait(waits, (nfds_t)j->callers + 1, ms) >= 0) job_listen(j, waits, key);
}

static void heed_signals(job *j)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP}, passes[] = {SIGUSR1, SIGUSR2};
    for (int i = 0; i < 2; i++)
        if (told[passes[i]]) {
            told[passes[i]] = 0;
            j->passed_on = passes[i];
            job_tell_all(j, WIRE_SIGNAL, passes[i]);
        }
    for (int i = 0; i < 3; i++) {
        if (!told[ends[i]]) continue;
        told[ends[i]] = 0;
        bool again = told_to_end;
        told_to_end = true;
        if (!again) j->signal = ends[i];
        job_end_ranks(j, again ? 0 : j->wish.grace_s); /* who asks twice is in a hurry */
    }
}

static void reap_mpirun(job *j)
{
    int status;
    if (!j->mpirun || waitpid(j->mpirun, &status, WNOHANG) != j->mpirun) return;
    j->mpirun_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    j->mpirun = 0;
    if (j->over < j->wish.ranks) job_fail(j); /* it should have outlived them */
    if (j->phase == LEAVING || j->present == 0) j->deadline_ms = now_ms() + DRAIN_MS;
}

static void look_at_starts(job *j, int64_t now)
{
    if (j->phase != RUNNING) return;
    j->absent = starts_missing(j->start, j->wish.ranks, now);
    j->mpi_hangs = j->absent < 0 && starts_hang(j->start, j->wish.ranks, now);
    if (j->absent >= 0 || j->mpi_hangs) job_fail(j);
}

static void keep_deadlines(job *j)
{
    int64_t now = now_ms();
    look_at_starts(j, now);
    if (j->phase == STARTING && now > j->deadline_ms) {
        j->late = true;
        job_fail(j);
    }
    if (j->phase == RUNNING && j->stop_ms && now > j->stop_ms) job_fail(j);
    if (j->phase < LEAVING && (j->over == j->wish.ranks || (j->phase == ENDING && (now > j->deadline_ms || j->present == 0)))) leave(j);
    if (j->phase != LEAVING || !j->mpirun || now <= j->deadline_ms) return;
    kill(-j->mpirun, SIGKILL);
    j->deadline_ms = now + DRAIN_MS;
}

static bool finished(const job *j)
{
    if (j->mpirun || j->phase != LEAVING) return false;
    return job_open_lines(j) == 0 || now_ms() > j->deadline_ms;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};
    sigset_t ours;
    sigemptyset(&ours);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction now;
        sigaction(numbers[i], NULL, &now);
        if (now.sa_handler == SIG_IGN) continue; /* nohup */
        sigaddset(&ours, numbers[i]);
        sigaction(numbers[i], &(struct sigaction){.sa_handler = on_signal}, NULL);
    }
    sigprocmask(SIG_BLOCK, &ours, &mask_while_waiting);
    sigdelset(&mask_while_waiting, SIGCHLD);
}

job_end job_run(job_wish wish)
{
    static bool catching;
    char address[WIRE_ADDRESS_BYTES];
    job j = {.wish = wish, .room = wish.ranks + STRANGERS, .absent = -1};
    if (!catching) catch_signals();
    catching = true;
    j.listening = wire_listen(wish.network, address);
    if (j.listening < 0) fail(EXIT_FAILURE, "run", "cannot listen to the ranks: %s", strerror(errno));
    setenv("TRIREME_LAUNCHER", address, 1);
    j.caller = need_memory(j.room, sizeof *j.caller);
    j.rank = need_memory(wish.ranks, sizeof *j.rank);
    j.row = need_memory(wish.ranks, sizeof *j.row);
    j.start = need_memory(wish.ranks, sizeof *j.start);
    struct pollfd *waits = need_memory(j.room + 1, sizeof *waits);

    j.deadline_ms = now_ms() + 1000 * (int64_t)wish.start_s;
    start_mpirun(&j);
    while (!finished(&j)) {
        wait_for_something(&j, waits, address);
        heed_signals(&j);
        reap_mpirun(&j);
        keep_deadlines(&j);
    }
    job_end end = job_judge(&j);
    for (int i = 0; i < j.callers; i++) wire_close(&j.caller[i].line);
    for (int r = 0; r < wish.ranks; r++) free(j.row[r]);
    close(j.listening);
    free(j.caller);
    free(j.rank);
    free(j.row);
    free(j.start);
    free(waits);
    return end;
}
