/* Stands in for mpi_open.c and mpi_host.c where the library is built without MPI. */
#include "dist/host.h"
#include "dist/launcher.h"
#include "dist/transport.h"

#include <trireme/error.h>

dist_transport *dist_mpi_world(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    dist_launch launch = dist_launcher();
    if (launch.ranks <= 1) return dist_alone();
    return tr_fail("tr_dist_init: built without MPI, but started as one of %lld ranks (%s)", (long long)launch.ranks, launch.variable);
}

dist_transport *dist_mpi_join(const void *comm)
{
    (void)comm;
    return tr_fail("tr_dist_init_comm: built without MPI");
}

dist_transport *dist_mpi_join_fortran(int comm)
{
    (void)comm;
    return tr_fail("tr_dist_init_fortran: built without MPI");
}

bool dist_mpi_runs(void) { return false; }

dist_host *dist_mpi_host(dist_transport *mpi)
{
    (void)mpi;
    return tr_fail("built without MPI");
}
