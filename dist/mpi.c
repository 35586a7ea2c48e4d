/* Ranks over MPI.  Every call of MPI that the library makes stands in this file.
 *
 * The communicator is our own duplicate, so that nothing of ours meets the application's messages, and returns its errors
 * instead of ending the program.  Counts in MPI 3 are ints: long arrays travel in pieces of `piece` elements. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "dist/half.h"
#include "dist/transport.h"

#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <trireme/error.h>

typedef struct {
    dist_transport way; /* first: a dist_transport * is one of these */
    MPI_Comm comm;      /* owned: a duplicate */
    int64_t piece;      /* elements per call */
    char name[64];
} mpi_ranks;

/* One process, one group of ranks. */
static mpi_ranks ranks = {.comm = MPI_COMM_NULL};

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

/* ---- sums ---- */

/* What MPI adds n elements of a type as; a complex number is two reals. */
static MPI_Datatype numbers(tr_dtype dtype, int64_t *n)
{
    if (tr_dtype_is_complex(dtype)) *n *= 2;
    switch (dtype) {
    case TR_UINT8: return MPI_UINT8_T;
    case TR_INT32: return MPI_INT32_T;
    case TR_INT64: return MPI_INT64_T;
    case TR_FLOAT32:
    case TR_COMPLEX64: return MPI_FLOAT;
    case TR_FLOAT64:
    case TR_COMPLEX128: return MPI_DOUBLE;
    default: return MPI_DATATYPE_NULL;
    }
}

static int sum(mpi_ranks *r, void *data, int64_t n, MPI_Datatype type, int64_t size)
{
    for (int64_t i = 0; i < n; i += r->piece) {
        int count = (int)smaller(r->piece, n - i);
        if (failed(MPI_Allreduce(MPI_IN_PLACE, (char *)data + i * size, count, type, MPI_SUM, r->comm), "MPI_Allreduce")) return -1;
    }
    return 0;
}

/* MPI has no half types.  Each piece is widened, summed in float32 and rounded once. */
static int sum_halves(mpi_ranks *r, uint16_t *data, int64_t n, bool bfloat)
{
    int64_t piece = smaller(smaller(r->piece, 1 << 20), n);
    size_t bytes = (size_t)piece * sizeof(float);
    float *wide = malloc(bytes);
    if (!wide) {
        tr_fail("out of memory: tr_all_reduce asked for %zu bytes", bytes);
        return -1;
    }
    int status = 0;
    for (int64_t i = 0; i < n && status == 0; i += piece) {
        int64_t count = smaller(piece, n - i);
        for (int64_t j = 0; j < count; j++) wide[j] = bfloat ? dist_from_bfloat16(data[i + j]) : dist_from_float16(data[i + j]);
        status = sum(r, wide, count, MPI_FLOAT, sizeof *wide);
        for (int64_t j = 0; j < count; j++) data[i + j] = bfloat ? dist_to_bfloat16(wide[j]) : dist_to_float16(wide[j]);
    }
    free(wide);
    return status;
}

static int all_reduce(dist_transport *way, void *data, int64_t n, tr_dtype dtype)
{
    mpi_ranks *r = (mpi_ranks *)way;
    if (n == 0) return 0;
    if (dtype == TR_FLOAT16 || dtype == TR_BFLOAT16) return sum_halves(r, data, n, dtype == TR_BFLOAT16);

    int64_t count = n;
    MPI_Datatype type = numbers(dtype, &count);
    if (type == MPI_DATATYPE_NULL) {
        tr_fail("MPI_Allreduce: %s is not added", tr_dtype_name(dtype));
        return -1;
    }
    return sum(r, data, count, type, tr_dtype_size(dtype) * n / count);
}

/* ---- copies ---- */

static int broadcast(dist_transport *way, void *data, int64_t bytes, int64_t root)
{
    mpi_ranks *r = (mpi_ranks *)way;
    for (int64_t i = 0; i < bytes; i += r->piece)
        if (failed(MPI_Bcast((char *)data + i, (int)smaller(r->piece, bytes - i), MPI_BYTE, (int)root, r->comm), "MPI_Bcast")) return -1;
    return 0;
}

/* A piece of every rank's part, to the places `bytes` apart where the parts begin: one element of a type as long as a
 * piece, said to be as wide as a part. */
static int gather_piece(mpi_ranks *r, const char *mine, char *all, int piece, int64_t bytes)
{
    MPI_Datatype plain = MPI_DATATYPE_NULL, spaced = MPI_DATATYPE_NULL;
    int status = failed(MPI_Type_contiguous(piece, MPI_BYTE, &plain), "MPI_Type_contiguous");
    if (status == 0) status = failed(MPI_Type_create_resized(plain, 0, (MPI_Aint)bytes, &spaced), "MPI_Type_create_resized");
    if (status == 0) status = failed(MPI_Type_commit(&spaced), "MPI_Type_commit");
    if (status == 0) status = failed(MPI_Allgather(mine, piece, MPI_BYTE, all, 1, spaced, r->comm), "MPI_Allgather");
    if (spaced != MPI_DATATYPE_NULL) MPI_Type_free(&spaced);
    if (plain != MPI_DATATYPE_NULL) MPI_Type_free(&plain);
    return status;
}

