#include "launcher/mpi_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *where)
{
    (void)is, (void)kind, (void)where;
    remove(path);
    return 0; /* what cannot be removed stays, and nobody is troubled with it */
}

static void remove_all(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }

/* Nobody writes into the pipe: it ends with the last who could. Nor does anybody wait for this process, its output or its
 * terminal. */
static _Noreturn void remove_when_left(const int ends[2], const char *path)
{
    char none;
    int nothing = open("/dev/null", O_RDWR);
    close(ends[1]);
    setsid();
    for (int fd = 0; fd < 3 && nothing >= 0; fd++) dup2(nothing, fd);
    while (read(ends[0], &none, 1) < 0 && errno == EINTR) continue;
    remove_all(path);
    _exit(EXIT_SUCCESS);
}

mpi_folder mpi_folder_make(void)
{
    static const char *const theirs[] = {"OMPI_MCA_orte_tmpdir_base", MPI_FOLDER, "OMPI_MCA_orte_top_session_dir"};
    const char *base = getenv("TMPDIR");
    mpi_folder f = {.held = -1};
    char *path = NULL;
    int ends[2];
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        if (getenv(theirs[i])) return f;
    if (asprintf(&path, "%s/trireme-XXXXXX", base && *base ? base : "/tmp") < 0) return f;
    if (!mkdtemp(path) || setenv(MPI_FOLDER, path, 1) != 0) {
        free(path);
        return f;
    }
    f.path = path;
    if (pipe(ends) != 0) return f;
    f.remover = fork();
    if (f.remover == 0) remove_when_left(ends, path);
    close(ends[0]);
    f.held = ends[1];
    return f;
}

void mpi_folder_remove(mpi_folder f)
{
    if (f.path) remove_all(f.path);
    free(f.path);
    if (f.remover > 0 && kill(f.remover, SIGKILL) == 0) waitpid(f.remover, NULL, 0);
    if (f.held >= 0) close(f.held);
}
