/* Noting a step.
 *
 * Every storage that a call uses is kept from then on, so nothing is given out twice while the step is recorded: each
 * address belongs to one tensor's memory.  At the end, storages that nobody holds any more and that were written before
 * they were read get places in an arena, and the calls' addresses follow. */
#include "autograd/recording.h"

#include <stdlib.h>
#include <string.h>
#include "core/memory.h"

bool tr_is_recording(void) { return core_here()->recorder != NULL; }

bool autograd_record_pause(void)
{
    bool before = core_here()->recording;
    core_here()->recording = false;
    return before;
}

void autograd_record_resume(bool before) { core_here()->recording = before; }

int autograd_not_recorded(const char *function, const char *why)
{
    return core_here()->recording ? core_fail_status("%s: %s, which a recorded step cannot replay", function, why) : 0;
}

/* ---- the object ---- */

static void forget_table(tr_recording *r)
{
    core_free(r->table);
    r->table = NULL;
    r->table_room = 0;
}

/* While recording, a storage is marked; from the end on, it is held like everybody else holds it. */
static void hold(record_memory *m)
{
    m->storage->recorded = false;
    m->storage->count++;
}

static void let_go(record_memory *m)
{
    if (m->storage && m->storage->recorded) hold(m);
    if (m->storage) core_storage_drop(m->storage);
    core_drop_tensor(m->handle);
    m->storage = NULL;
    m->handle = NULL;
}

static void destroy(core_object *object)
{
    tr_recording *r = (tr_recording *)object;
    core_thread *here = core_here();
    if (here->recorder == r) {
        here->recorder = NULL;
        here->recording = false;
    }
    for (int64_t i = 0; i < r->entries; i++) {
        core_free(r->entry[i].items);
        core_free(r->entry[i].item_place);
        if (r->entry[i].owner) core_release(r->entry[i].owner);
    }
    for (int64_t i = 0; i < r->memories; i++) let_go(&r->memory[i]);
    for (int64_t i = 0; i < r->inputs; i++) core_drop_tensor(r->input[i]);
    if (r->arena) core_block_give(r->arena, r->arena_capacity);
    forget_table(r);
    core_free(r->entry);
    core_free(r->memory);
    core_free(r->slot);
    core_free(r->input);
    core_free(r);
}

static const core_class class = {"recording", destroy};

tr_recording *tr_recording_keep(tr_recording *r)
{
    if (r) core_keep(&r->object);
    return r;
}

void tr_recording_drop(tr_recording *r)
{
    if (r) core_release(&r->object);
}

tr_recording_info tr_recording_info_of(const tr_recording *r) { return r ? r->info : (tr_recording_info){0}; }

int(tr_record)(tr_recording **recording, tr_record_options options)
{
    if (!recording) return core_null_status("tr_record");
    *recording = NULL;
    core_thread *here = core_here();
    if (here->failure.stands) return -1;
    if (here->recorder) return core_fail_status("tr_record: a step is being recorded already");
    for (int64_t i = 0; i < options.inputs.count; i++) {
        const tr_tensor *x = options.inputs.tensor[i];
        if (!x) return core_null_status("tr_record");
        if (!core_row_major_tensor(x)) return core_fail_status("tr_record: input %lld, %s, is not contiguous", (long long)i, core_show(x));
    }
    tr_recording *r = core_alloc(sizeof *r, "tr_record");
    if (!r) return -1;
    r->separate = options.separate;
    if (!core_object_begin(&r->object, &class)) return -1;
    if (options.inputs.count && !(r->input = core_alloc(options.inputs.count * (int64_t)sizeof(tr_tensor *), "tr_record"))) return -1;
    for (int64_t i = 0; i < options.inputs.count; i++) r->input[r->inputs++] = core_keep_tensor(options.inputs.tensor[i]);
    here->recorder = r;
    here->recording = true;
    *recording = r;
    return 0;
}

/* ---- noting ---- */

/* Room for one more element; the elements may move. */
static void *room(void *array, int64_t count, int64_t *allocated, size_t bytes)
{
    if (count < *allocated) return array;
    int64_t more = *allocated ? 2 * *allocated : 32;
    void *grown = core_realloc(array, count * (int64_t)bytes, more * (int64_t)bytes, "tr_record");
    if (grown) *allocated = more;
    return grown;
}

static uint64_t hash(const core_storage *s) { return (uint64_t)(uintptr_t)s * 0x9e3779b97f4a7c15u >> 20; }

