/* What a collective does in the windows of several hosts: within each in its window, and between them over the leaders'
 * transport, by which each host's bytes leave it once, however many ranks it has.
 *
 *     reduce-scatter   all add slices into the leader's memory; leaders reduce-scatter hosts' parts; all take their own
 *     all-gather       all put theirs into the leader's memory; leaders all-gather hosts' parts; all take everything
 *     broadcast        the root puts it there; leaders broadcast; the others take it
 *
 * A stage between hosts blocks the leader until all have come, even where the work was started: over a network a thread of
 * its own should bring works on. */
#include "dist/stages.h"
#include "dist/sum.h"

/* ---- all-reduce of what lies anywhere ---- */

static int slice_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    int me = me_of(v);
    int64_t first = slice_at(v, c.n, me), end = slice_at(v, c.n, me + 1), offset = first * v->size;
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = slot(v, i, c) + offset;
    v->from[me] = from_of(v, w, c) + offset;
    v->into[0] = slot(v, 0, c) + offset;
    dist_sum(w->dtype, v->from, NULL, ranks_of(v), v->into, 1, end - first);
    return 0;
}

static int hosts_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    dist_transport *leaders = v->host->leaders;
    return leaders ? dist_all_reduce(leaders, slot(v, 0, c), c.n, w->dtype) : 0;
}

static int all_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(into_of(v, w, c), slot(v, 0, c), c.n * v->size);
    return 0;
}

/* ---- all-reduce where the data lie ---- */

static int direct_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    int64_t first = slice_at(v, c.n, me_of(v)), end = slice_at(v, c.n, me_of(v) + 1);
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = lying(v, i, c) + first * v->size;
    v->into[0] = lying(v, 0, c) + first * v->size;
    dist_sum(w->dtype, v->from, dist_stage_weights(v), ranks_of(v), v->into, 1, end - first);
    return 0;
}

static int direct_hosts_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    dist_transport *leaders = v->host->leaders;
    return leaders ? dist_all_reduce(leaders, lying(v, 0, c), c.n, w->dtype) : 0;
}

static int direct_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)w;
    copy(lying(v, me_of(v), c), lying(v, 0, c), c.n * v->size);
    return 0;
}

/* ---- between hosts, for ranks' parts of n elements one after the other ---- */

/* Rank r is on host r / ranks: then the parts of a host lie together, and all hosts have as many. */
static bool even(const dist_window *v)
{
    if (world_of(v) != v->host->hosts * ranks_of(v)) return false;
    for (int64_t r = 0; r < world_of(v); r++)
        if (v->host->host_of[r] != r / ranks_of(v)) return false;
    return true;
}

/* Sums of our host's parts at least. */
static int hosts_scatter(const dist_window *v, const dist_work *w, char *parts, int64_t n)
{
    dist_transport *leaders = v->host->leaders;
    if (!leaders) return 0;
    if (!even(v)) return dist_all_reduce(leaders, parts, world_of(v) * n, w->dtype);
    int64_t each = ranks_of(v) * n;
    return dist_reduce_scatter(leaders, parts, parts + v->host->host_of[v->way.rank] * each * v->size, each, w->dtype);
}

/* From each host its parts; of hosts that are not even, in runs that lie together. */
static int hosts_gather(const dist_window *v, char *parts, int64_t n)
{
    dist_transport *leaders = v->host->leaders;
    const int *host_of = v->host->host_of;
    int64_t each = ranks_of(v) * n;
    if (!leaders) return 0;
    if (even(v)) return dist_all_gather(leaders, parts + v->host->host_of[v->way.rank] * each, parts, each);
    for (int64_t r = 0, end; r < world_of(v); r = end) {
        for (end = r + 1; end < world_of(v) && host_of[end] == host_of[r];) end++;
        if (dist_broadcast(leaders, parts + r * n, (end - r) * n, host_of[r]) < 0) return -1;
    }
    return 0;
}

/* ---- reduce-scatter ---- */

