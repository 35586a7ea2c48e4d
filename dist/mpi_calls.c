#include "dist/mpi_calls.h"

#include "dist/transport.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>
#include <trireme/error.h>

static int failed(int status, const char *call)
{
    if (status == MPI_SUCCESS) return 0;
    char text[MPI_MAX_ERROR_STRING + 1];
    int length = 0;
    if (MPI_Error_string(status, text, &length) != MPI_SUCCESS) snprintf(text, sizeof text, "error %d", status);
    tr_fail("%s: %s", call, text);
    return -1;
}

/* Handles are pointers in some MPIs and ints in others.  A request that is under way lives longer than the function that
 * made it, which clang-tidy cannot follow. */
/* NOLINTBEGIN(clang-analyzer-optin.mpi.MPI-Checker) */
_Static_assert(sizeof(MPI_Comm) <= sizeof(uintptr_t) && sizeof(MPI_Request) <= sizeof(uintptr_t) && sizeof(MPI_Win) <= sizeof(uintptr_t),
               "a handle is a pointer or an int");

static MPI_Comm of(const dist_mpi_comm *c)
{
    MPI_Comm comm;
    memcpy(&comm, &c->handle, sizeof comm);
    return comm;
}

static int under_way(dist_mpi_request *request, const MPI_Request *r, int status, const char *call)
{
    *request = 0;
    memcpy(request, r, sizeof *r);
    return failed(status, call);
}

/* ---- the process ---- */

bool dist_mpi_is_over(void)
{
    int over = 0;
    MPI_Finalized(&over);
    return over;
}

bool dist_mpi_runs(void)
{
    int began = 0;
    MPI_Initialized(&began);
    return began && !dist_mpi_is_over();
}

/* A library that grants less than was asked still serves the first thread. */
int dist_mpi_begin(int *argc, char ***argv)
{
    int granted = 0;
    return failed(MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &granted), "MPI_Init_thread");
}

int dist_mpi_end(void) { return failed(MPI_Finalize(), "MPI_Finalize"); }

/* MPI_Finalize begins with the attributes of MPI_COMM_SELF. */
static void (*before_end)(void);
static int ending(MPI_Comm self, int key, void *value, void *extra)
{
    (void)self, (void)key, (void)value, (void)extra;
    before_end();
    return MPI_SUCCESS;
}

int dist_mpi_before_end(void (*f)(void))
{
    static int key = MPI_KEYVAL_INVALID;
    before_end = f;
    if (key != MPI_KEYVAL_INVALID) return 0;
    if (failed(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, ending, &key, NULL), "MPI_Comm_create_keyval") < 0) return -1;
    return failed(MPI_Comm_set_attr(MPI_COMM_SELF, key, NULL), "MPI_Comm_set_attr");
}

int dist_mpi_from_any_thread(bool *any)
{
    int level = MPI_THREAD_SINGLE;
    int status = failed(MPI_Query_thread(&level), "MPI_Query_thread");
    *any = level >= MPI_THREAD_SERIALIZED;
    return status;
}