static bool grow_table(tr_recording *r)
{
    int64_t more = r->table_room ? 2 * r->table_room : 128;
    int32_t *table = core_alloc(more * (int64_t)sizeof *table, "tr_record");
    if (!table) return false;
    for (int64_t i = 0; i < r->memories; i++) {
        uint64_t at = hash(r->memory[i].storage) % (uint64_t)more;
        while (table[at]) at = (at + 1) % (uint64_t)more;
        table[at] = (int32_t)i + 1;
    }
    core_free(r->table);
    r->table = table;
    r->table_room = more;
    return true;
}

/* Which memory t lies in, held from now on; -1 with an error noted. */
static int32_t memory_of(tr_recording *r, const tr_tensor *t)
{
    if (2 * r->memories >= r->table_room && !grow_table(r)) return -1;
    uint64_t at = hash(t->storage) % (uint64_t)r->table_room;
    for (; r->table[at]; at = (at + 1) % (uint64_t)r->table_room)
        if (r->memory[r->table[at] - 1].storage == t->storage) return r->table[at] - 1;
    record_memory *grown = room(r->memory, r->memories, &r->memory_room, sizeof *r->memory);
    if (!grown) return -1;
    r->memory = grown;
    t->storage->recorded = true;
    r->memory[r->memories] = (record_memory){.storage = t->storage, .data = t->storage->data, .first = -1};
    r->table[at] = (int32_t)++r->memories;
    return (int32_t)r->memories - 1;
}

/* Call number `entry` reads or writes t.  False with an error noted. */
static bool touch(tr_recording *r, int64_t entry, const tr_tensor *t, const void *address, bool write, record_place *place)
{
    int32_t i = memory_of(r, t);
    if (i < 0) return false;
    record_memory *m = &r->memory[i];
    int64_t end = core_dtype_bytes[t->dtype];
    for (int d = 0; d < t->shape.ndim; d++) end += (t->shape.size[d] - 1) * t->stride[d] * core_dtype_bytes[t->dtype];
    place->memory = i;
    place->offset = (const char *)address - m->data;
    end += (const char *)t->data - m->data;
    if (t->flags & CORE_NUMBER) end = m->storage->capacity;
    if (end > m->bytes) m->bytes = end;
    if (m->first < 0) {
        m->first = (int32_t)entry;
        m->read_first = !write;
    }
    if (m->first == entry && !write) m->read_first = true;
    m->last = (int32_t)entry;
    m->written |= write;
    if (!m->handle && !(t->flags & (CORE_MADE_RECORDING | CORE_NUMBER))) m->handle = core_keep_tensor((tr_tensor *)(uintptr_t)t);
    return true;
}

static record_entry *new_entry(tr_recording *r)
{
    record_entry *grown = room(r->entry, r->entries, &r->entry_room, sizeof *r->entry);
    if (!grown) return NULL;
    r->entry = grown;
    memset(&r->entry[r->entries], 0, sizeof *r->entry);
    for (int v = 0; v < KERNEL_VIEWS; v++) r->entry[r->entries].place[v].memory = -1;
    return &r->entry[r->entries++];
}

static void turn(record_entry *e, core_object *owner, autograd_knob *knob)
{
    if (owner) core_keep(owner);
    e->owner = owner;
    e->knob = knob;
}

static bool note(tr_recording *r, kernel_call *call, const tr_tensor *const view[KERNEL_VIEWS], core_object *owner, autograd_knob *knob)
{
    if (core_device_at(view[0]).type != TR_CPU) return core_fail("%s: on %s steps cannot be recorded yet", kernel_name(call->kernel), tr_device_name(core_device_at(view[0]))) != NULL;
    record_entry *e = new_entry(r);
    if (!e) return false;
    int64_t at = r->entries - 1;
    unsigned writes = kernel_writes(call->kernel);
    for (int v = 0; v < KERNEL_VIEWS; v++)
        if (!view[v]) call->at[v] = NULL;
    e->call = *call;
    for (int pass = 0; pass < 2; pass++) /* what is read first: an output in place has been read */
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (view[v] && (writes >> v & 1) == (unsigned)pass && !touch(r, at, view[v], call->at[v], pass, &e->place[v])) return false;
    if (kernel_adds(call)) r->memory[e->place[0].memory].read_first |= r->memory[e->place[0].memory].first == at;
    e->kernel = kernel_find(core_device_at(view[0]), call);
    turn(e, owner, knob);
    return true;
}

