/* sum, max, min over any dims.
 *
 * An output is reduced by rows (its elements lie along the innermost reduced dim) or, where the innermost kept dim is
 * the one that lies dense in memory, many outputs at once by columns: the bias gradient sums (B, N) over B so.  A long
 * row is cut into pieces whose number depends on its length only; their results are joined in order.  Hence the bits
 * depend on shapes and strides, never on threads.
 *
 * Elements are read in the type `read` (float for halves, int64 for integers) and accumulated in `accumulate`. */
#include "kernels/cpu/levels/reduce.h"

#include <math.h>
#include "kernels/formulas_complex.h"

enum { LANES = 32,    /* doubles in four AVX-512 registers */
       COLUMNS = 256, /* outputs at once by columns */
       PIECE = 16384, /* least elements of a piece of a long row */
       PIECES = 64 };

#include "kernels/cpu/levels/reduce_wide.h"
#define WIDE_SUMS
#define T         float
#define A         double
#define OF(n)     n##_f32
#define IS_NAN(x) ((x) != (x))
#define START_MAX -INFINITY
#define START_MIN INFINITY
#include "kernels/cpu/levels/reduce_of.h"
#undef T
#undef A
#undef OF
#undef WIDE_SUMS

#define T     double
#define A     double
#define OF(n) n##_f64
#include "kernels/cpu/levels/reduce_of.h"
#undef T
#undef A
#undef OF
#undef IS_NAN
#undef START_MAX
#undef START_MIN

#define T         int64_t
#define A         uint64_t
#define OF(n)     n##_i64
#define IS_NAN(x) false
#define START_MAX INT64_MIN
#define START_MIN INT64_MAX
#include "kernels/cpu/levels/reduce_of.h"
#undef T
#undef A
#undef OF

double row_sum_f32(const float *x, int64_t n)
{
    return sum_run_f32(x, n);
}
double row_sum_f64(const double *x, int64_t n) { return sum_run_f64(x, n); }

/* A complex number is summed as two columns, and a row of them as pairs of columns. */
static void sum_columns_c128(void *accumulators, const void *x, int64_t n) { sum_columns_f64(accumulators, x, 2 * n); }

static void sum_row_c128(void *accumulator, const void *x_, int64_t n)
{
    complex128 *sum = accumulator, lane[4] = {
                                       {0, 0}};
    const complex128 *x = x_;
    for (int64_t i = 0; i < n; i++) {
        lane[i & 3].re += x[i].re;
        lane[i & 3].im += x[i].im;
    }
    sum->re += lane[0].re + lane[2].re + (lane[1].re + lane[3].re);
    sum->im += lane[0].im + lane[2].im + (lane[1].im + lane[3].im);
}

static void prod_row_c128(void *accumulator, const void *x_, int64_t n)
{
    complex128 *y = accumulator;
    const complex128 *x = x_;
    for (int64_t i = 0; i < n; i++) *y = mul_c128(*y, x[i]);
}

static void prod_columns_c128(void *accumulators, const void *x_, int64_t n)
{
    complex128 *y = accumulators;
    const complex128 *x = x_;
    for (int64_t i = 0; i < n; i++) y[i] = mul_c128(y[i], x[i]);
}

static const complex128 one_c128 = {1, 0};

typedef void reduce_loop(void *accumulators, const void *x, int64_t n);

typedef struct {
    reduce_loop *row, *columns; /* n elements into one accumulator; into n accumulators */
    reduce_loop *join;          /* n accumulators into one */
    tr_dtype read, accumulate;
    const void *start; /* of the type accumulate; NULL: 0 */
} reducer;

typedef struct {
    const kernel_call *call;
    const reducer *by;
    tr_dtype in, out;
    int kept, dims; /* dims [0, kept) are kept, [kept, dims) reduced; none of size 1 */
    int64_t size[TR_MAX_DIMS];
    int64_t to[TR_MAX_DIMS], from[TR_MAX_DIMS]; /* strides of out (kept dims) and of a */
    int64_t reduced;                            /* elements of a per output */
    char *pieces;                               /* of a single long row: an accumulator each */
    int64_t piece;
} reduction;

