/* Replays on a device that does many calls as a whole.
 *
 *     calls    copy  gemm  add  relu  f(data)  gemm ... sgd
 *     parts    [------ graph -------] [one by] [--- graph --]
 *
 * Neighbouring calls become one graph, in which the device does little ones, and those of elements, together
 * (KERNEL_TOGETHER).  Between graphs stands what the host does at its place: calls of the program's own, and what waits for a
 * value of the device.  Where all that stands between is what ranks do together the step may be one graph (replay_whole.c).
 * A learning rate, a step count or a place among counted random numbers decides nothing: the device reads it from memory that
 * is brought up to date before the graph.
 *
 * A graph's addresses are fixed.  Other inputs than the recorded ones are copied to a place of their own, and the calls are
 * captured once more, with that place; a step that writes into its inputs is not captured then.
 *
 * The first replay runs call by call, so that whatever a kernel makes when it first meets an address is made; the second one
 * captures.  Where that fails, as on a device that cannot, calls are run one by one from then on. */
#include "autograd/recording.h"

#include <trireme/error.h>
#include "core/memory.h"
#include "core/watch.h"

enum { LEAST = 2, /* calls in a graph: one alone is launched as quickly by itself */
       MOST_TOGETHER = 64 };

/* ---- inputs ---- */

static int64_t bytes_of(const tr_tensor *x) { return (x->numel * core_dtype_bytes[x->dtype] + 255) / 256 * 256; }

static bool are_recorded(const tr_recording *r, tr_tensor *const *given)
{
    for (int64_t k = 0; k < r->inputs; k++)
        if (given[k]->data != r->input[k]->data) return false;
    return true;
}

static bool writes_inputs(const tr_recording *r)
{
    for (int64_t k = 0; k < r->inputs; k++)
        if (r->input_written[k]) return true;
    return false;
}

static bool make_copies(tr_recording *r)
{
    int64_t bytes = 0;
    for (int64_t k = 0; k < r->inputs; k++) bytes += bytes_of(r->input[k]);
    if (!r->copies) r->copies = r->device->take(r->at.index, bytes, &r->copies_capacity, "tr_replay");
    return r->copies;
}

/* Of these, as many as the device does together. */
static kernel_call together_of(const kernel_call *const *calls, int64_t n)
{
    return (kernel_call){.kernel = KERNEL_TOGETHER, .type = TR_FLOAT32, .n = n, .at = {(void *)(uintptr_t)calls}};
}

static bool may_join(const tr_recording *r) { return !r->separate && kernel_serves(r->at, KERNEL_TOGETHER, TR_FLOAT32); }

/* As many calls at once as the device can. */
static int run_together(const tr_recording *r, const kernel_call *const *calls, int64_t n)
{
    const bool joins = may_join(r);
    for (int64_t i = 0; i < n;) {
        const kernel_call together = together_of(calls + i, n - i);
        const int done = joins ? kernel_run(r->at, &together) : 0;
        if (done < 0 || (done == 0 && kernel_run(r->at, calls[i]) < 0)) return -1;
        i += done ? done : 1;
    }
    return 0;
}

static int copy_inputs(const tr_recording *r, tr_tensor *const *given)
{
    enum { AT_ONCE = 8 };
    kernel_call copy[AT_ONCE];
    const kernel_call *calls[AT_ONCE];
    char *place = r->copies;
    int64_t n = 0;
    for (int64_t k = 0; k < r->inputs; place += bytes_of(r->input[k++])) {
        const tr_tensor *x = given[k];
        if (!x->numel) continue;
        if (n == AT_ONCE && run_together(r, calls, n) < 0) return -1;
        if (n == AT_ONCE) n = 0;
        copy[n] = (kernel_call){.kernel = KERNEL_COPY, .type = x->dtype, .from = x->dtype, .n = x->numel, .at = {place, x->data}};
        calls[n] = &copy[n];
        n++;
    }
    return run_together(r, calls, n);
}

static void bind_copies(tr_recording *r)
{
    for (int64_t i = 0; i < r->slots; i++) {
        const record_slot *s = &r->slot[i];
        char *place = r->copies;
        for (int32_t k = 0; k < s->input; k++) place += bytes_of(r->input[k]);
        r->entry[s->entry].call.at[s->view] = place + s->offset;
    }
}

/* ---- parts ---- */

bool record_capturable(const record_entry *e) { return e->kernel && (!e->knob || kernel_takes_numbers(e->call.kernel)); }

static int64_t end_of(const tr_recording *r, int64_t first)
{
    int64_t end = first + 1;
    while (end < r->entries && record_capturable(&r->entry[end]) == record_capturable(&r->entry[first])) end++;
    return end;
}

