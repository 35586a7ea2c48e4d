/* What each collective does in a window, stage by stage. */
#include "dist/sum.h"
#include "dist/window.h"

#include <string.h>
#include <trireme/error.h>

enum { LINE = 64,
       SMALL = 4096 }; /* bytes up to which meeting once less is worth a copy and adding everything on every rank */

static void copy(void *into, const void *from, int64_t bytes)
{
    if (bytes > 0 && into != from) memcpy(into, from, (size_t)bytes);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int ranks_of(const dist_window *v) { return v->host->ranks; }
static int me_of(const dist_window *v) { return v->host->me; }
static char *slot(const dist_window *v, int rank, dist_chunk c) { return v->slots[rank] + c.place; }
static const char *from_of(const dist_window *v, const dist_work *w, dist_chunk c) { return (const char *)w->from + c.at * v->size; }
static char *into_of(const dist_window *v, const dist_work *w, dist_chunk c) { return (char *)w->into + c.at * v->size; }

static int nothing(dist_window *v, const dist_work *w, dist_chunk c)
{
    (void)v, (void)w, (void)c;
    return 0;
}

/* ---- slices: each rank adds its own, whole cache lines ---- */

static int64_t slice_at(const dist_window *v, int64_t n, int rank)
{
    int64_t line = LINE / v->size, each = (n + ranks_of(v) - 1) / ranks_of(v);
    return smaller(n, rank * ((each + line - 1) / line * line));
}

/* Where slice `rank` of a sum goes: to its adder's slot, or, for hosts to add further, all into the leader's. */
static char *sum_slot(const dist_window *v, int rank, dist_chunk c) { return slot(v, v->host->hosts > 1 ? 0 : rank, c); }

static int slices_in(dist_window *v, const dist_work *w, dist_chunk c)
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
    v->into[0] = sum_slot(v, me, c) + offset;
    v->into[1] = into_of(v, w, c) + offset;
    dist_sum(w->dtype, v->from, NULL, ranks_of(v), v->into, v->host->hosts > 1 ? 1 : 2, end - first);
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

static char *lying(const dist_window *v, int rank, dist_chunk c) { return (char *)v->direct->piece[rank] + v->offset + c.at * v->size; }

/* What each rank's numbers are multiplied by; NULL: nothing. */
static const double *weights(dist_window *v)
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
    dist_sum(w->dtype, v->from, weights(v), ranks, v->into, v->host->hosts > 1 ? 1 : ranks, end - first);
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

/* Our part of everybody's. */
static int direct_part_add(dist_window *v, const dist_work *w, dist_chunk c)
{
    for (int i = 0; i < ranks_of(v); i++) v->from[i] = lying(v, i, c) + me_of(v) * w->n * v->size;
    v->into[0] = into_of(v, w, c);
    dist_sum(w->dtype, v->from, weights(v), ranks_of(v), v->into, 1, c.n);
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

/* ---- which stages ---- */

static const dist_stage
    small[] = {all_in, all_add, NULL},
    sliced[] = {slices_in, slice_add, slices_out, NULL},
    sliced_hosts[] = {slices_in, slice_add, hosts_add, all_out, NULL},
    direct[] = {nothing, direct_add, nothing, NULL},
    direct_hosts[] = {nothing, direct_add, direct_hosts_add, direct_out, nothing, NULL},
    scatter[] = {parts_in, part_add, NULL},
    direct_scatter[] = {nothing, direct_part_add, nothing, NULL},
    gather[] = {all_in, gather_out, NULL},
    direct_gather[] = {direct_part_in, direct_parts_out, nothing, NULL},
    broadcast[] = {root_in, root_out, NULL},
    barrier[] = {nothing, nothing, NULL},
    largest[] = {all_in, all_max, NULL};

/* Do n elements lie in a window?  Then v says where. */
static bool lie_direct(dist_window *v, const void *data, int64_t n)
{
    for (const dist_region *r = v->region; r; r = r->next) {
        const char *begin = r->mine, *at = data;
        if (!r->piece || at < begin || at + n * v->size > begin + r->bytes) continue;
        v->direct = r;
        v->offset = at - begin;
        return true;
    }
    return false;
}

static const dist_stage *choose_sum(dist_window *v, dist_work *w)
{
    bool hosts = v->host->hosts > 1, lies = lie_direct(v, w->into, w->n);
    bool worth_it = !lies || v->host->crowded; /* where all have cores, meeting is cheaper than the copy */
    bool few = w->n * v->size <= SMALL && !hosts && worth_it;
    if (few || !lies) {
        dist_weigh(&v->way, w);
        v->offset = -1;
        return few ? small : hosts ? sliced_hosts
                                   : sliced;
    }
    copy(w->into, w->from, w->n * v->size);
    v->per = w->n;
    return hosts ? direct_hosts : direct;
}

static const dist_stage *choose(dist_window *v, dist_work *w)
{
    v->size = 1;
    v->direct = NULL;
    v->offset = -1;
    v->per = v->slot_bytes;
    switch (w->operation) {
    case DIST_ALL_REDUCE:
        v->size = tr_dtype_size(w->dtype);
        v->per = v->slot_bytes / v->size;
        return choose_sum(v, w);
    case DIST_REDUCE_SCATTER:
        v->size = tr_dtype_size(w->dtype);
        v->per = v->slot_bytes / v->size / ranks_of(v);
        if (!lie_direct(v, w->from, w->n * ranks_of(v))) {
            dist_weigh(&v->way, w);
            return scatter;
        }
        v->per = w->n;
        return direct_scatter;
    case DIST_ALL_GATHER:
        if (!lie_direct(v, w->into, w->n * ranks_of(v))) return gather;
        v->per = w->n;
        return direct_gather;
    case DIST_BROADCAST: return broadcast;
    case DIST_BARRIER: return barrier;
    default:
        v->size = sizeof(uint64_t);
        v->per = v->slot_bytes / v->size;
        return largest;
    }
}

/* ---- rounds ---- */

static int do_round(dist_window *v, const dist_work *w)
{
    for (int s = v->stages - 1; s >= 0; s--) {
        int64_t k = v->round - s;
        if (k < 0 || k >= v->chunks) continue;
        dist_chunk c = {.at = k * v->per, .place = (v->chunks_before + k) % DIST_SLOTS * v->slot_bytes};
        c.n = smaller(v->per, w->n - c.at);
        if (v->stage[s](v, w, c) < 0) return -1;
    }
    return 0;
}

static bool is_sum(const dist_work *w) { return w->operation == DIST_ALL_REDUCE || w->operation == DIST_REDUCE_SCATTER; }

bool dist_rounds_serve(const dist_window *v, const dist_work *w)
{
    if (w->operation == DIST_SEND || w->operation == DIST_RECEIVE) return false;
    if (v->host->hosts == 1) return true;
    /* Halves would be rounded on every host. */
    return w->operation == DIST_ALL_REDUCE && w->dtype != TR_FLOAT16 && w->dtype != TR_BFLOAT16;
}

int dist_rounds_begin(dist_window *v, dist_work *w)
{
    if (is_sum(w) && !dist_has_sum(w->dtype)) {
        tr_fail("%s: %s is not added", dist_operation_name(w->operation), tr_dtype_name(w->dtype));
        return -1;
    }
    v->stage = choose(v, w);
    for (v->stages = 0; v->stage[v->stages];) v->stages++;
    v->chunks = w->n > v->per ? (w->n + v->per - 1) / v->per : 1;
    v->round = 0;
    if (w->operation == DIST_BARRIER) v->chunks = 1;
    uint64_t what = (uint64_t)w->operation | (uint64_t)(is_sum(w) ? w->dtype : 0) << 8 | (uint64_t)w->peer << 16;
    dist_meeting_begin(&v->meet, w->operation, (dist_asked){{what, (uint64_t)w->n, (uint64_t)v->offset}}, w->weight == 0 ? 1 : w->weight);
    if (do_round(v, w) < 0) return -1;
    dist_meeting_post(&v->meet);
    return 0;
}

int dist_rounds_advance(dist_window *v, dist_work *w, double seconds)
{
    int64_t last = v->chunks + v->stages - 2;
    for (;;) {
        int status = dist_meeting_wait(&v->meet, seconds);
        if (status <= 0) return status;
        v->round++;
        if (do_round(v, w) < 0) return -1;
        if (v->round == last) break;
        dist_meeting_post(&v->meet);
    }
    v->chunks_before += v->chunks;
    return 1;
}
