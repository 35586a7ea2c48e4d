/* A folder of mpirun's own, for each job.
 *
 * Open MPI 4 keeps what it writes on a host in one folder for each user, /tmp/ompi.HOST.USER, which an mpirun makes if it is
 * not there and removes if it is empty: of two that start or end at once one may find it made, then gone, and end with
 * status 1. Twelve hundred starts of one at a time beside two others met that once, trireme doctor's on two hosts one in
 * sixty. And what an mpirun leaves that had to be killed stays for ever. */
#ifndef LAUNCHER_MPI_FOLDER_H
#define LAUNCHER_MPI_FOLDER_H

#include <sys/types.h>

/* Where mpirun reads of it; not for what it starts. */
#define MPI_FOLDER "OMPI_MCA_orte_local_tmpdir_base"

typedef struct {
    char *path; /* NULL: the user has named one, or there is none to be had, and Open MPI's own serves */
    int held;   /* a pipe's end, which mpirun inherits, or -1 */
    pid_t remover;
} mpi_folder;

/* Makes one, and names it to the mpirun that we start next. Should we be killed, a process that waits at the pipe's other
 * end removes it when mpirun is gone, too. */
mpi_folder mpi_folder_make(void);

/* With all that is in it. */
void mpi_folder_remove(mpi_folder f);

#endif
