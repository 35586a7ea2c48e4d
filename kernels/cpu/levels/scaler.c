/* A gradient scaler's numbers. */
#include "kernels/cpu/levels/level.h"
#include "kernels/formulas_scaler.h"

static int check(const kernel_call *call)
{
    scaler_check(call->at[0], call->at[1], call->at[2], call->n, call->flags & 1);
    return 0;
}

static int update(const kernel_call *call)
{
    scaler_update(call->at[0], call->number[0], call->number[1], call->number[2]);
    return 0;
}

void kernels_scaler(kernel_table table)
{
    table[KERNEL_SCALER_CHECK][TR_FLOAT64] = check;
    table[KERNEL_SCALER_UPDATE][TR_FLOAT64] = update;
}
