/* Reductions over any dims of any strides.  An operation says what its elements add up in:
 *
 *     struct op {
 *         typedef in, sum, out;                               elements in memory, what they add up in, what is stored
 *         static __device__ sum start();                      of no elements
 *         static __device__ sum with(sum, in, int64_t i);     and the i-th element, in row-major order of the reduced dims
 *         static __device__ sum join(sum, sum);               of two sets of elements
 *         static __device__ out finish(sum, double below);    below: kernel_call's number[0]
 *     };
 *
 * Where the reduced dims lie densest, an output is a row and a team of threads takes it: 8 lanes, a warp for 128 elements
 * and more, a block for more than 1024.  Where the kept ones do, outputs are columns: a block is as many threads wide as a
 * warp, so that its reads are neighbours, or wider for short columns, which one thread adds up in order.  Few outputs of
 * many elements are cut into parts, which a second launch joins in order.  All of this is chosen by shapes and strides.
 *
 * Lane j takes the elements j, j + lanes, ... in order, and lanes are folded in halves: so the CPU has it, too, in
 * contiguous rows of up to 1024 elements, and in columns of few. */
#ifndef TRIREME_KERNELS_CUDA_REDUCE_CUH
#define TRIREME_KERNELS_CUDA_REDUCE_CUH

#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/team.cuh"
#include "kernels/cuda/walk.cuh"

enum { ROW_OF_WARP = 1024,  /* the longest row that a warp takes */
       COLUMN_OF_ONE = 32,  /* the longest column that a thread takes alone */
       PART_OF_LANE = 16,   /* the least of a part that is each lane's */
       MOST_PARTS = 1024 }; /* blocks of all parts: more than a GPU runs at once, except of the smallest */

struct reduction {
    const void *a;
    void *out; /* or the parts, a row of them for each output */
    int64_t outputs, reduced, parts, part;
    bool columns;
    int team;       /* lanes of a row, or columns side by side */
    int kept, dims; /* dims [0, kept) are kept, [kept, dims) reduced */
    bool wide;      /* more than 31 bits are divided */
    divisor size[TR_MAX_DIMS];
    double inverse[TR_MAX_DIMS];
    int64_t to[TR_MAX_DIMS], from[TR_MAX_DIMS]; /* strides of out (kept dims) and of a */
    double below;
};

/* ---- on the device ---- */

/* i / size[d]; what does not fit 31 bits by way of double, which is one off at most below 2^52.  A real division would be a
 * call in the middle of a loop. */
static __device__ inline int64_t quotient_of(const reduction &r, int d, int64_t i, bool wide)
{
    if (!wide) return quotient(i, r.size[d], false);
    int64_t q = (int64_t)((double)i * r.inverse[d]), rest = i - q * r.size[d].by;
    return q + (rest >= r.size[d].by) - (rest < 0);
}

/* Where element i of dims [first, last) stands, i counting them in row-major order. */
static __device__ inline int64_t offset_of(const reduction &r, int first, int last, const int64_t *stride, int64_t i, bool wide)
{
    int64_t offset = 0;
    for (int d = last - 1; d >= first; d--) {
        int64_t rest = d > first ? quotient_of(r, d, i, wide) : 0;
        offset += (i - rest * r.size[d].by) * stride[d];
        i = rest;
    }
    return offset;
}

/* Where a lane's elements stand, and how many it asks for before it looks at the first. */
struct along_one_dim {
    enum { AHEAD = 8 };
    static __device__ int64_t at(const reduction &r, int64_t i) { return i * r.from[r.kept]; }
};
struct along_dims {
    enum { AHEAD = 4 };
    static __device__ int64_t at(const reduction &r, int64_t i) { return offset_of(r, r.kept, r.dims, r.from, i, false); }
};
struct along_wide_dims {
    enum { AHEAD = 1 };
    static __device__ int64_t at(const reduction &r, int64_t i) { return offset_of(r, r.kept, r.dims, r.from, i, true); }
};

/* A lane's elements i, i + step, ... below `end`. */
template <class OP, class ALONG>
static __device__ inline typename OP::sum sum_of_lane(const reduction &r, const typename OP::in *at, int64_t i, int64_t end, int step)
{
    typename OP::sum sum = OP::start();
    for (; i + (ALONG::AHEAD - 1) * step < end; i += ALONG::AHEAD * step) {
        typename OP::in x[ALONG::AHEAD];
        for (int k = 0; k < ALONG::AHEAD; k++) x[k] = at[ALONG::at(r, i + k * step)];
        for (int k = 0; k < ALONG::AHEAD; k++) sum = OP::with(sum, x[k], i + k * step);
    }
    if (ALONG::AHEAD > 1)
        for (; i < end; i += step) sum = OP::with(sum, at[ALONG::at(r, i)], i);
    return sum;
}

