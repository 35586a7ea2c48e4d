/* Calls that a replay can do without.
 *
 *     dead       nobody reads what they write: neither a later call nor, after the step, whoever holds the memory
 *     constant   one element, made alone of numbers and of other constants: the seed of a backward walk and what is made
 *                of it; and copies of the program's numbers.  The values of the recorded step stay where they are.
 *
 * A call stays if it may end with an error, has a knob (which may count), or is the program's own: that reads whatever the
 * program holds. */
#include "autograd/recording.h"

#include <string.h>
#include "core/memory.h"

bool record_is_seen(const tr_recording *r, const record_memory *m)
{
    const core_storage *s = m->storage;
    if (s->count > 0 || s->kind & CORE_FOREIGN || atomic_load_explicit(&s->lent, memory_order_relaxed)) return true;
    for (int64_t i = 0; i < r->inputs; i++)
        if (r->input[i]->storage == s) return true;
    return false;
}

static bool has_effects(const record_entry *e) { return !e->kernel || e->knob || e->items || kernel_may_refuse(e->call.kernel); }

static bool writes(const record_entry *e, int v) { return kernel_writes(e->call.kernel) >> v & 1; }

/* ---- constants ---- */

static int32_t *writers_of_each(const tr_recording *r)
{
    int32_t *writers = core_alloc((r->memories + 1) * (int64_t)sizeof *writers, "tr_record_end");
    for (int64_t i = 0; writers && i < r->entries; i++) {
        const record_entry *e = &r->entry[i];
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (e->place[v].memory >= 0 && (e->items || writes(e, v))) writers[e->place[v].memory]++;
        for (int64_t k = 0; e->items && k < e->call.n * RECORD_ITEM_VIEWS; k++)
            if (e->item_place[k].memory >= 0) writers[e->item_place[k].memory]++;
    }
    return writers;
}

static bool is_constant(const tr_recording *r, const record_entry *e, const int32_t *writers)
{
    if (has_effects(e) || (e->call.n != 1 && e->call.kernel != KERNEL_COPY) || !kernel_is_pointwise(&e->call)) return false;
    int32_t out = e->place[0].memory;
    const record_memory *m = &r->memory[out];
    if (writers[out] != 1 || m->read_first || record_is_seen(r, m) || !record_is_whole(r, e, 0, out)) return false;
    for (int v = 1; v < KERNEL_VIEWS; v++)
        if (e->place[v].memory >= 0 && !r->memory[e->place[v].memory].constant) return false;
    return true;
}

static bool mark_constants(tr_recording *r, bool *dropped)
{
    int32_t *writers = writers_of_each(r);
    if (!writers) return false;
    for (int64_t i = 0; i < r->memories; i++) r->memory[i].constant = writers[i] == 0 && !record_is_seen(r, &r->memory[i]);
    for (int64_t i = 0; i < r->entries; i++) {
        dropped[i] = is_constant(r, &r->entry[i], writers);
        if (dropped[i]) r->memory[r->entry[i].place[0].memory].constant = true;
    }
    core_free(writers);
    return true;
}

/* ---- the dead ---- */

static bool is_needed(const record_entry *e, const bool *read)
{
    bool needed = has_effects(e);
    for (int v = 0; v < KERNEL_VIEWS; v++) needed |= e->place[v].memory >= 0 && writes(e, v) && read[e->place[v].memory];
    return needed;
}

/* Nothing of at[0]'s memory before the call is left, and the call does not read it. */
static bool replaces(const tr_recording *r, const record_entry *e)
{
    int32_t out = e->place[0].memory;
    if (!e->kernel || e->items || out < 0 || !kernel_is_pointwise(&e->call) || !record_is_whole(r, e, 0, out)) return false;
    for (int v = 1; v < KERNEL_VIEWS; v++)
        if (e->place[v].memory == out) return false;
    return true;
}

/* Backwards: read[m] tells whether somebody later reads what memory m holds then. */
static bool mark_dead(const tr_recording *r, bool *dropped)
{
    bool *read = core_alloc(r->memories + 1, "tr_record_end");
    if (!read) return false;
    for (int64_t m = 0; m < r->memories; m++) read[m] = record_is_seen(r, &r->memory[m]);
    for (int64_t i = r->entries - 1; i >= 0; i--) {
        const record_entry *e = &r->entry[i];
        if (dropped[i]) continue;
        if (!is_needed(e, read)) {
            dropped[i] = true;
            continue;
        }
        if (replaces(r, e)) read[e->place[0].memory] = false;
        bool all = e->items || kernel_adds(&e->call);
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (e->place[v].memory >= 0 && (all || !writes(e, v))) read[e->place[v].memory] = true;
        for (int64_t k = 0; e->items && k < e->call.n * RECORD_ITEM_VIEWS; k++)
            if (e->item_place[k].memory >= 0) read[e->item_place[k].memory] = true;
        for (int64_t m = 0; !e->kernel && m < r->memories; m++) read[m] |= record_is_seen(r, &r->memory[m]);
    }
    core_free(read);
    return true;
}

/* ---- what is left ---- */

static void use(record_memory *m, int64_t entry)
{
    if (m->first < 0) m->first = (int32_t)entry;
    m->last = (int32_t)entry;
}

static void close_ranks(tr_recording *r, const bool *dropped)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < r->entries; i++)
        if (!dropped[i]) r->entry[kept++] = r->entry[i];
    r->entries = kept;
    for (int64_t m = 0; m < r->memories; m++) r->memory[m].first = -1;
    for (int64_t i = 0; i < kept; i++) {
        const record_entry *e = &r->entry[i];
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (e->place[v].memory >= 0) use(&r->memory[e->place[v].memory], i);
        for (int64_t k = 0; e->items && k < e->call.n * RECORD_ITEM_VIEWS; k++)
            if (e->item_place[k].memory >= 0) use(&r->memory[e->item_place[k].memory], i);
    }
}

bool record_prune(tr_recording *r)
{
    bool *dropped = core_alloc(r->entries + 1, "tr_record_end");
    bool marked = dropped && mark_constants(r, dropped) && mark_dead(r, dropped);
    if (marked && r->at.type != TR_CPU && !r->separate) record_epilogues(r, dropped);
    if (marked) close_ranks(r, dropped);
    core_free(dropped);
    return marked;
}
