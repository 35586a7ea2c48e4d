#include "report/run.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int start(pid_t *child, const char *const argv[], int in, int out, int err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (int s = 1; s < 32; s++) sigaddset(&usual, s); /* what the host ignores or blocks is no business of the child */

    if (posix_spawn_file_actions_init(&files)) return ENOMEM;
    if (posix_spawnattr_init(&how)) {
        posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    int error = posix_spawn_file_actions_adddup2(&files, in, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, out, 1);
    if (!error) error = posix_spawn_file_actions_adddup2(&files, err, 2);
    if (!error) error = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (!error) error = posix_spawnattr_setsigmask(&how, &none);
    if (!error) error = posix_spawnattr_setsigdefault(&how, &usual);
    union {
        const char *const *given;
        char *const *wanted;
    } args = {argv}; /* posix_spawnp changes no argument, its type only says so */
    if (!error) error = posix_spawnp(child, argv[0], &files, &how, args.wanted, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return error;
}

/* Polling: a host may have its own handler for SIGCHLD, or ignore it, and both are left as they are. */
report_outcome report_run(const char *const argv[], int in, int out, int err, double seconds)
{
    pid_t child;
    int error = start(&child, argv, in, out, err);
    if (error) return error == ENOENT ? REPORT_ABSENT : REPORT_FAILED;

    double pause = 0.001;
    for (double waited = 0;; waited += pause) {
        int status;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child && WIFEXITED(status) && WEXITSTATUS(status) == 127) return REPORT_ABSENT; /* the other way posix_spawn may say so */
        if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? REPORT_RAN : REPORT_FAILED;
        if (ended < 0 && errno != EINTR) return REPORT_RAN; /* the host took the status away: the picture will tell */
        if (waited > seconds) break;
        nanosleep(&(struct timespec){.tv_nsec = (long)(1e9 * pause)}, NULL);
        if (pause < 0.05) pause *= 1.2;
    }
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return REPORT_TOO_LONG;
}
