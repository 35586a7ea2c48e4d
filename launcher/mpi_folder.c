#include "launcher/mpi_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

char *mpi_folder_make(void)
{
    static const char *const theirs[] = {"OMPI_MCA_orte_tmpdir_base", MPI_FOLDER, "OMPI_MCA_orte_top_session_dir"};
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        if (getenv(theirs[i])) return NULL;
    if (asprintf(&path, "%s/trireme-XXXXXX", base && *base ? base : "/tmp") < 0) return NULL;
    if (!mkdtemp(path) || setenv(MPI_FOLDER, path, 1) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *where)
{
    (void)is, (void)kind, (void)where;
    remove(path);
    return 0; /* what cannot be removed stays, and nobody is troubled with it */
}

void mpi_folder_remove(char *path)
{
    if (path) nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(path);
}
