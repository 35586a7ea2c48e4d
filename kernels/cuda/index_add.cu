/* Adding to what an index names, with the CPU's bits: what is added to one place is added in the order of the index, each
 * sum rounded to its type, by one thread.
 *
 * Elements that may meet stand in a line, along the indexed dim: (outer, length, inner) are outer x inner lines.  Of those
 * in a line that name one place, the first takes them all.  In a short line it finds them by looking; a long one is sorted
 * by index first, which stable sorting leaves in order, so that they stand together.  (An index that names one place a
 * million times is a million additions by one thread: right, and slow.) */
#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/indexed.cuh"
#include "kernels/cuda/sorting.cuh"

enum { SHORT_LINE = 128 };

struct additions {
    indexed at; /* in what is added to, of element i in (outer, length, inner) */
    const int64_t *index;
    bool shared; /* the index has but one line, which all take */
    int64_t lines;
    divisor length, inner;
};

/* Element i is number k of its line, which begins at element `first` and is so many lines after the first. */
struct line_place {
    int64_t k, first, line;
};

static __device__ inline line_place line_of(const additions &a, int64_t i)
{
    int64_t row = quotient(i, a.inner, a.at.wide), outer = quotient(row, a.length, a.at.wide);
    line_place p;
    p.k = row - outer * a.length.by;
    p.first = i - p.k * a.inner.by;
    p.line = outer * a.inner.by + i - row * a.inner.by;
    return p;
}

/* ---- sums ---- */
template <class T>
static __device__ inline T added(T a, T b) { return narrowed<T>::of(widened(a) + widened(b)); }
static __device__ inline uint8_t added(uint8_t a, uint8_t b) { return (uint8_t)(a + b); }
static __device__ inline int32_t added(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
static __device__ inline int64_t added(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static __device__ inline truth added(truth a, truth b)
{
    a.bits = (a.bits | b.bits) != 0;
    return a;
}
static __device__ inline complex64 added(complex64 a, complex64 b)
{
    a.re += b.re, a.im += b.im;
    return a;
}
static __device__ inline complex128 added(complex128 a, complex128 b)
{
    a.re += b.re, a.im += b.im;
    return a;
}

template <class T>
__global__ void __launch_bounds__(THREADS) add_short_lines(T *out, const T *src, const additions a)
{
    for (int64_t i = thread_index(); i < a.at.n; i += thread_count()) {
        const line_place p = line_of(a, i);
        const int64_t *index = a.shared ? a.index : a.index + p.first, step = a.shared ? 1 : a.inner.by, wanted = index[p.k * step];
        if (!in_bounds(a.at, wanted)) continue;
        int64_t earlier = 0;
        while (earlier < p.k && index[earlier * step] != wanted) earlier++;
        if (earlier < p.k) continue;
        const int64_t at = place(a.at, i, wanted);
        T sum = out[at];
        for (int64_t k = p.k; k < a.length.by; k++)
            if (index[k * step] == wanted) sum = added(sum, src[p.first + k * a.inner.by]);
        out[at] = sum;
    }
}

/* ---- long lines ---- */
struct index_keys {
    const int64_t *index;
    int64_t length, inner;
    __device__ uint64_t of(int64_t line, int64_t k) const { return (uint64_t)index[(line / inner * length + k) * inner + line % inner]; }
};

template <class T>
__global__ void __launch_bounds__(THREADS) add_sorted_lines(T *out, const T *src, const item *sorted, const additions a)
{
    for (int64_t i = thread_index(); i < a.at.n; i += thread_count()) {
        const line_place p = line_of(a, i);
        const item *line = a.shared ? sorted : sorted + p.line * a.length.by;
        const uint64_t wanted = line[p.k].key;
        if ((p.k > 0 && line[p.k - 1].key == wanted) || !in_bounds(a.at, (int64_t)wanted)) continue;
        const int64_t at = place(a.at, i, (int64_t)wanted), end = p.k + before(line + p.k, a.length.by - p.k, wanted, true);
        T sum = out[at];
        for (int64_t k = p.k; k < end; k++) sum = added(sum, src[p.first + line[k].at * a.inner.by]);
        out[at] = sum;
    }
}

template <class T>
static int add(const kernel_call *call, const additions &a)
{
    T *out = (T *)call->at[0];
    const T *src = (const T *)call->at[1];
    if (a.at.n <= 0) return 0;
    if (a.length.by <= SHORT_LINE) {
        LAUNCH(add_short_lines<T>, blocks_for(a.at.n), THREADS, out, src, a);
        return launched(call);
    }
    int64_t lines = a.shared ? 1 : a.lines;
    item *sorted = (item *)cuda_scratch_take(call, lines * a.length.by * (int64_t)sizeof *sorted);
    if (!sorted) return -1;
    index_keys keys = {a.index, a.length.by, a.shared ? 1 : a.inner.by};
    to_items all = {sorted, 0, a.length.by};
    int status = sort_rows(call, keys, all, lines, a.length.by);
    if (status == 0) {
        LAUNCH(add_sorted_lines<T>, blocks_for(a.at.n), THREADS, out, src, sorted, a);
        status = launched(call);
    }
    cuda_scratch_give(sorted);
    return status;
}

template <class T>
static int index_add(const kernel_call *call)
{
    int64_t rows = call->size[1], inner = call->size[2];
    int64_t size[] = {call->size[0], call->size[3], inner}, stride[] = {rows * inner, inner, 1};
    additions a;
    a.at = indexed_of(call, 3, 1, size, stride, rows);
    a.index = (const int64_t *)call->at[2], a.shared = true, a.lines = size[0] * inner;
    a.length = divisor_of(size[1]), a.inner = divisor_of(inner);
    return add<T>(call, a);
}

template <class T>
static int scatter_add(const kernel_call *call)
{
    int64_t length = call->ndim ? call->size[call->split] : 1, inner = 1;
    for (int d = call->split + 1; d < call->ndim; d++) inner *= call->size[d];
    additions a;
    a.at = indexed_of(call, call->ndim, call->split, call->size, call->stride[0], (int64_t)call->number[0]);
    a.index = (const int64_t *)call->at[2], a.shared = false, a.lines = length > 0 ? a.at.n / length : 0;
    a.length = divisor_of(length), a.inner = divisor_of(inner);
    return add<T>(call, a);
}

void kernels_cuda_index_add(kernel_table table)
{
#define PUT(T, TYPE)                           \
 table[KERNEL_INDEX_ADD][TYPE] = index_add<T>; \
 table[KERNEL_SCATTER_ADD][TYPE] = scatter_add<T>;
    ELEMENT_TYPES(PUT)
}
