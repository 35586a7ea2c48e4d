/* Ranks over MPI.  Every call of MPI that the library makes stands in this file.
 *
 * The communicator is our own duplicate, so that nothing of ours meets the application's messages, and returns its errors
 * instead of ending the program.  Counts in MPI 3 are ints: long arrays travel in pieces of `piece` elements, one after the
 * other.  What was started (dist_start) travels by MPI's calls that do not block, the rest by those that do; the two do not
 * meet each other. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "dist/half.h"
#include "dist/host.h"
#include "dist/transport.h"

#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <trireme/error.h>

typedef struct {
    dist_transport way;  /* first: a dist_transport * is one of these */
    MPI_Comm comm;       /* owned: a duplicate */
    MPI_Comm host;       /* owned: those of its ranks that share this host's memory; MPI_COMM_NULL: not asked for */
    MPI_Request request; /* of the piece under way */
    int64_t piece;       /* elements per call */
    int64_t count;       /* elements of the piece under way */
    void *stage;         /* owned: a piece that must be rearranged before it travels */
    size_t stage_bytes;
    struct memory *taken; /* owned */
    bool crowded;         /* more ranks on this host than cores they may use */
    char name[64];
} mpi_ranks;

enum { STAGE_ELEMENTS = 1 << 20,
       MESSAGE_TAG = 1 };

