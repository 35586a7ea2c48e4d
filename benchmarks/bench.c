#include "bench.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROUNDS = 1000 };

static bench_subject subject;
static int rounds = 11;
static bool quick;
static const char *filter = "", *device = "cpu";
static void (*wait_for_device)(void);
static const char *(*missing_on_device)(void);
static FILE *csv;
static int status;

static const char usage[] =
    "  --rounds N     samples of each case               (11; with --quick 3)\n"
    "  --filter TEXT  only cases with TEXT in their name and size\n"
    "  --csv FILE     write the table there, too\n"
    "  --quick        short samples of less work: to see that it runs\n",
                  device_usage[] =
                      "  --device NAME  where to work: cpu, cuda, cuda:1    (cpu)\n";

static const char *synopsis(void)
{
    static char line[256];
    snprintf(line, sizeof line, "%s: %s\nusage: bench_%s [--rounds N] [--filter TEXT] [--csv FILE] [--quick]%s\n", subject.name, subject.about, subject.name, wait_for_device ? " [--device NAME]" : "");
    return line;
}

bool bench_refuse(void)
{
    fprintf(stderr, "%s%s%s", synopsis(), usage, wait_for_device ? device_usage : "");
    status = 2;
    return false;
}

void bench_takes_device(void (*wait)(void), const char *(*missing)(void))
{
    wait_for_device = wait;
    missing_on_device = missing;
}

bool bench_begin(int argc, char **argv, bench_subject s)
{
    static const struct option options[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"filter", required_argument, NULL, 'f'},
        {"csv", required_argument, NULL, 'c'},
        {"quick", no_argument, NULL, 'q'},
        {"device", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    subject = s;
    const char *path = NULL;
    bool rounds_said = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'r':
            rounds = atoi(optarg);
            rounds_said = true;
            if (rounds < 1 || rounds > MOST_ROUNDS) return bench_refuse();
            break;
        case 'f': filter = optarg; break;
        case 'c': path = optarg; break;
        case 'q': quick = true; break;
        case 'd':
            device = optarg;
            if (bench_on_device() && !wait_for_device) return bench_refuse();
            break;
        case 'h':
            printf("%s%s%s", synopsis(), usage, wait_for_device ? device_usage : "");
            return false;
        default: return bench_refuse();
        }
    }
    if (optind < argc) return bench_refuse();
    if (quick && !rounds_said) rounds = 3;
    if (path) {
        csv = fopen(path, "w");
        if (!csv) {
            perror(path);
            status = 1;
            return false;
        }
        fprintf(csv, "subject,case,size,type,threads,who,version,median,p10,p90,unit,samples,rate,rate_unit,ceiling,share,error\n");
    }
    printf("# %s: %s\n# by %s %s%s%s   %d samples of each, after one to warm up\n", s.name, s.about, s.who, s.version, bench_on_device() ? " on " : "", bench_on_device() ? device : "", rounds);
    if (s.rate_unit) printf("# %s = %s\n", s.rate_unit, s.rate_formula);
    printf("#%-29s %16s %8s %3s %12s %10s %10s %10s %9s %8s\n", " case", "size", "type", "thr", s.unit, "p10", "p90", s.rate_unit ? s.rate_unit : "", "of best", "error");
    return true;
}

const char *bench_device(void) { return device; }
bool bench_on_device(void) { return strcmp(device, "cpu") != 0; }

void bench_gap(const char *name, const char *size, const char *why) { printf("# not here: %s, %s: %s\n", name, size, why); }

void bench_skip(const char *why)
{
    fprintf(stderr, "bench_%s: skipped: %s\n", subject.name, why);
    status = 77;
}

int bench_rounds(void) { return rounds; }
bool bench_quick(void) { return quick; }

bool bench_wants(const char *name, const char *size)
{
    char both[256];
    snprintf(both, sizeof both, "%s %s", name, size);
    return strstr(both, filter) != NULL;
}

int bench_end(void)
{
    if (csv && fclose(csv) != 0) {
        perror("--csv");
        status = 1;
    }
    csv = NULL;
    return status;
}