/* Dims without the ones of size 1, and neighbours that lie as one joined. */
static void add_dims(reduction *r, const kernel_call *call, int first, int last, bool kept)
{
    int begin = r->dims;
    for (int d = first; d < last; d++) {
        if (call->size[d] == 1) continue;
        int64_t to = kept ? call->stride[0][d] : 0, from = call->stride[1][d];
        int before = r->dims - 1;
        if (r->dims > begin && r->from[before] == from * call->size[d] && r->to[before] == to * call->size[d]) {
            r->size[before] *= call->size[d];
            r->to[before] = to;
            r->from[before] = from;
        } else {
            r->size[r->dims] = call->size[d];
            r->to[r->dims] = to;
            r->from[r->dims++] = from;
        }
    }
    if (kept) r->kept = r->dims;
}

static void start(const reduction *r, char *accumulators, int64_t n)
{
    int bytes = bytes_of(r->by->accumulate);
    if (!r->by->start) {
        memset(accumulators, 0, (size_t)(n * bytes));
        return;
    }
    for (int64_t i = 0; i < n; i++) memcpy(accumulators + i * bytes, r->by->start, (size_t)bytes);
}

/* n elements into accumulators, in the type that the loop reads. */
static void feed(const reduction *r, reduce_loop *loop, int64_t step, char *accumulators, const char *at, int64_t stride, int64_t n)
{
    if (r->in == r->by->read && (stride == 1 || n == 1)) {
        loop(accumulators, at, n);
        return;
    }
    complex128 raw[BLOCK], block[BLOCK];
    int bytes = bytes_of(r->in);
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t count = n - i < BLOCK ? n - i : BLOCK;
        gather(bytes, raw, at + i * stride * bytes, stride, count);
        convert(r->by->read, block, r->in, raw, count);
        loop(accumulators + i * step, block, count);
    }
}

static void finish(const reduction *r, char *out, int64_t stride, char *accumulators, int64_t n)
{
    double divisor = r->call->kernel == KERNEL_SUM ? r->call->number[0] : 1; /* a mean: exact for equal values, as a product with 1/n is not */
    if (divisor != 1 && (r->by->accumulate == TR_FLOAT64 || r->by->accumulate == TR_COMPLEX128)) {
        double *sum = (double *)(void *)accumulators;
        for (int64_t i = 0; i < n * (r->by->accumulate == TR_COMPLEX128 ? 2 : 1); i++) sum[i] /= divisor;
    }
    complex128 done[COLUMNS];
    convert(r->out, done, r->by->accumulate, accumulators, n);
    scatter(bytes_of(r->out), out, done, stride, n);
}

/* Runs visit(row's offset in a) over all combinations of dims [first, last). */
static bool next(const reduction *r, int first, int last, int64_t *position, int64_t *offset)
{
    for (int d = last - 1; d >= first; d--) {
        *offset += r->from[d];
        if (++position[d] < r->size[d]) return true;
        *offset -= r->from[d] * r->size[d];
        position[d] = 0;
    }
    return false;
}

static const char *output_at(const reduction *r, int dims, int64_t index, char **out)
{
    int64_t from = 0, to = 0;
    for (int d = dims - 1; d >= 0; index /= r->size[d], d--) {
        from += index % r->size[d] * r->from[d];
        to += index % r->size[d] * r->to[d];
    }
    *out = (char *)r->call->at[0] + to * bytes_of(r->out);
    return (const char *)r->call->at[1] + from * bytes_of(r->in);
}

static int64_t piece_of(int64_t n)
{
    int64_t pieces = n / PIECE < PIECES ? n / PIECE : PIECES;
    return pieces <= 1 ? n : ((n + pieces - 1) / pieces + 63) / 64 * 64;
}

