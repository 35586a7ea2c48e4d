#include "launcher/guard.h"
#include "launcher/launcher.h"
#include "launcher/lines.h"
#include "launcher/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELD_MS = 50,              /* how long the beginning of a line waits for its end */
       SAID_LEAVES_MS = 3000,     /* a program that has said why it ends is left alone so long */
       LEAVING_MS = 1000,         /* what a program has after SIGTERM where nobody said how long */
       UNSENT_BYTES = 256 * 1024, /* beyond it the program waits until trireme run has taken some */
       READ_BYTES = 16 * 1024 };

typedef struct {
    int fd; /* -1: closed */
    int type;
    int64_t read_ms;
    lines lines;
} stream;

typedef struct {
    guard_wish wish;
    stream stream[2];
    int log; /* -1: none */
    program program;
    bool ended, asked, bye, lost, told_why;
    int status, signal;
    int64_t kill_ms, beat_ms, told_ms; /* kill_ms 0: not to be killed */
} guard;

static volatile sig_atomic_t child_changed, asked_to_end;
static void on_child(int number) { child_changed = number; }
static void on_end(int number) { asked_to_end = number; }

static void write_all(int fd, const char *text, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, text, bytes);
        if (n < 0 && errno != EINTR) return;
        if (n > 0) {
            text += n;
            bytes -= (size_t)n;
        }
    }
}

static int start(guard *g)
{
    bool one = g->log >= 0; /* a log holds both, in their order */
    if (program_start(&g->program, g->wish.program, one, g->wish.line) != 0) return -1;
    g->stream[0].fd = g->program.out;
    g->stream[1].fd = g->program.err;
    return 0;
}

/* ---- output ---- */

static guard *the; /* where lines.write finds everything; a process guards one program */

static void pass_on(void *to, const char *text, size_t bytes)
{
    const stream *s = to;
    if (the->log >= 0)
        write_all(the->log, text, bytes);
    else if (the->wish.line && !the->lost)
        wire_send(the->wish.line, s->type, text, bytes);
    else if (!the->wish.line)
        write_all(s->type == WIRE_OUT ? STDOUT_FILENO : STDERR_FILENO, text, bytes);
}

/* Where errors stand. */
static const lines *errors_of(const guard *g) { return &g->stream[g->log >= 0 ? 0 : 1].lines; }

static void tell_why(guard *g)
{
    const char *said = errors_of(g)->said;
    if (g->told_why || !*said || !g->wish.line) return;
    g->told_why = true;
    g->told_ms = now_ms();
    wire_send(g->wish.line, WIRE_SAID, said, strlen(said));
}

/* Reads once; false where nothing was there. */
static bool read_stream(stream *s, int64_t now)
{
    char text[READ_BYTES];
    ssize_t n = read(s->fd, text, sizeof text);
    if (n > 0) {
        lines_add(&s->lines, text, (size_t)n);
        s->read_ms = now;
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    lines_flush(&s->lines); /* a terminal's other end closed reads as EIO */
    close(s->fd);
    s->fd = -1;
    return false;
}

/* The library goes into its start, or comes out. */
static void hear(guard *g)
{
    char words[64];
    ssize_t n = recv(g->program.told, words, sizeof words, MSG_DONTWAIT);
    if (n > 0 && g->wish.line && !g->lost) wire_send(g->wish.line, WIRE_START, words, (size_t)n);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
    close(g->program.told);
    g->program.told = -1;
}

/* ---- ending ---- */

static void signal_program(guard *g, int number)
{
    if (g->ended) return;
    if (kill(-g->program.pid, number) != 0) kill(g->program.pid, number);
}

/* It has just said why it ends all ranks: others may be gone before it, and its exit status is wanted. */
static bool leaves_by_itself(const guard *g) { return g->told_why && now_ms() - g->told_ms < SAID_LEAVES_MS; }

static void end_program(guard *g, int64_t after_ms)
{
    g->asked = true;
    int64_t at = now_ms() + after_ms;
    if (after_ms == 0)
        signal_program(g, SIGKILL);
    else if (g->kill_ms == 0 && !leaves_by_itself(g))
        signal_program(g, SIGTERM);
    if (g->kill_ms == 0 || at < g->kill_ms) g->kill_ms = at;
}

static void reap(guard *g)
{
    int status;
    child_changed = 0;
    if (g->ended || waitpid(g->program.pid, &status, WNOHANG) != g->program.pid) return;
    /* what it wrote before it ended is there; what others hold open is not waited for */
    for (int i = 0; i < 2; i++) {
        while (g->stream[i].fd >= 0 && (!g->wish.line || wire_unsent(g->wish.line) < 16 * UNSENT_BYTES) && read_stream(&g->stream[i], 0)) continue;
        lines_flush(&g->stream[i].lines);
    }
    tell_why(g);
    g->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    g->status = WIFSIGNALED(status) ? 128 + g->signal : WEXITSTATUS(status);
    if (g->asked || g->status != 0) kill(-g->program.pid, SIGKILL); /* what a failed program started */
    g->ended = true;
    if (!g->wish.line) return;
    const lines *err = errors_of(g);
    wire_print(g->wish.line, WIRE_EXIT, "%d %d %d\n%s", g->status, g->signal, g->asked, *err->said ? err->said : err->last);
}

/* ---- what trireme run says ---- */

static void obey(guard *g)
{
    char *data;
    size_t bytes;
    bool down = wire_read(g->wish.line) < 0;
    for (int type; (type = wire_next(g->wish.line, &data, &bytes)) != 0;) switch (type) {
        case WIRE_SIGNAL: signal_program(g, atoi(data)); break;
        case WIRE_END: end_program(g, 1000 * (int64_t)atoi(data)); break;
        case WIRE_BYE: g->bye = true; break;
        default: down = true; break;
        }
    if (!down || g->lost) return;
    g->lost = true;
    if (!g->bye) end_program(g, LEAVING_MS);
}

/* Open MPI's daemon on a host whose network is gone waits for ever. It serves this job only. */
static void end_daemon(void)
{
#if defined(__linux__)
    char path[64], name[16] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)getppid());
    FILE *file = fopen(path, "r");
    if (!file) return;
    if (!fgets(name, sizeof name, file)) name[0] = 0;
    fclose(file);
    name[strcspn(name, "\n")] = 0;
    if (strcmp(name, "orted") == 0 || strcmp(name, "prted") == 0) kill(getppid(), SIGKILL);
