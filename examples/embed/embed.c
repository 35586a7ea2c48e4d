/* Training inside an MPI program.
 *
 *     mpirun -np 4 embed
 *
 * Odd ranks run a simulation, a rod that cools at both ends; even ranks learn from measurements meanwhile how fast heat
 * decays, on a communicator of their own.  The program's own code makes the gradients, in plain C arrays; a tr_reducer
 * averages them.  MPI and MPI_COMM_WORLD stay the program's. */
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/dist.h>

enum { CELLS = 100,
       STEPS = 400,
       SAMPLES = 64 };

/* ---- what the program has always done ---- */

static double simulate(MPI_Comm some)
{
    double heat[CELLS + 2] = {0}, next[CELLS + 2] = {0}, total = 0;
    for (int i = 1; i <= CELLS; i++) heat[i] = 1;
    for (int step = 0; step < STEPS; step++) {
        for (int i = 1; i <= CELLS; i++) next[i] = heat[i] + 0.25 * (heat[i - 1] - 2 * heat[i] + heat[i + 1]);
        for (int i = 1; i <= CELLS; i++) heat[i] = next[i];
    }
    for (int i = 1; i <= CELLS; i++) total += heat[i] / CELLS;
    MPI_Allreduce(MPI_IN_PLACE, &total, 1, MPI_DOUBLE, MPI_SUM, some);
    int ranks;
    MPI_Comm_size(some, &ranks);
    return total / ranks;
}

/* ---- what is new: log y = a + b x, fitted by gradient descent ---- */

static void measure(int64_t rank, double x[SAMPLES], double y[SAMPLES])
{
    srand((unsigned)(1 + rank));
    for (int i = 0; i < SAMPLES; i++) {
        x[i] = rand() / (double)RAND_MAX;
        y[i] = 0.5 - 2 * x[i] + 0.01 * (rand() / (double)RAND_MAX - 0.5);
    }
}

static int learn(double *a, double *b)
{
    double x[SAMPLES], y[SAMPLES], da, db;
    int64_t samples = tr_dist_rank() == 0 ? SAMPLES : SAMPLES / 2; /* shares need not be equal */
    measure(tr_dist_rank(), x, y);
    tr_buffer gradients[] = {{&da, 1, TR_FLOAT64}, {&db, 1, TR_FLOAT64}};
    tr_reducer *reducer = tr_reducer_new(gradients, 2);
    if (!reducer) return -1;
    int status = 0;
    for (int step = 0; step < 2000 && status == 0; step++) {
        status = tr_reducer_begin(reducer, samples);
        da = db = 0;
        for (int i = 0; i < samples; i++) da += 2 * (*a + *b * x[i] - y[i]) / (double)samples;
        if (status == 0) status = tr_reducer_ready(reducer, 0); /* travels while db is made */
        for (int i = 0; i < samples; i++) db += 2 * (*a + *b * x[i] - y[i]) * x[i] / (double)samples;
        if (status == 0) status = tr_reducer_ready(reducer, 1);
        if (status == 0) status = tr_reducer_wait(reducer);
        *a -= 0.2 * da;
        *b -= 0.2 * db;
    }
    tr_reducer_free(reducer);
    return status;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    int rank, failed = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    bool learns = rank % 2 == 0;
    MPI_Comm mine;
    MPI_Comm_split(MPI_COMM_WORLD, learns, rank, &mine);

    double line[2] = {0, 0}, heat = 0;
    if (learns) {
        if (tr_dist_init_comm(&mine) == 0) learn(&line[0], &line[1]);
        failed = tr_dist_finish();
    } else {
        heat = simulate(mine);
    }

    MPI_Bcast(line, 2, MPI_DOUBLE, 0, MPI_COMM_WORLD); /* everybody again */
    if (rank == 1) printf("the rod is at %.3f; heat decays as exp(%.2f %+.2f x)\n", heat, line[0], line[1]);
    if (!(fabs(line[0] - 0.5) < 0.02 && fabs(line[1] + 2) < 0.02)) failed = 1;
    MPI_Comm_free(&mine);
    MPI_Finalize();
    return failed;
}
