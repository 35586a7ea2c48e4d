/* A reduction's way over an array, whatever is added up.
 *
 * An output is reduced by rows (its elements lie along the innermost reduced dim) or, where the innermost kept dim is
 * the one that lies dense in memory, many outputs at once by columns: the bias gradient sums (B, N) over B so.  A long
 * row is cut into pieces whose number depends on its length only; their results are joined in order.  Hence the bits
 * depend on shapes and strides, never on threads. */
#include "kernels/cpu/levels/reduce_by.h"

enum { COLUMNS = 256, /* outputs at once by columns */
       PIECE = 16384, /* least elements of a piece of a long row */
       PIECES = 64 };

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
        const bool dense = r->by->matrix && r->in == r->by->read && r->from[inner] == 1;
        const int last = r->dims - 1;
        do {
            if (dense)
                r->by->matrix(accumulators, at + offset * bytes_of(r->in), r->from[last], r->size[last], n);
            else
                feed(r, r->by->columns, bytes_of(r->by->accumulate), (char *)accumulators, at + offset * bytes_of(r->in), r->from[inner], n);
        } while (next(r, r->kept, dense ? last : r->dims, position, &offset));
        finish(r, out, r->to[inner], (char *)accumulators, n);
    }
}

int reduce_by(const kernel_call *call, const reducer *by, tr_dtype in)
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
