#include "launcher/bench.h"
#include "launcher/launcher.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RANKS = 1024 };

static double rate(const bench_options *o, const bench_job *j) { return (double)(j->ranks * o->samples) / j->together_s; }
static double exposed(const bench_job *j) { return fmax(j->together_s - j->alone_s, 0); }
static double exposed_buffers(const bench_options *o, const bench_job *j) { return fmax(j->buffers_s - o->compute_s, 0); }

static double sum_of(const bench_job *j, int64_t bytes)
{
    bench_link as_measured = {0};
    bench_link_fit(&as_measured, j->sum, j->sums, j->ranks);
    return bench_link_sum(&as_measured, bytes, j->ranks);
}

/* What backward hid of what it could hide: all but the last bucket's sum. NaN where nothing could be hidden. */
static double hidden(const bench_options *o, const bench_job *j, double exposed_s)
{
    double could = j->communication_s - sum_of(j, bench_last_bucket(j, o->bucket_bytes));
    return j->hosts > 1 && could > 0 ? (j->communication_s - exposed_s) / could : NAN;
}

static bool predicts(const bench_options *o, const bench_model *m, int ranks)
{
    return bench_hosts(m, ranks) == 1 ? ranks == 1 || m->within.ranks > 0 : m->between.ranks > 0 || o->latency_s > 0;
}

static const char *share_text(double share, char text[16])
{
    if (isnan(share))
        snprintf(text, 16, "-");
    else
        snprintf(text, 16, "%.1f %%", 100 * share);
    return text;
}

/* ---- tables ---- */

/* What does not fit into the table. */
static void print_beside(const bench_options *o, const bench_model *m, const bench_job *job, int jobs)
{
    int lines = 0;
    for (int i = 0; i < jobs; i++) {
        const bench_job *j = &job[i];
        if (!m->one || j->ranks == 1 || !predicts(o, m, j->ranks)) continue;
        double sums = bench_step_sums(m, j->ranks, o->bucket_bytes);
        printf("%s  %5d ranks: a step's sums were predicted to take %.3f ms (%+.1f %%)\n", lines++ ? "" : "\n", j->ranks, 1e3 * sums, 100 * (sums / j->communication_s - 1));
    }
    for (int i = 0; i < jobs; i++) {
        const bench_job *j = &job[i];
        char share[16];
        if (!(j->buffers_s > 0)) continue;
        printf("%s  %5d ranks: with gradients as buffers of one's own (tr_reducer) %.3f ms are exposed, %s hidden\n", lines++ ? "" : "\n", j->ranks,
               1e3 * exposed_buffers(o, j), share_text(hidden(o, j, exposed_buffers(o, j)), share));
    }
}

static void print_measured(const bench_options *o, const bench_model *m, const bench_job *job, int jobs)
{
    if (o->compute_s > 0)
        printf("\n%g ms of simulated device work, 41 gradients of 64 KiB; \"samples\" are %lld a step and rank\n", 1e3 * o->compute_s, (long long)o->samples);
    else
        printf("\n784-512-512-10, float32, SGD with momentum, %lld samples a step and rank\n", (long long)o->samples);
    printf("%d thread%s a rank; %s\n\n", o->threads, o->threads == 1 ? "" : "s", job[jobs - 1].transport);
    printf("  ranks  hosts   samples/s  efficiency    step ms    sums ms  exposed ms   hidden  predicted/s      off\n");
    for (int i = 0; i < jobs; i++) {
        const bench_job *j = &job[i];
        char share[16], off[16] = "", expected[16] = "";
        double one = m->one ? (double)o->samples / m->one->together_s : NAN;
        if (m->one && j->ranks > 1 && predicts(o, m, j->ranks)) {
            double predicted = (double)(j->ranks * o->samples) / bench_step_time(m, j->ranks, o->bucket_bytes);
            snprintf(expected, sizeof expected, "%.0f", predicted);
            snprintf(off, sizeof off, "%+.1f %%", 100 * (predicted / rate(o, j) - 1));
        }
        printf("  %5d  %5d  %10.0f  %8.1f %%  %9.3f  %9.3f  %10.3f  %7s  %11s  %7s\n", j->ranks, j->hosts, rate(o, j), 100 * rate(o, j) / (one * j->ranks),
               1e3 * j->together_s, 1e3 * j->communication_s, 1e3 * exposed(j), share_text(hidden(o, j, exposed(j)), share), expected, off);
    }
    print_beside(o, m, job, jobs);
    printf("\n  efficiency: of as many times one rank.  sums: all of a step's, beside nothing.  exposed: what they\n"
           "  add to a step.  hidden: of what backward can hide, that is, all but the last bucket's.\n");
}

