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

enum { FAILED_GRACE_S = 2,     /* others' time from SIGTERM to SIGKILL when a rank has failed */
       GUARDS_TAKE_MS = 500,   /* to tell us, after SIGKILL */
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

static bool wants_end(void) { return told_to_end || told[SIGINT] || told[SIGTERM] || told[SIGHUP]; }

/* Writes what a rank wrote. A reader who has stopped reading stops the ranks too; who wants their end does not wait for
 * that reader. */
static void write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        struct timespec moment = {.tv_nsec = wants_end() ? 0 : 250 * 1000000L};
        struct pollfd reader = {.fd = fd, .events = POLLOUT};
        int ready = ppoll(&reader, 1, &moment, &mask_while_waiting);
        if (ready <= 0 && wants_end()) return;
        if (ready <= 0) continue;
        ssize_t n = write(fd, text, bytes < PIPE_BUF ? bytes : PIPE_BUF);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n > 0) {
            text += n;
            bytes -= (size_t)n;
        }
    }
}

/* ---- ending ---- */

static void tell_all(job *j, int type, int number)
{
    for (int i = 0; i < j->callers; i++)
        if (j->caller[i].rank >= 0) wire_print(&j->caller[i].line, type, "%d", number);
}

static void leave(job *j)
{
    tell_all(j, WIRE_BYE, 0);
    j->phase = LEAVING;
    j->deadline_ms = now_ms() + (j->failed || j->signal ? MPIRUN_TAKES_MS : MPIRUN_WELL_MS);
}

static void end_ranks(job *j, int grace_s)
{
    if (j->phase >= LEAVING) return;
    int64_t deadline = now_ms() + 1000 * (int64_t)grace_s + GUARDS_TAKE_MS;
    if (j->phase == ENDING && deadline >= j->deadline_ms) return;
    tell_all(j, WIRE_END, grace_s);
    j->phase = ENDING;
    j->deadline_ms = deadline;
}

static void fail_job(job *j)
{
    j->failed = true;
    end_ranks(j, FAILED_GRACE_S);
}

static void lose(job *j, caller *c, int silent_s)
{
    verdict_rank *r = c->rank >= 0 ? &j->rank[c->rank] : NULL;
    wire_close(&c->line);
    if (!r || r->ended || r->lost) return;
    r->lost = true;
    r->silent_s = silent_s;
    r->asked = j->phase >= ENDING;
    r->end_ms = now_ms();
    j->over++;
    if (j->phase < ENDING) fail_job(j);
}

/* ---- what the ranks tell ---- */

static void start_all(job *j)
{
    if (j->wish.table) job_show_table(j);
    tell_all(j, WIRE_GO, j->wish.silent_s);
    j->phase = RUNNING;
    for (int i = 0; i < j->callers; i++) {
        j->caller[i].heard_ms = now_ms();
        if (j->wish.network) wire_dies_after(&j->caller[i].line, j->wish.silent_s);
    }
}

/* "KEY rank, host, row": false if it is not one of ours. */
static bool hello(job *j, caller *c, char *text, const char *key)
{
    char *rest = NULL;
    if (strncmp(text, key, WIRE_KEY_BYTES - 1) != 0) return false;
    char *number = strtok_r(text + WIRE_KEY_BYTES - 1, "\n", &rest), *name = strtok_r(NULL, "\n", &rest);
    int rank = number ? atoi(number) : -1;
    if (!name || rank < 0 || rank >= j->wish.ranks || j->row[rank]) return false;
    c->rank = rank;
    snprintf(j->rank[rank].host, sizeof j->rank[rank].host, "%s", name);
    j->row[rank] = strdup(rest ? rest : "");
    if (!j->row[rank]) out_of_memory();
    if (++j->present == j->wish.ranks && j->phase == STARTING) start_all(j);
    return true;
}

static void ended(job *j, caller *c, const char *text)
{
    verdict_rank *r = &j->rank[c->rank];
    int asked = 0;
    if (r->ended || r->lost || sscanf(text, "%d %d %d", &r->status, &r->signal, &asked) != 3) return;
    const char *words = strchr(text, '\n');
    if (words && !r->said_ms) snprintf(r->words, sizeof r->words, "%s", words + 1);
    r->ended = true;
    r->asked = asked;
    r->end_ms = now_ms();
    j->over++;
    if (r->status != 0 || asked) {
        if (r->status != 0) j->failed = j->failed || !j->signal;
        end_ranks(j, FAILED_GRACE_S);
    }
}

static void said(job *j, caller *c, const char *text)
{
    verdict_rank *r = &j->rank[c->rank];
    if (r->said_ms) return;
    r->said_ms = now_ms();
    snprintf(r->words, sizeof r->words, "%s", text);
}