double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double one_unit(void)
{
    if (strcmp(subject.unit, "ns") == 0) return 1e-9;
    if (strcmp(subject.unit, "us") == 0) return 1e-6;
    if (strcmp(subject.unit, "ms") == 0) return 1e-3;
    return 1;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted samples, between the two nearest. */
static double quantile(const double *sample, int count, double q)
{
    double at = q * (count - 1);
    int below = (int)at;
    int above = below + 1 < count ? below + 1 : below;
    return sample[below] + (at - below) * (sample[above] - sample[below]);
}

double bench_report(bench_case c, double *samples, int count, double error)
{
    const char *type = c.type ? c.type : "float32";
    int threads = c.threads ? c.threads : 1;
    qsort(samples, (size_t)count, sizeof *samples, ascending);
    double median = quantile(samples, count, 0.5), p10 = quantile(samples, count, 0.1), p90 = quantile(samples, count, 0.9);
    char rate[32] = "", ceiling[32] = "", share[32] = "", percent[32] = "", wrong[32] = "";
    if (!isnan(error)) snprintf(wrong, sizeof wrong, "%.1g", error);
    if (c.work > 0) {
        double value = c.work / (median * one_unit());
        snprintf(rate, sizeof rate, "%.4g", value);
        if (c.ceiling > 0) {
            snprintf(ceiling, sizeof ceiling, "%.4g", c.ceiling);
            snprintf(share, sizeof share, "%.3f", value / c.ceiling);
            snprintf(percent, sizeof percent, "%.0f %%", 100 * value / c.ceiling);
        }
    }
    printf(" %-29s %16s %8s %3d %12.5g %10.5g %10.5g %10s %9s %8s\n", c.name, c.size, type, threads, median, p10, p90, rate, percent, wrong);
    fflush(stdout);
    if (csv) {
        fprintf(csv, "%s,\"%s\",\"%s\",%s,%d,%s,%s,%.6g,%.6g,%.6g,%s,%d,%s,%s,%s,%s,%s\n", subject.name, c.name, c.size, type, threads, subject.who, subject.version, median, p10, p90, subject.unit, count, rate, *rate ? subject.rate_unit : "", ceiling, share, wrong);
        fflush(csv); /* what comes may end the program */
    }
    return median;
}

void bench_wrong(const char *name, const char *size, double error, double tolerance)
{
    printf(" %-29s %16s   WRONG: error %g, at most %g was expected; not timed\n", name, size, error, tolerance);
    status = 1;
}

static double sample(const bench_case *c, int64_t times)
{
    bool wait = bench_on_device();
    if (c->prepare) c->prepare(c->data, times);
    if (wait) wait_for_device();
    double start = bench_seconds();
    c->run(c->data, times);
    if (wait) wait_for_device();
    return bench_seconds() - start;
}

/* As many repetitions as fill a sample; finding out warms up. */
static int64_t enough(const bench_case *c)
{
    const double fill = quick ? 2e-4 : bench_on_device() ? 2e-2
                                                         : 2e-3;
    int64_t times = 1;
    while (sample(c, times) < fill && times < INT64_C(1) << 30) times *= 2;
    return times;
}

void bench_run(bench_case c)
{
    if (!bench_wants(c.name, c.size)) return;
    double error = c.check ? c.check(c.data) : NAN;
    const char *missing = bench_on_device() ? missing_on_device() : NULL;
    if (missing) {
        bench_gap(c.name, c.size, missing);
        return;
    }
    if (c.check && !(error <= c.tolerance)) { /* NaN is wrong, too */
        bench_wrong(c.name, c.size, error, c.tolerance);
        return;
    }
    int64_t times = c.times;
    if (!times) times = enough(&c);
    const int64_t shorter = !quick ? 1 : bench_on_device() ? 100
                                                           : 10; /* a played device is slow */
    if (c.times) times = (times + shorter - 1) / shorter;
    if (c.times) sample(&c, times);

    double samples[MOST_ROUNDS];
    double parts = (double)times * (double)(c.parts ? c.parts : 1) * one_unit();
    for (int i = 0; i < rounds; i++) samples[i] = sample(&c, times) / parts;
    bench_report(c, samples, rounds, error);
}

double bench_difference(const float *a, const float *b, int64_t n)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = bench_larger(largest, fabs((double)a[i] - (double)b[i]) / fmax(1, fabs((double)b[i])));
    return largest;
}

void bench_fill(float *x, int64_t n, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 12345u;
    for (int64_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)state / 2147483648.0f;
    }
}
