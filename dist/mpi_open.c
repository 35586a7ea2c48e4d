/* Ranks over MPI: how they begin and end.
 *
 * The communicator is our own duplicate, so that nothing of ours meets the application's messages, and returns its errors
 * instead of ending the program.  MPI is finalised only by who started it. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "dist/mpi.h"
#include "dist/ranks.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>

typedef dist_mpi_ranks mpi_ranks;

/* ---- memory ---- */

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

/* ---- ending ---- */

static void leave_all(dist_transport *way, int status) { dist_mpi_abort(&((mpi_ranks *)way)->comm, status); }

static int finish(dist_transport *way)
{
    mpi_ranks *r = (mpi_ranks *)way;
    int status = 0;
    dist_mpi_free(&r->host);
    if (dist_mpi_free(&r->comm) < 0) status = -1;
    if (r->way.ends_process && !dist_mpi_is_over() && dist_mpi_end() < 0) status = -1;
    while (r->taken) give_back(&r->way, r->taken + 1);
    free(r->stage);
    free(r);
    return status;
}

/* ---- beginning ---- */

/* Rank 0 decides for all: pieces that differ would not meet. */
static int choose_piece(mpi_ranks *r)
{
    enum { USUAL = 64 << 20 };
    const char *wish = getenv("TRIREME_MPI_PIECE");
    long long piece = wish ? strtoll(wish, NULL, 10) : USUAL;
    r->piece = piece > 0 && piece < USUAL ? piece : USUAL;
    return dist_mpi_broadcast(&r->comm, &r->piece, sizeof r->piece, 0, NULL);
}

/* Each rank may use its own cores; where several may use the same ones (mpirun --bind-to none), they share them. */
static int share_cores(mpi_ranks *r)
{
#if defined(__linux__)
    cpu_set_t own, all;
    if (sched_getaffinity(0, sizeof own, &own) != 0) return 0;
    all = own;
    if (dist_mpi_union(&r->host, &all, sizeof all) < 0) return -1;
    int mine = CPU_COUNT(&own), each = CPU_COUNT(&all) / r->host.size;
    r->crowded = CPU_COUNT(&all) < r->host.size;
    r->way.threads = each < 1 ? 1 : each < mine ? each
                                                : mine;
#else
    (void)r;
#endif
    return 0;
}

/* Which of the ranks that share this host's memory are we, and which part of its cores is ours? */
static int look_around(mpi_ranks *r)
{
    bool any;
    if (dist_mpi_split_hosts(&r->comm, &r->host) < 0 || dist_mpi_from_any_thread(&any) < 0) return -1;
    int everywhere = any;
    if (dist_mpi_smallest(&r->comm, &everywhere) < 0) return -1;
    r->way.local_rank = r->host.rank;
    r->way.network = r->host.size < r->comm.size;
    r->way.any_thread = everywhere;
    return share_cores(r);
}

dist_mpi_ranks *dist_mpi_over(dist_mpi_comm comm)
{
    mpi_ranks *r = calloc(1, sizeof *r);
    if (!r) {
        dist_mpi_free(&comm);
        return tr_fail("out of memory: ranks");
    }
    *r = (mpi_ranks){
        .way = {.name = r->name,
                .rank = comm.rank,
                .world = comm.size,
                .advance = dist_mpi_advance,
                .take = take,
                .give_back = give_back,
                .abort = leave_all,
                .finish = finish},
        .comm = comm,
    };
    char library[56];
    dist_mpi_library(library, sizeof library);
    snprintf(r->name, sizeof r->name, "mpi: %s", library);
    if (choose_piece(r) == 0) return r;
    finish(&r->way);
    return NULL;
}

static dist_transport *open_on(dist_mpi_comm comm, bool ours)
{
    mpi_ranks *r = dist_mpi_over(comm);
    if (r && (look_around(r) < 0 || dist_mpi_before_end(dist_mpi_ends) < 0)) {
        finish(&r->way);
        return NULL;
    }
    if (r) r->way.ends_process = ours;
    return r ? &r->way : NULL;
}

dist_transport *dist_mpi_world(int *argc, char ***argv)
{
    bool joins = dist_mpi_runs();
    dist_mpi_comm comm;
    if (dist_mpi_is_over()) return tr_fail("tr_dist_init: MPI has been finalised, and MPI starts only once in a process");
    if (!joins && dist_mpi_begin(argc, argv) < 0) return NULL;
    return dist_mpi_copy_world(&comm) < 0 ? NULL : open_on(comm, !joins);
}

static dist_transport *join(int status, dist_mpi_comm copy, const char *function)
{
    if (status < 0) return NULL;
    if (copy.size == 0) return tr_fail("%s: MPI_COMM_NULL; only members of a communicator join it", function);
    return open_on(copy, false);
}

dist_transport *dist_mpi_join(const void *comm)
{
    dist_mpi_comm copy;
    if (!comm) return tr_fail("tr_dist_init_comm: NULL, expected a pointer to an MPI_Comm");
    if (!dist_mpi_runs()) return tr_fail("tr_dist_init_comm: MPI is not running; call MPI_Init first");
    int status = dist_mpi_copy_comm(comm, &copy);
    return join(status, copy, "tr_dist_init_comm");
}

dist_transport *dist_mpi_join_fortran(int comm)
{
    dist_mpi_comm copy;
    if (!dist_mpi_runs()) return tr_fail("tr_dist_init_fortran: MPI is not running; call MPI_Init first");
    int status = dist_mpi_copy_fortran(comm, &copy);
    return join(status, copy, "tr_dist_init_fortran");
}