static void print_link(const char *name, const bench_link *l, bool said)
{
    if (said)
        printf("  %-14s %9.1f us  %8.2f GB/s   as said by --network\n", name, 1e6 * l->latency_s, 1e-9 / l->s_per_byte);
    else if (l->ranks)
        printf("  %-14s %9.1f us  %8.2f GB/s   from %d sums over %d, typically off by %.0f %%\n", name, 1e6 * l->latency_s,
               l->s_per_byte > 0 ? 1e-9 / l->s_per_byte : 0, l->offs, l->ranks, 100 * l->misfit);
    else
        printf("  %-14s not measured\n", name);
}

static void print_best_bucket(const bench_model *m, int ranks, int64_t bucket_bytes)
{
    const double worth = 0.99; /* of a step: less gain than a model is wrong by */
    int64_t best = bench_best_bucket(m, ranks);
    double step = bench_step_time(m, ranks, best), now = bench_step_time(m, ranks, bucket_bytes);
    const char *edge = best == BENCH_BUCKET_LEAST ? ", the smallest looked at" : best == BENCH_BUCKET_MOST ? ", the largest looked at"
                                                                                                           : "";
    printf("best bucket on %d ranks: ", ranks);
    if (step > worth * now)
        printf("as above; no other makes a step of %.3f ms 1 %% shorter\n", 1e3 * now);
    else
        printf("%lld KiB%s, a step of %.3f ms (as above: %.3f)\n", (long long)(best >> 10), edge, 1e3 * step, 1e3 * now);
}

static void print_predicted(const bench_options *o, const bench_model *m)
{
    int most = m->per_host;
    printf("\nA sum over n takes  latency x 2 ceil(log2 n) + bytes x 2 (n-1)/n / bandwidth, within a host, then between hosts:\n");
    print_link("within a host", &m->within, false);
    print_link("between hosts", &m->between, m->between.ranks == 0 && o->latency_s > 0);
    printf("\nWhat follows with %d rank%s on each host, steps as on %d rank%s, buckets of %s, sums %s:\n", m->per_host, m->per_host == 1 ? "" : "s",
           m->like->ranks, m->like->ranks == 1 ? "" : "s", o->bucket_bytes ? "the size given" : "the library's size",
           m->thread ? "beside backward over a network" : "in backward's place");
    printf("  ranks  hosts   samples/s  efficiency    step ms\n");
    for (int n = 1; n <= MOST_RANKS; n *= 2) {
        if (!predicts(o, m, n)) continue;
        double step = bench_step_time(m, n, o->bucket_bytes);
        printf("  %5d  %5d  %10.0f  %8.1f %%  %9.3f\n", n, bench_hosts(m, n), (double)(n * o->samples) / step, 100 * m->one->together_s / step, 1e3 * step);
        most = n;
    }
    printf("\nAssumed: every rank is as fast as these were, the network is not shared and as fast between any two hosts,\n"
           "sums move no byte twice over a link, and the optimiser and all else stay what they are.\n");
    int large[] = {m->between.ranks * m->per_host, most};
    for (int i = m->between.ranks ? 0 : 1; i < 2 && bench_hosts(m, most) > 1; i++)
        print_best_bucket(m, large[i], o->bucket_bytes);
}

/* ---- files ---- */

void bench_folder_make(const bench_options *o)
{
    char inside[PATH_MAX];
    snprintf(inside, sizeof inside, "%s/.", o->folder);
    bool there = mkdir(o->folder, 0777) == 0 || errno == EEXIST;
    if (!there || access(inside, W_OK | X_OK) != 0) fail(EXIT_FAILURE, "bench", "--out %s: %s", o->folder, strerror(errno));
}

