/* Recordings as programs hold them: begun, kept, dropped.  What a step does in between is noted in record_note.c, and made
 * ready for replays in record_end.c. */
#include "autograd/recording.h"

#include "core/memory.h"

void tr_not_recorded_(const char *function, const char *why) { core_not_recorded(function, why); }
bool tr_is_recording(void) { return core_here()->recorder != NULL; }

bool autograd_record_pause(void)
{
    bool before = core_here()->recording;
    core_here()->recording = false;
    return before;
}

void autograd_record_resume(bool before) { core_here()->recording = before && core_here()->recorder; /* which may have ended meanwhile */ }

void record_forget_table(tr_recording *r)
{
    core_free(r->table);
    r->table = NULL;
    r->table_room = 0;
}

void record_hold(record_memory *m)
{
    m->storage->kind &= (uint8_t)~CORE_RECORDED;
    m->storage->count++;
}

void record_let_go(record_memory *m)
{
    if (m->storage && m->storage->kind & CORE_RECORDED) record_hold(m);
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
        if (r->entry[i].how) r->entry[i].how->dropped(r->entry[i].data);
    }
    for (int64_t i = 0; i < r->memories; i++) record_let_go(&r->memory[i]);
    for (int64_t i = 0; i < r->inputs; i++) core_drop_tensor(r->input[i]);
    record_forget_gradients(r);
    record_forget_parts(r);
    if (r->arena) r->device->give(r->at.index, r->arena, r->arena_capacity);
    record_forget_table(r);
    core_free(r->entry);
    core_free(r->memory);
    core_free(r->slot);
    core_free(r->fixed);
    core_free(r->written);
    core_free(r->input);
    core_free(r->input_written);
    core_free(r->input_held);
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
        const tr_tensor *x = options.inputs.tensor ? options.inputs.tensor[i] : NULL;
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
    here->unrecorded = NULL;
    *recording = r;
    return 0;
}