#endif
}

/* ---- the loop ---- */

static int timeout_ms(const guard *g, int64_t now)
{
    int64_t next = now + 60000;
    if (g->wish.line && !g->lost && g->beat_ms < next) next = g->beat_ms;
    if (!g->ended && g->kill_ms && g->kill_ms < next) next = g->kill_ms;
    for (int i = 0; i < 2; i++)
        if (!g->wish.tag && g->stream[i].lines.bytes > 0 && g->stream[i].read_ms + HELD_MS < next) next = g->stream[i].read_ms + HELD_MS;
    return next > now ? (int)(next - now) : 0;
}

static void wait_for_something(guard *g, const sigset_t *mask)
{
    int64_t now = now_ms();
    bool full = g->wish.line && wire_unsent(g->wish.line) > UNSENT_BYTES;
    struct pollfd waits[4];
    for (int i = 0; i < 2; i++) waits[i] = (struct pollfd){.fd = full ? -1 : g->stream[i].fd, .events = POLLIN};
    waits[2] = (struct pollfd){.fd = g->wish.line && !g->lost ? g->wish.line->fd : -1, .events = POLLIN};
    if (waits[2].fd >= 0 && wire_unsent(g->wish.line) > 0) waits[2].events |= POLLOUT;
    waits[3] = (struct pollfd){.fd = g->program.told, .events = POLLIN};

    int wait = timeout_ms(g, now);
    struct timespec time = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000L};
    if (ppoll(waits, 4, &time, mask) < 0) return;
    now = now_ms();
    for (int i = 0; i < 2; i++) {
        stream *s = &g->stream[i];
        if (s->fd >= 0 && waits[i].revents) read_stream(s, now);
        if (!g->wish.tag && s->lines.bytes > 0 && now - s->read_ms >= HELD_MS) lines_flush(&s->lines);
    }
    tell_why(g);
    if (waits[3].revents) hear(g);
    if (waits[2].revents & (POLLIN | POLLHUP | POLLERR)) obey(g);
    if (waits[2].revents & POLLOUT) wire_flush(g->wish.line);
}

static bool done(const guard *g)
{
    if (!g->ended) return false;
    return !g->wish.line || g->lost || (g->bye && wire_unsent(g->wish.line) == 0);
}

int guard_run(guard_wish wish)
{
    guard g = {.wish = wish, .log = -1, .stream = {{.type = WIRE_OUT}, {.type = WIRE_ERR}}};
    char tag[24] = "";
    int width = snprintf(tag, sizeof tag, "%d", wish.ranks > 1 ? wish.ranks - 1 : 0); /* of the last rank */
    snprintf(tag, sizeof tag, "[%*d] ", width, wish.rank);
    the = &g;
    for (int i = 0; i < 2; i++) g.stream[i].lines = (lines){.write = pass_on, .to = &g.stream[i], .tag = tag, .sign = "trireme: rank "};
    if (!wish.tag || wish.log) tag[0] = 0;
    if (wish.log && (g.log = open(wish.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0)
        fail(EXIT_FAILURE, "rank", "%s: %s", wish.log, strerror(errno));

    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, &before);
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_end}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = on_end}, NULL);
    if (wish.line) wire_dies_after(wish.line, wish.silent_s);
    if (start(&g) != 0) fail(EXIT_FAILURE, "rank", "cannot start %s: %s", wish.program->arg[0], strerror(errno));

    int64_t every_ms = wish.silent_s * 1000 / 4 < 1000 ? wish.silent_s * 1000 / 4 : 1000;
    while (!done(&g)) {
        wait_for_something(&g, &before);
        if (child_changed) reap(&g);
        if (asked_to_end) {
            asked_to_end = 0;
            end_program(&g, LEAVING_MS);
        }
        int64_t now = now_ms();
        if (!g.ended && g.kill_ms && now >= g.kill_ms) signal_program(&g, SIGKILL);
        if (!g.ended && g.kill_ms && now >= g.kill_ms) g.kill_ms = now + 100;
        if (wish.line && !g.lost && now >= g.beat_ms) {
            char state = g.ended ? 'X' : program_state(g.program.pid);
            wire_send(wish.line, WIRE_BEAT, &state, 1);
            g.beat_ms = now + every_ms;
        }
    }
    for (int i = 0; i < 2; i++) lines_free(&g.stream[i].lines);
    if (g.lost && !g.bye) end_daemon();
    return g.bye ? EXIT_SUCCESS : g.status; /* trireme run knows it, and mpirun has nothing to add */
}
