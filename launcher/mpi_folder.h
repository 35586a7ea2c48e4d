/* A folder of mpirun's own, for each job.
 *
 * Open MPI 4 keeps what it writes on a host in one folder for each user, /tmp/ompi.HOST.USER, which an mpirun makes if it is
 * not there and removes if it is empty: of two that start or end at once one may find it made, then gone, and end with
 * status 1. Twelve hundred starts of one at a time beside two others met that once, trireme doctor's on two hosts one in
 * sixty. And what an mpirun leaves that had to be killed stays for ever. */
#ifndef LAUNCHER_MPI_FOLDER_H
#define LAUNCHER_MPI_FOLDER_H

/* Where mpirun reads of it; not for what it starts. */
#define MPI_FOLDER "OMPI_MCA_orte_local_tmpdir_base"

/* Makes one, and names it to the mpirun that we start next. Its path, for mpi_folder_remove; NULL: the user has named one,
 * or there is none to be had, and Open MPI's own serves. */
char *mpi_folder_make(void);

/* With all that is in it. NULL is fine. */
void mpi_folder_remove(char *path);

#endif
