/* The negative log likelihood of a batch: loss = -sum of x[b, target[b]], over the targets counted for the mean. */
#include "core/dtype.h"
#include "core/fail.h"
#include "kernels/cpu/cpu.h"

#include <trireme/ops.h>

#include <math.h>
#include <string.h>

enum { IGNORED = -100 };

static int check(const kernel_call *call, const int64_t *target)
{
    for (int64_t b = 0; b < call->size[0]; b++)
        if (target[b] != IGNORED && (target[b] < 0 || target[b] >= call->size[1]))
            return core_fail_status("tr_%s: target %lld of sample %lld is not in [0, %lld): Target %lld is out of bounds", kernel_name(call->kernel), (long long)target[b], (long long)b, (long long)call->size[1], (long long)target[b]);
    return 0;
}

static int nll(const kernel_call *call)
{
    int64_t batch = call->size[0], classes = call->size[1], counted = 0;
    const int64_t *target = call->at[3];
    const void *x = call->at[2];
    if (check(call, target) < 0) return -1;
    int reduction = (int)call->number[0];
    double sum = 0;
    for (int64_t b = 0; b < batch; b++) {
        double loss = target[b] == IGNORED ? 0 : -core_element_get(x, call->type, b * classes + target[b]);
        if (reduction == TR_NONE) core_element_set(call->at[0], call->type, b, loss);
        counted += target[b] != IGNORED;
        sum += loss;
    }
    *(int64_t *)call->at[1] = counted;
    if (reduction == TR_MEAN) core_element_set(call->at[0], call->type, 0, counted ? sum / (double)counted : (double)NAN);
    if (reduction == TR_SUM) core_element_set(call->at[0], call->type, 0, sum);
    return 0;
}

static int nll_backward(const kernel_call *call)
{
    int64_t batch = call->size[0], classes = call->size[1];
    const int64_t *target = call->at[3];
    if (check(call, target) < 0) return -1;
    int reduction = (int)call->number[0];
    double below = reduction == TR_MEAN ? (double)*(const int64_t *)call->at[2] : 1;
    memset(call->at[0], 0, (size_t)(batch * classes * tr_dtype_size(call->type)));
    for (int64_t b = 0; b < batch; b++) {
        if (target[b] == IGNORED) continue;
        double dloss = core_element_get(call->at[1], call->type, reduction == TR_NONE ? b : 0);
        core_element_set(call->at[0], call->type, b * classes + target[b], -dloss / below);
    }
    return 0;
}

void kernels_nll(kernel_table table)
{
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++) {
        table[KERNEL_NLL][type] = nll;
        table[KERNEL_NLL_BACKWARD][type] = nll_backward;
    }
}
