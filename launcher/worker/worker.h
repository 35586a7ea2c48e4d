/* The program that `trireme bench` and `trireme doctor` start on every rank.
 *
 *     main.c          what it is asked for
 *     measure.c       seconds, and what all ranks measured
 *     collectives.c   times of sums and gathers, by size
 *     network.c       what is trained: real, or with sleep in place of a device's work
 *     step.c          a step with and without communication
 *     plot.c          the picture, when all is measured
 *     check.c         for the doctor: whether sums over the ranks are right
 *
 * Rank 0 writes what was measured to stdout, a line each, for launcher/bench_job.c:
 *
 *     bench ranks 4 hosts 2 threads 1 shared memory and mpi: Open MPI v4.1.4
 *     bench sum BYTES SECONDS           all ranks' BYTES added up on all of them
 *     bench gather BYTES SECONDS        BYTES put together from equal parts of all ranks
 *     bench gradient BYTES SECONDS      in the order in which they are finished, since the step's beginning
 *     bench alone SECONDS               a step without communication; the slowest rank counts
 *     bench backward SECONDS            the end of its backward
 *     bench together SECONDS            a step as it is
 *     bench buffers SECONDS             the same device work, its gradients summed as buffers of one's own
 *     bench communication SECONDS       its sums, one after the other and beside nothing
 *     bench thread 0 or 1               a thread of its own sums
 *     check ranks 4 hosts 2 device cpu SECONDS SECONDS shared memory ...      (launcher/doctor_job.c) of a small sum and of
 *                                       one of 4 MiB; the transport
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <trireme/dist.h>
#include <trireme/trireme.h>

typedef struct {
    int64_t samples;      /* of each rank */
    double compute_s;     /* a step of simulated device work; 0: the network is really trained */
    int64_t bucket_bytes; /* 0: the library's own choice */
    int rounds;
} worker_wish;

/* ---- measure.c ---- */
double worker_now(void);
double worker_slowest(double seconds); /* of all ranks; collective */
double worker_median(double *samples, int count);
int worker_hosts(void); /* collective */

/* All return 0, or -1 with an error standing. */
int worker_collectives(const worker_wish *wish);
int worker_step(const worker_wish *wish);
int worker_plot(const char *csv, const char *picture);

/* A program of its own: the exit status. */
int worker_check(int argc, char **argv);

/* ---- network.c: what is trained ---- */
enum { NETWORK_GRADIENTS = 64 };

typedef struct {
    tr_module *model;
    tr_optim *sgd;
    tr_tensor *x, *y; /* y NULL: simulated */
    double compute_s;
    double begin_s;
    int gradients, finished;
    int64_t bytes[NETWORK_GRADIENTS];  /* in the order in which they are finished */
    double ready_s[NETWORK_GRADIENTS]; /* since begin_s, in the last step */
    double backward_s;
} network;

/* Adds up its gradients over all ranks if `together`.  These belong to the open scope. */
int network_make(network *n, const worker_wish *wish, bool together);
int network_step(network *n);

/* The simulated device: which part of its work has been done when a gradient (-1: forward) is finished, and sleep until then. */
double network_finishes(const network *n, int gradient);
void network_works_until(const network *n, double part);

#endif