/* The elements of one part of one output that are lane's. */
template <class OP>
static __device__ inline typename OP::sum sum_of(const reduction &r, int64_t output, int64_t part, int lane, int lanes)
{
    const typename OP::in *at = (const typename OP::in *)r.a + offset_of(r, 0, r.kept, r.from, output, r.wide);
    int64_t begin = part * r.part, end = begin + r.part < r.reduced ? begin + r.part : r.reduced;
    if (OP::in_parts || r.dims == r.kept + 1) return sum_of_lane<OP, along_one_dim>(r, at, begin + lane, end, lanes);
    if (!r.wide) return sum_of_lane<OP, along_dims>(r, at, begin + lane, end, lanes);
    return sum_of_lane<OP, along_wide_dims>(r, at, begin + lane, end, lanes);
}

template <class OP>
static __device__ inline void put(const reduction &r, int64_t output, int64_t part, typename OP::sum sum)
{
    if (r.parts > 1)
        ((typename OP::sum *)r.out)[output * r.parts + part] = sum;
    else
        ((typename OP::out *)r.out)[offset_of(r, 0, r.kept, r.to, output, r.wide)] = OP::finish(sum, r.below);
}

/* What block `block` of so many does. */
template <class OP>
static __device__ inline void rows_of_block(const reduction &r, int64_t block, int64_t blocks)
{
    typedef typename OP::sum sum_type;
    SHARED(sum_type, of_warp, [WARPS]);
    const int lane = (int)threadIdx.x % r.team, rows = THREADS / r.team;
    const int64_t all = (r.outputs + rows - 1) / rows * r.parts;
    for (int64_t b = block; b < all; b += blocks) {
        int64_t part = b % r.parts, output = b / r.parts * rows + (int)threadIdx.x / r.team;
        sum_type sum = output < r.outputs ? sum_of<OP>(r, output, part, lane, r.team) : OP::start();
        sum = joined<OP>(sum, r.team, of_warp);
        if (lane == 0 && output < r.outputs) put<OP>(r, output, part, sum);
    }
}

template <class OP>
static __device__ inline void columns_of_block(const reduction &r, int64_t block, int64_t blocks)
{
    typedef typename OP::sum sum_type;
    SHARED(sum_type, all, [THREADS]);
    const int lane = (int)threadIdx.x / r.team;
    const int64_t tiles = (r.outputs + r.team - 1) / r.team * r.parts;
    for (int64_t b = block; b < tiles; b += blocks) {
        int64_t part = b % r.parts, output = b / r.parts * r.team + (int)threadIdx.x % r.team;
        sum_type sum = output < r.outputs ? sum_of<OP>(r, output, part, lane, THREADS / r.team) : OP::start();
        sum = joined_columns<OP>(sum, r.team, all);
        if (lane == 0 && output < r.outputs) put<OP>(r, output, part, sum);
    }
}

template <class OP>
__global__ void __launch_bounds__(THREADS, 1) reduce_rows(const reduction r)
{
    rows_of_block<OP>(r, blockIdx.x, gridDim.x);
}

template <class OP>
__global__ void __launch_bounds__(THREADS, 1) reduce_columns(const reduction r)
{
    columns_of_block<OP>(r, blockIdx.x, gridDim.x);
}

/* ---- on the host ---- */

/* Dims without those of size 1, neighbours that lie as one joined. */
static inline void add_dims(reduction *r, const kernel_call *call, int first, int last, bool kept)
{
    int begin = r->dims;
    for (int d = first; d < last; d++) {
        int64_t size = call->size[d], to = kept ? call->stride[0][d] : 0, from = call->stride[1][d];
        int before = r->dims - 1;
        if (size == 1) continue;
        if (r->dims > begin && r->from[before] == from * size && r->to[before] == to * size) {
            size *= r->size[before].by;
            r->dims--;
        }
        r->size[r->dims].by = size;
        r->to[r->dims] = to;
        r->from[r->dims++] = from;
    }
}

static inline int64_t distance(int64_t stride) { return stride < 0 ? -stride : stride; }