/* The kernels from here on, as many as the device does together: how many, or negative. */
static int ask_kernels(const record_part *p, int64_t first)
{
    const kernel_call *calls[MOST_TOGETHER];
    int64_t n = 0;
    for (int64_t i = first; i < p->end && p->entry[i].kernel && n < MOST_TOGETHER; i++) calls[n++] = &p->entry[i].call;
    const kernel_call together = together_of(calls, n);
    const int done = p->together ? p->together(&together) : 0;
    return done ? done : p->entry[first].kernel(calls[0]) < 0 ? -1
                                                              : 0;
}

static int ask(void *data)
{
    record_part *p = data;
    const bool tries = p->tries;
    p->joined = 0;
    p->tries = false;
    for (int64_t i = p->first; i < p->end;) {
        const record_entry *e = &p->entry[i];
        const int done = e->kernel ? ask_kernels(p, i) : e->how->ask(e->data, tries);
        if (done < 0) return -1;
        p->joined += done;
        i += done ? done : 1;
    }
    return tries ? 1 : 0;
}

static int renew(void *data)
{
    const record_part *p = data;
    for (int64_t i = p->first; i < p->end; i++) {
        record_entry *e = &p->entry[i];
        if (e->knob && (e->knob(e->owner, &e->call) < 0 || e->kernel(&e->call) < 0)) return -1;
    }
    return 0;
}

bool record_capture_part(tr_recording *r, record_part *p)
{
    const kernel_call together = together_of(NULL, 0);
    p->entry = r->entry;
    p->together = may_join(r) ? kernel_find(r->at, &together) : NULL;
    p->graph = r->device->graphs->capture(r->at.index, ask, p);
    if (!p->graph) return false;
    r->info.graphs++;
    r->info.joined += p->joined;
    return true;
}

/* What cannot be captured is no error: it stays without a graph. */
static bool make_parts(tr_recording *r, record_parts *all)
{
    int64_t count = 0;
    for (int64_t i = 0; i < r->entries; i = end_of(r, i)) count++;
    all->part = core_alloc((count + 1) * (int64_t)sizeof *all->part, "tr_replay");
    if (!all->part) return false;
    r->info.graphs = r->info.joined = 0;
    for (int64_t i = 0; i < r->entries; i = end_of(r, i)) {
        record_part *p = &all->part[all->count++];
        *p = (record_part){.first = (int32_t)i, .end = (int32_t)end_of(r, i)};
        if (!record_capturable(&r->entry[i]) || p->end - p->first < LEAST) continue;
        if (!record_capture_part(r, p)) tr_error_clear();
    }
    return true;
}

void record_forget_parts(tr_recording *r)
{
    for (int which = 0; which < RECORD_BINDINGS; which++) {
        record_parts *all = &r->parts[which];
        for (int64_t i = 0; i < all->count; i++)
            if (all->part[i].graph) r->device->graphs->forget(all->part[i].graph);
        core_free(all->part);
        record_forget_whole(&all->whole);
    }
    if (r->copies) r->device->give(r->at.index, r->copies, r->copies_capacity);
}

/* ---- running ---- */

int record_launch_part(const tr_recording *r, record_part *p)
{
    CORE_SPAN(TRACE_KERNEL, "graph");
    const core_there there = core_watched() ? core_there_begin(r->at) : (core_there){0};
    const int status = r->device->graphs->launch(p->graph, renew, p);
    core_there_end(&there, "graph", NULL, &(trace_span){0});
    return status;
}

static int run_parts(tr_recording *r, const record_parts *all)
{
    for (int64_t i = 0; i < all->count; i++) {
        record_part *p = &all->part[i];
        int status = p->graph ? record_launch_part(r, p) : record_run(r, p->first, p->end);
        if (status < 0) return status;
    }
    return 0;
}

int record_replay_there(tr_recording *r, tr_tensor *const *given)
{
    if (given && are_recorded(r, given)) given = NULL;
    const int binding = given != NULL;
    record_parts *all = &r->parts[binding];
    if (!r->device->graphs || (given && writes_inputs(r))) {
        record_bind(r, given ? given : r->input);
        r->bound = 0;
        return record_run(r, 0, r->entries);
    }
    if (given && (!make_copies(r) || copy_inputs(r, given) < 0)) return -1;
    if (r->bound != 1 + binding) given ? bind_copies(r) : record_bind(r, r->input);
    r->bound = 1 + binding;
    if (!all->warm) {
        all->warm = true;
        return record_run(r, 0, r->entries);
    }
    const int whole = record_replay_whole(r, all);
    if (whole) return whole < 0 ? -1 : 0;
    if (!all->part && !make_parts(r, all)) return -1;
    return run_parts(r, all);
}
