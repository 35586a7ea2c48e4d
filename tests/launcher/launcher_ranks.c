/* A program with ranks that goes wrong on rank 1, in the way its argument names: what the tests beside it start.
 * The others are in a collective then, and would wait for ever.  With "apart" behind it rank 0 of the job stays outside: of
 * the others' communicator rank 1 is the job's rank 2. */
#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/trireme.h>

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "well", *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (rank && strcmp(rank, "1") == 0) {
        if (strcmp(way, "stop-before") == 0) raise(SIGSTOP);
        for (volatile bool for_ever = strcmp(way, "loop-before") == 0; for_ever;) {}
    }
    bool apart = rank && argc > 2 && strcmp(argv[2], "apart") == 0;
    MPI_Comm part;
    if (apart) {
        MPI_Init(&argc, &argv);
        MPI_Comm_split(MPI_COMM_WORLD, strcmp(rank, "0") == 0, 0, &part);
        if (strcmp(rank, "0") == 0) MPI_Recv(NULL, 0, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE); /* never sent */
    }
    if ((apart ? tr_dist_init_comm(&part) : tr_dist_init(&argc, &argv)) < 0) return 1;
    tr_tensor *sum = tr_keep(tr_ones(TR_SHAPE(1000)));
    if (tr_all_reduce(sum) < 0) return 1;
    if (strcmp(way, "well") != 0 && tr_dist_rank() == 1) {
        TR_SCOPE;
        if (strcmp(way, "kill") == 0) raise(SIGKILL);
        if (strcmp(way, "stop") == 0) raise(SIGSTOP);
        if (strcmp(way, "miss") == 0) tr_barrier();
        for (volatile bool for_ever = strcmp(way, "loop") == 0; for_ever;) {}
        if (strcmp(way, "crash") == 0) abort();
        if (strcmp(way, "exit") == 0) exit(3);
        if (strcmp(way, "error") == 0) tr_matmul(tr_ones(TR_SHAPE(2, 3)), tr_ones(TR_SHAPE(2, 3)));
    }
    int status = strcmp(way, "well") == 0 ? 0 : tr_all_reduce(sum);
    tr_drop(sum);
    return tr_dist_finish() != 0 || status < 0;
}
