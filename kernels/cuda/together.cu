/* KERNEL_TOGETHER: which calls are little enough, and their list.
 *
 * A block does what a launch of several would do at once one after the other: a call is little if that takes it no longer than a
 * launch of its own would (1 to 2 microseconds behind another).  Which is judged by shapes alone. */
#include "kernels/cuda/together.cuh"
#include "kernels/cuda/together.h"

enum { LITTLE = 2048, /* elements */
       ROUNDS = 3,    /* of a sum or a product more than it would have with all blocks at once */
       ROUND = 64,    /* terms of a vector's product in one */
       LEAST = 2 /* calls */ };

/* Room for a record of so many bytes; NULL: there is none. */
static void *room_for(together_list *list, int kind, size_t bytes)
{
    record_head *head = (record_head *)(list->record + list->bytes);
    const size_t all = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if ((size_t)list->bytes + all > MOST_BYTES) return NULL;
    head->kind = kind, head->bytes = (int)all;
    list->bytes += (int)all;
    return head;
}

template <class T>
static bool add_record(together_list *list, int kind, const T &x)
{
    record_of<T> *r = (record_of<T> *)room_for(list, kind, sizeof *r);
    if (r) r->x = x;
    return r;
}

/* ---- kinds of calls: false where one is none that is little, or there is no room ---- */

static bool add_pointwise(together_list *list, const kernel_call *call)
{
    const int ndim = call->form == KERNEL_STRIDED ? call->ndim : 0;
    if (!is_of_elements(call) || call->n > LITTLE || ndim > MOST_DIMS) return false;
    for (int d = 0; d < ndim; d++)
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (call->at[v] && (call->stride[v][d] > INT32_MAX || call->stride[v][d] < -INT32_MAX)) return false;

    const size_t bytes = offsetof(record_of<little_pointwise>, x.dim) + (size_t)ndim * sizeof(little_pointwise().dim[0]);
    record_of<little_pointwise> *r = (record_of<little_pointwise> *)room_for(list, POINTWISE, bytes);
    if (!r) return false;
    r->x.kernel = call->kernel, r->x.n = (int)call->n, r->x.ndim = ndim;
    r->x.ones = call->form == KERNEL_FLAT ? call->ones : 0u;
    if (call->kernel == KERNEL_POW_BACKWARD) r->x.ones |= 8; /* one exponent */
    r->x.number = (float)call->number[0];
    for (int v = 0; v < KERNEL_VIEWS; v++) r->x.at[v] = call->at[v];
    for (int d = 0; d < ndim; d++) {
        r->x.dim[d].size = divisor_of(call->size[d]);
        for (int v = 0; v < KERNEL_VIEWS; v++) r->x.dim[d].stride[v] = call->at[v] ? (int)call->stride[v][d] : 0;
    }
    return true;
}

static bool add_move(together_list *list, const kernel_call *call)
{
    const int bytes = core_dtype_bytes[call->type];
    if (call->form == KERNEL_STRIDED || call->ones || call->n > LITTLE || bytes > 8) return false;
    little_move m;
    m.to = call->at[0], m.from = call->at[1], m.n = (int)call->n, m.bytes = bytes;
    return add_record(list, MOVE, m);
}

static bool add_sum(together_list *list, const kernel_call *call)
{
    const reduction r = reduction_of(call);
    return r.parts == 1 && blocks_of(r) <= ROUNDS + 1 && add_record(list, r.columns ? SUM_OF_COLUMNS : SUM_OF_ROWS, r);
}

static bool is_quick(int64_t blocks, int64_t steps) { return (blocks - 1) * steps <= ROUNDS; }

static bool add_product(together_list *list, const kernel_call *call)
{
    if (cuda_gemm_is_large(call) || call->size[0] < 1) return false;
    if (call->size[1] == 1 || call->size[2] == 1) {
        const vector_product p = vector_product_of(call);
        const int rows = THREADS / FEW_LANES;
        return !takes_blocks(p) && is_quick((p.rows + rows - 1) / rows, (p.k + ROUND - 1) / ROUND) && add_record(list, VECTOR_PRODUCT, p);
    }
    const product p = product_of(call);
    return !in_large_tiles(p) && is_quick(p.batch * p.tiles_down * p.tiles_across, (p.k + SIDE - 1) / SIDE) && add_record(list, PRODUCT, p);
}

static bool add_softmax(together_list *list, const kernel_call *call, int kind)
{
    if (call->size[0] <= 0 || call->size[1] <= 0 || call->size[2] <= 0) return false;
    const softmax_call s = softmax_call_of(call);
    if (!holds_rows(s) || s.n > 16 * s.team || blocks_of(s) > ROUNDS + 1) return false;
    return add_record(list, kind + (s.n > 4 * s.team), s);
}

