/* All-reduce of float32 over the ranks of this job, in place: ours, through shared memory, from where an array happens to lie
 * ("ours from anywhere") and from memory of the transport, where gradients' buckets lie ("ours from window"); MPI_Allreduce; the
 * same window reduced by hand, without anything around it; and a copy of the array, by all ranks at once.
 *
 *     mpirun -np 2 bench_allreduce [--filter "1 MiB"] [--csv FILE] [--device cuda]
 *
 * Every round measures every way once, one after the other, so that what disturbs one disturbs all; the slowest rank counts.
 * bus = 2 (n-1)/n bytes / time, comparable for any number of ranks; best is the plain window.  The error is the number of
 * elements on any rank that are not the sum, looked at before and after.  "fresh": each rank has just written its array, as
 * gradients are; else every part of it stays with the core that adds it.
 *
 * With --device cuda the arrays lie on ranks' GPUs, which meet by NCCL, or, where they are one, through the host: there from
 * where an array happens to lie, and as a gradients' bucket goes.  Best is a copy of as many bytes on one of these devices, read
 * and written. */
#include "allreduce_device.h"
#include "bench.h"

#include "dist/window.h"

#include <math.h>
#include <mpi.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/trireme.h>
#include <unistd.h>

static int rank, world, spins;

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

/* MPI aligns to 8 bytes; all processes find the same place, since they map windows whole pages apart. */
static void *aligned(void *p) { return (void *)(((uintptr_t)p + 127) / 128 * 128); }

static int plain_open(int64_t bytes)
{
    void *mine;
    MPI_Aint size;
    int unit;
    MPI_Win_allocate_shared(rank == 0 ? (MPI_Aint)(world * (int)sizeof(plain_flag) + 128) : 0, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mine, &flag_window);
    MPI_Win_shared_query(flag_window, 0, &size, &unit, (void *)&plain_flags);
    if (!plain_flags) return -1;
    plain_flags = aligned(plain_flags);
    MPI_Win_allocate_shared((MPI_Aint)bytes + 128, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &mine, &plain_window);
    plain_data = calloc((size_t)world, sizeof *plain_data);
    if (!plain_data) return -1;
    for (int i = 0; i < world; i++) {
        MPI_Win_shared_query(plain_window, i, &size, &unit, (void *)&plain_data[i]);
        plain_data[i] = aligned(plain_data[i]);
    }
    if (!plain_data[rank]) return -1;
    memset(plain_data[rank], 0, (size_t)bytes);
    if (rank == 0) memset(plain_flags, 0, (size_t)world * sizeof *plain_flags);
    MPI_Barrier(MPI_COMM_WORLD);
    return 0;
}

static void plain_close(void)
{
    MPI_Win_free(&plain_window);
    MPI_Win_free(&flag_window);
    free(plain_data);
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
    {"ours from anywhere", run_ours, &anywhere},
    {"ours from window", run_window, &in_window},
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

enum { MOST_ROUNDS = 1000 };

/* What rank 0 was told on its command line. */
static struct {
    int rounds, quick, on_device, index; /* index: of the device; -1: each rank's own */
} how;

static double slowest(double seconds)
{
    MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return seconds;
}

/* Of zeros, which stay what they are. */
static double sample(const contender *c, int64_t n, int times, bool fresh)
{
    if (fresh && c->data) memset(*c->data, 0, (size_t)n * sizeof(float));
    MPI_Barrier(MPI_COMM_WORLD);
    double begin = bench_seconds();
    for (int i = 0; i < times; i++) c->run(n);
    return slowest((bench_seconds() - begin) / times);
}

/* Runs in a sample: so many that the clock's grain does not matter. */
static int enough(const contender *c, int64_t n, bool fresh)
{
    const double fill = how.quick ? 1e-4 : 5e-3;
    double once = sample(c, n, 1, fresh);
    for (int i = 0; i < 2; i++) once = fmin(once, sample(c, n, 1, fresh));
    return fresh ? 1 : (int)fmax(1, fmin(10000, fill / once));
}

static void zero(int64_t n)
{
    for (int c = 0; c < CONTENDERS; c++)
        if (contenders[c].data) memset(*contenders[c].data, 0, (size_t)n * sizeof(float));
}

static double took[CONTENDERS][MOST_ROUNDS]; /* us */

static double median(const double *sorted) { return sorted[how.rounds / 2]; }

static void print_lines(int64_t bytes, const char *size, const int64_t *wrong, bool fresh)
{
    double ring = 2.0 * (world - 1) / world, plain = 0;
    for (int c = CONTENDERS - 1; c >= 0; c--) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", contenders[c].name, fresh ? " fresh" : "");
        double work = (double)bytes / 1e9 * (contenders[c].data ? ring : 1);
        bench_report((bench_case){.name = name, .size = size, .threads = world, .work = work, .ceiling = contenders[c].data ? plain : 0},
                     took[c], how.rounds, (double)wrong[c]);
        if (contenders[c].run == run_plain) plain = work / (1e-6 * median(took[c]));
    }
    printf("#  %s%s: ", size, fresh ? ", fresh" : "");
    for (int c = 1; c < CONTENDERS - 1; c++)
        printf("%s%s %.3g GB/s, %.2f x MPI", c > 1 ? "; " : "algorithm (bytes / time): ", contenders[c].name,
               (double)bytes / 1e3 / median(took[c]), median(took[0]) / median(took[c]));
    printf("\n");
}

