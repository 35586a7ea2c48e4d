/* Running sums along a dim.  Those of floats run in double, of whole numbers in 64 bits; a complex number is two that run
 * side by side.  Many lines that lie beside each other, and short ones, are a thread's each, in the CPU's order and with
 * its bits.  Others are a warp's or a block's, which go on by four elements a thread: there double's last bits differ.  Few
 * long lines are cut into parts, whose sums are run over first. */
#include "kernels/cuda/convert.cuh"
#include "kernels/cuda/team.cuh"
#include "kernels/cuda/walk.cuh"

enum { AHEAD = 8,
       EACH = 4,    /* neighbours that a thread takes */
       SHORT = 16,  /* the longest line that a thread takes wherever it lies */
       MANY = 1024, /* lines side by side that are a thread's each */
       LINE_OF_WARP = 1024,
       PART = 16 * THREADS, /* the least of a part */
       MOST_PARTS = 1024 };

struct cumsum_call {
    void *y;
    const void *x;
    int64_t lines, n, inner, parts, part;
    int team;
    bool wide;
    divisor by_inner;
    void *totals; /* a row of parts for each line */
};

/* What elements add up in. */
template <class S>
struct summed {
    typedef double type;
};
template <>
struct summed<int64_t> {
    typedef uint64_t type;
};
template <>
struct summed<uint64_t> {
    typedef uint64_t type;
};

static __device__ inline int64_t line_at(const cumsum_call &c, int64_t line)
{
    int64_t outer = quotient(line, c.by_inner, c.wide);
    return outer * c.n * c.inner + (line - outer * c.inner);
}

/* ---- a thread takes a line ---- */
template <class S>
__global__ void __launch_bounds__(THREADS, 1) run_lines(const cumsum_call c)
{
    typedef typename summed<S>::type sum_type;
    for (int64_t line = thread_index(); line < c.lines; line += thread_count()) {
        const int64_t at = line_at(c, line);
        const S *x = (const S *)c.x + at;
        S *y = (S *)c.y + at;
        sum_type sum = 0;
        for (int64_t i = 0; i < c.n; i += AHEAD) {
            S held[AHEAD];
            UNROLLED
            for (int k = 0; k < AHEAD; k++)
                if (i + k < c.n) held[k] = x[(i + k) * c.inner];
            UNROLLED
            for (int k = 0; k < AHEAD; k++)
                if (i + k < c.n) {
                    sum += (sum_type)widened(held[k]);
                    y[(i + k) * c.inner] = converted<S>::of(sum);
                }
        }
    }
}

/* ---- a team takes a part of a line ---- */

/* The sum of what the lanes before this one have, and of all. */
template <class A>
static __device__ inline A sum_before(A mine, int lanes, A *all, A (&of_warp)[WARPS])
{
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    A sum = mine;
    for (int by = 1; by < WARP; by *= 2) {
        A before = __shfl_sync(0xffffffffu, sum, lane - by);
        if (lane >= by) sum += before;
    }
    A before = __shfl_sync(0xffffffffu, sum, lane - 1);
    if (lane == 0) before = 0;
    *all = __shfl_sync(0xffffffffu, sum, WARP - 1);
    if (lanes == WARP) return before;
    __syncthreads(); /* of_warp may still be read */
    if (lane == 0) of_warp[warp] = *all;
    __syncthreads();
    A warps_before = 0;
    *all = 0;
    for (int w = 0; w < WARPS; w++) {
        if (w == warp) warps_before = *all;
        *all += of_warp[w];
    }
    return warps_before + before;
}

/* Unit u is a part of a line. */
static __device__ inline void part_of(const cumsum_call &c, int64_t u, int64_t *line, int64_t *part, int64_t *begin, int64_t *end)
{
    *line = u / c.parts;
    *part = u - *line * c.parts;
    *begin = *part * c.part;
    *end = *begin + c.part < c.n ? *begin + c.part : c.n;
}