static void pieces_part(void *job, int64_t begin, int64_t end)
{
    reduction *r = job;
    int last = r->dims - 1, bytes = bytes_of(r->by->accumulate);
    for (int64_t p = begin; p < end; p++) {
        int64_t from = p * r->piece, n = r->size[last] - from < r->piece ? r->size[last] - from : r->piece;
        feed(r, r->by->row, 0, r->pieces + p * bytes, (const char *)r->call->at[1] + from * r->from[last] * bytes_of(r->in), r->from[last], n);
    }
}

/* The innermost reduced dim of one output, in pieces. */
static void reduce_long_row(const reduction *r, char *accumulator, const char *at, bool threads)
{
    int last = r->dims - 1;
    complex128 pieces[PIECES];
    reduction whole = *r;
    kernel_call here = *r->call;
    here.at[1] = (void *)(uintptr_t)at;
    whole.call = &here;
    whole.pieces = (char *)pieces;
    whole.piece = piece_of(r->size[last]);
    int64_t count = (r->size[last] + whole.piece - 1) / whole.piece;
    start(&whole, whole.pieces, count);
    kernels_split(count, 1, threads ? r->size[last] : 0, pieces_part, &whole);
    r->by->join(accumulator, whole.pieces, count);
}

static void reduce_output(const reduction *r, int64_t index, bool threads)
{
    char *out;
    const char *at = output_at(r, r->kept, index, &out);
    complex128 accumulator;
    start(r, (char *)&accumulator, 1);
    int64_t position[TR_MAX_DIMS] = {0}, offset = 0;
    int last = r->dims - 1;
    do {
        const char *row = at + offset * bytes_of(r->in);
        if (r->dims == r->kept)
            feed(r, r->by->row, 0, (char *)&accumulator, row, 1, r->reduced);
        else if (r->size[last] < 2 * PIECE)
            feed(r, r->by->row, 0, (char *)&accumulator, row, r->from[last], r->size[last]);
        else
            reduce_long_row(r, (char *)&accumulator, row, threads);
    } while (next(r, r->kept, last, position, &offset));
    finish(r, out, 1, (char *)&accumulator, 1);
}

static void rows_part(void *job, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) reduce_output(job, i, false);
}

/* Tiles of the innermost kept dim: tile i of row i / tiles. */
static void columns_part(void *job, int64_t begin, int64_t end)
{
    const reduction *r = job;
    int inner = r->kept - 1;
    int64_t tiles = (r->size[inner] + COLUMNS - 1) / COLUMNS;
    for (int64_t i = begin; i < end; i++) {
        complex128 accumulators[COLUMNS];
        int64_t column = i % tiles * COLUMNS, n = r->size[inner] - column < COLUMNS ? r->size[inner] - column : COLUMNS;
        char *out;
        const char *at = output_at(r, inner, i / tiles, &out);
        out += column * r->to[inner] * bytes_of(r->out);
        at += column * r->from[inner] * bytes_of(r->in);
        start(r, (char *)accumulators, n);
        int64_t position[TR_MAX_DIMS] = {0}, offset = 0;
        do feed(r, r->by->columns, bytes_of(r->by->accumulate), (char *)accumulators, at + offset * bytes_of(r->in), r->from[inner], n);
        while (next(r, r->kept, r->dims, position, &offset));
        finish(r, out, r->to[inner], (char *)accumulators, n);
    }
}

static int64_t distance(int64_t stride) { return stride < 0 ? -stride : stride; }

