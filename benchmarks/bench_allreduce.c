/* All-reduce of float32 over the ranks of this job, in place: ours, through shared memory from where the array happens to
 * lie ("ours") and from memory of take() ("ours, window"); MPI_Allreduce in place; the same window reduced by hand, without
 * anything around it; and a copy of the array by one core, all ranks at once.
 *
 *     mpirun -np 2 bench_allreduce [--csv] [--fresh] [--least BYTES] [--most BYTES] [--seconds S]
 *
 * Per size: rounds in which every way is measured once, one after the other, so that what disturbs one disturbs all;
 * the slowest rank counts.  bus = 2 (n-1)/n bytes / time: what a perfect ring would carry, comparable for any n.  "wrong" is
 * the number of elements that differ from the sum, over all ranks, looked at before anything is timed and again afterwards.
 * ratio = time of MPI_Allreduce / time. */
#include "dist/window.h"

#include <math.h>
#include <mpi.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>
#include <unistd.h>

enum { ROUNDS = 41,
       WARM_UP = 3 };

static int rank, world, spins;
static bool fresh;

/* ---- the plain reduce by hand: post, wait, add the own slice into every copy, post, wait ---- */

typedef struct {
    _Alignas(128) _Atomic uint32_t step;
} plain_flag;

static plain_flag *plain_flags;
static float **plain_data;
static uint32_t plain_step;

static void plain_meet(void)
{
    plain_step++;
    atomic_store_explicit(&plain_flags[rank].step, plain_step, memory_order_release);
    for (int i = 0; i < world; i++)
        for (int spun = 0; (int32_t)(atomic_load_explicit(&plain_flags[i].step, memory_order_acquire) - plain_step) < 0;) {
            if (++spun < spins)
                __builtin_ia32_pause();
            else
                sched_yield();
        }
}

static void plain_two(float *a, float *b, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) a[i] = b[i] = a[i] + b[i];
}

/* A thousand elements at a time: the sum stays in the nearest cache. */
static void plain_many(int64_t from, int64_t to)
{
    enum { BLOCK = 1024 };
    float sum[BLOCK];
    for (int64_t at = from; at < to; at += BLOCK) {
        int64_t n = to - at < BLOCK ? to - at : BLOCK;
        memcpy(sum, plain_data[0] + at, (size_t)n * sizeof *sum);
        for (int r = 1; r < world; r++)
            for (int64_t i = 0; i < n; i++) sum[i] += plain_data[r][at + i];
        for (int r = 0; r < world; r++) memcpy(plain_data[r] + at, sum, (size_t)n * sizeof *sum);
    }
}

static void plain_reduce(int64_t n)
{
    int64_t each = (n + world - 1) / world, from = rank * each < n ? rank * each : n, to = from + each < n ? from + each : n;
    plain_meet();
    if (world == 2)
        plain_two(plain_data[0], plain_data[1], from, to);
    else
        plain_many(from, to);
    plain_meet();
}

static MPI_Win plain_window, flag_window;