/* Run without noting what the kernel itself calls. */
static int run(tr_device device, const kernel_call *call)
{
    core_thread *here = core_here();
    here->recording = false;
    int status = kernel_run(device, call);
    here->recording = here->recorder != NULL;
    return status;
}

int autograd_run_recorded(kernel_call *call, const tr_tensor *const view[KERNEL_VIEWS], core_object *owner, autograd_knob *knob)
{
    return note(core_here()->recorder, call, view, owner, knob) ? run(core_device_at(view[0]), call) : -1;
}

int autograd_run_items(kernel_call *call, tr_device device, tr_tensor *const *tensor, core_object *owner, autograd_knob *knob)
{
    tr_recording *r = core_here()->recorder;
    record_entry *e = new_entry(r);
    if (!e) return -1;
    int64_t at = r->entries - 1, places = call->n * RECORD_ITEM_VIEWS;
    e->call = *call;
    e->items = core_alloc(call->n * (int64_t)sizeof *e->items, "tr_record");
    e->item_place = core_alloc(places * (int64_t)sizeof *e->item_place, "tr_record");
    if (!e->items || !e->item_place) return -1;
    memcpy(e->items, call->at[0], (size_t)call->n * sizeof *e->items);
    for (int64_t i = 0; i < places; i++) {
        e->item_place[i].memory = -1;
        bool gradient = i % RECORD_ITEM_VIEWS == RECORD_ITEM_VIEWS - 1;
        if (tensor[i] && (!touch(r, at, tensor[i], tensor[i]->data, false, &e->item_place[i]) || (!gradient && !touch(r, at, tensor[i], tensor[i]->data, true, &e->item_place[i])))) return -1;
    }
    e->kernel = kernel_find(device, call);
    turn(e, owner, knob);
    return run(device, call);
}

int(tr_record_call)(int (*f)(void *data), void *data)
{
    if (!f) return core_null_status("tr_record_call");
    core_thread *here = core_here();
    if (!here->recorder) return f(data);
    record_entry *e = new_entry(here->recorder);
    if (!e) return -1;
    e->f = f;
    e->data = data;
    bool before = autograd_record_pause();
    int status = f(data);
    autograd_record_resume(before);
    return status;
}

/* ---- the end ---- */

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

/* Addresses within an input follow it. */
static bool find_slots(tr_recording *r)
{
    int64_t allocated = 0;
    for (int64_t i = 0; i < r->entries; i++)
        for (int v = 0; v < KERNEL_VIEWS; v++)
            for (int64_t k = 0; k < r->inputs; k++) {
                const tr_tensor *x = r->input[k];
                record_place p = r->entry[i].place[v];
                if (p.memory < 0 || r->memory[p.memory].storage != x->storage) continue;
                int64_t offset = (char *)r->entry[i].call.at[v] - (char *)x->data;
                if (offset < 0 || offset >= x->numel * core_dtype_bytes[x->dtype]) continue;
                record_slot *grown = room(r->slot, r->slots, &allocated, sizeof *r->slot);
                if (!grown) return false;
                r->slot = grown;
                r->slot[r->slots++] = (record_slot){(int32_t)i, v, (int32_t)k, offset};
                break;
            }
    return true;
}

static bool finish(tr_recording *r)
{
    forget_table(r);
    if (!find_slots(r)) return false;
    if (!r->separate) record_join(r);
    int64_t bytes = record_plan(r);
    if (bytes < 0 || (bytes && !(r->arena = core_block_take(bytes, &r->arena_capacity, "tr_record_end")))) return false;
    move_addresses(r);
    for (int64_t i = 0; i < r->memories; i++) {
        hold(&r->memory[i]);
        if (r->memory[i].planned) let_go(&r->memory[i]);
    }
    r->info.calls = r->entries;
    for (int64_t i = 0; i < r->entries; i++)
        if (r->entry[i].group) r->info.joined += r->entry[i].group - i;
    return true;
}

int(tr_record_end)(void)
{
    core_thread *here = core_here();
    tr_recording *r = here->recorder;
    if (!r) return core_fail_status("tr_record_end: nothing is being recorded");
    here->recorder = NULL;
    here->recording = false;
    r->complete = !here->failure.stands && finish(r);
    return r->complete ? 0 : -1;
}
