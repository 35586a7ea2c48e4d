/* Kernel calls in a few words, and every level that this processor runs. */
#ifndef TEST_KERNELS_H
#define TEST_KERNELS_H

#include "kernels/cpu/cpu.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>

/* The tables of the levels that run here; `for (int l = 0; l < levels(); l++) run_on(l, &call);` */
enum { MOST_LEVELS = 4 };
static kernel_table level_table[MOST_LEVELS];
static const char *level_name[MOST_LEVELS];

static inline int levels(void)
{
    static const char *const names[] = {"v2", "v3", "v4", "generic"};
    static int found;
    if (!found)
        for (int i = 0; i < MOST_LEVELS; i++)
            if (kernels_of_level(names[i], level_table[found])) level_name[found++] = names[i];
    return found;
}

/* -1 where there is none of that name. */
static inline int level_called(const char *name)
{
    for (int l = 0; l < levels(); l++)
        if (strcmp(level_name[l], name) == 0) return l;
    return -1;
}

static inline int status_on(int level, const kernel_call *call)
{
    kernel_fn *kernel = level_table[level][call->kernel][call->type];
    if (kernel) return kernel(call);
    fail_msg("%s: no kernel for type %d", kernel_name(call->kernel), call->type);
    exit(EXIT_FAILURE); /* never: fail_msg jumps, which analysers do not see */
}

static inline void run_on(int level, const kernel_call *call) { assert_int_equal(status_on(level, call), 0); }

/* A flat call; operands after the last are NULL. */
static inline kernel_call flat(int kernel, tr_dtype type, int64_t n, void *out, const void *a, const void *b, const void *c)
{
    return (kernel_call){
        .kernel = (uint16_t)kernel, .type = (uint8_t)type, .form = KERNEL_FLAT, .n = n, .at = {out, (void *)(uintptr_t)a, (void *)(uintptr_t)b, (void *)(uintptr_t)c}};
}

static inline void assert_bits(const void *got, const void *want, size_t bytes)
{
    if (memcmp(got, want, bytes) != 0) fail_msg("bits differ");
}

static inline void assert_near(double got, double want, double tolerance)
{
    if (isnan(got) && isnan(want)) return;
    if (got == want) return;
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.17g, not %.17g", got, want);
}

/* Numbers in [-1, 1), the same in every run. */
static inline double next_number(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)(state >> 11) * 0x1p-52 - 1;
}

#endif
