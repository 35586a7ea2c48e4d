/* The end of a recording: storages that nobody holds any more and that were written before they were read get places in
 * an arena, and the calls' addresses follow. */
#include "autograd/recording.h"

#include "core/memory.h"

static void *moved_to(const tr_recording *r, record_place p)
{
    const record_memory *m = &r->memory[p.memory];
    return (m->planned ? r->arena + m->place : m->data) + p.offset;
}

static void move_addresses(tr_recording *r)
{
    for (int64_t i = 0; i < r->entries; i++) {
        record_entry *e = &r->entry[i];
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (e->place[v].memory >= 0) e->call.at[v] = moved_to(r, e->place[v]);
        if (!e->items) continue;
        e->call.at[0] = e->items;
        for (int64_t k = 0; k < e->call.n; k++) {
            kernel_optim_item *item = &e->items[k];
            const record_place *p = &e->item_place[k * RECORD_ITEM_VIEWS];
            item->parameter = moved_to(r, p[0]);
            for (int s = 0; s < KERNEL_OPTIM_STATES; s++)
                if (p[1 + s].memory >= 0) item->state[s] = moved_to(r, p[1 + s]);
            if (p[RECORD_ITEM_VIEWS - 1].memory >= 0) item->gradient = moved_to(r, p[RECORD_ITEM_VIEWS - 1]);
            item->first = false;
        }
    }
}

/* Does a call of an optimiser list memory of this input: a parameter, its gradient or state? */
static bool is_listed(const tr_recording *r, const record_entry *e, const tr_tensor *x)
{
    int64_t bytes = x->numel * core_dtype_bytes[x->dtype];
    for (int64_t i = 0; e->items && i < e->call.n * RECORD_ITEM_VIEWS; i++) {
        record_place p = e->item_place[i];
        if (p.memory < 0 || r->memory[p.memory].storage != x->storage) continue;
        int64_t from = r->memory[p.memory].data + p.offset - (char *)x->data, length = e->items[i / RECORD_ITEM_VIEWS].n * core_dtype_bytes[e->call.type];
        if (from < bytes && from + length > 0) return true;
    }
    return false;
}

static bool find_held(tr_recording *r)
{
    if (!(r->input_held = core_alloc(r->inputs + 1, "tr_record_end"))) return false;
    for (int64_t k = 0; k < r->inputs; k++)
        for (int64_t i = 0; i < r->entries && !r->input_held[k]; i++) r->input_held[k] = is_listed(r, &r->entry[i], r->input[k]);
    return true;
}

/* Addresses within an input follow it. */
static bool find_slots(tr_recording *r)
{
    int64_t allocated = 0;
    if (!(r->input_written = core_alloc(r->inputs + 1, "tr_record_end")) || !find_held(r)) return false;
    for (int64_t i = 0; i < r->entries; i++)
        for (int v = 0; v < KERNEL_VIEWS; v++)
            for (int64_t k = 0; k < r->inputs; k++) {
                const tr_tensor *x = r->input[k];
                record_place p = r->entry[i].place[v];
                if (p.memory < 0 || r->memory[p.memory].storage != x->storage) continue;
                int64_t offset = (char *)r->entry[i].call.at[v] - (char *)x->data;
                if (offset < 0 || offset >= x->numel * core_dtype_bytes[x->dtype]) continue;
                record_slot *grown = record_room(r->slot, r->slots, &allocated, sizeof *r->slot);
                if (!grown) return false;
                r->slot = grown;
                r->slot[r->slots++] = (record_slot){(int32_t)i, v, (int32_t)k, offset};
                r->input_written[k] |= r->entry[i].kernel && kernel_writes(r->entry[i].call.kernel) >> v & 1;
                break;
            }
    return true;
}

static bool is_plain(const record_entry *e) { return e->kernel && !e->knob && !e->group; }

/* The lists that a replay goes through, with nothing in them that it would pass over. */
static bool list_what_counts(tr_recording *r)
{
    r->fixed = core_alloc((r->memories + 1) * (int64_t)sizeof *r->fixed, "tr_record_end");
    r->written = core_alloc((r->memories + 1) * (int64_t)sizeof *r->written, "tr_record_end");
    if (!r->fixed || !r->written) return false;
    for (int64_t i = 0; i < r->memories; i++) {
        record_memory *m = &r->memory[i];
        if (m->handle) r->fixed[r->fixes++] = (record_fixed){m->handle, m->storage};
        if (m->storage && m->written) r->written[r->writes++] = m->storage;
    }
    for (int64_t i = 0; i < r->entries; i++) r->entry[i].plain = is_plain(&r->entry[i]);
    return true;
}

static bool finish(tr_recording *r)
{
    record_forget_table(r);
    record_end_gradients(r);
    if (!record_prune(r) || !find_slots(r)) return false;
    if (!r->separate && r->at.type == TR_CPU) record_join(r); /* blocks are for a processor's caches */
    int64_t bytes = record_plan(r);
    if (bytes < 0 || (bytes && !(r->arena = r->device->take(r->at.index, bytes, &r->arena_capacity, "tr_record_end")))) return false;
    move_addresses(r);
    for (int64_t i = 0; i < r->memories; i++) {
        record_hold(&r->memory[i]);
        if (r->memory[i].planned || r->memory[i].first < 0) record_let_go(&r->memory[i]);
    }
    r->info.calls = r->entries;
    for (int64_t i = 0; i < r->entries; i++)
        if (r->entry[i].group) r->info.joined += r->entry[i].group - i;
    return list_what_counts(r);
}

int(tr_record_end)(void)
{
    core_thread *here = core_here();
    tr_recording *r = here->recorder;
    if (!r) return core_fail_status("tr_record_end: nothing is being recorded");
    here->recorder = NULL;
    here->recording = false;
    if (here->unrecorded) core_fail("%s: %s, which a recorded step cannot replay", here->unrecorded, here->because);
    r->complete = !here->failure.stands && finish(r);
    if (r->complete) return 0;
    for (int64_t i = 0; i < r->memories; i++) record_let_go(&r->memory[i]); /* another recording may want it now */
    return -1;
}