/* Who takes what.  Rows that a warp can take, and columns that a thread can, are not cut: their order is the CPU's. */
static inline void choose_teams(reduction *r)
{
    int64_t inner = r->kept ? distance(r->from[r->kept - 1]) : 0;
    r->columns = inner > 0 && r->dims > r->kept && inner < distance(r->from[r->dims - 1]);
    if (r->columns) {
        r->team = WARP;
        if (r->reduced <= COLUMN_OF_ONE) r->team = THREADS;
        while (r->reduced > COLUMN_OF_ONE && r->team / 2 >= r->outputs) r->team /= 2;
    } else {
        r->team = r->reduced < 128 ? 8 : r->reduced <= ROW_OF_WARP ? (int)WARP
                                                                   : (int)THREADS;
    }
    int lanes = r->columns ? THREADS / r->team : r->team, side_by_side = THREADS / lanes;
    int64_t blocks = (r->outputs + side_by_side - 1) / side_by_side;
    int64_t parts = r->reduced / (lanes * PART_OF_LANE), most = MOST_PARTS / blocks;
    if (parts > most) parts = most;
    if (parts <= 1 || (!r->columns && lanes < THREADS) || (r->columns && lanes == 1)) parts = 1;
    r->part = (r->reduced + parts - 1) / parts;
    r->parts = r->part ? (r->reduced + r->part - 1) / r->part : 1;
}

static inline reduction reduction_of(const kernel_call *call)
{
    reduction r;
    memset(&r, 0, sizeof r);
    r.a = call->at[1], r.out = call->at[0];
    r.outputs = call->n, r.reduced = 1;
    r.below = call->kernel == KERNEL_SUM ? call->number[0] : 1;
    for (int d = call->split; d < call->ndim; d++) r.reduced *= call->size[d];
    add_dims(&r, call, 0, call->split, true);
    r.kept = r.dims;
    add_dims(&r, call, call->split, call->ndim, false);
    r.wide = r.outputs > MOST_NARROW || r.reduced > MOST_NARROW;
    choose_teams(&r);
    if (r.dims == r.kept && r.dims < TR_MAX_DIMS) r.size[r.dims++].by = 1; /* nothing is reduced */
    for (int d = 0; d < r.dims; d++) {
        r.size[d] = divisor_of(r.size[d].by);
        r.inverse[d] = 1.0 / (double)r.size[d].by;
    }
    return r;
}

/* Parts are joined as the contiguous rows that they are. */
static inline reduction reduction_of_parts(const reduction *first, void *parts)
{
    reduction r = *first;
    r.a = parts;
    r.reduced = r.part = first->parts, r.parts = 1;
    r.columns = false;
    r.team = r.reduced < 128 ? 8 : WARP;
    int64_t stride = r.reduced;
    for (int d = r.kept - 1; d >= 0; stride *= r.size[d--].by) r.from[d] = stride;
    r.dims = r.kept + 1;
    r.size[r.kept] = divisor_of(r.reduced);
    r.from[r.kept] = 1;
    return r;
}

template <class OP>
struct whole : OP {
    enum { in_parts = false };
};

template <class OP>
struct of_parts : OP {
    enum { in_parts = true };
    typedef typename OP::sum in;
    static __device__ in with(in sum, in x, int64_t) { return OP::join(sum, x); }
};

static inline unsigned blocks_of(const reduction &r)
{
    int64_t side_by_side = r.columns ? r.team : THREADS / r.team, blocks = (r.outputs + side_by_side - 1) / side_by_side * r.parts;
    return blocks < MOST_BLOCKS ? (unsigned)blocks : MOST_BLOCKS;
}

template <class OP>
static int reduce_once(const kernel_call *call, const reduction &r)
{
    if (r.columns)
        LAUNCH(reduce_columns<whole<OP>>, blocks_of(r), THREADS, r);
    else
        LAUNCH(reduce_rows<whole<OP>>, blocks_of(r), THREADS, r);
    return launched(call);
}

template <class OP>
static int reduce(const kernel_call *call)
{
    if (call->n <= 0) return 0;
    reduction r = reduction_of(call);
    if (r.parts == 1) return reduce_once<OP>(call, r);
    void *parts = cuda_scratch_take(call, r.outputs * r.parts * (int64_t)sizeof(typename OP::sum));
    if (!parts) return -1;
    reduction last = reduction_of_parts(&r, parts);
    r.out = parts;
    int status = reduce_once<OP>(call, r);
    if (status == 0) {
        LAUNCH(reduce_rows<of_parts<OP>>, blocks_of(last), THREADS, last);
        status = launched(call);
    }
    cuda_scratch_give(parts);
    return status;
}

#endif
