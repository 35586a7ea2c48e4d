/* Little calls that one block of threads does one after the other, as a list that travels in the launch: what each kind of
 * them is there, and how the block does it.
 *
 *     launches    [mul] [pow_backward] [add] [sgd]        a launch each, of which every one waits for the one before
 *     together    [mul | pow_backward | add | sgd]        one, with a barrier between
 *
 * An element meets the same operations, and a sum has the same order, as in a launch of its own: the bits are the same. */
#ifndef TRIREME_KERNELS_CUDA_TOGETHER_CUH
#define TRIREME_KERNELS_CUDA_TOGETHER_CUH

#include "kernels/cuda/casts.cuh"
#include "kernels/cuda/element_of.cuh"
#include "kernels/cuda/gemm_plain.cuh"
#include "kernels/cuda/matvec.cuh"
#include "kernels/cuda/nll.cuh"
#include "kernels/cuda/optim.cuh"
#include "kernels/cuda/softmax_rows.cuh"
#include "kernels/cuda/sums.cuh"

enum together_kinds { POINTWISE,
                      MOVE,
                      CAST,
                      SUM_OF_ROWS,
                      SUM_OF_COLUMNS,
                      PRODUCT,
                      VECTOR_PRODUCT,
                      SOFTMAX,        /* of up to 4 elements a lane, */
                      LONGER_SOFTMAX, /* and of up to 16 */
                      SOFTMAX_BACKWARD,
                      LONGER_SOFTMAX_BACKWARD,
                      LOSSES,
                      LOSSES_BACKWARD,
                      SGD,
                      ADAM };

enum { ALIGN = 16,
       MOST_BYTES = 4096 - ALIGN, /* with what stands before them: what every driver's launches can carry */
       MOST_DIMS = 4 };

struct together_list {
    int bytes; /* of records that follow one another, each at a multiple of ALIGN */
    alignas(ALIGN) char record[MOST_BYTES];
};
static_assert(sizeof(together_list) <= 4096, "more than a launch can carry");

struct record_head {
    int kind, bytes;
};

template <class T>
struct record_of {
    record_head head;
    T x;
};

/* ---- elements of float32, one by one ---- */
struct little_pointwise {
    int kernel, n, ndim; /* 0 dims: flat */
    unsigned ones;
    float number; /* of KERNEL_FILL */
    void *at[KERNEL_VIEWS];
    struct {
        divisor size;
        int stride[KERNEL_VIEWS];
    } dim[MOST_DIMS]; /* as many as there are: the last of the record */
};

/* Where element i of each view stands. */
static __device__ inline void place(const little_pointwise &p, int i, int64_t *at)
{
    for (int v = 0; v < KERNEL_VIEWS; v++) at[v] = p.ndim || p.ones >> v & 1 ? 0 : i;
    for (int d = p.ndim - 1; d >= 0; d--) {
        int rest = d ? (int)quotient(i, p.dim[d].size, false) : 0;
        const int64_t position = i - rest * (int)p.dim[d].size.by;
        for (int v = 0; v < KERNEL_VIEWS; v++) at[v] += position * p.dim[d].stride[v];
        i = rest;
    }
}

/* All that a thread reads in a round it reads before it writes: elements of one call do not meet. */
static __device__ inline void do_pointwise(const little_pointwise &p)
{
    enum { AHEAD = 4 };
    for (int begin = (int)threadIdx.x; begin < p.n; begin += AHEAD * THREADS) {
        int64_t to[AHEAD];
        float x[AHEAD][KERNEL_VIEWS];
        UNROLLED
        for (int k = 0; k < AHEAD; k++) {
            int64_t at[KERNEL_VIEWS];
            place(p, begin + k * THREADS, at);
            to[k] = at[0];
            UNROLLED
            for (int v = 1; v < KERNEL_VIEWS; v++) x[k][v] = begin + k * THREADS < p.n && p.at[v] ? ((const float *)p.at[v])[at[v]] : 0;
        }
        UNROLLED
        for (int k = 0; k < AHEAD; k++)
            if (begin + k * THREADS < p.n) ((float *)p.at[0])[to[k]] = element_of(p.kernel, x[k][1], x[k][2], x[k][3], p.number);
    }
}

