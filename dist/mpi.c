/* How works travel over MPI.
 *
 * Counts in MPI 3 are ints: long arrays travel in pieces of `piece` elements, one after the other.  What was started
 * (dist_start) travels by MPI's calls that do not block, the rest by those that do; the two do not meet each other. */
#include "dist/mpi.h"

#include "dist/half.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>

typedef dist_mpi_ranks mpi_ranks;

enum { STAGE_ELEMENTS = 1 << 20 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void *stage(mpi_ranks *r, size_t bytes)
{
    if (bytes <= r->stage_bytes) return r->stage;
    free(r->stage);
    r->stage = malloc(bytes);
    r->stage_bytes = r->stage ? bytes : 0;
    return r->stage ? r->stage : tr_fail("out of memory: a collective asked for %zu bytes", bytes);
}

/* What is started can be tested. */
static dist_mpi_request *request_of(mpi_ranks *r, const dist_work *w) { return w->started ? &r->request : NULL; }

/* ---- sums: MPI has no half types, so each piece of them is widened, summed in float32 and rounded once ---- */

static bool is_half(tr_dtype dtype) { return dtype == TR_FLOAT16 || dtype == TR_BFLOAT16; }
static tr_dtype wide(tr_dtype dtype) { return is_half(dtype) ? TR_FLOAT32 : dtype; }

static void widen(float *wide, const uint16_t *half, int64_t n, tr_dtype dtype)
{
    for (int64_t i = 0; i < n; i++) wide[i] = dtype == TR_BFLOAT16 ? dist_from_bfloat16(half[i]) : dist_from_float16(half[i]);
}

static void narrow(uint16_t *half, const float *wide, int64_t n, tr_dtype dtype)
{
    for (int64_t i = 0; i < n; i++) half[i] = dtype == TR_BFLOAT16 ? dist_to_bfloat16(wide[i]) : dist_to_float16(wide[i]);
}

/* n elements to where they travel from: as they are, or as float32. */
static void load(void *to, const void *from, int64_t n, tr_dtype dtype)
{
    if (is_half(dtype))
        widen(to, from, n, dtype);
    else
        memcpy(to, from, (size_t)(n * tr_dtype_size(dtype)));
}

static int send_all_reduce(mpi_ranks *r, dist_work *w, int64_t left)
{
    int64_t size = tr_dtype_size(w->dtype);
    const void *from = (const char *)w->from + w->at * size;
    void *into = (char *)w->into + w->at * size;
    if (is_half(w->dtype)) {
        r->count = smaller(smaller(r->piece, STAGE_ELEMENTS), left);
        if (!(into = stage(r, (size_t)r->count * sizeof(float)))) return -1;
        widen(into, from, r->count, w->dtype);
        from = into;
    } else {
        r->count = smaller(r->piece / (tr_dtype_is_complex(w->dtype) ? 2 : 1), left);
        if (r->count < 1) r->count = 1;
    }
    return dist_mpi_sum(&r->comm, from, into, r->count, wide(w->dtype), request_of(r, w));
}

/* A piece of every rank's part, put side by side; the sum of ours lands behind them. */
static int send_reduce_scatter(mpi_ranks *r, dist_work *w, int64_t left)
{
    int64_t size = tr_dtype_size(w->dtype), travels = tr_dtype_size(wide(w->dtype)), world = r->way.world;
    r->count = smaller(smaller(r->piece, STAGE_ELEMENTS), left);
    char *parts = stage(r, (size_t)((world + 1) * r->count * travels));
    if (!parts) return -1;
    for (int64_t i = 0; i < world; i++)
        load(parts + i * r->count * travels, (const char *)w->from + (i * w->n + w->at) * size, r->count, w->dtype);
    return dist_mpi_sum_parts(&r->comm, parts, parts + world * r->count * travels, r->count, wide(w->dtype), request_of(r, w));
}

/* The piece has come. */
static void land(mpi_ranks *r, dist_work *w)
{
    int64_t size = w->operation == DIST_ALL_REDUCE || w->operation == DIST_REDUCE_SCATTER ? tr_dtype_size(w->dtype) : 0;
    char *into = (char *)w->into + w->at * size;
    if (w->operation == DIST_ALL_REDUCE && is_half(w->dtype)) narrow((uint16_t *)into, r->stage, r->count, w->dtype);
    if (w->operation == DIST_REDUCE_SCATTER) {
        if (is_half(w->dtype))
            narrow((uint16_t *)into, (float *)r->stage + r->way.world * r->count, r->count, w->dtype);
        else
            memcpy(into, (char *)r->stage + r->way.world * r->count * size, (size_t)(r->count * size));
    }
    w->at += r->count;
}

/* ---- copies ---- */

static int send_broadcast(mpi_ranks *r, dist_work *w, int64_t left)
{
    r->count = smaller(r->piece, left);
    return dist_mpi_broadcast(&r->comm, (char *)w->into + w->at, r->count, (int)w->peer, request_of(r, w));
}

static int send_all_gather(mpi_ranks *r, dist_work *w, int64_t left)
{
    bool in_place = (const char *)w->from == (char *)w->into + r->way.rank * w->n;
    const void *from = in_place ? NULL : (const char *)w->from + w->at;
    r->count = smaller(r->piece, left);
    return dist_mpi_gather(&r->comm, from, (char *)w->into + w->at, r->count, w->n, request_of(r, w));
}

/* ---- bringing collectives on ---- */

static int send_piece(mpi_ranks *r, dist_work *w)
{
    int64_t left = w->n - w->at;
    switch (w->operation) {
    case DIST_ALL_REDUCE: return send_all_reduce(r, w, left);
    case DIST_REDUCE_SCATTER: return send_reduce_scatter(r, w, left);
    case DIST_ALL_GATHER: return send_all_gather(r, w, left);
    case DIST_BROADCAST: return send_broadcast(r, w, left);
    case DIST_BARRIER: return dist_mpi_barrier(&r->comm, request_of(r, w));
    case DIST_LARGEST: return dist_mpi_largest(&r->comm, w->into, r->count = w->n, &r->request); /* a few words in one piece */
    default: tr_fail("no collective: %s", dist_operation_name(w->operation)); return -1;
    }
}

/* 1 done, 0 not within `seconds`. */
static int finish_request(dist_mpi_request *request, double seconds)
{
    if (seconds < 0) return dist_mpi_wait(request) < 0 ? -1 : 1;
    double end = seconds > 0 ? dist_now() + seconds : 0;
    for (bool done;;) {
        if (dist_mpi_test(request, &done) < 0) return -1;
        if (done) return 1;
        if (seconds == 0 || dist_now() > end) return 0;
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

static bool nothing_to_do(const dist_work *w) { return w->n == 0 && w->operation != DIST_BARRIER; }

static int check_sum(const dist_work *w)
{
    if (w->operation != DIST_ALL_REDUCE && w->operation != DIST_REDUCE_SCATTER) return 0;
    if (dist_mpi_adds(wide(w->dtype))) return 0;
    tr_fail("%s: %s is not added", dist_operation_name(w->operation), tr_dtype_name(w->dtype));
    return -1;
}

static int advance_collective(mpi_ranks *r, dist_work *w, double seconds)
{
    if (check_sum(w) < 0) return -1;
    if (nothing_to_do(w)) return 1;
    bool flying = w->begun;
    for (;;) {
        if (!flying && send_piece(r, w) < 0) return -1;
        int status = w->started ? finish_request(&r->request, seconds) : 1;
        if (status <= 0) return status;
        land(r, w);
        if (w->at >= w->n) return 1;
        flying = false;
        w->begun = true;
    }
}

static int advance_message(mpi_ranks *r, dist_work *w, double seconds)
{
    int status = 0;
    if (!w->begun && w->operation == DIST_SEND) status = dist_mpi_send(&r->comm, w->from, w->n, r->piece, (int)w->peer, &w->request);
    if (!w->begun && w->operation == DIST_RECEIVE) status = dist_mpi_receive(&r->comm, w->into, w->n, r->piece, (int)w->peer, &w->request);
    return status < 0 ? -1 : finish_request(&w->request, seconds);
}

int dist_mpi_advance(dist_transport *way, dist_work *w, double seconds)
{
    mpi_ranks *r = (mpi_ranks *)way;
    bool message = w->operation == DIST_SEND || w->operation == DIST_RECEIVE;
    return message ? advance_message(r, w, seconds) : advance_collective(r, w, seconds);
}
