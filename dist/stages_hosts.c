/* What a collective does in the windows of several hosts: within each in its window, and between them over the leaders'
 * transport. */
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

/* Blocks the leader until all hosts have come, even where the work was started: over a network a thread of its own should
 * bring works on. */
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

/* ---- lists ---- */

const dist_stage
    dist_sliced_hosts[] = {dist_stage_slices_in, slice_add, hosts_add, all_out, NULL},
    dist_direct_hosts[] = {dist_stage_nothing, direct_add, direct_hosts_add, direct_out, dist_stage_nothing, NULL};