static int reduce(const kernel_call *call, const reducer *by, tr_dtype in)
{
    reduction r = {.call = call, .by = by, .in = in, .out = call->type, .reduced = 1};
    if (call->n <= 0) return 0;
    for (int d = call->split; d < call->ndim; d++) r.reduced *= call->size[d];
    add_dims(&r, call, 0, call->split, true);
    add_dims(&r, call, call->split, call->ndim, false);
    if (r.reduced == 0) { /* the neutral value everywhere */
        r.dims = r.kept;
        kernels_split(call->n, 1, 0, rows_part, &r);
        return 0;
    }

    int inner = r.kept - 1, last = r.dims - 1;
    int64_t work = call->n * r.reduced;
    bool by_columns = r.kept > 0 && r.dims > r.kept && distance(r.from[inner]) < distance(r.from[last]) &&
                      (r.size[inner] >= 8 || r.size[inner] >= r.size[last]); /* a few long columns are gathered faster */
    if (by_columns)
        kernels_split(call->n / r.size[inner] * ((r.size[inner] + COLUMNS - 1) / COLUMNS), 1, work, columns_part, &r);
    else if (call->n < 4)
        for (int64_t i = 0; i < call->n; i++) reduce_output(&r, i, true);
    else
        kernels_split(call->n, 1, work, rows_part, &r);
    return 0;
}

static const reducer sum_of_f32 = {sum_row_f32, sum_columns_f32, sum_row_f64, TR_FLOAT32, TR_FLOAT64, NULL};
static const reducer sum_of_f64 = {sum_row_f64, sum_columns_f64, sum_row_f64, TR_FLOAT64, TR_FLOAT64, NULL};
static const reducer sum_of_i64 = {sum_row_i64, sum_columns_i64, sum_row_i64, TR_INT64, TR_INT64, NULL};
static const reducer sum_of_c128 = {sum_row_c128, sum_columns_c128, sum_row_c128, TR_COMPLEX128, TR_COMPLEX128, NULL};
static const reducer max_of_f32 = {max_row_f32, max_columns_f32, max_row_f32, TR_FLOAT32, TR_FLOAT32, &start_max_f32};
static const reducer max_of_f64 = {max_row_f64, max_columns_f64, max_row_f64, TR_FLOAT64, TR_FLOAT64, &start_max_f64};
static const reducer max_of_i64 = {max_row_i64, max_columns_i64, max_row_i64, TR_INT64, TR_INT64, &start_max_i64};
static const reducer min_of_f32 = {min_row_f32, min_columns_f32, min_row_f32, TR_FLOAT32, TR_FLOAT32, &start_min_f32};
static const reducer min_of_f64 = {min_row_f64, min_columns_f64, min_row_f64, TR_FLOAT64, TR_FLOAT64, &start_min_f64};
static const reducer min_of_i64 = {min_row_i64, min_columns_i64, min_row_i64, TR_INT64, TR_INT64, &start_min_i64};

static const reducer prod_of_f32 = {prod_row_f32, prod_columns_f32, prod_row_f64, TR_FLOAT32, TR_FLOAT64, &one_f32};
static const reducer prod_of_f64 = {prod_row_f64, prod_columns_f64, prod_row_f64, TR_FLOAT64, TR_FLOAT64, &one_f64};
static const reducer prod_of_c128 = {prod_row_c128, prod_columns_c128, prod_row_c128, TR_COMPLEX128, TR_COMPLEX128, &one_c128};
static const reducer prod_of_i64 = {prod_row_i64, prod_columns_i64, prod_row_i64, TR_INT64, TR_INT64, &one_i64};

/* A few short sums of floats along one dim, most of all the loss's: what reduce() would do, without looking for what is
 * not there.  False: not such a call. */
