/* The ranks of one host, in memory that they share by MPI's windows, and its leader among the hosts. */
#include "dist/host.h"
#include "dist/mpi.h"
#include "dist/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <trireme/error.h>

typedef struct {
    dist_host host;          /* first */
    dist_mpi_comm comm;      /* owned: the ranks of this host */
    dist_mpi_window *window; /* owned, each of them */
    int windows;
} mpi_host;

/* ---- windows ---- */

/* On every rank or on none. */
static int agree(mpi_host *h, bool mine)
{
    int all = mine;
    if (dist_mpi_smallest(&((dist_mpi_ranks *)h->host.all)->comm, &all) < 0) return -1;
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
    dist_mpi_window *window = &h->window[h->windows];
    int status = dist_mpi_share(&h->comm, bytes + ALIGNED, window, piece);
    if (*window) h->windows++;
    if (status < 0) return -1;
    for (int i = 0; i < h->host.ranks; i++) piece[i] = aligned(piece[i]);
    memset(piece[h->host.me], 0, (size_t)bytes); /* the first touch decides whose memory it is near */
    return 0;
}

static int share(dist_host *host, int64_t bytes, void **piece)
{
    mpi_host *h = (mpi_host *)host;
    dist_mpi_window *more = realloc(h->window, (size_t)(h->windows + 1) * sizeof *more);
    if (more)
        h->window = more;
    else
        tr_fail("out of memory: windows");
    if (agree(h, more && fits(bytes * host->ranks)) < 0) return -1;
    if (agree(h, make_window(h, bytes, piece) == 0) < 0) return -1;
    return dist_mpi_barrier(&h->comm, NULL); /* everybody's piece is zeroed */
}

static int close_host(dist_host *host)
{
    mpi_host *h = (mpi_host *)host;
    int status = 0;
    for (int i = 0; i < h->windows && !dist_mpi_is_over(); i++)
        if (dist_mpi_unshare(&h->window[i]) < 0) status = -1;
    dist_mpi_free(&h->comm);
    if (host->leaders && host->leaders->finish(host->leaders) < 0) status = -1;
    if (host->all && host->all->finish(host->all) < 0) status = -1;
    free(h->window);
    free(host->number);
    free(host->host_of);
    free(h);
    return status;
}

/* ---- who is here ---- */

/* Tests take few ranks for a host, and so have several. */
static int split_hosts(dist_mpi_ranks *r, dist_mpi_comm *comm)
{
    int64_t at_most = dist_host_ranks();
    return dist_mpi_split(&r->host, at_most > 0 ? (int)(r->way.local_rank / at_most) : 0, comm);
}

static int find_neighbours(mpi_host *h, dist_mpi_ranks *r)
{
    dist_host *host = &h->host;
    host->me = h->comm.rank;
    host->ranks = h->comm.size;
    host->crowded = r->crowded;
    host->number = calloc((size_t)host->ranks, sizeof *host->number);
    if (!host->number) {
        tr_fail("out of memory: ranks");
        return -1;
    }
    int64_t each = sizeof *host->number;
    return dist_mpi_gather(&h->comm, &r->way.rank, host->number, each, each, NULL);
}

static int list_hosts(dist_host *host, dist_mpi_ranks *r, int mine)
{
    int64_t each = sizeof *host->host_of;
    host->host_of = calloc((size_t)r->way.world, sizeof *host->host_of);
    if (host->host_of) return dist_mpi_gather(&r->comm, &mine, host->host_of, each, each, NULL);
    tr_fail("out of memory: ranks");
    return -1;
}

static int find_leaders(mpi_host *h, dist_mpi_ranks *r)
{
    dist_host *host = &h->host;
    dist_mpi_comm leaders;
    if (dist_mpi_split(&r->comm, host->me == 0 ? 0 : -1, &leaders) < 0) return -1;
    int here[2] = {leaders.size, leaders.rank}; /* hosts, and which of them this is */
    if (dist_mpi_broadcast(&h->comm, here, sizeof here, 0, NULL) < 0 || list_hosts(host, r, here[1]) < 0) return -1;
    host->hosts = here[0];
    if (host->hosts == 1) dist_mpi_free(&leaders);
    if (leaders.size == 0) return 0;
    dist_mpi_ranks *first = dist_mpi_over(leaders);
    if (first) host->leaders = &first->way;
    return first ? 0 : -1;
}

dist_host *dist_mpi_host(dist_transport *mpi)
{
    dist_mpi_ranks *r = (dist_mpi_ranks *)mpi;
    mpi_host *h = calloc(1, sizeof *h);
    if (!h) return tr_fail("out of memory: ranks");
    *h = (mpi_host){.host = {.share = share, .close = close_host}};
    if (split_hosts(r, &h->comm) < 0 || find_neighbours(h, r) < 0 || find_leaders(h, r) < 0) {
        close_host(&h->host);
        return NULL;
    }
    h->host.all = mpi;
    return &h->host;
}
