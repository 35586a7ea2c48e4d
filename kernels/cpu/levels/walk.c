#include "kernels/cpu/levels/walk.h"

typedef struct {
    const kernel_call *call; /* borrowed, as the plan */
    const walk_plan *plan;
    int ndim; /* at least 1: flat memory is one row */
    int64_t size[TR_MAX_DIMS], stride[KERNEL_VIEWS][TR_MAX_DIMS];
} walker;

/* A row, or what is left of it: where each view begins there, and its stride. */
typedef struct {
    void *at[KERNEL_VIEWS];
    int64_t stride[KERNEL_VIEWS];
    unsigned ones; /* views that the loop takes as one element here */
    bool dense;    /* the loop can run over it as it lies */
} row;

static walker shape_of(const kernel_call *call, const walk_plan *plan)
{
    walker w = {.call = call, .plan = plan, .ndim = call->ndim};
    bool strided = call->form == KERNEL_STRIDED && call->ndim > 0;
    if (!strided) {
        w.ndim = 1;
        w.size[0] = call->n;
        for (int v = 0; v < plan->views; v++) w.stride[v][0] = call->ones >> v & 1 ? 0 : 1;
        return w;
    }
    for (int d = 0; d < w.ndim; d++) w.size[d] = call->size[d];
    for (int v = 0; v < plan->views; v++)
        for (int d = 0; d < w.ndim; d++) w.stride[v][d] = call->stride[v][d];
    return w;
}

static row row_of(const walker *w)
{
    row r = {.dense = !w->plan->wanted};
    for (int v = 0; v < w->plan->views; v++) {
        r.stride[v] = w->size[w->ndim - 1] == 1 ? 1 : w->stride[v][w->ndim - 1];
        if (!w->call->at[v]) continue;
        if (v > 0 && r.stride[v] == 0 && (w->plan->ones >> v & 1)) r.ones |= 1u << v;
        if (r.stride[v] != 1 && !(r.ones >> v & 1)) r.dense = false;
    }
    return r;
}

/* n elements of a view, as the loop wants them, in a block. */
static void load(const walk_plan *plan, int v, void *block, const void *at, int64_t stride, int64_t n)
{
    if (!plan->memory[v]) {
        gather(plan->bytes[v], block, at, stride, n);
        return;
    }
    complex128 raw[BLOCK];
    if (stride != 1) gather(plan->bytes[v], raw, at, stride, n);
    convert(plan->wanted, block, plan->memory[v], stride != 1 ? raw : at, n);
}

static void store(const walk_plan *plan, void *at, const void *block, int64_t stride, int64_t n)
{
    complex128 raw[BLOCK];
    const void *from = block;
    if (plan->memory[0]) {
        convert(plan->memory[0], stride != 1 ? raw : at, plan->wanted, block, n);
        from = raw;
    }
    if (!plan->memory[0] || stride != 1) scatter(plan->bytes[0], at, from, stride, n);
}

static void run_by_blocks(const walk_plan *plan, const row *r, int64_t n)
{
    complex128 memory[KERNEL_VIEWS][BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        void *at[KERNEL_VIEWS] = {0};
        for (int v = 0; v < plan->views; v++) {
            if (!r->at[v]) continue;
            char *from = (char *)r->at[v] + i * r->stride[v] * plan->bytes[v];
            bool as_it_lies = !plan->memory[v] && (r->stride[v] == 1 || (r->ones >> v & 1));
            at[v] = as_it_lies ? (void *)from : memory[v];
            if (v > 0 && !as_it_lies && (i == 0 || r->stride[v] != 0)) load(plan, v, memory[v], from, r->stride[v], r->ones >> v & 1 ? 1 : count);
        }
        plan->loop(at, count, r->ones);
        if (at[0] == memory[0]) store(plan, (char *)r->at[0] + i * r->stride[0] * plan->bytes[0], memory[0], r->stride[0], count);
    }
}

/* carry[d][v]: how far view v moves, in bytes, from the start of a row to that of the next when dim d counts up and the
 * dims between d and the row start over. */
static void set_carries(const walker *w, int64_t carry[][KERNEL_VIEWS])
{
    for (int v = 0; v < w->plan->views; v++) {
        int64_t back = 0;
        for (int d = w->ndim - 2; d >= 0; d--) {
            carry[d][v] = (w->stride[v][d] - back) * w->plan->bytes[v];
            back += (w->size[d] - 1) * w->stride[v][d];
        }
    }
}

/* Elements [from, to) in row-major order: an odometer over all dims but the last, whose first row may be a part. */
static void walk_part(void *job, int64_t from, int64_t to)
{
    const walker *w = job;
    const walk_plan *plan = w->plan;
    int last = w->ndim - 1;
    int64_t position[TR_MAX_DIMS], carry[TR_MAX_DIMS][KERNEL_VIEWS] = {{0}};
    for (int64_t d = last, rest = from; d >= 0; rest /= w->size[d], d--) position[d] = rest % w->size[d];
    set_carries(w, carry);

    char *start[KERNEL_VIEWS] = {0};
    for (int v = 0; v < plan->views; v++) {
        start[v] = w->call->at[v];
        if (!start[v]) continue;
        for (int d = 0; d < last; d++) start[v] += position[d] * w->stride[v][d] * plan->bytes[v];
    }
    row r = row_of(w);
    for (int64_t i = from, inside = position[last]; i < to; inside = 0) {
        int64_t count = w->size[last] - inside;
        if (count > to - i) count = to - i;
        for (int v = 0; v < plan->views; v++) r.at[v] = start[v] ? start[v] + inside * w->stride[v][last] * plan->bytes[v] : NULL;
        if (r.dense)
            plan->loop(r.at, count, r.ones);
        else
            run_by_blocks(plan, &r, count);
        i += count;
        if (i >= to) return;

        int d = last - 1;
        while (++position[d] == w->size[d]) position[d--] = 0; /* ends: there is a next row */
        for (int v = 0; v < plan->views; v++)
            if (start[v]) start[v] += carry[d][v];
    }
}

/* A few rows that lie as the loop wants them: a bias and a small batch.  False: not such a call. */
static bool walk_few(const kernel_call *call, const walk_plan *plan)
{
    if (call->form != KERNEL_STRIDED || call->ndim != 2 || plan->wanted || call->n * plan->work >= KERNELS_SERIAL_WORK) return false;
    char *at[KERNEL_VIEWS] = {0};
    int64_t next[KERNEL_VIEWS] = {0};
    unsigned ones = 0;
    for (int v = 0; v < plan->views; v++) {
        if (!call->at[v]) continue;
        const int64_t stride = call->stride[v][1];
        if (v > 0 && stride == 0 && (plan->ones >> v & 1))
            ones |= 1u << v;
        else if (stride != 1)
            return false;
        at[v] = call->at[v];
        next[v] = call->stride[v][0] * plan->bytes[v];
    }
    for (int64_t i = 0; i < call->size[0]; i++) {
        plan->loop((void *const *)at, call->size[1], ones);
        for (int v = 0; v < plan->views; v++)
            if (at[v]) at[v] += next[v];
    }
    return true;
}

void walk_over(const kernel_call *call, const walk_plan *plan)
{
    if (call->n <= 0 || walk_few(call, plan)) return;
    walker w = shape_of(call, plan);
    kernels_split(call->n, 64, call->n * plan->work, walk_part, &w);
}
