#include "kernels/cpu/parallel.h"

#include <trireme/types.h>

#ifdef _OPENMP
# include <omp.h>
# include <pthread.h>

int kernels_threads(void) { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

/* OpenMP's own number, which OpenBLAS and oneDNN follow too: one pool for everything. */
int tr_num_threads(void) { return omp_get_max_threads(); }
void tr_set_num_threads(int threads) { omp_set_num_threads(threads > 1 ? threads : 1); }

static void in_child(void) { omp_set_num_threads(1); }
void kernels_watch_forks(void) { (void)pthread_atfork(NULL, NULL, in_child); }

static void split(int threads, int64_t n, int64_t grain, kernels_part *part, void *job)
{
    int64_t grains = (n + grain - 1) / grain;
# pragma omp parallel num_threads(threads)
    {
        int64_t team = omp_get_num_threads(), i = omp_get_thread_num();
        int64_t from = grains / team * i + (grains % team) * i / team;
        int64_t to = grains / team * (i + 1) + (grains % team) * (i + 1) / team;
        from *= grain;
        to = to * grain < n ? to * grain : n;
        if (from < to) part(job, from, to);
    }
}

#else

int kernels_threads(void) { return 1; }
int tr_num_threads(void) { return 1; }
void tr_set_num_threads(int threads) { (void)threads; }
void kernels_watch_forks(void) {}

static void split(int threads, int64_t n, int64_t grain, kernels_part *part, void *job)
{
    (void)threads, (void)grain;
    part(job, 0, n);
}

#endif

void kernels_split(int64_t n, int64_t grain, int64_t work, kernels_part *part, void *job)
{
    if (n <= 0) return;
    int64_t threads = work < KERNELS_SERIAL_WORK ? 1 : kernels_threads();
    int64_t worthwhile = 1 + work / KERNELS_SERIAL_WORK, grains = (n + grain - 1) / grain;
    if (threads > worthwhile) threads = worthwhile;
    if (threads > grains) threads = grains;
    if (threads <= 1)
        part(job, 0, n);
    else
        split((int)threads, n, grain, part, job);
}
