/* The optimisers' steps over all parameters at once.
 *
 * The parameters' pointers and sizes travel in the launch itself, in the 4 KiB that every driver grants, so that a call
 * copies nothing to the device and is over before the list may change: 64 parameters a launch.  Each is cut into chunks,
 * which are numbered through; a block takes one and finds whose it is among the numbers at which parameters begin.
 *
 * Where only the device knows whether there is a step, it counts them, too, and a launch before makes each parameter's
 * numbers: by the host's formulas, with the device's pow(), whose last bit may be another on a GPU. */
#include "kernels/cuda/optim.cuh"

enum { MOST_TENSORS = 64,
       CHUNK = 4096 };

struct optim_list {
    optim_tensor tensor[MOST_TENSORS];
    int64_t first[MOST_TENSORS]; /* chunk of each */
    int64_t chunks;
    int count;
};

/* What all parameters' numbers are made of, beside their counts. */
struct optim_numbers {
    double number[5];
    int64_t flags;
};

struct optim_counts {
    int64_t *of[MOST_TENSORS];
    int count;
};

template <class OP>
__global__ void __launch_bounds__(MOST_TENSORS, 1) count_steps(const optim_counts list, const double *skip, const optim_numbers now, const optim_numbers *replayed, OP *numbers)
{
    const int t = (int)threadIdx.x;
    if (t >= list.count || (skip && *skip != 0)) return;
    const optim_numbers k = replayed ? *replayed : now;
    kernel_call call;
    kernel_optim_item item;
    for (int i = 0; i < 5; i++) call.number[i] = k.number[i];
    call.flags = (uint32_t)k.flags;
    item.step = list.of[t] ? ++*list.of[t] : 0;
    item.first = item.step == 1;
    numbers[t] = OP(&call, &item);
}

template <class OP, bool captured>
__global__ void __launch_bounds__(THREADS, 1) step_all(const optim_list list, const OP now, const OP *replayed, const double *skip)
{
    enum { COUNT = 16 / sizeof(typename OP::type) };
    if (skip && *skip != 0) return;
    for (int64_t chunk = blockIdx.x; chunk < list.chunks; chunk += gridDim.x) {
        int t = 0; /* the last that begins here or before */
        for (int half = MOST_TENSORS / 2; half > 0; half /= 2)
            if (t + half < list.count && list.first[t + half] <= chunk) t += half;
        const optim_tensor &x = list.tensor[t];
        const OP op = captured ? replayed[t] : now;
        int64_t from = (chunk - list.first[t]) * CHUNK, to = x.n - from < CHUNK ? x.n : from + CHUNK;
        uintptr_t places = (uintptr_t)x.parameter | (uintptr_t)x.gradient | (uintptr_t)x.state[0] | (uintptr_t)x.state[1] | (uintptr_t)x.state[2];
        int64_t packs = places % 16 ? 0 : (to - from) / COUNT;
        for (int64_t p = threadIdx.x; p < packs; p += THREADS) step<COUNT>(x, from + p * COUNT, op);
        for (int64_t i = from + packs * COUNT + threadIdx.x; i < to; i += THREADS) step<1>(x, i, op);
    }
}

static void add(optim_list *list, const kernel_optim_item *item)
{
    optim_tensor *x = &list->tensor[list->count];
    x->parameter = item->parameter, x->gradient = item->gradient, x->n = item->n;
    memcpy(x->state, item->state, sizeof x->state);
    list->first[list->count++] = list->chunks;
    list->chunks += (x->n + CHUNK - 1) / CHUNK;
}

/* Those with a count are counted although they are empty. */
template <class OP>
static int optimise_counted(const kernel_call *call)
{
    const kernel_optim_item *items = (const kernel_optim_item *)call->at[0];
    const double *skip = (const double *)call->at[1];
    for (int64_t i = 0; i < call->n;) {
        optim_list list;
        optim_counts counts;
        optim_numbers now;
        memset(&list, 0, sizeof list);
        memset(&counts, 0, sizeof counts);
        memcpy(now.number, call->number, sizeof now.number);
        now.flags = call->flags;
        const kernel_optim_item *first = &items[i];
        for (; i < call->n && list.count < MOST_TENSORS; i++) {
            counts.of[counts.count++] = items[i].count;
            add(&list, &items[i]);
        }
        bool launches;
        const optim_numbers *replayed = (const optim_numbers *)cuda_numbers(&now, sizeof now, &launches);
        if (!launches) continue;
        OP *numbers = (OP *)cuda_scratch_take(call, MOST_TENSORS * (int64_t)sizeof(OP));
        if (!numbers) return -1;
        LAUNCH(count_steps<OP>, 1, MOST_TENSORS, counts, skip, now, replayed, numbers);
        int status = launched(call);
        if (status == 0 && list.chunks > 0) {
            LAUNCH((step_all<OP, true>), grid_of(list.chunks), THREADS, list, OP(call, first), numbers, skip);
            status = launched(call);
        }
        cuda_scratch_give(numbers);
        if (status < 0) return -1;
    }
    return 0;
}

/* Items that follow one another go together as long as they have one step count, and so one set of numbers.  In a captured
 * step each has its own: replays may count them differently. */
template <class OP>
static int optimise(const kernel_call *call)
{
    static_assert(sizeof(optim_list) + sizeof(OP) + sizeof(void *) <= 4096, "more than a launch can carry");
    if (is_counted(call)) return optimise_counted<OP>(call);
    const bool each = cuda_captures();
    const kernel_optim_item *items = (const kernel_optim_item *)call->at[0];
    for (int64_t i = 0; i < call->n;) {
        const kernel_optim_item *first = &items[i];
        optim_list list;
        char numbers[MOST_TENSORS][sizeof(OP)];
        memset(&list, 0, sizeof list);
        for (; i < call->n && list.count < MOST_TENSORS && (each || (items[i].step == first->step && items[i].first == first->first)); i++) {
            if (items[i].n <= 0) continue;
            if (each) {
                const OP its(call, &items[i]);
                memcpy(numbers[list.count], &its, sizeof its);
            }
            add(&list, &items[i]);
        }
        if (!list.count) continue;
        bool launches;
        const OP *replayed = (const OP *)cuda_numbers(numbers, list.count * (int64_t)sizeof(OP), &launches);
        if (!launches) continue;
        if (each)
            LAUNCH((step_all<OP, true>), grid_of(list.chunks), THREADS, list, OP(call, first), replayed, (const double *)NULL);
        else
            LAUNCH((step_all<OP, false>), grid_of(list.chunks), THREADS, list, OP(call, first), replayed, (const double *)NULL);
        if (launched(call) < 0) return -1;
    }
    return 0;
}

void kernels_cuda_optim(kernel_table table)
{
    table[KERNEL_SGD][TR_FLOAT32] = optimise<sgd_f32>;
    table[KERNEL_SGD][TR_FLOAT64] = optimise<sgd_f64>;
    table[KERNEL_ADAM][TR_FLOAT32] = optimise<adam_f32>;
    table[KERNEL_ADAM][TR_FLOAT64] = optimise<adam_f64>;
    table[KERNEL_RMSPROP][TR_FLOAT32] = optimise<rmsprop_f32>;
    table[KERNEL_RMSPROP][TR_FLOAT64] = optimise<rmsprop_f64>;
    table[KERNEL_ADAGRAD][TR_FLOAT32] = optimise<adagrad_f32>;
    table[KERNEL_ADAGRAD][TR_FLOAT64] = optimise<adagrad_f64>;
}
