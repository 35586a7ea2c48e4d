/* What the fused optimisers share: a list of parameters, each of them cut over the threads. */
#ifndef TRIREME_KERNELS_OPTIM_H
#define TRIREME_KERNELS_OPTIM_H

#include "kernels/cpu/levels/level.h"

typedef struct {
    const kernel_call *call;
    const kernel_optim_item *item;
} optim_job;

/* `work`: cheap steps an element. */
static INLINE int optim_each(const kernel_call *call, int64_t work, kernels_part *f32, kernels_part *f64)
{
    const kernel_optim_item *items = call->at[0];
    if (call->at[1] && *(const double *)call->at[1] != 0) return 0;
    for (int64_t i = 0; i < call->n; i++) {
        optim_job job = {call, &items[i]};
        kernels_part *part = call->type == TR_FLOAT64 ? f64 : f32;
        if (items[i].n * work < KERNELS_SERIAL_WORK)
            part(&job, 0, items[i].n);
        else
            kernels_split(items[i].n, 64, items[i].n * work, part, &job);
    }
    return 0;
}

#endif