template <class S>
__global__ void __launch_bounds__(THREADS, 1) run_parts(const cumsum_call c)
{
    typedef typename summed<S>::type sum_type;
    SHARED(sum_type, of_warp, [WARPS]);
    const int lane = (int)threadIdx.x % c.team, teams = THREADS / c.team;
    for (int64_t b = blockIdx.x; b * teams < c.lines * c.parts; b += gridDim.x) {
        int64_t u = b * teams + (int)threadIdx.x / c.team, line, part, begin, end;
        const bool mine = u < c.lines * c.parts; /* behind the last stands the last */
        part_of(c, mine ? u : c.lines * c.parts - 1, &line, &part, &begin, &end);
        const int64_t at = line_at(c, line);
        const S *x = (const S *)c.x + at;
        S *y = (S *)c.y + at;
        sum_type before = part > 0 ? ((const sum_type *)c.totals)[line * c.parts + part - 1] : 0;
        for (int64_t from = begin; from < end; from += EACH * c.team) {
            sum_type held[EACH], sum = 0, all;
            UNROLLED
            for (int k = 0; k < EACH; k++) {
                int64_t i = from + lane * EACH + k;
                held[k] = i < end ? (sum_type)widened(x[i * c.inner]) : 0;
            }
            UNROLLED
            for (int k = 0; k < EACH; k++) held[k] = sum += held[k];
            sum_type start = before + sum_before(sum, c.team, &all, of_warp);
            UNROLLED
            for (int k = 0; k < EACH; k++) {
                int64_t i = from + lane * EACH + k;
                if (i < end && mine) y[i * c.inner] = converted<S>::of(start + held[k]);
            }
            before += all;
        }
    }
}

template <class S>
__global__ void __launch_bounds__(THREADS, 1) sum_of_parts(const cumsum_call c)
{
    typedef typename summed<S>::type sum_type;
    SHARED(sum_type, of_warp, [WARPS]);
    for (int64_t u = blockIdx.x; u < c.lines * c.parts; u += gridDim.x) {
        int64_t line, part, begin, end;
        part_of(c, u, &line, &part, &begin, &end);
        const S *x = (const S *)c.x + line_at(c, line);
        sum_type sum = 0;
        for (int64_t i = begin + (int)threadIdx.x; i < end; i += THREADS) sum += (sum_type)widened(x[i * c.inner]);
        sum = joined<sum_join>(sum, THREADS, of_warp);
        if (threadIdx.x == 0) ((sum_type *)c.totals)[u] = sum;
    }
}

/* ---- the launches ---- */
template <class S>
static int run_in_parts(const kernel_call *call, cumsum_call c)
{
    typedef typename summed<S>::type sum_type;
    c.totals = cuda_scratch_take(call, c.lines * c.parts * (int64_t)sizeof(sum_type));
    if (!c.totals) return -1;
    cumsum_call over_totals = c;
    over_totals.x = over_totals.y = c.totals;
    over_totals.n = over_totals.part = c.parts, over_totals.parts = 1;
    over_totals.inner = 1, over_totals.by_inner = divisor_of(1);
    LAUNCH(sum_of_parts<S>, grid_of(c.lines * c.parts), THREADS, c);
    int status = launched(call);
    if (status == 0) {
        LAUNCH(run_parts<sum_type>, grid_of(c.lines), THREADS, over_totals);
        status = launched(call);
    }
    if (status == 0) {
        LAUNCH(run_parts<S>, grid_of(c.lines * c.parts), THREADS, c);
        status = launched(call);
    }
    cuda_scratch_give(c.totals);
    return status;
}

template <class S>
static int cumsum(const kernel_call *call)
{
    cumsum_call c;
    memset(&c, 0, sizeof c);
    c.y = call->at[0], c.x = call->at[1];
    c.n = call->size[1], c.inner = call->size[2] * (core_dtype_category[call->type] == 3 ? 2 : 1);
    c.lines = call->size[0] * c.inner;
    if (c.lines <= 0 || c.n <= 0) return 0;
    c.wide = c.lines > MOST_NARROW;
    c.by_inner = divisor_of(c.inner);
    if (c.n <= SHORT || (c.inner > 1 && c.lines >= MANY)) {
        LAUNCH(run_lines<S>, blocks_for(c.lines), THREADS, c);
        return launched(call);
    }
    int64_t parts = c.n / PART < MOST_PARTS / c.lines ? c.n / PART : MOST_PARTS / c.lines;
    c.part = parts > 1 ? (c.n + parts - 1) / parts : c.n;
    c.parts = (c.n + c.part - 1) / c.part;
    c.team = c.n <= LINE_OF_WARP ? (int)WARP : (int)THREADS;
    if (c.parts > 1) return run_in_parts<S>(call, c);
    int teams = THREADS / c.team;
    LAUNCH(run_parts<S>, grid_of((c.lines + teams - 1) / teams), THREADS, c);
    return launched(call);
}

void kernels_cuda_cumsum(kernel_table table)
{
    table[KERNEL_CUMSUM][TR_FLOAT32] = table[KERNEL_CUMSUM][TR_COMPLEX64] = cumsum<float>;
    table[KERNEL_CUMSUM][TR_FLOAT64] = table[KERNEL_CUMSUM][TR_COMPLEX128] = cumsum<double>;
    table[KERNEL_CUMSUM][TR_FLOAT16] = cumsum<f16>;
    table[KERNEL_CUMSUM][TR_BFLOAT16] = cumsum<bf16>;
    table[KERNEL_CUMSUM][TR_INT64] = cumsum<int64_t>;
}