static int failed(int status, const char *call)
{
    if (status == MPI_SUCCESS) return 0;
    char text[MPI_MAX_ERROR_STRING + 1];
    int length = 0;
    if (MPI_Error_string(status, text, &length) != MPI_SUCCESS) snprintf(text, sizeof text, "error %d", status);
    tr_fail("%s: %s", call, text);
    return -1;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void *stage(mpi_ranks *r, size_t bytes)
{
    if (bytes <= r->stage_bytes) return r->stage;
    free(r->stage);
    r->stage = malloc(bytes);
    r->stage_bytes = r->stage ? bytes : 0;
    return r->stage ? r->stage : tr_fail("out of memory: a collective asked for %zu bytes", bytes);
}

/* A request lives from send_piece() to finish_request(), and longer if it is not done: more than clang-tidy can follow. */
/* NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker) */

/* ---- sums ---- */

static bool is_half(tr_dtype dtype) { return dtype == TR_FLOAT16 || dtype == TR_BFLOAT16; }

/* What MPI adds a type as, and how many of it make one element: a complex number is two reals, halves are widened. */
static MPI_Datatype numbers(tr_dtype dtype, int *each)
{
    *each = tr_dtype_is_complex(dtype) ? 2 : 1;
    switch (dtype) {
    case TR_UINT8: return MPI_UINT8_T;
    case TR_INT32: return MPI_INT32_T;
    case TR_INT64: return MPI_INT64_T;
    case TR_FLOAT16:
    case TR_BFLOAT16:
    case TR_FLOAT32:
    case TR_COMPLEX64: return MPI_FLOAT;
    case TR_FLOAT64:
    case TR_COMPLEX128: return MPI_DOUBLE;
    default: return MPI_DATATYPE_NULL;
    }
}

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

/* MPI has no half types: each piece of them is widened, summed in float32 and rounded once. */
static int send_all_reduce(mpi_ranks *r, dist_work *w, int64_t left)
{
    int each;
    MPI_Datatype type = numbers(w->dtype, &each);
    int64_t size = tr_dtype_size(w->dtype);
    const void *from = (const char *)w->from + w->at * size;
    void *into = (char *)w->into + w->at * size;
    if (is_half(w->dtype)) {
        r->count = smaller(smaller(r->piece, STAGE_ELEMENTS), left);
        if (!(into = stage(r, (size_t)r->count * sizeof(float)))) return -1;
        widen(into, from, r->count, w->dtype);
    } else {
        r->count = smaller(r->piece / each, left);
        if (r->count < 1) r->count = 1;
    }
    if (is_half(w->dtype) || from == into) from = MPI_IN_PLACE;
    int count = (int)r->count * each;
    if (w->started) return failed(MPI_Iallreduce(from, into, count, type, MPI_SUM, r->comm, &r->request), "MPI_Iallreduce");
    return failed(MPI_Allreduce(from, into, count, type, MPI_SUM, r->comm), "MPI_Allreduce");
}

/* A piece of every rank's part, put side by side; the sum of ours lands behind them. */
static int send_reduce_scatter(mpi_ranks *r, dist_work *w, int64_t left)
{
    int each;
    MPI_Datatype type = numbers(w->dtype, &each);
    int64_t size = tr_dtype_size(w->dtype), wide = is_half(w->dtype) ? (int64_t)sizeof(float) : size, world = r->way.world;
    r->count = smaller(smaller(r->piece, STAGE_ELEMENTS), left);
    char *parts = stage(r, (size_t)((world + 1) * r->count * wide));
    if (!parts) return -1;
    for (int64_t i = 0; i < world; i++)
        load(parts + i * r->count * wide, (const char *)w->from + (i * w->n + w->at) * size, r->count, w->dtype);
    char *sum = parts + world * r->count * wide;
    int count = (int)r->count * each;
    if (w->started)
        return failed(MPI_Ireduce_scatter_block(parts, sum, count, type, MPI_SUM, r->comm, &r->request), "MPI_Ireduce_scatter_block");
    return failed(MPI_Reduce_scatter_block(parts, sum, count, type, MPI_SUM, r->comm), "MPI_Reduce_scatter_block");
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
    void *data = (char *)w->into + w->at;
    r->count = smaller(r->piece, left);
    if (w->started) return failed(MPI_Ibcast(data, (int)r->count, MPI_BYTE, (int)w->peer, r->comm, &r->request), "MPI_Ibcast");
    return failed(MPI_Bcast(data, (int)r->count, MPI_BYTE, (int)w->peer, r->comm), "MPI_Bcast");
}

/* A piece of every rank's part, to the places n bytes apart where the parts begin: one element of a type as long as a
 * piece, said to be as wide as a part. */
static int send_all_gather(mpi_ranks *r, dist_work *w, int64_t left)
{
    bool in_place = (const char *)w->from == (char *)w->into + r->way.rank * w->n;
    const void *from = in_place ? MPI_IN_PLACE : (const char *)w->from + w->at;
    void *into = (char *)w->into + w->at;
    r->count = smaller(r->piece, left);
    int piece = (int)r->count;
    MPI_Datatype plain = MPI_DATATYPE_NULL, spaced = MPI_DATATYPE_NULL;
    int status = failed(MPI_Type_contiguous(piece, MPI_BYTE, &plain), "MPI_Type_contiguous");
    if (status == 0) status = failed(MPI_Type_create_resized(plain, 0, (MPI_Aint)w->n, &spaced), "MPI_Type_create_resized");
    if (status == 0) status = failed(MPI_Type_commit(&spaced), "MPI_Type_commit");
    if (status == 0 && w->started)
        status = failed(MPI_Iallgather(from, piece, MPI_BYTE, into, 1, spaced, r->comm, &r->request), "MPI_Iallgather");
    else if (status == 0)
        status = failed(MPI_Allgather(from, piece, MPI_BYTE, into, 1, spaced, r->comm), "MPI_Allgather");
    if (spaced != MPI_DATATYPE_NULL) MPI_Type_free(&spaced);
    if (plain != MPI_DATATYPE_NULL) MPI_Type_free(&plain);
    return status;
}

/* ---- bringing collectives on ---- */

static int send_barrier(mpi_ranks *r, dist_work *w)
{
    if (w->started) return failed(MPI_Ibarrier(r->comm, &r->request), "MPI_Ibarrier");
    return failed(MPI_Barrier(r->comm), "MPI_Barrier");
}

/* A few words in one piece. */
static int send_largest(mpi_ranks *r, dist_work *w)
{
    r->count = w->n;
    return failed(MPI_Iallreduce(MPI_IN_PLACE, w->into, (int)w->n, MPI_UINT64_T, MPI_MAX, r->comm, &r->request), "MPI_Iallreduce");
}

static int send_piece(mpi_ranks *r, dist_work *w)
{
    int64_t left = w->n - w->at;
    switch (w->operation) {
    case DIST_ALL_REDUCE: return send_all_reduce(r, w, left);
    case DIST_REDUCE_SCATTER: return send_reduce_scatter(r, w, left);
    case DIST_ALL_GATHER: return send_all_gather(r, w, left);
    case DIST_BROADCAST: return send_broadcast(r, w, left);
    case DIST_BARRIER: return send_barrier(r, w);
    case DIST_LARGEST: return send_largest(r, w);
    default: tr_fail("no collective: %s", dist_operation_name(w->operation)); return -1;
    }
}

/* 1 done, 0 not within `seconds`. */
static int finish_request(MPI_Request *request, double seconds)
{
    if (seconds < 0) return failed(MPI_Wait(request, MPI_STATUS_IGNORE), "MPI_Wait") < 0 ? -1 : 1;
    double end = seconds > 0 ? dist_now() + seconds : 0;
    for (;;) {
        int done = 0;
        if (failed(MPI_Test(request, &done, MPI_STATUS_IGNORE), "MPI_Test")) return -1;
        if (done) return 1;
        if (seconds == 0 || dist_now() > end) return 0;
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

static bool nothing_to_do(const dist_work *w) { return w->n == 0 && w->operation != DIST_BARRIER; }

static int check_sum(const dist_work *w)
{
    int each;
    if (w->operation != DIST_ALL_REDUCE && w->operation != DIST_REDUCE_SCATTER) return 0;
    if (numbers(w->dtype, &each) != MPI_DATATYPE_NULL) return 0;
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

/* ---- messages ---- */

/* Whole pieces as one element each, the rest as bytes: one message, however long. */
static int long_bytes(mpi_ranks *r, int64_t bytes, MPI_Datatype *type)
{
    MPI_Datatype piece = MPI_DATATYPE_NULL, types[2] = {MPI_DATATYPE_NULL, MPI_BYTE};
    int lengths[2] = {(int)(bytes / r->piece), (int)(bytes % r->piece)};
    MPI_Aint places[2] = {0, (MPI_Aint)(bytes - bytes % r->piece)};
    int status = failed(MPI_Type_contiguous((int)r->piece, MPI_BYTE, &piece), "MPI_Type_contiguous");
    types[0] = piece;
    if (status == 0) status = failed(MPI_Type_create_struct(2, lengths, places, types, type), "MPI_Type_create_struct");
    if (status == 0) status = failed(MPI_Type_commit(type), "MPI_Type_commit");
    if (piece != MPI_DATATYPE_NULL) MPI_Type_free(&piece);
    return status;
}

static int post_message(mpi_ranks *r, dist_work *w, MPI_Request *request)
{
    MPI_Datatype type = MPI_BYTE;
    int count = (int)w->n, status;
    if (w->n > r->piece) {
        if (long_bytes(r, w->n, &type) < 0) return -1;
        count = 1;
    }
    if (w->operation == DIST_SEND)
        status = failed(MPI_Isend(w->from, count, type, (int)w->peer, MESSAGE_TAG, r->comm, request), "MPI_Isend");
    else
        status = failed(MPI_Irecv(w->into, count, type, (int)w->peer, MESSAGE_TAG, r->comm, request), "MPI_Irecv");
    if (type != MPI_BYTE) MPI_Type_free(&type);
    return status;
}

static int advance_message(mpi_ranks *r, dist_work *w, double seconds)
{
    _Static_assert(sizeof(MPI_Request) <= sizeof w->request, "a request is a pointer or an int");
    MPI_Request request;
    memcpy(&request, &w->request, sizeof request);
    if (!w->begun && post_message(r, w, &request) < 0) return -1;
    int status = finish_request(&request, seconds);
    memcpy(&w->request, &request, sizeof request);
    return status;
}

static int advance(dist_transport *way, dist_work *w, double seconds)
{
    mpi_ranks *r = (mpi_ranks *)way;
    bool message = w->operation == DIST_SEND || w->operation == DIST_RECEIVE;
    return message ? advance_message(r, w, seconds) : advance_collective(r, w, seconds);
}

/* NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker) */

/* In front of what take() gave: the one before. */
typedef struct memory {
    _Alignas(64) struct memory *next;
} memory;

static void *take(dist_transport *way, int64_t bytes)
{
    mpi_ranks *r = (mpi_ranks *)way;
    memory *m = aligned_alloc(64, (sizeof *m + (size_t)bytes + 63) / 64 * 64);
    if (!m) return tr_fail("out of memory: gradients asked for %lld bytes", (long long)bytes);
    memset(m, 0, sizeof *m + (size_t)bytes);
    m->next = r->taken;
    r->taken = m;
    return m + 1;
}

static void give_back(dist_transport *way, void *data)
{
    for (memory **at = &((mpi_ranks *)way)->taken; *at; at = &(*at)->next) {
        memory *m = *at;
        if (m + 1 != data) continue;
        *at = m->next;
        free(m);
        return;
    }
}

static void leave_all(dist_transport *way, int status)
{
    MPI_Abort(((mpi_ranks *)way)->comm, status);
}

/* ---- opening and closing ---- */

static bool mpi_is_over(void)
{
    int over = 0;
    MPI_Finalized(&over); /* by the application, before us: nothing is left to give back */
    return over;
}

static void free_comm(MPI_Comm *comm)
{
    if (*comm != MPI_COMM_NULL && !mpi_is_over()) MPI_Comm_free(comm);
}

static int finish(dist_transport *way)
{
    mpi_ranks *r = (mpi_ranks *)way;
    int status = 0;
    if (!mpi_is_over()) {
        free_comm(&r->host);
        status = failed(MPI_Comm_free(&r->comm), "MPI_Comm_free");
        if (r->way.ends_process && failed(MPI_Finalize(), "MPI_Finalize")) status = -1;
    }
    while (r->taken) give_back(&r->way, r->taken + 1);
    free(r->stage);
    free(r);
    return status;
}

/* "mpi: Open MPI v4.1.4" from the line that the library tells of itself, up to its first comma. */
static void name_library(mpi_ranks *r)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    for (int i = 0; i < length; i++)
        if (text[i] == ',' || text[i] == '\n') text[i] = '\0';
    snprintf(r->name, sizeof r->name, "mpi: %.50s", text);
}

/* Rank 0 decides for all: pieces that differ would not meet. */
static int choose_piece(mpi_ranks *r)
{
    enum { USUAL = 64 << 20 };
    const char *wish = getenv("TRIREME_MPI_PIECE");
    long long piece = wish ? strtoll(wish, NULL, 10) : USUAL;
    r->piece = piece > 0 && piece < USUAL ? piece : USUAL;
    return failed(MPI_Bcast(&r->piece, 1, MPI_INT64_T, 0, r->comm), "MPI_Bcast");
}

/* Each rank may use its own cores; where several may use the same ones (mpirun --bind-to none), they share them. */
static int share_cores(mpi_ranks *r, int local_ranks)
{
#if defined(__linux__)
    cpu_set_t own, all;
    if (sched_getaffinity(0, sizeof own, &own) != 0) return 0;
    all = own;
    if (failed(MPI_Allreduce(MPI_IN_PLACE, &all, (int)sizeof all, MPI_BYTE, MPI_BOR, r->host), "MPI_Allreduce")) return -1;
    int mine = CPU_COUNT(&own), each = CPU_COUNT(&all) / local_ranks;
    r->crowded = CPU_COUNT(&all) < local_ranks;
    r->way.threads = each < 1 ? 1 : each < mine ? each
                                                : mine;
#else
    (void)r, (void)local_ranks;
#endif
    return 0;
}

/* Which of the ranks that share this host's memory are we, and which part of its cores is ours? */
static int look_around(mpi_ranks *r)
{
    if (failed(MPI_Comm_split_type(r->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &r->host), "MPI_Comm_split_type")) return -1;
    MPI_Comm_set_errhandler(r->host, MPI_ERRORS_RETURN);
    int rank = 0, ranks_here = 1;
    if (failed(MPI_Comm_rank(r->host, &rank), "MPI_Comm_rank")) return -1;
    if (failed(MPI_Comm_size(r->host, &ranks_here), "MPI_Comm_size")) return -1;
    r->way.local_rank = rank;
    r->way.network = ranks_here < r->way.world;
    int level = MPI_THREAD_SINGLE;
    if (failed(MPI_Query_thread(&level), "MPI_Query_thread")) return -1;
    if (failed(MPI_Allreduce(MPI_IN_PLACE, &level, 1, MPI_INT, MPI_MIN, r->comm), "MPI_Allreduce")) return -1;
    r->way.any_thread = level >= MPI_THREAD_SERIALIZED;
    return share_cores(r, ranks_here);
}

/* `comm` is taken over. */
static mpi_ranks *over(MPI_Comm comm)
{
    mpi_ranks *r = calloc(1, sizeof *r);
    if (!r) {
        free_comm(&comm);
        return tr_fail("out of memory: ranks");
    }
    *r = (mpi_ranks){
        .way = {.name = r->name,
                .advance = advance,
                .take = take,
                .give_back = give_back,
                .abort = leave_all,
                .finish = finish},
        .comm = comm,
        .host = MPI_COMM_NULL,
        .request = MPI_REQUEST_NULL,
    };
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    int rank = 0, world = 0, status = failed(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
    if (status == 0) status = failed(MPI_Comm_size(comm, &world), "MPI_Comm_size");
    r->way.rank = rank;
    r->way.world = world;
    name_library(r);
    if (status == 0 && choose_piece(r) == 0) return r;
    finish(&r->way);
    return NULL;
}

static dist_transport *open_on(MPI_Comm comm, bool ours)
{
    MPI_Comm copy = MPI_COMM_NULL;
    if (failed(MPI_Comm_dup(comm, &copy), "MPI_Comm_dup")) return NULL;
    mpi_ranks *r = over(copy);
    if (r && look_around(r) < 0) {
        finish(&r->way);
        return NULL;
    }
    if (r) r->way.ends_process = ours;
    return r ? &r->way : NULL;
}

bool dist_mpi_runs(void)
{
    int began = 0, over = 0;
    MPI_Initialized(&began);
    MPI_Finalized(&over);
    return began && !over;
}

dist_transport *dist_mpi_world(int *argc, char ***argv)
{
    int began = 0, over = 0;
    MPI_Initialized(&began);
    MPI_Finalized(&over);
    if (over) return tr_fail("tr_dist_init: MPI has been finalised, and MPI starts only once in a process");
    if (!began) {
        /* One thread at a time calls MPI: the caller's, or a communication thread.  A library that grants less
         * than was asked still serves the caller's. */
        int granted = 0;
        if (failed(MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &granted), "MPI_Init_thread")) return NULL;
    }
    return open_on(MPI_COMM_WORLD, !began);
}

static dist_transport *join(MPI_Comm comm, const char *function)
{
    if (!dist_mpi_runs()) return tr_fail("%s: MPI is not running; call MPI_Init first", function);
    if (comm == MPI_COMM_NULL) return tr_fail("%s: MPI_COMM_NULL; only members of a communicator join it", function);
    return open_on(comm, false);
}

dist_transport *dist_mpi_join(const void *comm)
{
    if (!comm) return tr_fail("tr_dist_init_comm: NULL, expected a pointer to an MPI_Comm");
    return join(*(const MPI_Comm *)comm, "tr_dist_init_comm");
}

dist_transport *dist_mpi_join_fortran(int comm)
{
    if (!dist_mpi_runs()) return tr_fail("tr_dist_init_fortran: MPI is not running; call MPI_Init first");
    return join(MPI_Comm_f2c((MPI_Fint)comm), "tr_dist_init_fortran");
}

/* ---- memory that a host's ranks share ---- */

typedef struct {
    dist_host host;  /* first */
    MPI_Comm comm;   /* owned: the ranks of this host */
    MPI_Win *window; /* owned, each of them */
    int windows;
} mpi_host;

/* On every rank or on none. */
static int agree(mpi_host *h, bool mine)
{
    int all = mine;
    mpi_ranks *r = (mpi_ranks *)h->host.all;
    if (failed(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, r->comm), "MPI_Allreduce")) return -1;
    if (all) return 0;
    tr_fail("another host has no room for the memory that its ranks would share");
    return -1;
}

/* MPI makes windows in /dev/shm, and a process that touches what does not fit there is killed: containers have 64 MB. */
static bool fits(int64_t bytes)
{
    struct statvfs room;
    if (statvfs("/dev/shm", &room) != 0) return true;
    int64_t free_bytes = (int64_t)room.f_bavail * (int64_t)room.f_frsize, spare = 1 << 20;
    if (bytes + spare <= free_bytes) return true;
    return tr_fail("/dev/shm has %lld bytes left, ranks would share %lld", (long long)free_bytes, (long long)bytes);
}

/* MPI aligns pieces to 8 bytes only.  Processes map a window at addresses that differ by whole pages, so all of them find
 * the same place. */
enum { ALIGNED = 128 };
static void *aligned(void *piece) { return (void *)(((uintptr_t)piece + ALIGNED - 1) / ALIGNED * ALIGNED); }

static int make_window(mpi_host *h, int64_t bytes, void **piece)
{
    MPI_Info apart = MPI_INFO_NULL; /* each rank's piece on pages of its own */
    void *mine = NULL;
    MPI_Win *win = &h->window[h->windows];
    *win = MPI_WIN_NULL;
    MPI_Info_create(&apart);
    MPI_Info_set(apart, "alloc_shared_noncontig", "true");
    int status = failed(MPI_Win_allocate_shared((MPI_Aint)bytes + ALIGNED, 1, apart, h->comm, &mine, win), "MPI_Win_allocate_shared");
    MPI_Info_free(&apart);
    if (status < 0) return -1;
    h->windows++;
    MPI_Win_set_errhandler(*win, MPI_ERRORS_RETURN);
    for (int i = 0; i < h->host.ranks; i++) {
        MPI_Aint size = 0;
        int unit = 1;
        if (failed(MPI_Win_shared_query(*win, i, &size, &unit, (void *)&piece[i]), "MPI_Win_shared_query")) return -1;
        piece[i] = aligned(piece[i]);
    }
    memset(piece[h->host.me], 0, (size_t)bytes); /* the first touch decides whose memory it is near */
    return failed(MPI_Win_lock_all(MPI_MODE_NOCHECK, *win), "MPI_Win_lock_all");
}

static int share(dist_host *host, int64_t bytes, void **piece)
{
    mpi_host *h = (mpi_host *)host;
    MPI_Win *more = realloc(h->window, (size_t)(h->windows + 1) * sizeof *more);
    if (more)
        h->window = more;
    else
        tr_fail("out of memory: windows");
    if (agree(h, more && fits(bytes * host->ranks)) < 0) return -1;
    if (agree(h, make_window(h, bytes, piece) == 0) < 0) return -1;
    return failed(MPI_Barrier(h->comm), "MPI_Barrier"); /* everybody's piece is zeroed */
}

static int close_host(dist_host *host)
{
    mpi_host *h = (mpi_host *)host;
    int status = 0;
    for (int i = 0; i < h->windows && !mpi_is_over(); i++) {
        MPI_Win_unlock_all(h->window[i]);
        if (failed(MPI_Win_free(&h->window[i]), "MPI_Win_free")) status = -1;
    }
    free_comm(&h->comm);
    if (host->leaders && host->leaders->finish(host->leaders) < 0) status = -1;
    if (host->all && host->all->finish(host->all) < 0) status = -1;
    free(h->window);
    free(host->number);
    free(h);
    return status;
}

/* Tests take few ranks for a host, and so have several. */
static int split_hosts(mpi_ranks *r, MPI_Comm *comm)
{
    const char *wish = getenv("TRIREME_HOST_RANKS");
    int64_t at_most = wish ? strtoll(wish, NULL, 10) : 0;
    int colour = at_most > 0 ? (int)(r->way.local_rank / at_most) : 0;
    if (failed(MPI_Comm_split(r->host, colour, (int)r->way.local_rank, comm), "MPI_Comm_split")) return -1;
    MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN);
    return 0;
}

static int find_neighbours(mpi_host *h, mpi_ranks *r)
{
    dist_host *host = &h->host;
    MPI_Comm_rank(h->comm, &host->me);
    MPI_Comm_size(h->comm, &host->ranks);
    host->crowded = r->crowded;
    host->number = calloc((size_t)host->ranks, sizeof *host->number);
    if (!host->number) {
        tr_fail("out of memory: ranks");
        return -1;
    }
    return failed(MPI_Allgather(&r->way.rank, 1, MPI_INT64_T, host->number, 1, MPI_INT64_T, h->comm), "MPI_Allgather");
}

static int find_leaders(mpi_host *h, mpi_ranks *r)
{
    dist_host *host = &h->host;
    MPI_Comm leaders = MPI_COMM_NULL;
    int hosts = 0;
    if (failed(MPI_Comm_split(r->comm, host->me == 0 ? 0 : MPI_UNDEFINED, (int)r->way.rank, &leaders), "MPI_Comm_split")) return -1;
    if (leaders != MPI_COMM_NULL) MPI_Comm_size(leaders, &hosts);
    if (failed(MPI_Bcast(&hosts, 1, MPI_INT, 0, h->comm), "MPI_Bcast")) return -1;
    host->hosts = hosts;
    if (hosts == 1) free_comm(&leaders);
    if (leaders == MPI_COMM_NULL) return 0;
    mpi_ranks *first = over(leaders);
    if (first) host->leaders = &first->way;
    return first ? 0 : -1;
}

dist_host *dist_mpi_host(dist_transport *mpi)
{
    mpi_ranks *r = (mpi_ranks *)mpi;
    mpi_host *h = calloc(1, sizeof *h);
    if (!h) return tr_fail("out of memory: ranks");
    *h = (mpi_host){.host = {.share = share, .close = close_host}, .comm = MPI_COMM_NULL};
    if (split_hosts(r, &h->comm) < 0 || find_neighbours(h, r) < 0 || find_leaders(h, r) < 0) {
        close_host(&h->host);
        return NULL;
    }
    h->host.all = mpi;
    return &h->host;
}
