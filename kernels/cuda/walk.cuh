/* Walking over the operands of a pointwise kernel: a thread takes a pack of elements where memory is flat, and an element
 * where it is strided.  An operation is a struct that says what it reads and computes one element:
 *
 *     struct op {
 *         typedef T out, a, b, c;               the elements of at[0] .. at[3] in memory, `nothing` for those it is without
 *         __device__ out of(a, b, c) const;     or static, where it knows no numbers
 *     };
 *
 * What an element becomes depends on the element alone, so that grids and packs change no bit. */
#ifndef TRIREME_KERNELS_CUDA_WALK_CUH
#define TRIREME_KERNELS_CUDA_WALK_CUH

#include "kernels/cuda/elements.cuh"

/* How many blocks a multiprocessor is to hold at least: 1 where an operation would spill its registers, 0 says nothing. */
template <class OP>
struct blocks_at_once {
    enum { LEAST = 0 };
};

static __device__ inline int64_t thread_index(void) { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
static __device__ inline int64_t thread_count(void) { return (int64_t)gridDim.x * blockDim.x; }

/* A grid of so many blocks, or for so many threads' work; what is beyond the largest grid is reached by the loops. */
static inline unsigned grid_of(int64_t blocks)
{
    return blocks < 1 ? 1 : blocks > MOST_BLOCKS ? MOST_BLOCKS
                                                 : (unsigned)blocks;
}
static inline unsigned blocks_for(int64_t work) { return grid_of((work + THREADS - 1) / THREADS); }

/* An operation whose kernels otherwise do. */
#define SPILLS(...)                   \
 template <>                          \
 struct blocks_at_once<__VA_ARGS__> { \
  enum { LEAST = 1 };                 \
 };

/* ---- operands ---- */
template <class T>
__device__ inline T element(const void *at, int64_t i)
{
    return ((const T *)at)[i];
}
template <>
__device__ inline nothing element<nothing>(const void *, int64_t)
{
    return nothing();
}

template <class T, int count>
struct operand {
    static __device__ pack<T, count> at(const void *memory, int64_t i, bool one)
    {
        if (!one) return load<T, count>((const T *)memory + i);
        pack<T, count> p;
        for (int j = 0; j < count; j++) p.at[j] = *(const T *)memory;
        return p;
    }
};
template <int count>
struct operand<nothing, count> {
    static __device__ pack<nothing, count> at(const void *, int64_t, bool) { return pack<nothing, count>(); }
};

/* The largest element decides how many are 16 bytes. */
template <class OP>
__host__ __device__ constexpr int pack_count()
{
    const int bytes[] = {(int)sizeof(typename OP::out), (int)sizeof(typename OP::a), (int)sizeof(typename OP::b), (int)sizeof(typename OP::c)};
    int most = 1;
    for (int size : bytes) most = size > most ? size : most;
    return 16 / most;
}

/* ---- flat: `head` elements one by one until every view stands at a pack, whole packs, and what is left ---- */
struct flat_views {
    void *at[KERNEL_VIEWS];
    int64_t n, head, packs;
    unsigned ones;
};

template <class OP>
__global__ void __launch_bounds__(THREADS, blocks_at_once<OP>::LEAST) walk_flat(const flat_views v, const OP op)
{
    typedef typename OP::out out;
    typedef typename OP::a a;
    typedef typename OP::b b;
    typedef typename OP::c c;
    enum { COUNT = pack_count<OP>() };
    const bool one_a = v.ones & 2, one_b = v.ones & 4, one_c = v.ones & 8;
    for (int64_t p = thread_index(); p < v.packs; p += thread_count()) {
        int64_t i = v.head + p * COUNT;
        pack<a, COUNT> x = operand<a, COUNT>::at(v.at[1], i, one_a);
        pack<b, COUNT> y = operand<b, COUNT>::at(v.at[2], i, one_b);
        pack<c, COUNT> z = operand<c, COUNT>::at(v.at[3], i, one_c);
        pack<out, COUNT> result;
        for (int j = 0; j < COUNT; j++) result.at[j] = op.of(x.at[j], y.at[j], z.at[j]);
        store<out, COUNT>((out *)v.at[0] + i, result);
    }
    for (int64_t l = thread_index(), loose = v.n - v.packs * COUNT; l < loose; l += thread_count()) {
        int64_t i = l < v.head ? l : l + v.packs * COUNT;
        ((out *)v.at[0])[i] = op.of(element<a>(v.at[1], one_a ? 0 : i), element<b>(v.at[2], one_b ? 0 : i), element<c>(v.at[3], one_c ? 0 : i));
    }
}

/* Bytes of an element in memory. */
template <class T>
constexpr int bytes_in() { return (int)sizeof(T); }
template <>
constexpr int bytes_in<nothing>() { return 0; }

/* How many elements stand before the first place where every view that is walked along is at a multiple of its pack;
 * -1: there is none. */
static inline int64_t head_of(const kernel_call *call, const int *bytes, int count)
{
    for (int head = 0; head < count; head++) {
        bool all = true;
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (bytes[v] && !(call->ones >> v & 1))
                all = all && ((uintptr_t)call->at[v] + (uintptr_t)(head * bytes[v])) % (uintptr_t)(count * bytes[v]) == 0;
        if (all) return head;
    }
    return -1;
}

/* ---- strided: the odometer's position is found by dividing, which is a product where it fits 31 bits ---- */

/* i / by = (i + high word of i multiplier) >> shift for i < 2^31.
 * see  Granlund & Montgomery, Division by Invariant Integers using Multiplication, PLDI 1994 */
struct divisor {
    int64_t by;
    uint32_t multiplier, shift;
};

struct strided_views {
    void *at[KERNEL_VIEWS];
    int64_t n;
    int ndim;
    bool wide; /* more than 31 bits are divided */
    divisor size[TR_MAX_DIMS];
    int64_t stride[KERNEL_VIEWS][TR_MAX_DIMS];
};

static inline divisor divisor_of(int64_t by)
{
    divisor d;
    d.by = by, d.multiplier = d.shift = 0;
    if (by <= 0 || by > INT32_MAX) return d;
    while (((int64_t)1 << d.shift) < by) d.shift++;
    d.multiplier = (uint32_t)((((uint64_t)1 << 32) * (((uint64_t)1 << d.shift) - (uint64_t)by)) / (uint64_t)by + 1);
    return d;
}

static __device__ inline int64_t quotient(int64_t i, const divisor &d, bool wide)
{
    if (wide) return i / d.by;
    uint32_t high = (uint32_t)((uint64_t)(uint32_t)i * d.multiplier >> 32);
    return (int64_t)((high + (uint32_t)i) >> d.shift);
}

/* Where element i of each view stands. */
static __device__ inline void place(const strided_views &v, int64_t i, int64_t *at)
{
    for (int k = 0; k < KERNEL_VIEWS; k++) at[k] = 0;
    for (int d = v.ndim - 1; d >= 0; d--) {
        int64_t rest = d ? quotient(i, v.size[d], v.wide) : 0, position = i - rest * v.size[d].by;
        for (int k = 0; k < KERNEL_VIEWS; k++) at[k] += position * v.stride[k][d];
        i = rest;
    }
}

template <class OP>
__global__ void __launch_bounds__(THREADS, blocks_at_once<OP>::LEAST) walk_strided(const strided_views v, const OP op)
{
    for (int64_t i = thread_index(); i < v.n; i += thread_count()) {
        int64_t at[KERNEL_VIEWS];
        place(v, i, at);
        ((typename OP::out *)v.at[0])[at[0]] = op.of(element<typename OP::a>(v.at[1], at[1]), element<typename OP::b>(v.at[2], at[2]), element<typename OP::c>(v.at[3], at[3]));
    }
}

/* bytes: of an element of each view, 0 for one that the operation has not, of which the call says nothing. */
static inline strided_views strided_views_of(const kernel_call *call, const int *bytes)
{
    strided_views v;
    memset(&v, 0, sizeof v);
    v.n = call->n, v.ndim = call->ndim, v.wide = call->n > MOST_NARROW;
    for (int d = 0; d < v.ndim; d++) v.size[d] = divisor_of(call->size[d]);
    for (int k = 0; k < KERNEL_VIEWS; k++) {
        if (!bytes[k]) continue;
        v.at[k] = call->at[k];
        for (int d = 0; d < v.ndim; d++) v.stride[k][d] = call->stride[k][d];
    }
    return v;
}

/* Run an operation over a call's views. */
template <class OP>
static int walk_over(const kernel_call *call, OP op)
{
    if (call->n <= 0) return 0;
    const int bytes[KERNEL_VIEWS] = {bytes_in<typename OP::out>(), bytes_in<typename OP::a>(), bytes_in<typename OP::b>(), bytes_in<typename OP::c>()};
    if (call->form == KERNEL_STRIDED && call->ndim > 0) {
        strided_views v = strided_views_of(call, bytes);
        LAUNCH(walk_strided<OP>, blocks_for(v.n), THREADS, v, op);
        return launched(call);
    }
    enum { COUNT = pack_count<OP>() };
    int64_t head = head_of(call, bytes, COUNT);
    flat_views v;
    memcpy(v.at, call->at, sizeof v.at);
    v.n = call->n, v.ones = call->form == KERNEL_FLAT ? call->ones : 0u;
    v.head = head < 0 || head > v.n ? v.n : head;
    v.packs = (v.n - v.head) / COUNT;
    int64_t loose = v.n - v.packs * COUNT;
    LAUNCH(walk_flat<OP>, blocks_for(v.packs > loose ? v.packs : loose), THREADS, v, op);
    return launched(call);
}

/* The kernel of an operation that needs to know nothing of the call. */
template <class OP>
static int walk(const kernel_call *call)
{
    return walk_over(call, OP());
}

#endif