static bool sum_few(const kernel_call *call)
{
    int64_t n = 1, step = 1, to = 0, from = 0;
    for (int d = call->split; d < call->ndim; d++) {
        if (call->size[d] == 1) continue;
        if (n != 1 && step != call->stride[1][d] * call->size[d]) return false;
        n *= call->size[d];
        step = call->stride[1][d];
    }
    for (int d = 0; d < call->split && call->n > 1; d++) {
        if (call->size[d] == 1) continue;
        if (call->size[d] != call->n) return false;
        to = call->stride[0][d];
        from = call->stride[1][d];
    }
    bool by_columns = distance(from) < distance(step) && call->n >= n;
    if (n == 0 || n > BLOCK || (call->n > 1 && by_columns)) return false;
    const float *x = call->at[1];
    float *y = call->at[0], row[BLOCK];
    for (int64_t i = 0; i < call->n; i++) {
        if (step != 1) gather(sizeof *row, row, x + i * from, step, n);
        y[i * to] = (float)((0 + sum_run_f32(step == 1 ? x + i * from : row, n)) / call->number[0]);
    }
    return true;
}

static int sum_f32(const kernel_call *call)
{
    bool few = call->type == TR_FLOAT32 && call->n > 0 && call->n < 4;
    return few && sum_few(call) ? 0 : reduce(call, &sum_of_f32, call->type);
}
static int sum_f64(const kernel_call *call) { return reduce(call, &sum_of_f64, call->type); }
static int sum_complex(const kernel_call *call) { return reduce(call, &sum_of_c128, call->type); }

static int prod_f32(const kernel_call *call) { return reduce(call, &prod_of_f32, call->type); }
static int prod_f64(const kernel_call *call) { return reduce(call, &prod_of_f64, call->type); }
static int prod_complex(const kernel_call *call) { return reduce(call, &prod_of_c128, call->type); }

static int whole(const kernel_call *call, const reducer *by)
{
    tr_dtype from = call->from ? call->from : call->type;
    if (from > TR_INT64) return core_fail_status("%s: elements of type %d do not add up to int64", kernel_name(call->kernel), from);
    return reduce(call, by, from);
}

static int sum_i64(const kernel_call *call) { return whole(call, &sum_of_i64); }
static int prod_i64(const kernel_call *call) { return whole(call, &prod_of_i64); }

static int max_f32(const kernel_call *call) { return reduce(call, &max_of_f32, call->type); }
static int max_f64(const kernel_call *call) { return reduce(call, &max_of_f64, call->type); }
static int max_i64(const kernel_call *call) { return reduce(call, &max_of_i64, call->type); }
static int min_f32(const kernel_call *call) { return reduce(call, &min_of_f32, call->type); }
static int min_f64(const kernel_call *call) { return reduce(call, &min_of_f64, call->type); }
static int min_i64(const kernel_call *call) { return reduce(call, &min_of_i64, call->type); }

void kernels_reduce(kernel_table table)
{
    static const tr_dtype real[] = {TR_FLOAT16, TR_BFLOAT16, TR_FLOAT32}, integers[] = {TR_BOOL, TR_UINT8, TR_INT32, TR_INT64};
    for (int i = 0; i < 3; i++) {
        table[KERNEL_SUM][real[i]] = sum_f32;
        table[KERNEL_PROD][real[i]] = prod_f32;
        table[KERNEL_MAX][real[i]] = max_f32;
        table[KERNEL_MIN][real[i]] = min_f32;
    }
    for (int i = 0; i < 4; i++) {
        table[KERNEL_MAX][integers[i]] = max_i64;
        table[KERNEL_MIN][integers[i]] = min_i64;
    }
    table[KERNEL_SUM][TR_INT64] = sum_i64;
    table[KERNEL_SUM][TR_FLOAT64] = sum_f64;
    table[KERNEL_PROD][TR_INT64] = prod_i64;
    table[KERNEL_PROD][TR_FLOAT64] = prod_f64;
    table[KERNEL_MAX][TR_FLOAT64] = max_f64;
    table[KERNEL_MIN][TR_FLOAT64] = min_f64;
    table[KERNEL_SUM][TR_COMPLEX64] = table[KERNEL_SUM][TR_COMPLEX128] = sum_complex;
    table[KERNEL_PROD][TR_COMPLEX64] = table[KERNEL_PROD][TR_COMPLEX128] = prod_complex;
}