/* Our slice of all parts, over all ranks of this host, into the leader's. */
static void parts_add(dist_window *v, const dist_work *w, char *(*of)(const dist_window *, int, dist_chunk), dist_chunk c, const double *weight)
{
    int64_t all = world_of(v) * c.n, first = slice_at(v, all, me_of(v)), end = slice_at(v, all, me_of(v) + 1);
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = of(v, i, c) + first * v->size;
    v->into[0] = of(v, 0, c) + first * v->size;
    dist_sum(w->dtype, v->from, weight, ranks_of(v), v->into, 1, end - first);
}

static int scatter_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int64_t r = 0; r < world_of(v); r++)
        copy(slot(v, me_of(v), c) + r * c.n * v->size, (const char *)w->from + (r * w->n + c.at) * v->size, c.n * v->size);
    return 0;
}

static int scatter_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    parts_add(v, w, slot, c, NULL);
    return 0;
}

static int scatter_between(dist_window *v, const dist_work *w, dist_chunk c) { return hosts_scatter(v, w, slot(v, 0, c), c.n); }

static int scatter_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(into_of(v, w, c), slot(v, 0, c) + v->way.rank * c.n * v->size, c.n * v->size);
    return 0;
}

static int direct_scatter_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    parts_add(v, w, lying, c, dist_stage_weights(v));
    return 0;
}

static int direct_scatter_between(dist_window *v, const dist_work *w, dist_chunk c) { return hosts_scatter(v, w, lying(v, 0, c), c.n); }

static int direct_scatter_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(into_of(v, w, c), lying(v, 0, c) + v->way.rank * c.n * v->size, c.n * v->size);
    return 0;
}

/* ---- all-gather ---- */

static int gather_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(slot(v, 0, c) + v->way.rank * c.n, from_of(v, w, c), c.n);
    return 0;
}

static int gather_between(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)w;
    return hosts_gather(v, slot(v, 0, c), c.n);
}

static int gather_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int64_t r = 0; r < world_of(v); r++) copy((char *)w->into + r * w->n + c.at, slot(v, 0, c) + r * c.n, c.n);
    return 0;
}

/* Into memory that is the leader's until it has come. */
static int direct_gather_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(lying(v, 0, c) + v->way.rank * c.n, w->from, c.n);
    return 0;
}

static int direct_gather_between(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)w;
    return hosts_gather(v, lying(v, 0, c), c.n);
}

static int direct_gather_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)w;
    copy(lying(v, me_of(v), c), lying(v, 0, c), world_of(v) * c.n);
    return 0;
}

/* ---- broadcast and barrier ---- */

static int root_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    if (w->peer == v->way.rank) copy(slot(v, 0, c), into_of(v, w, c), c.n);
    return 0;
}

static int root_between(dist_window *v, const dist_work *w, dist_chunk c)
{
    dist_transport *leaders = v->host->leaders;
    return leaders ? dist_broadcast(leaders, slot(v, 0, c), c.n, v->host->host_of[w->peer]) : 0;
}

static int root_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    if (w->peer != v->way.rank) copy(into_of(v, w, c), slot(v, 0, c), c.n);
    return 0;
}

static int meet_between(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)w, (void)c;
    return v->host->leaders ? dist_barrier(v->host->leaders) : 0;
}

/* ---- lists ---- */

const dist_stage
    dist_sliced_hosts[] = {dist_stage_slices_in, slice_add, hosts_add, all_out, NULL},
    dist_direct_hosts[] = {dist_stage_nothing, direct_add, direct_hosts_add, direct_out, dist_stage_nothing, NULL},
    dist_scatter_hosts[] = {scatter_in, scatter_add, scatter_between, scatter_out, NULL},
    dist_direct_scatter_hosts[] = {dist_stage_nothing, direct_scatter_add, direct_scatter_between, direct_scatter_out, dist_stage_nothing, NULL},
    dist_gather_hosts[] = {gather_in, gather_between, gather_out, NULL},
    dist_direct_gather_hosts[] = {dist_stage_nothing, direct_gather_in, direct_gather_between, direct_gather_out, dist_stage_nothing, NULL},
    dist_root_hosts[] = {root_in, root_between, root_out, NULL},
    dist_meet_hosts[] = {dist_stage_nothing, meet_between, dist_stage_nothing, NULL};