static int64_t measure(int64_t bytes, bool fresh)
{
    char size[32];
    snprintf(size, sizeof size, bytes >> 20 ? "%lld MiB" : "%lld KiB", (long long)(bytes >> 20 ? bytes >> 20 : bytes >> 10));
    int wanted = rank == 0 && bench_wants(fresh ? "all_reduce fresh" : "all_reduce", size);
    MPI_Bcast(&wanted, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (!wanted) return 0;

    int64_t n = bytes / (int64_t)sizeof(float), wrong[CONTENDERS], all_wrong = 0;
    int times[CONTENDERS];
    for (int c = 0; c < CONTENDERS; c++) wrong[c] = wrong_elements(&contenders[c], n);
    zero(n);
    for (int c = 0; c < CONTENDERS; c++) times[c] = enough(&contenders[c], n, fresh);
    for (int r = 0; r < how.rounds; r++)
        for (int c = 0; c < CONTENDERS; c++) took[c][r] = 1e6 * sample(&contenders[c], n, times[c], fresh);
    for (int c = 0; c < CONTENDERS; c++) all_wrong += wrong[c] += wrong_elements(&contenders[c], n);
    if (rank == 0) print_lines(bytes, size, wrong, fresh);
    return all_wrong;
}

static float *zeroed(int64_t bytes)
{
    void *memory = aligned_alloc(4096, (size_t)bytes);
    if (memory) memset(memory, 0, (size_t)bytes);
    return memory;
}

/* Each sample waits by itself. */
static void nothing_to_wait_for(void) {}
static const char *nothing_is_missing(void) { return NULL; }

/* "cuda" is each rank's own, "cuda:1" one for all.  False: the program ends. */
static bool find_device(void)
{
    tr_device at;
    if (!bench_on_device()) return true;
    if (tr_device_parse(bench_device(), &at) < 0) return bench_refuse();
    if (at.type == TR_CUDA && at.index >= tr_cuda_device_count()) {
        bench_skip(tr_cuda_missing() ? tr_cuda_missing() : "this machine has fewer devices");
        return false;
    }
    how.on_device = at.type == TR_CUDA;
    how.index = strchr(bench_device(), ':') ? at.index : -1;
    return true;
}

/* On every rank alike. */
static bool begin(int argc, char **argv)
{
    static char about[200];
    snprintf(about, sizeof about, "sums over %d ranks, in place, %s (thr: ranks)", world, ours->name);
    int ok = 1;
    if (rank == 0) {
        bench_takes_device(nothing_to_wait_for, nothing_is_missing);
        ok = bench_begin(argc, argv, (bench_subject){.name = "allreduce", .about = about, .unit = "us", .rate_unit = "bus GB/s", .rate_formula = "2(n-1)/n bytes / time; memcpy, one rank: bytes / time", .who = "trireme", .version = tr_version()});
        ok = ok && find_device();
        how.rounds = bench_rounds();
        how.quick = bench_quick();
    }
    MPI_Bcast(&ok, 1, MPI_INT, 0, MPI_COMM_WORLD);
    MPI_Bcast(&how, sizeof how / sizeof(int), MPI_INT, 0, MPI_COMM_WORLD);
    return ok;
}

static int64_t measure_on_device(void)
{
    const int count = tr_cuda_device_count();
    const int mine = count > 0 ? (int)(ours->local_rank % count) : 0;
    return allreduce_on_device(ours, tr_cuda(how.index >= 0 ? how.index : mine), how.rounds, how.quick);
}

static int64_t measure_all(int64_t most)
{
    int64_t wrong = 0;
    for (int fresh = 0; fresh < 2; fresh++)
        for (int64_t bytes = 1024; bytes <= most; bytes *= 4) wrong += measure(bytes, fresh);
    return wrong;
}

int main(int argc, char **argv)
{
    ours = dist_mpi_world(&argc, &argv);
    if (ours) ours = dist_choose(ours);
    if (!ours) {
        fprintf(stderr, "bench_allreduce: %s\n", tr_error_message());
        return 1;
    }
    rank = (int)ours->rank;
    world = (int)ours->world;
    spins = sysconf(_SC_NPROCESSORS_ONLN) >= world ? 2000 : 200;
    int64_t wrong = 0;
    bool told = begin(argc, argv);
    int64_t most = how.quick ? 1 << 20 : 64 << 20;
    if (told && how.on_device) {
        wrong = measure_on_device();
    } else if (told) {
        anywhere = zeroed(most);
        for_mpi = zeroed(most);
        in_window = ours->take(ours, most);
        if (!anywhere || !for_mpi || !in_window || plain_open(most) < 0) {
            fprintf(stderr, "bench_allreduce: out of memory\n");
            ours->abort(ours, 1);
        }
        plain_mine = plain_data[rank];
        wrong = measure_all(most);
        plain_close();
        free(anywhere);
        free(for_mpi);
    }
    int status = rank == 0 ? bench_end() : 0;
    return ours->finish(ours) < 0 || wrong > 0 ? 1 : status;
}