static bool add_losses(together_list *list, const kernel_call *call)
{
    return call->size[0] <= LITTLE && add_record(list, LOSSES, nll_call_in(call, 1));
}

static bool add_losses_backward(together_list *list, const kernel_call *call)
{
    return call->size[0] > 0 && call->size[1] > 0 && call->size[0] <= LITTLE / call->size[1] && add_record(list, LOSSES_BACKWARD, nll_backward_call_of(call));
}

template <class OP>
static bool add_step(together_list *list, int kind, const kernel_call *call)
{
    const kernel_optim_item *items = (const kernel_optim_item *)call->at[0];
    int64_t elements = 0;
    for (int64_t i = 0; i < call->n; i++) elements += items[i].n;
    if (call->n > MOST_PARAMETERS || elements > LITTLE || is_counted(call)) return false;

    const size_t bytes = offsetof(record_of<little_step>, x.parameter) + (size_t)call->n * sizeof(little_step().parameter[0]);
    record_of<little_step> *r = (record_of<little_step> *)room_for(list, kind, bytes);
    if (!r) return false;
    r->x.replayed = NULL, r->x.count = 0;
    for (int64_t i = 0; i < call->n; i++) {
        if (items[i].n <= 0) continue;
        const OP its(call, &items[i]);
        optim_tensor *x = &r->x.parameter[r->x.count].x;
        x->parameter = items[i].parameter, x->gradient = items[i].gradient, x->n = items[i].n;
        memcpy(x->state, items[i].state, sizeof x->state);
        memcpy(r->x.parameter[r->x.count++].numbers, &its, sizeof its);
    }
    return true;
}

static bool add(together_list *list, const kernel_call *call)
{
    if (call->n < 1) return false;
    if (cast_kind(call)) return call->n <= LITTLE && add_record(list, CAST, cast_of(call));
    if (call->type != TR_FLOAT32) return copies_as_it_is(call) && add_move(list, call);
    switch (call->kernel) {
    case KERNEL_SUM: return add_sum(list, call);
    case KERNEL_GEMM:
    case KERNEL_GEMM_BIAS: return add_product(list, call);
    case KERNEL_SOFTMAX:
    case KERNEL_LOG_SOFTMAX: return add_softmax(list, call, SOFTMAX);
    case KERNEL_SOFTMAX_BACKWARD:
    case KERNEL_LOG_SOFTMAX_BACKWARD: return add_softmax(list, call, SOFTMAX_BACKWARD);
    case KERNEL_NLL: return add_losses(list, call);
    case KERNEL_NLL_BACKWARD: return add_losses_backward(list, call);
    case KERNEL_SGD: return add_step<sgd_f32>(list, SGD, call);
    case KERNEL_ADAM: return add_step<adam_f32>(list, ADAM, call);
    default: return add_pointwise(list, call);
    }
}

/* ---- the launch ---- */

/* What replays renew has its place on the device: as optim.cu asks for it, which renews it. */
static void place_numbers(record_head *head)
{
    if (head->kind != SGD && head->kind != ADAM) return;
    little_step *s = &((record_of<little_step> *)head)->x;
    const int64_t bytes = head->kind == SGD ? (int64_t)sizeof(sgd_f32) : (int64_t)sizeof(adam_f32);
    char numbers[MOST_PARAMETERS * MOST_NUMBERS];
    bool launches;
    if (!s->count) return;
    for (int t = 0; t < s->count; t++) memcpy(numbers + t * bytes, s->parameter[t].numbers, (size_t)bytes);
    s->replayed = cuda_numbers(numbers, s->count * bytes, &launches);
}

__global__ void __launch_bounds__(THREADS, 1) do_together(const __grid_constant__ together_list list)
{
    for (int at = 0; at < list.bytes;) {
        const record_head &r = *(const record_head *)(list.record + at);
        do_record(r);
        at += r.bytes;
        __syncthreads();
    }
}

static int together(const kernel_call *call)
{
    const kernel_call *const *calls = (const kernel_call *const *)call->at[0];
    together_list list;
    int count = 0;
    memset(&list, 0, sizeof list);
    while (count < call->n && add(&list, calls[count])) count++;
    const int casts = cuda_casts(call, count < LEAST ? 1 : count); /* they may be longer */
    if (casts != 0) return casts;
    if (count < LEAST) return cuda_chain(call);
    for (int at = 0; at < list.bytes; at += ((record_head *)(list.record + at))->bytes) place_numbers((record_head *)(list.record + at));
    LAUNCH(do_together, 1, THREADS, list);
    return launched(call) < 0 ? -1 : count;
}

void kernels_cuda_together(kernel_table table) { table[KERNEL_TOGETHER][TR_FLOAT32] = together; }
