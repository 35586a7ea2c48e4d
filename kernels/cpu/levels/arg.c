/* argmax and argmin: the first place of the largest or smallest in row-major order of the reduced dims; NaN counts as
 * the largest and as the smallest, as in PyTorch. */
#include "kernels/cpu/levels/convert.h"

typedef struct {
    int64_t index, count;
    char best[8];
} finding;

#define IS_NAN(x) ((x) != (x))
#define LOOPS     "kernels/cpu/levels/arg_of.h"
#include "kernels/cpu/levels/floats.h"
#undef IS_NAN

#define T         int64_t
#define OF(n)     n##_i64
#define IS_NAN(x) false
#include "kernels/cpu/levels/arg_of.h"
#undef T
#undef OF

typedef void search_fn(finding *f, const void *x, int64_t n, bool largest);

typedef struct {
    const kernel_call *call;
    search_fn *search;
    tr_dtype read;
} job;

static void search_row(const job *j, finding *f, const char *at, int64_t stride, int64_t n)
{
    const kernel_call *call = j->call;
    bool largest = call->kernel == KERNEL_ARGMAX;
    if (stride == 1 && j->read == call->type) {
        j->search(f, at, n, largest);
        return;
    }
    int bytes = bytes_of(call->type);
    for (int64_t i = 0; i < n; i += BLOCK) {
        double raw[BLOCK], block[BLOCK];
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        gather(bytes, raw, at + i * stride * bytes, stride, count);
        convert(j->read, block, call->type, raw, count);
        j->search(f, block, count, largest);
    }
}

static void outputs_part(void *job_, int64_t begin, int64_t end)
{
    const job *j = job_;
    const kernel_call *call = j->call;
    int bytes = bytes_of(call->type), last = call->ndim - 1;
    bool scalar = call->split == call->ndim; /* nothing is reduced: an output each */
    for (int64_t i = begin; i < end; i++) {
        int64_t to = 0, from = 0, rest = i;
        for (int d = call->split - 1; d >= 0; rest /= call->size[d], d--) {
            to += rest % call->size[d] * call->stride[0][d];
            from += rest % call->size[d] * call->stride[1][d];
        }
        finding f = {0};
        int64_t rows = 1;
        for (int d = call->split; d < last; d++) rows *= call->size[d];
        for (int64_t r = 0; r < rows; r++) {
            int64_t row = from;
            rest = r;
            for (int d = last - 1; d >= call->split; rest /= call->size[d], d--) row += rest % call->size[d] * call->stride[1][d];
            search_row(j, &f, (const char *)call->at[1] + row * bytes, scalar ? 1 : call->stride[1][last], scalar ? 1 : call->size[last]);
        }
        ((int64_t *)call->at[0])[to] = f.index;
    }
}

static int arg(const kernel_call *call, search_fn *search, tr_dtype read)
{
    job j = {call, search, read};
    int64_t reduced = 1;
    for (int d = call->split; d < call->ndim; d++) reduced *= call->size[d];
    kernels_split(call->n, 1, call->n * reduced * 2, outputs_part, &j);
    return 0;
}

static int arg_f32(const kernel_call *call) { return arg(call, search_f32, TR_FLOAT32); }
static int arg_f64(const kernel_call *call) { return arg(call, search_f64, TR_FLOAT64); }
static int arg_i64(const kernel_call *call) { return arg(call, search_i64, TR_INT64); }

void kernels_arg(kernel_table table)
{
    for (tr_dtype type = TR_BOOL; type <= TR_FLOAT64; type++) {
        kernel_fn *f = type <= TR_INT64 ? arg_i64 : type == TR_FLOAT64 ? arg_f64
                                                                       : arg_f32;
        table[KERNEL_ARGMAX][type] = f;
        table[KERNEL_ARGMIN][type] = f;
    }
}
