/* Which stages make a collective, and the rounds in which its chunks go through them. */
#include "dist/stages.h"
#include "dist/sum.h"

#include <trireme/error.h>

enum { SMALL = 4096 }; /* bytes up to which meeting once less is worth a copy and adding everything on every rank */

/* ---- which stages ---- */

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
        return few ? dist_small : hosts ? dist_sliced_hosts
                                        : dist_sliced;
    }
    copy(w->into, w->from, w->n * v->size);
    v->per = w->n;
    return hosts ? dist_direct_hosts : dist_direct;
}

static const dist_stage *choose(dist_window *v, dist_work *w)
{
    bool hosts = v->host->hosts > 1;
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
        v->per = v->slot_bytes / v->size / v->way.world;
        if (!lie_direct(v, w->from, w->n * v->way.world)) {
            dist_weigh(&v->way, w);
            return hosts ? dist_scatter_hosts : dist_scatter;
        }
        v->per = w->n;
        return hosts ? dist_direct_scatter_hosts : dist_direct_scatter;
    case DIST_ALL_GATHER:
        if (lie_direct(v, w->into, w->n * v->way.world)) {
            v->per = w->n;
            return hosts ? dist_direct_gather_hosts : dist_direct_gather;
        }
        if (!hosts) return dist_gather;
        v->per = v->slot_bytes / v->way.world;
        return dist_gather_hosts;
    case DIST_BROADCAST: return hosts ? dist_root_hosts : dist_root;
    case DIST_BARRIER: return hosts ? dist_meet_hosts : dist_meet;
    default:
        v->size = sizeof(uint64_t);
        v->per = v->slot_bytes / v->size;
        return dist_largest_of;
    }
}

/* ---- rounds ---- */

static bool is_sum(const dist_work *w) { return w->operation == DIST_ALL_REDUCE || w->operation == DIST_REDUCE_SCATTER; }

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

bool dist_rounds_serve(const dist_window *v, const dist_work *w)
{
    if (w->operation == DIST_SEND || w->operation == DIST_RECEIVE) return false;
    if (v->host->hosts == 1) return true;
    if (w->operation == DIST_LARGEST) return false;                           /* it may be given up, which leaders cannot */
    return !is_sum(w) || (w->dtype != TR_FLOAT16 && w->dtype != TR_BFLOAT16); /* these would be rounded on every host */
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
