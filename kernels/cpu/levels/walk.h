/* Walking over the operands of a pointwise kernel: flat or strided, broadcast, half types, threads.  A kernel brings
 * only a loop over contiguous memory; the walk hands it whole rows where they lie so, and blocks gathered from where
 * they do not. */
#ifndef TRIREME_KERNELS_WALK_H
#define TRIREME_KERNELS_WALK_H

#include "kernels/cpu/levels/convert.h"

#define walk_over LEVEL(walk_over)

/* at[0][i] = f(at[1][i], ...) for i in [0, n); bit v of ones: operand v is at[v][0] for every i. */
typedef void walk_loop(void *const *at, int64_t n, unsigned ones);

typedef struct {
    walk_loop *loop;
    uint8_t views;                /* how many of at[] */
    uint8_t ones;                 /* the operands that the loop takes as one element; others are repeated into a block for it */
    uint8_t work;                 /* cheap steps per element, for the choice of threads */
    uint8_t bytes[KERNEL_VIEWS];  /* of an element in memory */
    uint8_t memory[KERNEL_VIEWS]; /* the tr_dtype of a view that is converted for the loop, 0 where it is not */
    uint8_t wanted;               /* the tr_dtype that these are converted to; 0: there are none */
} walk_plan;

void walk_over(const kernel_call *call, const walk_plan *plan);

/* The plan for operands of one type, the output likewise or of another.  Half types are computed in float. */
static inline walk_plan walk_plan_of(walk_loop *loop, int views, int ones, int work, tr_dtype out, tr_dtype in)
{
    walk_plan plan = {.loop = loop, .views = (uint8_t)views, .ones = (uint8_t)ones, .work = (uint8_t)work};
    plan.wanted = is_half(out) || is_half(in) ? TR_FLOAT32 : 0;
    for (int v = 0; v < views; v++) {
        tr_dtype type = v ? in : out;
        plan.bytes[v] = (uint8_t)bytes_of(type);
        plan.memory[v] = is_half(type) ? (uint8_t)type : 0;
    }
    return plan;
}

/* A small flat call goes straight to the loop; a plan is made for the others. */
static INLINE bool walk_is_short(const kernel_call *call, unsigned ones, int work)
{
    return call->form == KERNEL_FLAT && !(call->ones & ~ones) && call->n * work < KERNELS_SERIAL_WORK;
}

static INLINE int walk_run(const kernel_call *call, const walk_plan *plan)
{
    if (!plan->wanted && walk_is_short(call, plan->ones, plan->work))
        plan->loop(call->at, call->n, call->ones);
    else
        walk_over(call, plan);
    return 0;
}

static INLINE int walk_run_of(const kernel_call *call, walk_loop *loop, int views, int ones, int work, tr_dtype out, tr_dtype in)
{
    if (!is_half(out) && !is_half(in) && walk_is_short(call, (unsigned)ones, work)) {
        loop(call->at, call->n, call->ones);
        return 0;
    }
    const walk_plan plan = walk_plan_of(loop, views, ones, work, out, in);
    walk_over(call, &plan);
    return 0;
}

#endif
