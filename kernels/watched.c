/* A kernel call while somebody watches: a span of it. */
#include "kernels/watched.h"

#include "core/dtype.h"
#include "core/thread.h"
#include "core/watch.h"

static bool is_optimiser(int kernel) { return kernel >= KERNEL_SGD && kernel <= KERNEL_ADAGRAD; }

static uint32_t size_of(int64_t n) { return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n; }

/* Elements of what it is about; lists count their arrays'. */
static int64_t elements(const kernel_call *call)
{
    int64_t n = 0;
    if (is_optimiser(call->kernel) || call->kernel == KERNEL_LIST_SQUARES || call->kernel == KERNEL_LIST_SCALE)
        for (int64_t i = 0; i < call->n; i++) n += ((const kernel_optim_item *)call->at[0])[i].n;
    else
        n = call->n;
    return n;
}

static trace_span describe(const kernel_call *call)
{
    trace_span s = {.what = TRACE_ELEMENTS};
    if (call->kernel == KERNEL_GEMM || call->kernel == KERNEL_GEMM_BIAS) {
        s.what = TRACE_PRODUCT;
        for (int i = 0; i < 4; i++) s.size[i] = size_of(call->size[i]);
    } else {
        s.count = elements(call);
    }
    return s;
}

int kernel_run_watched(tr_device at, kernel_fn *kernel, const kernel_call *call)
{
    bool stood = core_here()->failure.stands;
    const char *name = kernel_name(call->kernel), *type = tr_dtype_name((tr_dtype)call->type);
    core_span span = core_span_begin_in(TRACE_KERNEL, name, is_optimiser(call->kernel) ? CORE_OPTIMISER : CORE_COMPUTE);
    if (!stood && core_here()->failure.stands) return -1; /* the trace that the environment asks for cannot be written */
    const core_there there = core_there_begin(at);
    int status = kernel(call);
    trace_span of = {0};
    if (span.on & CORE_WATCH_TRACE || there.begins) {
        of = describe(call);
        core_there_end(&there, name, type, &of);
        of.detail = core_trace_constant(type);
    }
    core_span_end_of(&span, &of);
    return status;
}
