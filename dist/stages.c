/* What each collective does in the window of one host, stage by stage. */
#include "dist/stages.h"
#include "dist/sum.h"

int dist_stage_nothing(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)v, (void)w, (void)c;
    return 0;
}

/* ---- slices ---- */

int dist_stage_slices_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    int64_t before = slice_at(v, c.n, me_of(v)) * v->size, after = slice_at(v, c.n, me_of(v) + 1) * v->size;
    const char *from = from_of(v, w, c);
    copy(slot(v, me_of(v), c), from, before);
    copy(slot(v, me_of(v), c) + after, from + after, c.n * v->size - after);
    return 0;
}

static int slice_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    int me = me_of(v);
    int64_t first = slice_at(v, c.n, me), end = slice_at(v, c.n, me + 1), offset = first * v->size;
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = slot(v, i, c) + offset;
    v->from[me] = from_of(v, w, c) + offset;
    v->into[0] = slot(v, me, c) + offset;
    v->into[1] = into_of(v, w, c) + offset;
    dist_sum(w->dtype, v->from, NULL, ranks_of(v), v->into, 2, end - first);
    return 0;
}

static int slices_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++) {
        int64_t first = slice_at(v, c.n, i) * v->size, end = slice_at(v, c.n, i + 1) * v->size;
        if (i != me_of(v)) copy(into_of(v, w, c) + first, slot(v, i, c) + first, end - first);
    }
    return 0;
}

/* ---- small: everybody adds everything, which gives the same bits, and meets once less ---- */

static int all_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(slot(v, me_of(v), c), from_of(v, w, c), c.n * v->size);
    return 0;
}

static int all_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = slot(v, i, c);
    v->into[0] = into_of(v, w, c);
    dist_sum(w->dtype, v->from, NULL, ranks_of(v), v->into, 1, c.n);
    return 0;
}

static int all_max(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = slot(v, i, c);
    dist_max((const uint64_t *const *)v->from, ranks_of(v), (uint64_t *)into_of(v, w, c), c.n);
    return 0;
}

/* ---- where the data lie: in a window, all ranks' at one offset ---- */

/* What each rank's numbers are multiplied by; NULL: nothing. */
const double *dist_stage_weights(dist_window *v)
{
    bool weighted = false;
    for (int i = 0; i < ranks_of(v); i++) {
        v->weight[i] = dist_meeting_weight(&v->meet, i);
        weighted = weighted || v->weight[i] != 1;
    }
    return weighted ? v->weight : NULL;
}

static int direct_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    int me = me_of(v), ranks = ranks_of(v);
    int64_t first = slice_at(v, c.n, me), end = slice_at(v, c.n, me + 1);
    for (int i = 0; i < ranks; i++) v->from[i] = v->into[i] = lying(v, i, c) + first * v->size;
    dist_sum(w->dtype, v->from, dist_stage_weights(v), ranks, v->into, ranks, end - first);
    return 0;
}

/* Our part of everybody's. */
static int direct_part_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = lying(v, i, c) + me_of(v) * w->n * v->size;
    v->into[0] = into_of(v, w, c);
    dist_sum(w->dtype, v->from, dist_stage_weights(v), ranks_of(v), v->into, 1, c.n);
    return 0;
}

static int direct_part_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    copy(lying(v, me_of(v), c) + me_of(v) * w->n, w->from, c.n);
    return 0;
}

static int direct_parts_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++)
        if (i != me_of(v)) copy(lying(v, me_of(v), c) + i * w->n, lying(v, i, c) + i * w->n, c.n);
    return 0;
}

/* ---- reduce-scatter: a slot holds a part for each rank ---- */

static int parts_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++)
        if (i != me_of(v)) copy(slot(v, me_of(v), c) + i * v->per * v->size, (const char *)w->from + (i * w->n + c.at) * v->size, c.n * v->size);
    return 0;
}

static int part_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    int me = me_of(v);
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = slot(v, i, c) + me * v->per * v->size;
    v->from[me] = (const char *)w->from + (me * w->n + c.at) * v->size;
    v->into[0] = into_of(v, w, c);
    dist_sum(w->dtype, v->from, NULL, ranks_of(v), v->into, 1, c.n);
    return 0;
}

/* ---- copies ---- */

static int gather_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++) copy((char *)w->into + i * w->n + c.at, i == me_of(v) ? from_of(v, w, c) : slot(v, i, c), c.n);
    return 0;
}

static int root_in(dist_window *v, const dist_work *w, dist_chunk c)
{
    if (w->peer == me_of(v)) copy(slot(v, me_of(v), c), into_of(v, w, c), c.n);
    return 0;
}

static int root_out(dist_window *v, const dist_work *w, dist_chunk c)
{
    if (w->peer != me_of(v)) copy(into_of(v, w, c), slot(v, (int)w->peer, c), c.n);
    return 0;
}

/* ---- lists ---- */

const dist_stage
    dist_small[] = {all_in, all_add, NULL},
    dist_sliced[] = {dist_stage_slices_in, slice_add, slices_out, NULL},
    dist_direct[] = {dist_stage_nothing, direct_add, dist_stage_nothing, NULL},
    dist_scatter[] = {parts_in, part_add, NULL},
    dist_direct_scatter[] = {dist_stage_nothing, direct_part_add, dist_stage_nothing, NULL},
    dist_gather[] = {all_in, gather_out, NULL},
    dist_direct_gather[] = {direct_part_in, direct_parts_out, dist_stage_nothing, NULL},
    dist_root[] = {root_in, root_out, NULL},
    dist_meet[] = {dist_stage_nothing, dist_stage_nothing, NULL},
    dist_largest_of[] = {all_in, all_max, NULL};