static int all_gather(dist_transport *way, const void *mine, void *all, int64_t bytes)
{
    mpi_ranks *r = (mpi_ranks *)way;
    for (int64_t i = 0; i < bytes; i += r->piece)
        if (gather_piece(r, (const char *)mine + i, (char *)all + i, (int)smaller(r->piece, bytes - i), bytes) < 0) return -1;
    return 0;
}

/* ---- meeting ---- */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Not blocking, since it may be given up (what clang-tidy objects to); and with or without a limit the same call, since
 * blocking and non-blocking collectives do not match each other. */
/* NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker) */
static int largest(dist_transport *way, uint64_t *words, int n, double seconds)
{
    mpi_ranks *r = (mpi_ranks *)way;
    MPI_Request request;
    if (failed(MPI_Iallreduce(MPI_IN_PLACE, words, n, MPI_UINT64_T, MPI_MAX, r->comm, &request), "MPI_Iallreduce")) return -1;
    if (seconds < 0) return failed(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");

    double end = seconds_now() + seconds;
    for (;;) {
        int done = 0;
        if (failed(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test")) return -1;
        if (done) return 0;
        if (seconds_now() > end) return 1;
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}
/* NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker) */

static int barrier(dist_transport *way)
{
    return failed(MPI_Barrier(((mpi_ranks *)way)->comm), "MPI_Barrier");
}

static void leave_all(dist_transport *way, int status)
{
    MPI_Abort(((mpi_ranks *)way)->comm, status);
}

/* ---- opening and closing ---- */

static int finish(dist_transport *way)
{
    mpi_ranks *r = (mpi_ranks *)way;
    int over = 0, status = 0;
    MPI_Finalized(&over); /* by the application, before us: nothing is left to give back */
    if (!over) {
        status = failed(MPI_Comm_free(&r->comm), "MPI_Comm_free");
        if (r->way.ends_process && failed(MPI_Finalize(), "MPI_Finalize")) status = -1;
    }
    r->comm = MPI_COMM_NULL;
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
static int share_cores(mpi_ranks *r, MPI_Comm host, int local_ranks)
{
#if defined(__linux__)
    cpu_set_t own, all;
    if (sched_getaffinity(0, sizeof own, &own) != 0) return 0;
    all = own;
    if (failed(MPI_Allreduce(MPI_IN_PLACE, &all, (int)sizeof all, MPI_BYTE, MPI_BOR, host), "MPI_Allreduce")) return -1;
    int mine = CPU_COUNT(&own), each = CPU_COUNT(&all) / local_ranks;
    r->way.threads = each < 1 ? 1 : each < mine ? each
                                                : mine;
#else
    (void)r, (void)host, (void)local_ranks;
#endif
    return 0;
}

/* Which of the ranks that share this host's memory are we, and which part of its cores is ours? */
static int look_around(mpi_ranks *r)
{
    MPI_Comm host = MPI_COMM_NULL;
    if (failed(MPI_Comm_split_type(r->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host), "MPI_Comm_split_type")) return -1;
    int rank = 0, ranks_here = 1;
    int status = failed(MPI_Comm_rank(host, &rank), "MPI_Comm_rank");
    if (status == 0) status = failed(MPI_Comm_size(host, &ranks_here), "MPI_Comm_size");
    if (status == 0) status = share_cores(r, host, ranks_here);
    MPI_Comm_free(&host);
    r->way.local_rank = rank;
    return status;
}

static dist_transport *open_on(MPI_Comm comm, bool ours)
{
    mpi_ranks *r = &ranks;
    *r = (mpi_ranks){
        .way = {.name = r->name,
                .ends_process = ours,
                .all_reduce = all_reduce,
                .broadcast = broadcast,
                .all_gather = all_gather,
                .largest = largest,
                .barrier = barrier,
                .abort = leave_all,
                .finish = finish},
        .comm = MPI_COMM_NULL,
    };
    if (failed(MPI_Comm_dup(comm, &r->comm), "MPI_Comm_dup")) goto fail;
    MPI_Comm_set_errhandler(r->comm, MPI_ERRORS_RETURN);
    int rank = 0, world = 0;
    if (failed(MPI_Comm_rank(r->comm, &rank), "MPI_Comm_rank")) goto fail;
    if (failed(MPI_Comm_size(r->comm, &world), "MPI_Comm_size")) goto fail;
    r->way.rank = rank;
    r->way.world = world;
    name_library(r);
    if (look_around(r) < 0 || choose_piece(r) < 0) goto fail;
    return &r->way;
fail:
    if (r->comm != MPI_COMM_NULL) MPI_Comm_free(&r->comm);
    return NULL;
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
        /* One thread at a time calls MPI: today the caller's, later a communication thread.  A library that grants less
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