static FILE *open_for_writing(const bench_options *o, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", o->folder, name);
    FILE *f = fopen(path, "w");
    if (!f) fail(EXIT_FAILURE, "bench", "%s: %s", path, strerror(errno));
    return f;
}

static void write_sums(FILE *f, const char *kind, const bench_job *j, const bench_sum *sum, int sums)
{
    for (int i = 0; i < sums; i++) fprintf(f, "%s,%d,%d,%lld,%.6g,,,,,,\n", kind, j->ranks, j->hosts, (long long)sum[i].bytes, sum[i].seconds);
}

/* One table, empty where a column says nothing. */
static void write_csv(const bench_options *o, const bench_model *m, const bench_job *job, int jobs)
{
    FILE *f = open_for_writing(o, "results.csv");
    fprintf(f, "kind,ranks,hosts,bytes,seconds,samples_per_s,efficiency,alone_s,communication_s,exposed_s,hidden\n");
    for (int i = 0; i < jobs; i++) {
        const bench_job *j = &job[i];
        write_sums(f, "sum", j, j->sum, j->sums);
        write_sums(f, "gather", j, j->gather, j->gathers);
        fprintf(f, "step,%d,%d,,%.6g,%.6g,", j->ranks, j->hosts, j->together_s, rate(o, j));
        if (m->one) fprintf(f, "%.4f", m->one->together_s / j->together_s);
        fprintf(f, ",%.6g,%.6g,%.6g,", j->alone_s, j->communication_s, exposed(j));
        if (!isnan(hidden(o, j, exposed(j)))) fprintf(f, "%.4f", hidden(o, j, exposed(j)));
        fprintf(f, "\n");
        if (!(j->buffers_s > 0) || isnan(hidden(o, j, 0))) continue;
        fprintf(f, "buffers,%d,%d,,%.6g,,,,%.6g,%.6g,%.4f\n", j->ranks, j->hosts, j->buffers_s, j->communication_s, exposed_buffers(o, j), hidden(o, j, exposed_buffers(o, j)));
    }
    for (int n = 1; m->one && n <= MOST_RANKS; n *= 2) {
        if (!predicts(o, m, n)) continue;
        double step = bench_step_time(m, n, o->bucket_bytes);
        fprintf(f, "predicted,%d,%d,,%.6g,%.6g,%.4f,,%.6g,,\n", n, bench_hosts(m, n), step, (double)(n * o->samples) / step, m->one->together_s / step,
                bench_step_sums(m, n, o->bucket_bytes));
    }
    if (fclose(f) != 0) fail(EXIT_FAILURE, "bench", "%s/results.csv: %s", o->folder, strerror(errno));
    printf("\nwritten: %s/results.csv\n", o->folder);
}

/* The worker draws: it has the library. */
static int draw(const bench_options *o)
{
    char worker[PATH_MAX], csv[PATH_MAX + 16], picture[PATH_MAX + 16];
    bench_worker_find(worker, sizeof worker);
    snprintf(csv, sizeof csv, "%s/results.csv", o->folder);
    snprintf(picture, sizeof picture, "%s/scaling.png", o->folder);
    const char *argv[] = {worker, "plot", csv, picture, NULL};
    return bench_call((char *const *)argv);
}

int bench_report(const bench_options *o, const bench_job *job, int jobs)
{
    bench_model m;
    bool known = bench_model_make(&m, job, jobs, o->fit_ranks, o->bucket_bytes);
    if (known && m.between.ranks == 0 && o->latency_s > 0) bench_model_say_network(&m, o->latency_s, o->s_per_byte);
    print_measured(o, &m, job, jobs);
    if (known) print_predicted(o, &m);
    if (!known) printf("\nNothing is predicted without a measurement on one rank.\n");
    write_csv(o, &m, job, jobs);
    fflush(stdout);
    return known ? draw(o) : EXIT_SUCCESS;
}
