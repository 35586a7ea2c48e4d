/* Neighbouring pointwise calls run together, a block of elements through all of them before the next block: what one
 * writes is still in the first cache when the next reads it.  Every element meets the same operations in the same order,
 * so the bits are those of running call by call. */
#include "autograd/recording.h"

/* What a view of a flat call covers; one element where it is repeated. */
typedef struct {
    const char *from, *to;
    bool written;
} range;

static int ranges_of(const record_entry *e, range *r)
{
    int64_t bytes = core_dtype_bytes[e->call.type];
    int count = 0;
    for (int v = 0; v < KERNEL_VIEWS; v++) {
        const char *at = e->call.at[v];
        if (!at) continue;
        bool one = e->call.ones >> v & 1;
        r[count++] = (range){at, at + (one ? 1 : e->call.n) * bytes, v == 0};
    }
    return count;
}

/* May the two be walked block by block?  They are apart, or the same from end to end, or nobody writes. */
static bool agree(const range *a, const range *b)
{
    if (!a->written && !b->written) return true;
    bool apart = a->to <= b->from || b->to <= a->from, same = a->from == b->from && a->to == b->to;
    return apart || same;
}

/* A call that could run block by block. */
static bool candidate(const record_entry *e)
{
    const kernel_call *c = &e->call;
    return e->kernel && !e->knob && !e->items && c->n >= RECORD_JOIN_LEAST && kernel_is_pointwise(c) && (c->type == TR_FLOAT32 || c->type == TR_FLOAT64);
}

static bool fits(const tr_recording *r, int64_t first, int64_t next)
{
    const record_entry *e = &r->entry[next];
    if (!candidate(e) || e->call.n != r->entry[first].call.n || e->call.type != r->entry[first].call.type) return false;
    range mine[KERNEL_VIEWS], theirs[KERNEL_VIEWS];
    int count = ranges_of(e, mine);
    for (int64_t i = first; i < next; i++) {
        int others = ranges_of(&r->entry[i], theirs);
        for (int a = 0; a < count; a++)
            for (int b = 0; b < others; b++)
                if (!agree(&mine[a], &theirs[b])) return false;
    }
    return true;
}

void record_join(tr_recording *r)
{
    enum { MOST = 64 }; /* calls in a group: looking for conflicts is the square of it */
    for (int64_t i = 0; i < r->entries;) {
        int64_t end = i + 1;
        if (candidate(&r->entry[i]))
            while (end < r->entries && end - i < MOST && fits(r, i, end)) end++;
        if (end - i > 1) r->entry[i].group = (int32_t)end;
        i = end;
    }
}