/* The line that the library tells of itself, up to its first comma. */
void dist_mpi_library(char *text, size_t bytes)
{
    char line[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
    int length = 0;
    MPI_Get_library_version(line, &length);
    snprintf(text, bytes, "%.*s", (int)strcspn(line, ",\n"), line);
}

/* ---- communicators ---- */

static int hold(MPI_Comm comm, dist_mpi_comm *c)
{
    *c = (dist_mpi_comm){0};
    if (comm == MPI_COMM_NULL) return 0;
    memcpy(&c->handle, &comm, sizeof comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    if (failed(MPI_Comm_rank(comm, &c->rank), "MPI_Comm_rank") == 0 && failed(MPI_Comm_size(comm, &c->size), "MPI_Comm_size") == 0) return 0;
    MPI_Comm_free(&comm);
    *c = (dist_mpi_comm){0};
    return -1;
}

static int duplicate(MPI_Comm comm, dist_mpi_comm *copy)
{
    MPI_Comm own = MPI_COMM_NULL;
    return failed(MPI_Comm_dup(comm, &own), "MPI_Comm_dup") < 0 ? -1 : hold(own, copy);
}

int dist_mpi_copy_world(dist_mpi_comm *copy) { return duplicate(MPI_COMM_WORLD, copy); }

int dist_mpi_copy_comm(const void *mpi_comm, dist_mpi_comm *copy)
{
    MPI_Comm comm = *(const MPI_Comm *)mpi_comm;
    *copy = (dist_mpi_comm){0};
    return comm == MPI_COMM_NULL ? 0 : duplicate(comm, copy);
}

int dist_mpi_copy_fortran(int handle, dist_mpi_comm *copy)
{
    MPI_Comm comm = MPI_Comm_f2c((MPI_Fint)handle);
    return dist_mpi_copy_comm(&comm, copy);
}

int dist_mpi_split(const dist_mpi_comm *c, int colour, dist_mpi_comm *part)
{
    MPI_Comm comm = MPI_COMM_NULL;
    int status = MPI_Comm_split(of(c), colour < 0 ? MPI_UNDEFINED : colour, c->rank, &comm);
    return failed(status, "MPI_Comm_split") < 0 ? -1 : hold(comm, part);
}

int dist_mpi_split_hosts(const dist_mpi_comm *c, dist_mpi_comm *host)
{
    MPI_Comm comm = MPI_COMM_NULL;
    int status = MPI_Comm_split_type(of(c), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &comm);
    return failed(status, "MPI_Comm_split_type") < 0 ? -1 : hold(comm, host);
}

int dist_mpi_free(dist_mpi_comm *c)
{
    MPI_Comm comm = of(c);
    bool there = c->size > 0 && !dist_mpi_is_over(); /* finalised by the application, before us: nothing is left to give back */
    *c = (dist_mpi_comm){0};
    return there ? failed(MPI_Comm_free(&comm), "MPI_Comm_free") : 0;
}

void dist_mpi_abort(const dist_mpi_comm *c, int status) { MPI_Abort(of(c), status); }

/* ---- collectives ---- */

/* A complex number is two real ones. */
static MPI_Datatype numbers(tr_dtype dtype, int *each)
{
    *each = tr_dtype_is_complex(dtype) ? 2 : 1;
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

bool dist_mpi_adds(tr_dtype dtype)
{
    int each;
    return numbers(dtype, &each) != MPI_DATATYPE_NULL;
}

int dist_mpi_sum(const dist_mpi_comm *c, const void *from, void *into, int64_t n, tr_dtype dtype, dist_mpi_request *request)
{
    int each;
    MPI_Datatype type = numbers(dtype, &each);
    MPI_Request r = MPI_REQUEST_NULL;
    if (from == into) from = MPI_IN_PLACE;
    if (!request) return failed(MPI_Allreduce(from, into, (int)n * each, type, MPI_SUM, of(c)), "MPI_Allreduce");
    return under_way(request, &r, MPI_Iallreduce(from, into, (int)n * each, type, MPI_SUM, of(c), &r), "MPI_Iallreduce");
}

int dist_mpi_sum_parts(const dist_mpi_comm *c, const void *from, void *into, int64_t n, tr_dtype dtype, dist_mpi_request *request)
{
    int each;
    MPI_Datatype type = numbers(dtype, &each);
    MPI_Request r = MPI_REQUEST_NULL;
    if (!request) return failed(MPI_Reduce_scatter_block(from, into, (int)n * each, type, MPI_SUM, of(c)), "MPI_Reduce_scatter_block");
    int status = MPI_Ireduce_scatter_block(from, into, (int)n * each, type, MPI_SUM, of(c), &r);
    return under_way(request, &r, status, "MPI_Ireduce_scatter_block");
}

int dist_mpi_largest(const dist_mpi_comm *c, uint64_t *words, int64_t n, dist_mpi_request *request)
{
    MPI_Request r = MPI_REQUEST_NULL;
    int status = MPI_Iallreduce(MPI_IN_PLACE, words, (int)n, MPI_UINT64_T, MPI_MAX, of(c), &r);
    return under_way(request, &r, status, "MPI_Iallreduce");
}

int dist_mpi_broadcast(const dist_mpi_comm *c, void *data, int64_t bytes, int root, dist_mpi_request *request)
{
    MPI_Request r = MPI_REQUEST_NULL;
    if (!request) return failed(MPI_Bcast(data, (int)bytes, MPI_BYTE, root, of(c)), "MPI_Bcast");
    return under_way(request, &r, MPI_Ibcast(data, (int)bytes, MPI_BYTE, root, of(c), &r), "MPI_Ibcast");
}

int dist_mpi_barrier(const dist_mpi_comm *c, dist_mpi_request *request)
{
    MPI_Request r = MPI_REQUEST_NULL;
    if (!request) return failed(MPI_Barrier(of(c)), "MPI_Barrier");
    return under_way(request, &r, MPI_Ibarrier(of(c), &r), "MPI_Ibarrier");
}

/* One element of a type as long as the bytes, said to be as wide as they lie apart. */
int dist_mpi_gather(const dist_mpi_comm *c, const void *from, void *into, int64_t bytes, int64_t apart, dist_mpi_request *request)
{
    MPI_Datatype plain = MPI_DATATYPE_NULL, spaced = MPI_DATATYPE_NULL;
    MPI_Request r = MPI_REQUEST_NULL;
    if (!from) from = MPI_IN_PLACE;
    int n = (int)bytes, status = failed(MPI_Type_contiguous(n, MPI_BYTE, &plain), "MPI_Type_contiguous");
    if (status == 0) status = failed(MPI_Type_create_resized(plain, 0, (MPI_Aint)apart, &spaced), "MPI_Type_create_resized");
    if (status == 0) status = failed(MPI_Type_commit(&spaced), "MPI_Type_commit");
    if (status == 0 && request)
        status = under_way(request, &r, MPI_Iallgather(from, n, MPI_BYTE, into, 1, spaced, of(c), &r), "MPI_Iallgather");
    else if (status == 0)
        status = failed(MPI_Allgather(from, n, MPI_BYTE, into, 1, spaced, of(c)), "MPI_Allgather");
    if (spaced != MPI_DATATYPE_NULL) MPI_Type_free(&spaced);
    if (plain != MPI_DATATYPE_NULL) MPI_Type_free(&plain);
    return status;
}

int dist_mpi_smallest(const dist_mpi_comm *c, int *value)
{
    return failed(MPI_Allreduce(MPI_IN_PLACE, value, 1, MPI_INT, MPI_MIN, of(c)), "MPI_Allreduce");
}

int dist_mpi_union(const dist_mpi_comm *c, void *bits, int64_t bytes)
{
    return failed(MPI_Allreduce(MPI_IN_PLACE, bits, (int)bytes, MPI_BYTE, MPI_BOR, of(c)), "MPI_Allreduce");
}

/* ---- messages ---- */

enum { MESSAGE_TAG = 1 };

/* Of a struct: whole pieces, then bytes. */
static int long_bytes(int64_t bytes, int64_t piece, MPI_Datatype *type)
{
    MPI_Datatype types[2] = {MPI_DATATYPE_NULL, MPI_BYTE};
    int lengths[2] = {(int)(bytes / piece), (int)(bytes % piece)};
    MPI_Aint places[2] = {0, (MPI_Aint)(bytes - bytes % piece)};
    int status = failed(MPI_Type_contiguous((int)piece, MPI_BYTE, &types[0]), "MPI_Type_contiguous");
    if (status == 0) status = failed(MPI_Type_create_struct(2, lengths, places, types, type), "MPI_Type_create_struct");
    if (status == 0) status = failed(MPI_Type_commit(type), "MPI_Type_commit");
    if (types[0] != MPI_DATATYPE_NULL) MPI_Type_free(&types[0]);
    return status;
}

int dist_mpi_send(const dist_mpi_comm *c, const void *data, int64_t bytes, int64_t piece, int to, dist_mpi_request *request)
{
    MPI_Datatype type = MPI_BYTE;
    MPI_Request r = MPI_REQUEST_NULL;
    bool is_long = bytes > piece;
    if (is_long && long_bytes(bytes, piece, &type) < 0) return -1;
    int status = under_way(request, &r, MPI_Isend(data, is_long ? 1 : (int)bytes, type, to, MESSAGE_TAG, of(c), &r), "MPI_Isend");
    if (is_long) MPI_Type_free(&type);
    return status;
}

int dist_mpi_receive(const dist_mpi_comm *c, void *data, int64_t bytes, int64_t piece, int from, dist_mpi_request *request)
{
    MPI_Datatype type = MPI_BYTE;
    MPI_Request r = MPI_REQUEST_NULL;
    bool is_long = bytes > piece;
    if (is_long && long_bytes(bytes, piece, &type) < 0) return -1;
    int status = under_way(request, &r, MPI_Irecv(data, is_long ? 1 : (int)bytes, type, from, MESSAGE_TAG, of(c), &r), "MPI_Irecv");
    if (is_long) MPI_Type_free(&type);
    return status;
}

int dist_mpi_wait(dist_mpi_request *request)
{
    MPI_Request r;
    memcpy(&r, request, sizeof r);
    return under_way(request, &r, MPI_Wait(&r, MPI_STATUS_IGNORE), "MPI_Wait");
}

int dist_mpi_test(dist_mpi_request *request, bool *done)
{
    MPI_Request r;
    int flag = 0;
    memcpy(&r, request, sizeof r);
    int status = under_way(request, &r, MPI_Test(&r, &flag, MPI_STATUS_IGNORE), "MPI_Test");
    *done = flag;
    return status;
}

/* NOLINTEND(clang-analyzer-optin.mpi.MPI-Checker) */

/* ---- shared memory ---- */

static int find_pieces(const dist_mpi_comm *c, MPI_Win w, void **piece)
{
    MPI_Win_set_errhandler(w, MPI_ERRORS_RETURN);
    for (int i = 0; i < c->size; i++) {
        MPI_Aint size = 0;
        int unit = 1;
        if (failed(MPI_Win_shared_query(w, i, &size, &unit, (void *)&piece[i]), "MPI_Win_shared_query")) return -1;
    }
    return failed(MPI_Win_lock_all(MPI_MODE_NOCHECK, w), "MPI_Win_lock_all");
}

int dist_mpi_share(const dist_mpi_comm *c, int64_t bytes, dist_mpi_window *window, void **piece)
{
    MPI_Info apart = MPI_INFO_NULL; /* each rank's piece on pages of its own */
    MPI_Win w = MPI_WIN_NULL;
    void *mine = NULL;
    *window = 0;
    MPI_Info_create(&apart);
    MPI_Info_set(apart, "alloc_shared_noncontig", "true");
    int status = failed(MPI_Win_allocate_shared((MPI_Aint)bytes, 1, apart, of(c), &mine, &w), "MPI_Win_allocate_shared");
    MPI_Info_free(&apart);
    if (status < 0) return -1;
    memcpy(window, &w, sizeof w);
    return find_pieces(c, w, piece);
}

int dist_mpi_unshare(dist_mpi_window *window)
{
    MPI_Win w;
    memcpy(&w, window, sizeof w);
    MPI_Win_unlock_all(w);
    return failed(MPI_Win_free(&w), "MPI_Win_free");
}
