/* Where in an arena the memory of a step stands.
 *
 *     calls ->    0  1  2  3  4  5
 *     a           [-----]              the largest first, each at the lowest place where nothing that lives at the
 *     b                 [-----]        same time stands: b takes a's place even at call 2, which reads a and writes b
 *     c              [--------]        element by element
 *
 * Finding the least arena is hard in general; this order comes within a few percent (see info.live_bytes). */
#include "autograd/recording.h"

#include "core/memory.h"

/* What begins a block elsewhere begins one here: kernels choose their way by it, and so their last bits. */
static int64_t rounded(const tr_recording *r, int64_t bytes)
{
    const int64_t align = r->at.type == TR_CPU ? CORE_ALIGN : 256;
    return (bytes + align - 1) / align * align;
}

bool record_is_whole(const tr_recording *r, const record_entry *e, int v, int32_t memory)
{
    const record_place *p = &e->place[v];
    bool repeated = e->call.ones >> v & 1;
    return p->memory == memory && p->offset == 0 && !repeated && r->memory[memory].bytes == e->call.n * core_dtype_bytes[e->call.type];
}

bool record_takes_place(const tr_recording *r, int64_t at, int32_t output, int32_t input)
{
    const record_entry *e = &r->entry[at];
    if (!e->kernel || e->items || !kernel_is_pointwise(&e->call) || !record_is_whole(r, e, 0, output)) return false;
    bool reads = false;
    for (int v = 1; v < KERNEL_VIEWS; v++) {
        if (e->place[v].memory != input) continue;
        if (!record_is_whole(r, e, v, input)) return false;
        reads = true;
    }
    return reads;
}

/* The group that a call runs in, as the number of its first call. */
static int64_t group_of(const int32_t *group, int64_t call) { return group[call]; }

typedef struct {
    const tr_recording *r;
    const int32_t *group; /* of each call */
} plan;

/* Both are used in one group, whose calls take turns block by block. */
static bool share_group(const plan *p, const record_memory *a, const record_memory *b)
{
    for (int64_t at = a->first; at <= a->last; at++) { /* lifetimes are intervals: so are the groups they touch */
        int64_t g = group_of(p->group, at);
        if (g >= group_of(p->group, b->first) && g <= group_of(p->group, b->last)) return true;
    }
    return false;
}

/* May a and b stand at these places? */
static bool compatible(const plan *p, int32_t a, int32_t b, int64_t at_a, int64_t at_b)
{
    const record_memory *x = &p->r->memory[a], *y = &p->r->memory[b];
    if (at_a + rounded(p->r, x->bytes) <= at_b || at_b + rounded(p->r, y->bytes) <= at_a) return true;
    bool same = at_a == at_b && x->bytes == y->bytes;
    if (x->first > y->first || (x->first == y->first && x->last > y->last)) {
        const record_memory *swap = x;
        x = y;
        y = swap;
        int32_t other = a;
        a = b;
        b = other;
    }
    if (x->last > y->first || x->first == y->first) return false; /* both live */
    if (x->last == y->first && !(same && record_takes_place(p->r, y->first, b, a))) return false;
    return (same && !x->partly && !y->partly) || !share_group(p, x, y);
}

static bool free_at(const plan *p, const int32_t *placed, int64_t count, int32_t i, int64_t place)
{
    for (int64_t k = 0; k < count; k++)
        if (!compatible(p, i, placed[k], place, p->r->memory[placed[k]].place)) return false;
    return true;
}

static int64_t lowest(const plan *p, const int32_t *placed, int64_t count, int32_t i)
{
    int64_t best = free_at(p, placed, count, i, 0) ? 0 : -1;
    for (int64_t k = 0; k < count && best != 0; k++) {
        const record_memory *m = &p->r->memory[placed[k]];
        const int64_t candidate[2] = {m->place, m->place + rounded(p->r, m->bytes)};
        for (int c = 0; c < 2; c++)
            if ((best < 0 || candidate[c] < best) && free_at(p, placed, count, i, candidate[c])) best = candidate[c];
    }
    return best; /* behind the last one there always is room */
}

/* The largest sum of bytes alive at once, where an output may take a dying input's place. */
static int64_t live_bytes(const tr_recording *r, const int32_t *planned, int64_t count)
{
    int64_t most = 0;
    for (int64_t at = 0; at < r->entries; at++) {
        int64_t sum = 0, saved = 0;
        for (int64_t k = 0; k < count; k++) {
            const record_memory *m = &r->memory[planned[k]];
            if (m->first > at || m->last < at) continue;
            sum += m->bytes;
            for (int64_t j = 0; m->first == at && !saved && j < count; j++)
                if (r->memory[planned[j]].last == at && r->memory[planned[j]].first < at && record_takes_place(r, at, planned[k], planned[j])) saved = m->bytes;
        }
        if (sum - saved > most) most = sum - saved;
    }
    return most;
}

static bool before(const record_memory *a, const record_memory *b)
{
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->first < b->first;
}

static void sort(const tr_recording *r, int32_t *order, int64_t count)
{
    for (int64_t i = 1; i < count; i++)
        for (int64_t k = i; k > 0 && before(&r->memory[order[k]], &r->memory[order[k - 1]]); k--) {
            int32_t swap = order[k];
            order[k] = order[k - 1];
            order[k - 1] = swap;
        }
}

int64_t record_plan(tr_recording *r)
{
    int32_t *order = core_alloc((r->memories + 1) * (int64_t)sizeof *order, "tr_record_end");
    int32_t *group = core_alloc((r->entries + 1) * (int64_t)sizeof *group, "tr_record_end");
    int64_t count = 0, bytes = 0, constant = 0;
    if (!order || !group) {
        core_free(order);
        core_free(group);
        return -1;
    }
    for (int64_t i = 0; i < r->entries;) {
        int64_t end = r->entry[i].group ? r->entry[i].group : i + 1;
        for (int64_t k = i; k < end; k++) {
            group[k] = (int32_t)i;
            for (int v = 0; v < KERNEL_VIEWS && end - i > 1; v++) {
                int32_t m = r->entry[k].place[v].memory;
                if (m >= 0 && !record_is_whole(r, &r->entry[k], v, m)) r->memory[m].partly = true;
            }
        }
        i = end;
    }
    for (int32_t i = 0; i < r->memories; i++) {
        record_memory *m = &r->memory[i];
        if (m->first < 0) continue;
        if (m->constant && m->written)
            constant += rounded(r, m->bytes);
        else if (m->written && !m->read_first && !record_is_seen(r, m))
            order[count++] = i;
        else
            r->info.held_bytes += m->bytes;
    }
    sort(r, order, count);
    plan p = {r, group};
    for (int64_t k = 0; k < count; k++) {
        record_memory *m = &r->memory[order[k]];
        m->place = lowest(&p, order, k, order[k]);
        m->planned = true;
        if (m->place + rounded(r, m->bytes) > bytes) bytes = m->place + rounded(r, m->bytes);
    }
    r->info.planned_bytes = bytes + constant;
    r->info.live_bytes = live_bytes(r, order, count) + constant;
    core_free(order);
    core_free(group);
    return bytes;
}
