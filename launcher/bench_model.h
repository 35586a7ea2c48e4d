/* How long a step takes on ranks that were not measured.
 *
 * A sum over n ranks in steps that double (Thakur, Rabenseifner & Gropp 2005) takes
 *
 *     latency x 2 ceil(log2 n) + bytes x 2 (n-1)/n / bandwidth
 *
 * and on several hosts that within a host, then that between hosts.  Latency and bandwidth of both are fitted to the sums that
 * were measured, by their relative errors' absolute values, so that 1 KiB counts as much as 4 MiB and one that was disturbed
 * does not count more.  What a fit misses at some size (a protocol that changes there) is carried over to other ranks.
 *
 * A step's own sums lie in shared memory, or travel by another thread: what they took on the ranks that were fitted to, as a
 * part of what the fit says, is carried over too.
 *
 * A step follows the gradients as one rank alone finishes them: they fill buckets, and a bucket's sum begins when it is full
 * and the one before it has ended, beside backward if a thread sums, else in its place.  The step ends with the last sum and
 * the optimiser.  That is all: ranks are equally fast, links are not shared, and nothing disturbs them. */
#ifndef LAUNCHER_BENCH_MODEL_H
#define LAUNCHER_BENCH_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { BENCH_SIZES = 16,
       BENCH_GRADIENTS = 64,
       BENCH_JOBS = 32 };

typedef struct {
    int64_t bytes;
    double seconds;
} bench_sum;

/* What was measured on so many ranks. Times of 0 were not. */
typedef struct {
    int ranks, hosts, threads;
    bool thread; /* sums beside backward */
    char transport[96];
    bench_sum sum[BENCH_SIZES], gather[BENCH_SIZES];
    int sums, gathers;
    struct {
        int64_t bytes;
        double ready_s; /* since the step's beginning */
    } gradient[BENCH_GRADIENTS];
    int gradients;
    double alone_s, backward_s; /* a step without communication; when its backward ends */
    double together_s;
    double buffers_s;       /* the same device work, gradients as buffers of one's own */
    double communication_s; /* the step's sums, beside nothing */
} bench_job;

typedef struct {
    double latency_s, s_per_byte;
    double misfit;              /* the median of |fitted / measured - 1| */
    int ranks;                  /* most that it was fitted to; 0: nothing is known, and it costs nothing */
    bench_sum off[BENCH_SIZES]; /* .seconds: measured / fitted, by size, rising */
    int offs;
} bench_link;

typedef struct {
    bench_link within, between;
    const bench_job *one;  /* borrowed: the job of one rank */
    const bench_job *like; /* borrowed: the job with most ranks on a host, which steps are taken from */
    int per_host;
    int64_t bucket_bytes;
    double buckets_within, buckets_between; /* what a step's sums took, as a part of what sums of their sizes take */
    bool thread;
} bench_model;

/* Fit a link to sums over n ranks. */
void bench_link_fit(bench_link *link, const bench_sum *sum, int sums, int n);
double bench_link_sum(const bench_link *link, int64_t bytes, int n);

/* From the jobs of at most `most` ranks (0: all).  False without a job of one rank. */
bool bench_model_make(bench_model *m, const bench_job *job, int jobs, int most, int64_t bucket_bytes);

/* A network between hosts as somebody says it is, a thread of its own summing over it. */
void bench_model_say_network(bench_model *m, double latency_s, double s_per_byte);

/* Hosts that so many ranks fill. */
int bench_hosts(const bench_model *m, int ranks);
double bench_sum_time(const bench_model *m, int64_t bytes, int ranks);
double bench_step_time(const bench_model *m, int ranks, int64_t bucket_bytes);

/* Its sums beside nothing. */
double bench_step_sums(const bench_model *m, int ranks, int64_t bucket_bytes);

/* The last bucket, which no backward hides. */
int64_t bench_last_bucket(const bench_job *job, int64_t bucket_bytes);

/* Where a step on so many ranks takes least. */
enum { BENCH_BUCKET_LEAST = 16 << 10,
       BENCH_BUCKET_MOST = 32 << 20 };
int64_t bench_best_bucket(const bench_model *m, int ranks);

#endif