/* ---- elements of other types, copied as they are ---- */
struct little_move {
    void *to;
    const void *from;
    int n, bytes; /* of an element: 1, 2, 4 or 8 */
};

template <class WORD>
static __device__ inline void move_words(const little_move &m)
{
    for (int i = (int)threadIdx.x; i < m.n; i += THREADS) ((WORD *)m.to)[i] = ((const WORD *)m.from)[i];
}

static __device__ inline void do_move(const little_move &m)
{
    switch (m.bytes) {
    case 1: return move_words<uint8_t>(m);
    case 2: return move_words<uint16_t>(m);
    case 4: return move_words<uint32_t>(m);
    default: return move_words<uint64_t>(m);
    }
}

static __device__ inline void little_cast(const cast &c) { do_cast(c, 0, c.n, (int)threadIdx.x, THREADS); }

/* ---- optimisers' steps ---- */
enum { MOST_PARAMETERS = 8,
       MOST_NUMBERS = 40 }; /* bytes */

struct little_step {
    const void *replayed; /* the numbers of each, where replays renew them; NULL: those here */
    int count;
    struct {
        optim_tensor x;
        char numbers[MOST_NUMBERS];
    } parameter[MOST_PARAMETERS]; /* as many as there are */
};

template <class OP>
static __device__ inline void do_step(const little_step &s)
{
    static_assert(sizeof(OP) <= MOST_NUMBERS, "an optimiser's numbers have room");
    for (int t = 0; t < s.count; t++) {
        const optim_tensor &x = s.parameter[t].x;
        const OP op = s.replayed ? ((const OP *)s.replayed)[t] : *(const OP *)s.parameter[t].numbers;
        for (int i = (int)threadIdx.x; i < (int)x.n; i += THREADS) step<1>(x, i, op);
    }
}

/* ---- any of them ---- */
typedef whole<sum_reduction<float, double, float>> little_sum;

static __device__ inline void do_record(const record_head &r)
{
    switch (r.kind) {
    case POINTWISE: return do_pointwise(((const record_of<little_pointwise> &)r).x);
    case MOVE: return do_move(((const record_of<little_move> &)r).x);
    case CAST: return little_cast(((const record_of<cast> &)r).x);
    case SUM_OF_ROWS: return rows_of_block<little_sum>(((const record_of<reduction> &)r).x, 0, 1);
    case SUM_OF_COLUMNS: return columns_of_block<little_sum>(((const record_of<reduction> &)r).x, 0, 1);
    case PRODUCT: return tiles_of_block<float, float, 2>(((const record_of<product> &)r).x, 0, 1);
    case VECTOR_PRODUCT: return vector_of_block<float, double, FEW_LANES>(((const record_of<vector_product> &)r).x, 0, 1);
    case SOFTMAX: return softmax_of_block<float, float, 4>(((const record_of<softmax_call> &)r).x, 0, 1);
    case LONGER_SOFTMAX: return softmax_of_block<float, float, 16>(((const record_of<softmax_call> &)r).x, 0, 1);
    case SOFTMAX_BACKWARD: return softmax_backward_of_block<float, float, 4>(((const record_of<softmax_call> &)r).x, 0, 1);
    case LONGER_SOFTMAX_BACKWARD: return softmax_backward_of_block<float, float, 16>(((const record_of<softmax_call> &)r).x, 0, 1);
    case LOSSES: return losses_of_block<float>(((const record_of<nll_call> &)r).x, NULL, 0, 1);
    case LOSSES_BACKWARD: return dloss_of_thread<float>(((const record_of<nll_call> &)r).x, threadIdx.x, THREADS);
    case SGD: return do_step<sgd_f32>(((const record_of<little_step> &)r).x);
    default: return do_step<adam_f32>(((const record_of<little_step> &)r).x);
    }
}

#endif