static void plain_open(int64_t bytes)
{
    void *mine;
    MPI_Aint size;
    int unit;
    MPI_Win_allocate_shared(rank == 0 ? (MPI_Aint)(world * (int)sizeof(plain_flag)) : 0, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mine, &flag_window);
    MPI_Win_shared_query(flag_window, 0, &size, &unit, (void *)&plain_flags);
    MPI_Win_allocate_shared((MPI_Aint)bytes, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mine, &plain_window);
    plain_data = calloc((size_t)world, sizeof *plain_data);
    for (int i = 0; i < world; i++) MPI_Win_shared_query(plain_window, i, &size, &unit, (void *)&plain_data[i]);
    memset(mine, 0, (size_t)bytes);
    if (rank == 0) memset(plain_flags, 0, (size_t)world * sizeof *plain_flags);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- what is measured ---- */

static dist_transport *ours;
static float *anywhere, *in_window, *for_mpi;

static bool our_all_reduce(float *data, int64_t n) { return dist_all_reduce(ours, data, n, TR_FLOAT32) == 0; }

static bool run_ours(int64_t n) { return our_all_reduce(anywhere, n); }
static bool run_window(int64_t n) { return our_all_reduce(in_window, n); }

static bool run_plain(int64_t n)
{
    plain_reduce(n);
    return true;
}

static bool run_mpi(int64_t n)
{
    return MPI_Allreduce(MPI_IN_PLACE, for_mpi, (int)n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD) == MPI_SUCCESS;
}

static bool run_copy(int64_t n)
{
    memcpy(for_mpi, anywhere, (size_t)n * sizeof *anywhere);
    return true;
}

typedef struct {
    const char *name;
    bool (*run)(int64_t n);
    float **data; /* what it sums; NULL: nothing */
} contender;

static float *plain_mine;
static const contender contenders[] = {
    {"MPI_Allreduce", run_mpi, &for_mpi},
    {"ours, any memory", run_ours, &anywhere},
    {"ours, window", run_window, &in_window},
    {"plain window", run_plain, &plain_mine},
    {"memcpy", run_copy, NULL},
};
enum { CONTENDERS = sizeof contenders / sizeof *contenders };

/* ---- checking ---- */

/* Whole numbers below 2^24: their sum is exact in any order. */
static float value(int64_t i, int r) { return (float)((i * 7 + r * 13) % 1000); }

static int64_t wrong_elements(const contender *c, int64_t n)
{
    if (!c->data) return 0;
    float *x = *c->data;
    for (int64_t i = 0; i < n; i++) x[i] = value(i, rank);
    MPI_Barrier(MPI_COMM_WORLD);
    if (!c->run(n)) return n;
    int64_t wrong = 0, all = 0;
    for (int64_t i = 0; i < n; i++) {
        float sum = 0;
        for (int r = 0; r < world; r++) sum += value(i, r);
        if (!(x[i] == sum)) wrong++;
    }
    MPI_Allreduce(&wrong, &all, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/* ---- timing ---- */

/* One sample: so many runs that the clock's grain does not matter, of zeros, which stay what they are.  --fresh: one run, of
 * an array that its own rank has just written, as gradients are; else each part of it stays with the core that added it. */
static double sample(const contender *c, int64_t n, int times)
{
    if (fresh && c->data) memset(*c->data, 0, (size_t)n * sizeof(float));
    if (fresh) times = 1;
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = MPI_Wtime();
    for (int i = 0; i < times; i++) c->run(n);
    double took = (MPI_Wtime() - begin) / times, slowest = took;
    MPI_Allreduce(&took, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return slowest;
}

static int up(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void zero(int64_t n)
{
    for (int c = 0; c < CONTENDERS; c++)
        if (contenders[c].data) memset(*contenders[c].data, 0, (size_t)n * sizeof(float));
}

static const char *size_name(int64_t bytes, char *text, size_t room)
{
    if (bytes >= 1 << 20)
        snprintf(text, room, "%lld MiB", (long long)(bytes >> 20));
    else
        snprintf(text, room, "%lld KiB", (long long)(bytes >> 10));
    return text;
}

static void print_line(const contender *c, int64_t bytes, const double *took, double mpi, int64_t wrong, bool csv)
{
    char size[32];
    double us = 1e6 * took[ROUNDS / 2], rate = (double)bytes / took[ROUNDS / 2] / 1e9, bus = rate * 2 * (world - 1) / world;
    if (!c->data) bus = rate;
    if (csv)
        printf("%d,%lld,%s,%.3f,%.3f,%.3f,%.3f,%.3f,%lld,%.3f\n", world, (long long)bytes, c->name, us, 1e6 * took[ROUNDS / 10],
               1e6 * took[ROUNDS * 9 / 10], rate, bus, (long long)wrong, mpi / took[ROUNDS / 2]);
    else
        printf("%9s  %-16s %10.2f %10.2f %10.2f %8.2f %8.2f %6lld %7.2f\n", size_name(bytes, size, sizeof size), c->name, us,
               1e6 * took[ROUNDS / 10], 1e6 * took[ROUNDS * 9 / 10], rate, bus, (long long)wrong, mpi / took[ROUNDS / 2]);
    fflush(stdout);
}

static int64_t measure(int64_t bytes, double seconds, bool csv)
{
    static double took[CONTENDERS][ROUNDS];
    int64_t n = bytes / (int64_t)sizeof(float), wrong[CONTENDERS], all_wrong = 0;
    int times[CONTENDERS];
    for (int c = 0; c < CONTENDERS; c++) wrong[c] = wrong_elements(&contenders[c], n);
    zero(n);
    for (int c = 0; c < CONTENDERS; c++) {
        double once = 1;
        for (int i = 0; i < WARM_UP; i++) once = fmin(once, sample(&contenders[c], n, 1));
        times[c] = (int)fmax(1, fmin(20000, seconds / ROUNDS / CONTENDERS / once));
        MPI_Bcast(&times[c], 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    for (int r = 0; r < ROUNDS; r++)
        for (int c = 0; c < CONTENDERS; c++) took[c][r] = sample(&contenders[c], n, times[c]);
    for (int c = 0; c < CONTENDERS; c++) {
        wrong[c] += wrong_elements(&contenders[c], n);
        all_wrong += wrong[c];
        qsort(took[c], ROUNDS, sizeof took[c][0], up);
    }
    if (rank == 0)
        for (int c = 0; c < CONTENDERS; c++) print_line(&contenders[c], bytes, took[c], took[0][ROUNDS / 2], wrong[c], csv);
    return all_wrong;
}

static float *zeroed(int64_t bytes)
{
    void *memory = aligned_alloc(4096, (size_t)bytes);
    if (memory) memset(memory, 0, (size_t)bytes);
    return memory;
}

static void print_head(bool csv)
{
    if (csv)
        printf("ranks,bytes,way,median_us,p10_us,p90_us,algorithm_gb_s,bus_gb_s,wrong,ratio\n");
    else
        printf("# all-reduce of float32, in place, %d ranks, %s; %d interleaved rounds, %d warm-up%s\n"
               "# algorithm = bytes / time, bus = 2(n-1)/n bytes / time (memcpy: bytes / time), GB/s; ratio = time of MPI_Allreduce / time\n"
               "#    size  way               median us        p10        p90  algorithm     bus  wrong   ratio\n",
               world, ours->name, ROUNDS, WARM_UP, fresh ? ", arrays just written" : "");
}

int main(int argc, char **argv)
{
    bool csv = false;
    int64_t least = 1024, most = 64 << 20;
    double seconds = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--csv") == 0)
            csv = true;
        else if (strcmp(argv[i], "--fresh") == 0)
            fresh = true;
        else if (strcmp(argv[i], "--least") == 0 && i + 1 < argc)
            least = strtoll(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--most") == 0 && i + 1 < argc)
            most = strtoll(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else {
            fprintf(stderr, "bench_allreduce [--csv] [--fresh] [--least BYTES] [--most BYTES] [--seconds S]\n");
            return 2;
        }
    }
    ours = dist_mpi_world(&argc, &argv);
    if (ours) ours = dist_choose(ours);
    if (!ours) {
        fprintf(stderr, "bench_allreduce: %s\n", tr_error_message());
        return 1;
    }
    rank = (int)ours->rank;
    world = (int)ours->world;
    spins = sysconf(_SC_NPROCESSORS_ONLN) >= world ? 2000 : 200;
    anywhere = zeroed(most);
    for_mpi = zeroed(most);
    in_window = ours->take(ours, most);
    if (!anywhere || !for_mpi || !in_window) {
        fprintf(stderr, "bench_allreduce: out of memory\n");
        ours->abort(ours, 1);
    }
    plain_open(most);
    plain_mine = plain_data[rank];

    int64_t wrong = 0;
    if (rank == 0) print_head(csv);
    for (int64_t bytes = least; bytes <= most; bytes *= 4) wrong += measure(bytes, seconds, csv);

    MPI_Win_free(&plain_window);
    MPI_Win_free(&flag_window);
    free(plain_data);
    free(anywhere);
    free(for_mpi);
    return ours->finish(ours) < 0 || wrong > 0;
}
