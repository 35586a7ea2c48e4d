#include "allreduce_device.h"

#include "bench.h"
#include "ceilings_device.h"

#include "dist/device.h"

#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <trireme/trireme.h>

enum { MOST_ROUNDS = 1000 };

static dist_transport *ours;
static dist_device *device;
static tr_tensor *there; /* kept: float32, on this rank's device */
static void *twin;       /* the transport's, pinned: what a bucket goes through where it passes the host */

/* ---- what is measured ---- */

/* The other ranks' devices would wait for ever. */
static void give_up(void)
{
    fprintf(stderr, "bench_allreduce: %s\n", tr_error_message());
    ours->abort(ours, 1);
}

static void sum(int64_t n, void *through)
{
    dist_work w = {.operation = DIST_ALL_REDUCE, .dtype = TR_FLOAT32, .from = tr_data(there), .into = tr_data(there), .n = n, .on = device, .twin = through};
    if (dist_run(ours, &w) < 0) give_up();
}

static void run_anywhere(int64_t n) { sum(n, NULL); }
static void run_bucket(int64_t n) { sum(n, twin); }

typedef struct {
    const char *name;
    void (*run)(int64_t n);
} contender;

static const contender contenders[] = {
    {"ours", run_anywhere},
    {"ours as a bucket", run_bucket},
};
enum { CONTENDERS = sizeof contenders / sizeof *contenders };

/* By NCCL a bucket goes as anything else. */
static int count_of(void) { return device->pinless ? 1 : CONTENDERS; }

/* ---- checking ---- */

/* Whole numbers below 2^24: their sum is exact in any order. */
static float value(int64_t i, int64_t r) { return (float)((i * 7 + r * 13) % 1000); }

static int64_t unlike_sum(const float *x, int64_t n)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++) {
        float all = 0;
        for (int64_t r = 0; r < ours->world; r++) all += value(i, r);
        if (!(x[i] == all)) wrong++;
    }
    return wrong;
}

static int64_t wrong_elements(const contender *c, int64_t n)
{
    TR_SCOPE;
    tr_tensor *here = tr_empty(TR_SHAPE(n)), *part = tr_narrow(there, 0, 0, n);
    float *x = tr_data(here);
    for (int64_t i = 0; x && i < n; i++) x[i] = value(i, ours->rank);
    if (!here || !tr_copy_(part, here)) give_up();
    c->run(n);
    tr_tensor *got = tr_to_device(part, tr_cpu());
    if (!got) give_up();
    int64_t wrong = unlike_sum(tr_data(got), n), all = n;
    MPI_Allreduce(&wrong, &all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/* ---- timing ---- */

/* Until the slowest rank's device has done it. */
static double sample(const contender *c, int64_t n, int times)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = bench_seconds();
    for (int i = 0; i < times; i++) c->run(n);
    if (tr_synchronize(device->at) < 0) give_up();
    double seconds = (bench_seconds() - begin) / times;
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return seconds;
}

/* So many that the last wait does not matter. */
static int enough(const contender *c, int64_t n, bool quick)
{
    const double fill = quick ? 1e-4 : 2e-2, once = fmin(sample(c, n, 1), sample(c, n, 1));
    return (int)fmax(1, fmin(10000, fill / once));
}

static double took[CONTENDERS][MOST_ROUNDS]; /* us */

static void print_lines(int64_t bytes, const char *size, const int64_t *wrong, int rounds, double ceiling)
{
    const double ranks = (double)ours->world, part = ranks > 1 ? 2 * (ranks - 1) / ranks : 1;
    for (int c = 0; c < count_of(); c++) {
        char name[64];
        snprintf(name, sizeof name, "%s, %d rank%s", contenders[c].name, (int)ours->world, ours->world > 1 ? "s" : "");
        bench_report((bench_case){.name = name, .size = size, .threads = (int)ours->world, .work = 1e-9 * part * (double)bytes, .ceiling = ceiling}, took[c], rounds, (double)wrong[c]);
    }
}

static int64_t measure(int64_t bytes, int rounds, bool quick)
{
    char size[32];
    snprintf(size, sizeof size, bytes >> 20 ? "%lld MiB" : "%lld KiB", (long long)(bytes >> 20 ? bytes >> 20 : bytes >> 10));
    int wanted = ours->rank == 0 && bench_wants("ours as a bucket", size);
    MPI_Bcast(&wanted, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!wanted) return 0;

    const int64_t n = bytes / (int64_t)sizeof(float);
    int64_t wrong[CONTENDERS] = {0}, all_wrong = 0;
    int times[CONTENDERS] = {0};
    for (int c = 0; c < count_of(); c++) wrong[c] = wrong_elements(&contenders[c], n);
    if (!tr_zero_(there)) give_up(); /* zeros stay what they are */
    for (int c = 0; c < count_of(); c++) times[c] = enough(&contenders[c], n, quick);
    for (int r = 0; r < rounds; r++)
        for (int c = 0; c < count_of(); c++) took[c][r] = 1e6 * sample(&contenders[c], n, times[c]);
    for (int c = 0; c < count_of(); c++) all_wrong += wrong[c] += wrong_elements(&contenders[c], n);
    if (ours->rank == 0) print_lines(bytes, size, wrong, rounds, ceiling_device_copy(device->at, bytes));
    MPI_Barrier(MPI_COMM_WORLD); /* the others' devices rest meanwhile */
    return all_wrong;
}

int64_t allreduce_on_device(dist_transport *way, tr_device at, int rounds, bool quick)
{
    const int64_t most = quick ? 1 << 20 : 64 << 20;
    int64_t wrong = 0;
    ours = way;
    device = dist_device_of(way, at);
    there = device ? tr_keep(tr_zeros(TR_SHAPE(most / (int64_t)sizeof(float)), .device = at)) : NULL;
    twin = there ? way->take(way, most) : NULL;
    if (!twin) give_up();
    dist_device_pin(device, twin, most);
    if (way->rank == 0) printf("# %s\n", device->way);
    for (int64_t bytes = 1024; bytes <= most; bytes *= 4) wrong += measure(bytes, rounds, quick);
    tr_drop(there);
    dist_device_close(way);
    return wrong;
}
