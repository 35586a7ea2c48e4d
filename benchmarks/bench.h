/* The common part of the benchmarks.
 *
 * A program describes its subject, then hands over one case after the other.  For each case the harness checks the answer
 * before it believes a time, warms up, repeats, and prints median, 10th and 90th percentile, the rate, and what this machine
 * could do at best.  Every program has the same options and writes the same columns, so that two runs, or two programs, can
 * be compared by eye or by script:
 *
 *     subject,case,size,type,threads,who,version,median,p10,p90,unit,samples,rate,rate_unit,ceiling,share,error
 *
 * share is rate / ceiling; error is the largest deviation from a plain computation.  What is unknown is empty.
 *
 * On a device (--device cuda) work is asked for and done later: a sample is as many repetitions as fill 20 milliseconds
 * between two moments at which the device has nothing left to do, and
 *
 *     time = (second moment - first moment) / repetitions
 *
 * so that the last wait, some microseconds, is spread over all of them. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *name;         /* "ops" */
    const char *about;        /* one line for people */
    const char *unit;         /* of times: "us", "ms"; or of another quantity: "bytes" */
    const char *rate_unit;    /* "GB/s"; NULL: no rate */
    const char *rate_formula; /* "bytes read and written / time" */
    const char *who, *version;
} bench_subject;

typedef struct {
    const char *name, *size; /* "exp", "100000" */
    const char *type;        /* default "float32" */
    int threads;             /* default 1 */

    void (*run)(void *data, int64_t times);     /* do the work so often: this is timed */
    void (*prepare)(void *data, int64_t times); /* before every sample, not timed; may be NULL */
    double (*check)(void *data);                /* largest error of the answer, infinity for none; NULL only for peers */
    void *data;
    double tolerance;

    int64_t times;  /* repetitions in a sample; default: as many as fill two milliseconds, on a device twenty */
    int64_t parts;  /* what one repetition consists of: the time printed is that of a part; default 1 */
    double work;    /* of a part, in what rate_unit counts per second; 0: no rate */
    double ceiling; /* in rate_unit; 0: unknown */
} bench_case;

/* Before bench_begin: this program takes --device.  wait returns when the device has done all that it was asked for;
 * missing, asked after a check, says what is not made for the device yet, and forgets it; NULL: nothing. */
void bench_takes_device(void (*wait)(void), const char *(*missing)(void));

/* Read the options, say what is measured.  False: the program ends with bench_end(). */
bool bench_begin(int argc, char **argv, bench_subject subject);

/* An option said what cannot be: how the program is called, on stderr; its status will be 2.  False. */
bool bench_refuse(void);

/* Whether --filter lets this case through; for what is dear to set up. */
bool bench_wants(const char *name, const char *size);

/* What --device said: "cpu" unless it was there, "cuda", "cuda:1". */
const char *bench_device(void);
bool bench_on_device(void); /* not the CPU */

/* A line that says what cannot be measured here, and why.  No failure. */
void bench_gap(const char *name, const char *size, const char *why);

/* The program cannot run here, which is no failure either: its status will be 77. */
void bench_skip(const char *why);

/* Check and time a case; a line of the table. */
void bench_run(bench_case c);

/* A line of the table for samples that the program took itself, in the subject's unit; error NAN: none is known.  Returns
 * the median. */
double bench_report(bench_case c, double *samples, int count, double error);

/* A line that says that an answer was wrong; the program fails. */
void bench_wrong(const char *name, const char *size, double error, double tolerance);

/* How many samples to take; whether everything is to be short. */
int bench_rounds(void);
bool bench_quick(void);

/* Status for main: 0; 1 if an answer was wrong, 2 if options were; 77 if it cannot run here. */
int bench_end(void);

double bench_seconds(void); /* a clock that only goes forward */

/* The larger of two errors; a NaN, once met, stays. */
static inline double bench_larger(double largest, double error) { return error <= largest || largest != largest ? largest : error; }

/* The largest |a[i] - b[i]| / max(1, |b[i]|). */
double bench_difference(const float *a, const float *b, int64_t n);

/* Numbers in [-1, 1), the same for every program and every run. */
void bench_fill(float *x, int64_t n, uint32_t seed);

#endif
