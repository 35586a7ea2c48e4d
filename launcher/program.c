#include "launcher/program.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#if defined(__linux__)
# include <sys/prctl.h>
#endif

/* A terminal for standard output, as mpirun has it: programs then write each line when it is done, and a program that is
 * killed has written all it printed. */
static int open_terminal(int ends[2])
{
    char name[128];
    struct termios raw;
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0) return -1;
    if (grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0 && ptsname_r(ends[0], name, sizeof name) == 0) {
        ends[1] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (ends[1] >= 0 && tcgetattr(ends[1], &raw) == 0) {
            cfmakeraw(&raw);
            tcsetattr(ends[1], TCSANOW, &raw);
            return 0;
        }
        if (ends[1] >= 0) close(ends[1]);
    }
    close(ends[0]);
    return -1;
}

/* The library looks whether that descriptor is still what it was: programs between us and it may close what they do not
 * know. */
static void name_guard(int told)
{
    char text[64];
    struct stat is;
    if (fstat(told, &is) != 0) return;
    snprintf(text, sizeof text, "%d %llu", told, (unsigned long long)is.st_ino);
    setenv("TRIREME_GUARD", text, 1);
    fcntl(told, F_SETFD, 0);
}

/* In the child. */
_Noreturn static void become(const command *what, int out, int err, int told)
{
    sigset_t none;
    setpgid(0, 0); /* so that it is ended with all that it starts */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (told >= 0) name_guard(told);
    command_exec(what);
    int why = errno;
    fprintf(stderr, "trireme: %s: %s\n", what->arg[0], strerror(why));
    _exit(why == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE);
}

int program_start(program *p, const command *what, bool one, bool told)
{
    int out[2], err[2] = {-1, -1}, tell[2] = {-1, -1};
    if (open_terminal(out) != 0 && pipe2(out, O_CLOEXEC) != 0) return -1;
    if (!one && pipe2(err, O_CLOEXEC) != 0) return -1;
    if (told && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tell) != 0) return -1;
    *p = (program){.pid = fork(), .out = out[0], .err = err[0], .told = tell[0]};
    if (p->pid < 0) return -1;
    if (p->pid == 0) become(what, out[1], one ? out[1] : err[1], tell[1]);
    setpgid(p->pid, p->pid);
    close(out[1]);
    if (!one) close(err[1]);
    if (told) close(tell[1]);
    fcntl(p->out, F_SETFL, O_NONBLOCK);
    if (!one) fcntl(p->err, F_SETFL, O_NONBLOCK);
    return 0;
}

char program_state(pid_t pid)
{
    char name[64], text[512];
    snprintf(name, sizeof name, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    const char *name_end = strrchr(text, ')'); /* the program's name may hold anything */
    return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}
