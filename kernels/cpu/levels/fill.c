/* fill and arange. */
#include "kernels/cpu/levels/walk.h"

#define REPEAT(T, bytes)                                               \
 static void repeat_##bytes(void *const *at, int64_t n, unsigned ones) \
 {                                                                     \
  (void)ones;                                                          \
  T *out = at[0];                                                      \
  const T one = *(const T *)at[1];                                     \
  for (int64_t i = 0; i < n; i++) out[i] = one;                        \
 }
REPEAT(word1, 1)
REPEAT(word2, 2)
REPEAT(word4, 4)
REPEAT(word8, 8)
REPEAT(word16, 16)

/* The number, once, as an element; then a copy that repeats it. */
static int fill(const kernel_call *call)
{
    static walk_loop *const loops[] = {[1] = repeat_1, [2] = repeat_2, [4] = repeat_4, [8] = repeat_8, [16] = repeat_16};
    if (call->form == KERNEL_FLAT && call->type == TR_FLOAT32 && call->n < KERNELS_SERIAL_WORK) { /* most calls */
        const float one = (float)call->number[0];
        float *out = call->at[0];
        for (int64_t i = 0; i < call->n; i++) out[i] = one;
        return 0;
    }
    complex128 element;
    convert(call->type, &element, TR_FLOAT64, &call->number[0], 1);
    uint8_t bytes = (uint8_t)bytes_of(call->type);
    const walk_plan plan = {
        .loop = loops[bytes], .views = 2, .ones = 2, .work = 1, .bytes = {bytes, bytes}};
    if (call->form == KERNEL_FLAT && call->n < KERNELS_SERIAL_WORK) {
        plan.loop((void *[]){call->at[0], &element}, call->n, 2);
        return 0;
    }
    kernel_call repeat = *call;
    repeat.at[1] = &element;
    repeat.ones = 2;
    memset(repeat.stride[1], 0, sizeof repeat.stride[1]);
    walk_over(&repeat, &plan);
    return 0;
}

static void arange_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    int bytes = bytes_of(call->type);
    for (int64_t i = from; i < to; i += BLOCK) {
        double block[BLOCK];
        int64_t count = to - i < BLOCK ? to - i : BLOCK;
        for (int64_t j = 0; j < count; j++) block[j] = call->number[0] + (double)(i + j) * call->number[1];
        convert(call->type, (char *)call->at[0] + i * bytes, TR_FLOAT64, block, count);
    }
}

static void whole_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    int64_t *out = call->at[0];
    for (int64_t i = from; i < to; i++) out[i] = (int64_t)(call->word[0] + (uint64_t)i * call->word[1]);
}

static int arange(const kernel_call *call)
{
    kernels_split(call->n, BLOCK, call->n * 2, call->flags & KERNEL_ARANGE_WHOLE ? whole_part : arange_part, (void *)(uintptr_t)call);
    return 0;
}

void kernels_fill(kernel_table table)
{
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        table[KERNEL_FILL][type] = fill;
        table[KERNEL_ARANGE][type] = arange;
    }
}
