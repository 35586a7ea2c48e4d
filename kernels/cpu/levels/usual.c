/* exp and log of float32, block by block: where all of a block's arguments are usual, which costs two steps each to find
 * out, values come without questions about infinities, NaN and denormals, at two thirds of the price and with the same
 * bits.  These take the place of the rows' own kernels. */
#include "kernels/cpu/levels/walk.h"
#include "kernels/functions_f32.h"
#include "kernels/rows.h"

typedef float formula(float x);
typedef uint32_t oddness(float x);

/* y = usual(x) where odd(x) <= most, else any(x); y may be x, so a block is looked at before it is written. */
static INLINE void run(formula *usual, formula *any, oddness *odd, uint32_t most, void *const *at, int64_t n)
{
    float *y = at[0];
    const float *x = at[1];
    for (int64_t from = 0; from < n; from += BLOCK) {
        int64_t end = n - from < BLOCK ? n : from + BLOCK;
        uint32_t oddest = 0;
#pragma omp simd reduction(max \
                           : oddest)
        for (int64_t i = from; i < end; i++) {
            uint32_t of_x = odd(x[i]);
            oddest = of_x > oddest ? of_x : oddest;
        }
        if (oddest <= most) {
#pragma omp simd
            for (int64_t i = from; i < end; i++) y[i] = usual(x[i]);
        } else {
#pragma omp simd
            for (int64_t i = from; i < end; i++) y[i] = any(x[i]);
        }
    }
}

static uint32_t size(float x) { return bits_of_f32(x) & 0x7fffffffu; }            /* NaN is larger than all */
static uint32_t above_denormals(float x) { return bits_of_f32(x) - 0x00800000u; } /* what is not above 0 goes round */

static void exp_loop(void *const *at, int64_t n, unsigned ones)
{
    (void)ones;
    run(exp_normal_f32, exp_f32, size, 0x42ae0000u, at, n); /* 87 */
}

static void log_loop(void *const *at, int64_t n, unsigned ones)
{
    (void)ones;
    run(log_normal_f32, log_f32, above_denormals, 0x7effffffu, at, n); /* the largest float */
}

static INLINE int walk(const kernel_call *call, walk_loop *loop, int work, tr_dtype type)
{
    return walk_run_of(call, loop, 2, 0, work, type, type);
}

static int exp_kernel_f32(const kernel_call *call) { return walk(call, exp_loop, exp_work, TR_FLOAT32); }
static int exp_kernel_f16(const kernel_call *call) { return walk(call, exp_loop, 4 + exp_work, TR_FLOAT16); }
static int exp_kernel_bf16(const kernel_call *call) { return walk(call, exp_loop, 4 + exp_work, TR_BFLOAT16); }
static int log_kernel_f32(const kernel_call *call) { return walk(call, log_loop, log_work, TR_FLOAT32); }
static int log_kernel_f16(const kernel_call *call) { return walk(call, log_loop, 4 + log_work, TR_FLOAT16); }
static int log_kernel_bf16(const kernel_call *call) { return walk(call, log_loop, 4 + log_work, TR_BFLOAT16); }

void kernels_usual(kernel_table table)
{
    table[KERNEL_exp][TR_FLOAT32] = exp_kernel_f32;
    table[KERNEL_exp][TR_FLOAT16] = exp_kernel_f16;
    table[KERNEL_exp][TR_BFLOAT16] = exp_kernel_bf16;
    table[KERNEL_log][TR_FLOAT32] = log_kernel_f32;
    table[KERNEL_log][TR_FLOAT16] = log_kernel_f16;
    table[KERNEL_log][TR_BFLOAT16] = log_kernel_bf16;
}
