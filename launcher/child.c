#include "launcher/child.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
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

enum { TERM_MS = 6000, /* trireme run ends its ranks, then mpirun */
       PIECE = 4096 };

child child_start(const char *command, const char *const argv[])
{
    int ends[2];
    pid_t parent = getpid();
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0) fail(EXIT_FAILURE, command, "no pipe: %s", strerror(errno));
    child c = {.pid = fork(), .out = ends[0]};
    if (c.pid < 0) fail(EXIT_FAILURE, command, "cannot start a process: %s", strerror(errno));
    if (c.pid == 0) {
        int nothing = open("/dev/null", O_RDONLY);
#if defined(__linux__)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(EXIT_FAILURE);
#endif
        if (nothing >= 0) dup2(nothing, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execvp(argv[0], (char *const *)argv);
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        _exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
    }
    close(ends[1]);
    fcntl(c.out, F_SETFL, O_NONBLOCK);
    return c;
}

void child_look(child *c)
{
    while (c->out >= 0) {
        char *more = realloc(c->text, c->bytes + PIECE + 1);
        if (!more) out_of_memory();
        c->text = more;
        ssize_t n = read(c->out, c->text + c->bytes, PIECE);
        c->text[c->bytes + (n > 0 ? (size_t)n : 0)] = 0;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) {
            close(c->out);
            c->out = -1;
        }
        if (n > 0) c->bytes += (size_t)n;
    }
    int status;
    if (c->pid == 0 || waitpid(c->pid, &status, WNOHANG) != c->pid) return;
    c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    c->pid = 0;
}

static void wait_until(child *c, int64_t deadline_ms)
{
    while (c->pid && now_ms() < deadline_ms) {
        struct pollfd waits = {.fd = c->out, .events = POLLIN};
        poll(&waits, 1, 20);
        child_look(c);
    }
}

int child_wait(child *c, int ms)
{
    wait_until(c, now_ms() + ms);
    bool late = c->pid != 0;
    if (c->pid) kill(c->pid, SIGTERM);
    wait_until(c, now_ms() + TERM_MS);
    if (c->pid) kill(c->pid, SIGKILL);
    wait_until(c, INT64_MAX);
    child_look(c); /* what it wrote last */
    return late ? c->status = 124 : c->status;
}

void child_said(const child *c, const char *word, char *line, size_t bytes)
{
    *line = 0;
    for (const char *at = c->text; at && *at;) {
        size_t length = strcspn(at, "\n");
        bool says = *word && memmem(at, length, word, strlen(word));
        if (length > 0) snprintf(line, bytes, "%.*s", (int)length, at);
        if (says) return;
        at += length;
        if (*at) at++;
    }
}

void child_words(const child *c, const char *but, char *text, size_t bytes)
{
    size_t used = 0;
    *text = 0;
    for (const char *at = c->text; at && *at;) {
        size_t length = strcspn(at, "\n"), begin = strspn(at, "- \t\r");
        if (begin < length && strncmp(at, but, strlen(but)) != 0) {
            used += (size_t)snprintf(text + used, bytes - used, "%s%.*s", used ? " " : "", (int)(length - begin), at + begin);
            if (used >= bytes) {
                snprintf(text + bytes - 4, 4, "...");
                return;
            }
        }
        at += length;
        if (*at) at++;
    }
}

void child_free(child *c)
{
    if (c->out >= 0) close(c->out);
    free(c->text);
    *c = (child){.out = -1};
}
