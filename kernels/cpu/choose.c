/* Which of the compiled levels this processor runs. */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/processor.h"
#include "kernels/run.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && !defined(TRIREME_GENERIC)
void kernels_level_v2(kernel_table table);
void kernels_level_v3(kernel_table table);
void kernels_level_v4(kernel_table table);
static void (*const fill_level[CPU_LEVELS])(kernel_table table) = {kernels_level_v2, kernels_level_v3, kernels_level_v4};
gemm_by_hand gemm_small_v2, gemm_small_v3, gemm_small_v4;
static gemm_by_hand *const small[CPU_LEVELS] = {gemm_small_v2, gemm_small_v3, gemm_small_v4};
#else
void kernels_level_generic(kernel_table table);
static void (*const fill_level[CPU_LEVELS])(kernel_table table) = {kernels_level_generic};
gemm_by_hand gemm_small_generic;
static gemm_by_hand *const small[CPU_LEVELS] = {gemm_small_generic};
#endif

static kernel_table table;
static int chosen;
_Atomic(const kernel_table *) kernels_cpu_chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(int level, kernel_table t)
{
    fill_level[level](t);
    kernels_index(t);
    kernels_mask(t);
    kernels_nll(t);
    kernels_gemm(t);
    kernels_inverse(t);
    kernels_solve(t);
    kernels_cumsum(t);
    kernels_sort(t);
}

static void choose(void)
{
    kernels_watch_forks();
    chosen = cpu_level(getenv("TRIREME_CPU_LEVEL"));
    fill(chosen, table);
    atomic_store_explicit(&kernels_cpu_chosen, (const kernel_table *)&table, memory_order_release);
}

/* -1: none of that name, or none that this processor runs. */
static int level_called(const char *name)
{
    for (int i = 0; i < CPU_LEVELS; i++)
        if (strcmp(name, cpu_level_names[i]) == 0 && cpu_runs_level(i)) return i;
    return -1;
}

bool kernels_of_level(const char *name, kernel_table t)
{
    int level = level_called(name);
    if (level >= 0) fill(level, t);
    return level >= 0;
}

gemm_by_hand *kernels_gemm_small_of_level(const char *name)
{
    int level = level_called(name);
    return level < 0 ? NULL : small[level];
}

const kernel_table *kernels_cpu(void)
{
    const kernel_table *t = atomic_load_explicit(&kernels_cpu_chosen, memory_order_acquire);
    if (t) return t;
    pthread_once(&once, choose);
    return atomic_load_explicit(&kernels_cpu_chosen, memory_order_acquire);
}

const char *kernels_cpu_level(void)
{
    kernels_cpu();
    return cpu_level_names[chosen];
}
