/* Running a recorded step again. */
#include "autograd/recording.h"

#include <stdio.h>
#include "core/watch.h"
#include "kernels/cpu/parallel.h"
#include "kernels/watched.h"

/* ---- inputs ---- */

static bool alike(const tr_tensor *recorded, const tr_tensor *given)
{
    return given && given->dtype == recorded->dtype && core_same_shape(&given->shape, &recorded->shape) && core_same_device(given, recorded) && core_row_major_tensor(given);
}

static bool replaces_held(const tr_recording *r, int64_t i, const tr_tensor *given) { return r->input_held[i] && given->data != r->input[i]->data; }

bool tr_recording_fits(const tr_recording *r, tr_tensors inputs)
{
    if (!r || !r->complete || inputs.count != r->inputs || (r->inputs && !inputs.tensor)) return false;
    for (int64_t i = 0; i < r->inputs; i++)
        if (!alike(r->input[i], inputs.tensor[i]) || replaces_held(r, i, inputs.tensor[i])) return false;
    return true;
}

static int check_inputs(const tr_recording *r, tr_tensors inputs)
{
    if (inputs.count != r->inputs) return core_fail_status("tr_replay: %lld inputs, but %lld were recorded", (long long)inputs.count, (long long)r->inputs);
    for (int64_t i = 0; i < r->inputs; i++) {
        if (!inputs.tensor || !inputs.tensor[i]) return core_null_status("tr_replay");
        if (!alike(r->input[i], inputs.tensor[i]))
            return core_fail_status("tr_replay: input %lld is %s%s, but %s was recorded; run such a step as usual", (long long)i, core_show(inputs.tensor[i]),
                                    core_row_major_tensor(inputs.tensor[i]) ? "" : ", not contiguous", core_show(r->input[i]));
        if (replaces_held(r, i, inputs.tensor[i]))
            return core_fail_status("tr_replay: input %lld, %s, is an optimiser's parameter, gradient or state, and cannot be replaced by another tensor", (long long)i, core_show(r->input[i]));
    }
    return 0;
}

void record_bind(tr_recording *r, tr_tensor *const *input)
{
    for (int64_t i = 0; i < r->slots; i++) {
        const record_slot *s = &r->slot[i];
        r->entry[s->entry].call.at[s->view] = (char *)input[s->input]->data + s->offset;
    }
}

/* ---- what else may have changed ---- */

static int check_memory(const tr_recording *r)
{
    for (const record_fixed *f = r->fixed, *end = f + r->fixes; f < end; f++)
        if (f->handle->storage != f->storage)
            return core_fail_status("tr_replay: %s has other memory than when the step was recorded; record it again", core_show(f->handle));
    return 0;
}

/* A graph that saved what the step writes must notice. */
static void raise_versions(const tr_recording *r, tr_tensor *const *given)
{
    for (int64_t i = 0; i < r->writes; i++) r->written[i]->version++;
    for (int64_t k = 0; given && k < r->inputs; k++)
        if (r->input_written[k]) core_written(given[k]);
}

/* ---- running ---- */

typedef struct {
    record_entry *first;
    int64_t count;
} group;

/* Elements [from, to) of every call of the group, block by block. */
static void run_part(void *job, int64_t from, int64_t to)
{
    const group *g = job;
    int64_t bytes = core_dtype_bytes[g->first->call.type];
    for (int64_t i = from; i < to; i += RECORD_BLOCK)
        for (int64_t k = 0; k < g->count; k++) {
            const kernel_call *whole = &g->first[k].call;
            kernel_call part; /* of a flat call, kernels read no sizes or strides */
            part.kernel = whole->kernel;
            part.type = whole->type;
            part.from = whole->from;
            part.form = whole->form;
            part.ones = whole->ones;
            part.flags = whole->flags;
            part.n = to - i < RECORD_BLOCK ? to - i : RECORD_BLOCK;
            part.number[0] = whole->number[0];
            for (int v = 0; v < KERNEL_VIEWS; v++) {
                bool moves = whole->at[v] && !(whole->ones >> v & 1);
                part.at[v] = moves ? (char *)whole->at[v] + i * bytes : whole->at[v];
            }
            (void)g->first[k].kernel(&part); /* pointwise kernels meet nothing */
        }
}

/* Kernels that are called from now on run on the recording's device. */
static int enter(const tr_recording *r) { return r->at.type == TR_CPU ? 0 : r->device->enter(r->at.index); }

static int run_one(const tr_recording *r, record_entry *e)
{
    if (!e->kernel) {
        int status = e->f(e->data);
        return status < 0 ? status : enter(r); /* it may have been elsewhere */
    }
    if (e->knob && e->knob(e->owner, &e->call) < 0) return -1;
    return core_watched() ? kernel_run_watched(r->at, e->kernel, &e->call) : e->kernel(&e->call);
}

/* "relu_backward+mul" */
static uint32_t name_group(const group *g)
{
    char names[TRACE_NAME] = "";
    for (int64_t k = 0, used = 0; k < g->count && used < TRACE_NAME; k++)
        used += snprintf(names + used, (size_t)(TRACE_NAME - used), "%s%s", k ? "+" : "", kernel_name(g->first[k].call.kernel));
    return core_trace_name(names);
}

static void run_group(group *g)
{
    int64_t n = g->first->call.n;
    core_span span = {0};
    if (core_watched()) span = core_span_begin(TRACE_KERNEL, "joined");
    kernels_split(n, RECORD_BLOCK, n * g->count * 2, run_part, g);
    if (span.on & CORE_WATCH_TRACE)
        core_span_end_of(&span, &(trace_span){.name = name_group(g), .what = TRACE_ELEMENTS, .count = n});
    else
        core_span_end(&span);
}

/* One call, or the group that begins here; *e goes on to what follows. */
static int run_next(const tr_recording *r, record_entry **e)
{
    record_entry *first = *e;
    *e = first->group ? r->entry + first->group : first + 1;
    if (!first->group) return run_one(r, first);
    run_group(&(group){first, *e - first});
    return 0;
}

int record_run(const tr_recording *r, int64_t from, int64_t to)
{
    const bool watched = core_watched();
    int status = enter(r);
    for (record_entry *e = r->entry + from, *end = r->entry + to; e < end && status >= 0;) {
        if (e->plain && !watched) {
            status = e->kernel(&e->call);
            e++;
        } else {
            status = run_next(r, &e);
        }
    }
    return status < 0 ? status : 0;
}

int(tr_replay)(tr_recording *r, tr_replay_options options)
{
    if (!r) return core_null_status("tr_replay");
    core_thread *here = core_here();
    if (here->failure.stands) return -1;
    if (here->recorder) return core_fail_status("tr_replay: a step is being recorded");
    if (!r->complete) return core_fail_status("tr_replay: the recording is not complete: tr_record_end was not reached, or refused it");
    bool given = options.inputs.count > 0;
    if (given && check_inputs(r, options.inputs) < 0) return -1;
    if (check_memory(r) < 0 || record_bring_gradients(r) < 0) return -1;
    tr_tensor *const *inputs = given ? (tr_tensor *const *)options.inputs.tensor : NULL;
    raise_versions(r, inputs);
    CORE_SPAN(TRACE_REPLAY, "replay");
    if (r->at.type != TR_CPU) return record_replay_there(r, inputs);
    if (given || r->moved) record_bind(r, given ? inputs : r->input);
    r->moved = given;
    return record_run(r, 0, r->entries);
}
