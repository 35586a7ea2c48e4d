/* Which of the compiled levels this processor runs. */
#include "kernels/cpu/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *name;
    void (*fill)(kernel_table table);
    bool (*runs)(void);
} level;

static bool always(void) { return true; }

#if defined(__x86_64__)
void kernels_level_v2(kernel_table table);
void kernels_level_v3(kernel_table table);
void kernels_level_v4(kernel_table table);

/* Features, not level names: clang 14 does not know those. */
static bool runs_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static bool runs_v4(void)
{
    return runs_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static const level levels[] = {
    {"v2", kernels_level_v2, always},
    {"v3", kernels_level_v3, runs_v3},
    {"v4", kernels_level_v4, runs_v4}};
#else
void kernels_level_generic(kernel_table table);
static const level levels[] = {
    {"generic", kernels_level_generic, always}};
#endif

static kernel_table table;
static const level *chosen;
static _Atomic(const kernel_table *) ready;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(const level *l, kernel_table t)
{
    l->fill(t);
    kernels_index(t);
    kernels_mask(t);
    kernels_nll(t);
    kernels_gemm(t);
    kernels_inverse(t);
    kernels_solve(t);
    kernels_cumsum(t);
    kernels_sort(t);
}

enum { LEVELS = sizeof levels / sizeof *levels };

static void choose(void)
{
    const char *cap = getenv("TRIREME_CPU_LEVEL");
    for (int i = 0; i < LEVELS; i++) {
        if (levels[i].runs()) chosen = &levels[i];
        if (cap && strcmp(cap, levels[i].name) == 0) break;
    }
    fill(chosen, table);
    atomic_store_explicit(&ready, (const kernel_table *)&table, memory_order_release);
}

bool kernels_of_level(const char *name, kernel_table t)
{
    for (int i = 0; i < LEVELS; i++)
        if (strcmp(name, levels[i].name) == 0 && levels[i].runs()) {
            fill(&levels[i], t);
            return true;
        }
    return false;
}

const kernel_table *kernels_cpu(void)
{
    const kernel_table *t = atomic_load_explicit(&ready, memory_order_acquire);
    if (t) return t;
    pthread_once(&once, choose);
    return atomic_load_explicit(&ready, memory_order_acquire);
}

const char *kernels_cpu_level(void)
{
    kernels_cpu();
    return chosen->name;
}
