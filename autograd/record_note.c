/* Noting a step.
 *
 * Every storage that a call uses is kept from then on, so nothing is given out twice while the step is recorded: each
 * address belongs to one tensor's memory. */
#include "autograd/recording.h"

#include <string.h>
#include "core/memory.h"

void *record_room(void *array, int64_t count, int64_t *allocated, size_t bytes)
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
    record_memory *grown = record_room(r->memory, r->memories, &r->memory_room, sizeof *r->memory);
    if (!grown) return -1;
    r->memory = grown;
    t->storage->kind |= CORE_RECORDED;
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
    if (m->first < 0) m->first = (int32_t)entry;
    m->last = (int32_t)entry;
    if (write)
        m->covered += t->numel * core_dtype_bytes[t->dtype];
    else if (m->covered < m->bytes)
        m->read_first = true;
    m->written |= write;
    if (!m->handle && !(t->flags & (CORE_MADE_RECORDING | CORE_NUMBER))) m->handle = core_keep_tensor((tr_tensor *)(uintptr_t)t);
    return true;
}

static record_entry *new_entry(tr_recording *r)
{
    record_entry *grown = record_room(r->entry, r->entries, &r->entry_room, sizeof *r->entry);
    if (!grown) return NULL;
    r->entry = grown;
    memset(&r->entry[r->entries], 0, sizeof *r->entry);
    for (int v = 0; v < KERNEL_VIEWS; v++) r->entry[r->entries].place[v].memory = -1;
    return &r->entry[r->entries++];
}

/* The last call did not come about: it is none of the step's. */
static void strike_out(tr_recording *r)
{
    record_entry *e = &r->entry[--r->entries];
    core_free(e->items);
    core_free(e->item_place);
}

static void turn(record_entry *e, core_object *owner, autograd_knob *knob)
{
    if (owner) core_keep(owner);
    e->owner = owner;
    e->knob = knob;
}

/* A step is recorded on the device of its first call. */
static bool runs_at(tr_recording *r, const kernel_call *call, tr_device at)
{
    if (!r->device) {
        r->device = core_device_of(at);
        r->at = at;
    }
    if (r->at.type == at.type && r->at.index == at.index) return r->device != NULL;
    core_fail("%s: on %s, in a step that is recorded on %s", kernel_name(call->kernel), tr_device_name(at), tr_device_name(r->at));
    return false;
}

static bool touch_views(tr_recording *r, record_entry *e, const tr_tensor *const view[KERNEL_VIEWS])
{
    int64_t at = r->entries - 1;
    unsigned writes = kernel_writes(e->call.kernel);
    if (kernel_adds(&e->call) && !touch(r, at, view[0], e->call.at[0], false, &e->place[0])) return false;
    for (int pass = 0; pass < 2; pass++) /* what is read first: an output in place has been read */
        for (int v = 0; v < KERNEL_VIEWS; v++)
            if (view[v] && (writes >> v & 1) == (unsigned)pass && !touch(r, at, view[v], e->call.at[v], pass, &e->place[v])) return false;
    return true;
}

static bool note(tr_recording *r, kernel_call *call, const tr_tensor *const view[KERNEL_VIEWS], core_object *owner, autograd_knob *knob)
{
    kernel_fn *kernel = runs_at(r, call, core_device_at(view[0])) ? kernel_find(core_device_at(view[0]), call) : NULL;
    record_entry *e = kernel ? new_entry(r) : NULL;
    if (!e) return false;
    for (int v = 0; v < KERNEL_VIEWS; v++)
        if (!view[v]) call->at[v] = NULL;
    e->call = *call;
    e->kernel = kernel;
    if (!touch_views(r, e, view)) {
        strike_out(r);
        return false;
    }
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

static bool touch_items(tr_recording *r, record_entry *e, tr_tensor *const *tensor, const tr_tensor *beside)
{
    const kernel_call *call = &e->call;
    int64_t at = r->entries - 1, places = call->n * RECORD_ITEM_VIEWS;
    e->items = core_alloc(call->n * (int64_t)sizeof *e->items, "tr_record");
    e->item_place = core_alloc(places * (int64_t)sizeof *e->item_place, "tr_record");
    if (!e->items || !e->item_place) return false;
    memcpy(e->items, call->at[0], (size_t)call->n * sizeof *e->items);
    for (int64_t i = 0; i < places; i++) {
        e->item_place[i].memory = -1;
        bool gradient = i % RECORD_ITEM_VIEWS == RECORD_ITEM_VIEWS - 1;
        if (tensor[i] && (!touch(r, at, tensor[i], tensor[i]->data, false, &e->item_place[i]) || (!gradient && !touch(r, at, tensor[i], tensor[i]->data, true, &e->item_place[i])))) return false;
    }
    return !beside || touch(r, at, beside, call->at[1], kernel_writes(call->kernel) >> 1 & 1, &e->place[1]);
}

int autograd_run_items(kernel_call *call, tr_device device, tr_tensor *const *tensor, const tr_tensor *beside, core_object *owner, autograd_knob *knob)
{
    tr_recording *r = core_here()->recorder;
    kernel_fn *kernel = runs_at(r, call, device) ? kernel_find(device, call) : NULL;
    record_entry *e = kernel ? new_entry(r) : NULL;
    if (!e) return -1;
    e->call = *call;
    e->kernel = kernel;
    if (!touch_items(r, e, tensor, beside)) {
        strike_out(r);
        return -1;
    }
    turn(e, owner, knob);
    return run(device, call);
}

/* `how` may be NULL. */
static int note_call(int (*f)(void *data), const tr_graph_call_ *how, void *data)
{
    record_entry *e = new_entry(core_here()->recorder);
    if (!e) {
        if (how) how->dropped(data);
        return -1;
    }
    e->f = f;
    e->data = data;
    e->how = how;
    bool before = autograd_record_pause();
    int status = f(data);
    autograd_record_resume(before);
    return status;
}

int(tr_record_call)(int (*f)(void *data), void *data)
{
    if (!f) return core_null_status("tr_record_call");
    return core_here()->recorder ? note_call(f, NULL, data) : f(data);
}

int tr_record_graph_call_(const tr_graph_call_ *how, void *data)
{
    if (core_here()->recorder) return note_call(how->call, how, data);
    int status = how->call(data);
    how->dropped(data);
    return status;
}
