/* A gradient scaler's numbers, which stay on the device: nobody waits to know whether a step was skipped. */
#include "kernels/cuda/gpu.h"
#include "kernels/formulas_scaler.h"

__global__ void __launch_bounds__(1, 1) check_squares(double *out, double *state, const double *squares, int64_t n, bool first)
{
    scaler_check(out, state, squares, n, first);
}

__global__ void __launch_bounds__(1, 1) update_scale(double *state, double growth, double backoff, double interval)
{
    scaler_update(state, growth, backoff, interval);
}

static int check(const kernel_call *call)
{
    LAUNCH(check_squares, 1, 1, (double *)call->at[0], (double *)call->at[1], (const double *)call->at[2], call->n, (call->flags & 1) != 0);
    return launched(call);
}

static int update(const kernel_call *call)
{
    LAUNCH(update_scale, 1, 1, (double *)call->at[0], call->number[0], call->number[1], call->number[2]);
    return launched(call);
}

void kernels_cuda_scaler(kernel_table table)
{
    table[KERNEL_SCALER_CHECK][TR_FLOAT64] = check;
    table[KERNEL_SCALER_UPDATE][TR_FLOAT64] = update;
}
