/* trireme bench: bench.c what is asked for, bench_job.c the ranks that measure (worker/), bench_model.c what follows for more
 * of them, bench_report.c what is told. */
#ifndef LAUNCHER_BENCH_H
#define LAUNCHER_BENCH_H

#include "launcher/bench_model.h"

#include <stddef.h>

typedef struct {
    int ranks[BENCH_JOBS], jobs; /* rising */
    const char *hosts, *hostfile;
    bool oversubscribe;
    char **sent; /* owned: -x */
    int sents;
    int64_t samples, bucket_bytes;
    double compute_s; /* simulated */
    int rounds, fit_ranks, threads;
    double latency_s, s_per_byte; /* between hosts, said and not measured; 0: not said */
    const char *folder;
} bench_options;

bench_options bench_options_read(int argc, char **argv);

/* Where the program that ranks run stands; false: nowhere. */
bool bench_worker_stands(char *path, size_t bytes);
void bench_worker_find(char *path, size_t bytes);

/* Runs a program to its end; its exit status, as a shell has it. */
int bench_call(char *const *argv);

/* Whether so many ranks could be started. 0, or the status of trireme run, which has said why not. */
int bench_job_check(const bench_options *o, int ranks);

/* Makes o->folder, to which results will be written; the end of the program if that cannot be. */
void bench_folder_make(const bench_options *o);

/* Measures on so many ranks. 0, or the status of a job that failed and has said why. */
int bench_job_run(bench_job *job, const bench_options *o, int ranks);

/* Writes tables to stdout, and results.csv and scaling.png into o->folder. The exit status. */
int bench_report(const bench_options *o, const bench_job *job, int jobs);

#endif