static void take_frames(job *j, caller *c, const char *key)
{
    char *data;
    size_t bytes;
    for (int type; c->line.fd >= 0 && (type = wire_next(&c->line, &data, &bytes)) != 0;) {
        if (c->rank < 0) {
            if (type != WIRE_HELLO || !hello(j, c, data, key)) wire_close(&c->line);
            continue;
        }
        switch (type) {
        case WIRE_OUT: write_all(STDOUT_FILENO, data, bytes); break;
        case WIRE_ERR: write_all(STDERR_FILENO, data, bytes); break;
        case WIRE_SAID: said(j, c, data); break;
        case WIRE_EXIT: ended(j, c, data); break;
        case WIRE_START: starts_note(&j->start[c->rank], data, now_ms()); break;
        case WIRE_BEAT: j->start[c->rank].state = *data; break;
        default: lose(j, c, 0); break;
        }
    }
}

/* ---- the loop ---- */

static void answer(job *j)
{
    wire line;
    while (wire_accept(&line, j->listening)) {
        int at = 0; /* the place of one who was no rank, else a new one */
        while (at < j->callers && (j->caller[at].rank >= 0 || j->caller[at].line.fd >= 0)) at++;
        if (at == j->room) {
            wire_close(&line); /* more callers than ranks: not ours */
            continue;
        }
        if (at == j->callers) j->callers++;
        j->caller[at] = (caller){.line = line, .rank = -1, .heard_ms = now_ms()};
    }
}

static void listen_to(job *j, struct pollfd *waits, const char *key)
{
    int64_t now = now_ms();
    int called = j->callers;
    for (int i = 0; i < called; i++) {
        caller *c = &j->caller[i];
        if (c->line.fd < 0) continue;
        if (waits[i + 1].revents & POLLOUT) wire_flush(&c->line);
        if (waits[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) {
            bool down = wire_read(&c->line) < 0;
            int broken = errno;
            c->heard_ms = now;
            take_frames(j, c, key);
            if (down && c->line.fd >= 0) lose(j, c, broken == ETIMEDOUT || broken == EHOSTUNREACH ? j->wish.silent_s : 0);
        } else if (c->rank >= 0 && j->phase >= RUNNING && now - c->heard_ms > 1000 * (int64_t)j->wish.silent_s) {
            lose(j, c, j->wish.silent_s);
        }
    }
    if (waits[0].revents) answer(j);
}

static int open_lines(const job *j)
{
    int count = 0;
    for (int i = 0; i < j->callers; i++) count += j->caller[i].line.fd >= 0 && j->caller[i].rank >= 0;
    return count;
}

static void wait_for_something(job *j, struct pollfd *waits, const char *key)
{
    struct timespec time = {.tv_nsec = 250 * 1000000L}; /* deadlines and silence are looked at so often */
    waits[0] = (struct pollfd){.fd = j->listening, .events = POLLIN};
    for (int i = 0; i < j->callers; i++) {
        const caller *c = &j->caller[i];
        waits[i + 1] = (struct pollfd){.fd = c->line.fd, .events = (short)(POLLIN | (wire_unsent(&c->line) ? POLLOUT : 0))};
    }
    if (j->phase >= ENDING) time.tv_nsec = 20 * 1000000L;
    if (ppoll(waits, (nfds_t)j->callers + 1, &time, &mask_while_waiting) >= 0) listen_to(j, waits, key);
}

static void heed_signals(job *j)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP}, passes[] = {SIGUSR1, SIGUSR2};
    for (int i = 0; i < 2; i++)
        if (told[passes[i]]) {
            told[passes[i]] = 0;
            tell_all(j, WIRE_SIGNAL, passes[i]);
        }
    for (int i = 0; i < 3; i++) {
        if (!told[ends[i]]) continue;
        told[ends[i]] = 0;
        bool again = told_to_end;
        told_to_end = true;
        if (!again) j->signal = ends[i];
        end_ranks(j, again ? 0 : j->wish.grace_s); /* who asks twice is in a hurry */
    }
}

static void reap_mpirun(job *j)
{
    int status;
    if (!j->mpirun || waitpid(j->mpirun, &status, WNOHANG) != j->mpirun) return;
    j->mpirun_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    j->mpirun = 0;
    if (j->over < j->wish.ranks) fail_job(j); /* it should have outlived them */
    if (j->phase == LEAVING || j->present == 0) j->deadline_ms = now_ms() + DRAIN_MS;
}

static void look_at_starts(job *j, int64_t now)
{
    if (j->phase != RUNNING) return;
    j->absent = starts_missing(j->start, j->wish.ranks, now);
    j->mpi_hangs = j->absent < 0 && starts_hang(j->start, j->wish.ranks, now);
    if (j->absent >= 0 || j->mpi_hangs) fail_job(j);
}

static void keep_deadlines(job *j)
{
    int64_t now = now_ms();
    look_at_starts(j, now);
    if (j->phase == STARTING && now > j->deadline_ms) {
        j->late = true;
        fail_job(j);
    }
    if (j->phase < LEAVING && (j->over == j->wish.ranks || (j->phase == ENDING && (now > j->deadline_ms || j->present == 0)))) leave(j);
    if (j->phase != LEAVING || !j->mpirun || now <= j->deadline_ms) return;
    kill(-j->mpirun, SIGKILL);
    j->deadline_ms = now + DRAIN_MS;
}

static bool finished(const job *j)
{
    if (j->mpirun || j->phase != LEAVING) return false;
    return open_lines(j) == 0 || now_ms() > j->deadline_ms;
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
