#include "launcher/bench_model.h"

#include <math.h>
#include <stdlib.h>

/* ---- a link ---- */

static double hops(int n)
{
    int steps = 0;
    while (1 << steps < n) steps++;
    return 2 * steps;
}

static double share(int n) { return 2.0 * (n - 1) / n; }

static double line(const bench_link *l, double bytes, int n) { return l->latency_s * hops(n) + l->s_per_byte * bytes * share(n); }

/* The a, b >= 0 that make sum w (a x / t + b y / t - 1)^2 least. */
static void solve(const double *x, const double *y, const double *t, const double *w, int n, double *a, double *b)
{
    double xx = 0, xy = 0, yy = 0, x1 = 0, y1 = 0;
    for (int i = 0; i < n; i++) {
        double u = x[i] / t[i], v = y[i] / t[i];
        xx += w[i] * u * u;
        xy += w[i] * u * v;
        yy += w[i] * v * v;
        x1 += w[i] * u;
        y1 += w[i] * v;
    }
    double det = xx * yy - xy * xy;
    *a = det > 0 ? (x1 * yy - y1 * xy) / det : 0;
    *b = det > 0 ? (y1 * xx - x1 * xy) / det : 0;
    if (*b < 0 || det <= 0) {
        *b = 0;
        *a = xx > 0 ? x1 / xx : 0;
    } else if (*a < 0) {
        *a = 0;
        *b = yy > 0 ? y1 / yy : 0;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Least absolute deviations, as squares weighted by what the last round missed (Weiszfeld). */
void bench_link_fit(bench_link *link, const bench_sum *sum, int sums, int n)
{
    enum { ROUNDS = 100 };
    double x[BENCH_SIZES], y[BENCH_SIZES], t[BENCH_SIZES], w[BENCH_SIZES], miss[BENCH_SIZES];
    int points = 0;
    for (int i = 0; i < sums && points < BENCH_SIZES; i++) {
        if (!(sum[i].seconds > 0)) continue;
        x[points] = hops(n);
        y[points] = (double)sum[i].bytes * share(n);
        link->off[points].bytes = sum[i].bytes;
        t[points] = sum[i].seconds;
        w[points++] = 1;
    }
    link->offs = points;
    if (points == 0) return;
    link->ranks = n;
    for (int round = 0; round < ROUNDS; round++) {
        solve(x, y, t, w, points, &link->latency_s, &link->s_per_byte);
        for (int i = 0; i < points; i++) {
            miss[i] = fabs((link->latency_s * x[i] + link->s_per_byte * y[i]) / t[i] - 1);
            w[i] = 1 / fmax(miss[i], 1e-3);
        }
    }
    for (int i = 0; i < points; i++) link->off[i].seconds = t[i] / fmax(line(link, (double)link->off[i].bytes, n), 1e-12);
    qsort(miss, (size_t)points, sizeof *miss, ascending);
    link->misfit = miss[points / 2];
}

/* Between the sizes that were measured, by their logarithms. */
static double off(const bench_link *l, int64_t bytes)
{
    int above = 0;
    while (above < l->offs && l->off[above].bytes < bytes) above++;
    if (l->offs == 0) return 1;
    if (above == 0) return l->off[0].seconds;
    if (above == l->offs) return l->off[l->offs - 1].seconds;
    const bench_sum *low = &l->off[above - 1], *high = &l->off[above];
    double part = log((double)bytes / (double)low->bytes) / log((double)high->bytes / (double)low->bytes);
    return low->seconds + part * (high->seconds - low->seconds);
}

double bench_link_sum(const bench_link *link, int64_t bytes, int n)
{
    return n > 1 ? line(link, (double)bytes, n) * off(link, bytes) : 0;
}

/* ---- all of it ---- */

static int per_host(const bench_job *j) { return (j->ranks + j->hosts - 1) / j->hosts; }

/* Most ranks first. */
static void fit_between(bench_model *m, const bench_job *j)
{
    bench_sum rest[BENCH_SIZES] = {0};
    for (int i = 0; i < j->sums; i++) {
        rest[i] = j->sum[i];
        rest[i].seconds = fmax(rest[i].seconds - bench_link_sum(&m->within, rest[i].bytes, per_host(j)), 0);
    }
    bench_link_fit(&m->between, rest, j->sums, j->hosts);
}

/* What a step's sums took, as a part of what sums of their sizes take. */
static double buckets_take(const bench_model *m, const bench_job *j)
{
    double takes = j ? j->communication_s / bench_step_sums(m, j->ranks, m->bucket_bytes) : 0;
    return takes > 0 && isfinite(takes) ? takes : 1;
}

bool bench_model_make(bench_model *m, const bench_job *job, int jobs, int most, int64_t bucket_bytes)
{
    const bench_job *wide = NULL, *far = NULL;
    *m = (bench_model){.bucket_bytes = bucket_bytes, .per_host = 1, .buckets_within = 1, .buckets_between = 1};
    for (int i = 0; i < jobs; i++) {
        const bench_job *j = &job[i];
        if (most && j->ranks > most) continue;
        if (j->ranks == 1) m->one = j;
        if (j->hosts == 1 && j->ranks > 1 && (!wide || j->ranks > wide->ranks)) wide = j;
        if (j->hosts > 1 && (!far || j->hosts > far->hosts)) far = j;
        if (per_host(j) > m->per_host) m->per_host = per_host(j);
    }
    if (!m->one) return false;
    if (wide) bench_link_fit(&m->within, wide->sum, wide->sums, wide->ranks);
    if (far) fit_between(m, far);
    m->like = wide && wide->ranks == m->per_host ? wide : far && per_host(far) == m->per_host ? far
                                                                                              : m->one;
    m->thread = far ? far->thread : false;
    double within = buckets_take(m, wide), between = buckets_take(m, far);
    m->buckets_within = within;
    m->buckets_between = between;
    return true;
}

void bench_model_say_network(bench_model *m, double latency_s, double s_per_byte)
{
    m->between = (bench_link){.latency_s = latency_s, .s_per_byte = s_per_byte};
    m->thread = true;
}

int bench_hosts(const bench_model *m, int ranks) { return (ranks + m->per_host - 1) / m->per_host; }

double bench_sum_time(const bench_model *m, int64_t bytes, int ranks)
{
    int hosts = bench_hosts(m, ranks);
    return bench_link_sum(&m->within, bytes, ranks < m->per_host ? ranks : m->per_host) + bench_link_sum(&m->between, bytes, hosts);
}

/* ---- a step ---- */

/* As the library chooses. */
static int64_t limit_of(int64_t bucket_bytes, bool network, int64_t bucket)
{
    if (bucket_bytes) return bucket_bytes;
    if (network) return 256 << 10;
    return bucket == 0 ? 1 << 20 : 25 << 20;
}

int64_t bench_last_bucket(const bench_job *job, int64_t bucket_bytes)
{
    int64_t held = 0, bucket = 0;
    for (int i = 0; i < job->gradients; i++) {
        held += job->gradient[i].bytes;
        if (held < limit_of(bucket_bytes, job->hosts > 1, bucket) || i + 1 == job->gradients) continue;
        held = 0;
        bucket++;
    }
    return held;
}

double bench_step_time(const bench_model *m, int ranks, int64_t bucket_bytes)
{
    enum { COUNT = 16 }; /* bytes that say how many samples there are */
    bool network = bench_hosts(m, ranks) > 1;
    const bench_job *j = ranks == 1 ? m->one : m->like;
    if (ranks == 1 || j->gradients == 0) return j->together_s;
    double scale = network ? m->buckets_between : m->buckets_within;
    double summed = scale * bench_sum_time(m, COUNT, ranks), ended = j->gradient[0].ready_s + summed;
    int64_t held = 0, bucket = 0;
    for (int i = 0; i < j->gradients; i++) {
        held += j->gradient[i].bytes;
        if (held < limit_of(bucket_bytes, network, bucket) && i + 1 < j->gradients) continue;
        double takes = scale * bench_sum_time(m, held, ranks);
        ended = fmax(ended, j->gradient[i].ready_s) + takes;
        summed += takes;
        held = 0;
        bucket++;
    }
    double backward = network && m->thread ? fmax(j->backward_s, ended) : j->backward_s + summed;
    return backward + j->alone_s - j->backward_s;
}

double bench_step_sums(const bench_model *m, int ranks, int64_t bucket_bytes)
{
    bench_job at_once = *m->like;
    bench_model now = *m;
    now.like = &at_once;
    at_once.alone_s = at_once.backward_s = 0;
    for (int i = 0; i < at_once.gradients; i++) at_once.gradient[i].ready_s = 0;
    return ranks > 1 ? bench_step_time(&now, ranks, bucket_bytes) : 0;
}

/* The largest of those that are as good as the best, within what can be measured: fewer messages disturb less. */
int64_t bench_best_bucket(const bench_model *m, int ranks)
{
    enum { LEAST = BENCH_BUCKET_LEAST,
           MOST = BENCH_BUCKET_MOST };
    const double as_good = 1.001;
    double least = INFINITY;
    for (int64_t bytes = LEAST; bytes <= MOST; bytes *= 2) least = fmin(least, bench_step_time(m, ranks, bytes));
    int64_t best = MOST;
    while (best > LEAST && bench_step_time(m, ranks, best) > as_good * least) best /= 2;
    return best;
}
