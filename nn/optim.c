/* What all optimisers share.  A step is one kernel call for all parameters alike in type and device; everything that
 * can fail comes before the first number changes. */
#include "nn/optim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/scope.h"
#include "core/watch.h"
#include "kernels/run.h"

/* ---- making ---- */

static void optim_destroy(core_object *object)
{
    tr_optim *o = (tr_optim *)object;
    for (int64_t i = 0; o->parameter && i < o->count; i++) core_drop_tensor(o->parameter[i]);
    for (int64_t at = 0; o->state && at < NN_OPTIM_STATES * o->count; at++) core_drop_tensor(o->state[at]);
    core_free(o->parameter);
    core_free(o->state);
    core_free(o->made);
    core_free(o->items);
    core_free(o);
}

static const core_class optim_class = {"optimiser", optim_destroy};

double nn_option(double given, double normally) { return given == 0 ? normally : given == TR_ZERO ? 0
                                                                                                  : given; }

static int check(tr_tensors parameters, const nn_optim_rule *rule)
{
    const char *f = rule->function;
    if (parameters.count < 1 || !parameters.tensor) return core_fail_status("%s: the list of parameters is empty", f);
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i];
        if (!p) return core_null_status(f);
        for (int64_t j = 0; j < i; j++)
            if (p == parameters.tensor[j]) return core_fail_status("%s: parameters %lld and %lld are one tensor", f, (long long)j, (long long)i);
        if (p->origin) return core_fail_status("%s: parameter %lld is the result of %s; only leaves can be optimised", f, (long long)i, p->origin->name);
        if (!core_row_major_tensor(p)) return core_fail_status("%s: parameter %lld, %s, is not contiguous", f, (long long)i, core_show(p));
        CORE_TOLD_AS(f);
        kernel_call nothing = {.kernel = (uint16_t)rule->kernel, .type = p->dtype};
        if (!kernel_find(core_device_at(p), &nothing)) return -1; /* a type that is not served is an error now, not in the middle of a step */
    }
    return 0;
}

tr_optim *nn_optim_new(tr_tensors parameters, const nn_optim_rule *rule)
{
    if (check(parameters, rule) < 0) return NULL;
    tr_optim *o = core_alloc(sizeof *o, rule->function);
    if (!o) return NULL;
    o->rule = *rule;
    o->initial = NAN;
    o->count = parameters.count;
    for (int s = 0; s < NN_OPTIM_STATES; s++) o->has_states |= rule->state[s] != NULL;
    int64_t bytes = o->count * (int64_t)sizeof(tr_tensor *);
    o->parameter = core_alloc(bytes, rule->function);
    o->state = core_alloc(NN_OPTIM_STATES * bytes, rule->function);
    o->made = core_alloc(NN_OPTIM_STATES * bytes, rule->function);
    o->items = core_alloc(o->count * (int64_t)sizeof *o->items, rule->function);
    if (!o->parameter || !o->state || !o->made || !o->items) {
        optim_destroy(&o->object);
        return NULL;
    }
    for (int64_t i = 0; i < o->count; i++) o->parameter[i] = core_keep_tensor(parameters.tensor[i]);
    return core_object_begin(&o->object, &optim_class);
}

tr_optim *(tr_optim_like)(tr_optim *o, tr_tensors parameters)
{
    if (!o) return core_null("tr_optim_like");
    CORE_TOLD_AS("tr_optim_like");
    tr_optim *other = nn_optim_new(parameters, &o->rule);
    if (other) other->like = o;
    return other;
}

tr_optim *tr_optim_keep(tr_optim *o)
{
    if (o) core_keep(&o->object);
    return o;
}

void tr_optim_drop(tr_optim *o)
{
    if (o) core_release(&o->object);
}

/* ---- a step ---- */

/* What o->state[at] looks like. */
static tr_shape shape_at(const tr_optim *o, int64_t at) { return at / o->count == NN_OPTIM_STEP ? (tr_shape){0} : o->parameter[at % o->count]->shape; }
static tr_dtype dtype_at(const tr_optim *o, int64_t at) { return at / o->count == NN_OPTIM_STEP ? TR_INT64 : (tr_dtype)o->parameter[at % o->count]->dtype; }
static tr_device device_at(const tr_optim *o, int64_t at) { return at / o->count == NN_OPTIM_STEP && !o->skips ? tr_cpu() : core_device_at(o->parameter[at % o->count]); }

/* A formula that asks for no count, but for whether it is the first step; which the host does not know where steps are skipped. */
static bool counts_for_itself(const tr_optim *o) { return o->skips && o->rule.kernel == KERNEL_SGD && o->rule.state[0]; }

static bool has_state(const tr_optim *o, int64_t at) { return o->rule.state[at / o->count] || (at / o->count == NN_OPTIM_STEP && counts_for_itself(o)); }

/* What it begins with.  A momentum that was there before has been through a step. */
static double start_at(const tr_optim *o, int64_t at)
{
    if (at / o->count != NN_OPTIM_STEP) return o->rule.start;
    return counts_for_itself(o) && !o->made[at % o->count] ? 1 : 0;
}

int nn_dense_gradient(tr_tensor *t)
{
    if (core_here()->recording && autograd_record_gradient(t, true) < 0) return -1;
    if (core_row_major_tensor(t->grad)) return 0;
    tr_tensor *dense = (tr_clone)(t->grad);
    return dense ? (tr_set_grad)(t, dense) : -1;
}

bool nn_first_alike(tr_tensor *const *tensor, int64_t i)
{
    for (int64_t j = 0; j < i; j++)
        if (tensor[j]->grad && nn_alike(tensor[j], tensor[i])) return false;
    return true;
}

static bool is_at(const tr_tensor *t, tr_device at) { return t->storage->at.type == at.type && t->storage->at.index == at.index; }

/* State follows a parameter that went to another device. */
static int follow(tr_optim *o, int64_t at)
{
    if (is_at(o->state[at], device_at(o, at))) return 0;
    tr_tensor *there = (tr_to_device)(o->state[at], device_at(o, at));
    if (!there) return -1;
    nn_optim_put(o, at, there);
    return 0;
}

/* In o->made the tensors that are missing. */
static int prepare(tr_optim *o)
{
    memset(o->made, 0, (size_t)(NN_OPTIM_STATES * o->count) * sizeof(tr_tensor *));
    for (int64_t at = 0; at < NN_OPTIM_STATES * o->count; at++) {
        tr_tensor *p = o->parameter[at % o->count];
        if (!p->grad) continue;
        if (o->state[at] && follow(o, at) < 0) return -1;
        if (!has_state(o, at) || o->state[at]) continue;
        tr_shape shape = shape_at(o, at);
        o->made[at] = core_tensor_new(dtype_at(o, at), device_at(o, at), &shape, "tr_step");
        if (!o->made[at] || !(tr_fill_)(o->made[at], start_at(o, at))) return -1;
    }
    return 0;
}

/* Counts the step of parameter i, if there is one and the host knows; `item` is told where and how. */
static void count_step(const tr_optim *o, int64_t i, kernel_optim_item *item, bool skipped)
{
    tr_tensor *t = o->state[NN_OPTIM_STEP * o->count + i];
    item->count = NULL;
    item->step = 0;
    if (!t) return;
    core_written(t);
    if (t->device) {
        item->count = t->data;
        return;
    }
    if (!skipped) ++*(int64_t *)t->data;
    item->step = *(const int64_t *)t->data;
    if (counts_for_itself(o)) item->first = item->step == 1;
}

/* Does a call on these tensors' device do nothing?  Where the host does not know, the device looks. */
static bool is_skipped(const kernel_call *call, const tr_tensor *like) { return call->at[1] && !like->device && *(const double *)call->at[1] != 0; }

/* In a replay: today's numbers, and one step further.  Items stand in the order of their parameters. */
static int count_replayed(core_object *object, kernel_call *call)
{
    tr_optim *o = (tr_optim *)object;
    memcpy(call->number, o->rule.number, sizeof o->rule.number);
    kernel_optim_item *item = call->at[0];
    int64_t k = 0;
    for (int64_t i = 0; i < o->count && k < call->n; i++) {
        if (o->parameter[i]->data != item[k].parameter) continue;
        for (int s = 0; s < KERNEL_OPTIM_STATES; s++) {
            const tr_tensor *state = o->state[s * o->count + i];
            if ((state ? state->data : NULL) != item[k].state[s]) return core_fail_status("tr_replay: the optimiser's state was replaced since the step was recorded; record it again");
        }
        const tr_tensor *steps = o->state[NN_OPTIM_STEP * o->count + i];
        if ((steps && steps->device ? steps->data : NULL) != item[k].count) return core_fail_status("tr_replay: the optimiser counts its steps elsewhere since the step was recorded; record it again");
        count_step(o, i, &item[k++], is_skipped(call, o->parameter[i]));
    }
    return k == call->n ? 0 : core_fail_status("tr_replay: a parameter has other memory than when the step was recorded; record it again");
}

static int run_recorded(tr_optim *o, kernel_call *call, const tr_tensor *like, const tr_tensor *skip)
{
    enum { EACH = 2 + KERNEL_OPTIM_STATES };
    tr_tensor **tensor = core_alloc(call->n * EACH * (int64_t)sizeof(tr_tensor *), "tr_step"), **next = tensor;
    if (!tensor) return -1;
    for (int64_t i = 0; i < o->count; i++) {
        tr_tensor *p = o->parameter[i];
        if (!p->grad || !nn_alike(p, like)) continue;
        *next++ = p;
        for (int s = 0; s < KERNEL_OPTIM_STATES; s++) *next++ = o->state[s * o->count + i];
        *next++ = p->grad;
    }
    int status = autograd_run_items(call, core_device_at(like), tensor, skip, &o->object, count_replayed);
    core_free(tensor);
    return status;
}

/* What parameter i has beside it. */
static void add_states(const tr_optim *o, int64_t i, kernel_optim_item *item, bool skipped)
{
    item->first = o->made[i];
    for (int s = 0; s < KERNEL_OPTIM_STATES; s++) {
        tr_tensor *state = o->state[s * o->count + i];
        if (!state) continue;
        item->state[s] = state->data;
        core_written(state);
    }
    count_step(o, i, item, skipped);
}

/* One call for all parameters like this one; how many they are, or -1. */
static int64_t step_alike(tr_optim *o, const tr_tensor *like, tr_tensor *skip)
{
    if (skip && !core_same_device(skip, like) && !(skip = (tr_to_device)(skip, core_device_at(like)))) return -1;
    kernel_call call; /* sizes and strides mean nothing in it */
    call.kernel = (uint16_t)o->rule.kernel;
    call.type = call.from = like->dtype;
    call.form = call.ones = call.ndim = call.split = 0;
    call.flags = o->rule.flags;
    call.n = 0;
    memset(call.at, 0, sizeof call.at);
    call.at[0] = o->items;
    call.at[1] = skip ? skip->data : NULL;
    memcpy(call.number, o->rule.number, sizeof o->rule.number);
    const bool skipped = is_skipped(&call, like);
    for (int64_t i = 0; i < o->count; i++) {
        tr_tensor *p = o->parameter[i];
        if (!p->grad || !nn_alike(p, like)) continue;
        kernel_optim_item *item = &o->items[call.n++];
        *item = (kernel_optim_item){.parameter = p->data, .gradient = p->grad->data, .n = p->numel};
        if (o->has_states) add_states(o, i, item, skipped);
        core_written(p);
    }
    int status = core_here()->recording ? run_recorded(o, &call, like, skip)
                 : like->device         ? kernel_run(core_device_at(like), &call)
                                        : kernel_run_on_cpu(&call);
    return status < 0 ? -1 : call.n;
}

/* Every parameter with a gradient gets the states of its first step. */
static int bring_states(tr_optim *o)
{
    bool recording = autograd_record_pause(); /* state is made once */
    int prepared = prepare(o);
    autograd_record_resume(recording);
    if (prepared < 0) return -1;
    for (int64_t at = 0; at < NN_OPTIM_STATES * o->count; at++)
        if (o->made[at]) nn_optim_put(o, at, o->made[at]);
    return 0;
}

static int step(tr_optim *o, tr_tensor *skip)
{
    const bool recording = core_here()->recording;
    int64_t left = 0;
    for (int64_t i = 0; i < o->count; i++) {
        tr_tensor *p = o->parameter[i];
        if (!p->grad) continue;
        bool dense = core_row_major_tensor(p->grad) && !recording;
        if (!dense && nn_dense_gradient(p) < 0) return -1;
        left++;
    }
    if (o->has_states && bring_states(o) < 0) return -1;
    for (int64_t i = 0; left; i++) {
        if (!o->parameter[i]->grad || !nn_first_alike(o->parameter, i)) continue;
        int64_t done = step_alike(o, o->parameter[i], skip);
        if (done < 0) return -1;
        left -= done;
    }
    return 0;
}

int nn_step_unless(tr_optim *o, tr_tensor *skip)
{
    core_thread *here = core_here();
    if (here->failure.stands) return -1; /* never step on what went wrong */
    CORE_SPAN(TRACE_OPTIMISER, o->rule.name);
    bool off = here->grad_off;
    here->grad_off = true;
    int depth = core_scope_open(here);
    o->skips |= skip != NULL;
    int status = step(o, skip);
    core_scope_close(here, depth);
    here->grad_off = off;
    return status;
}

int(tr_step)(tr_optim *o) { return o ? nn_step_unless(o, NULL) : core_null_status("tr_step"); }

void tr_zero_grad(tr_optim *o)
{
    for (int64_t i = 0; o && i < o->count; i++) {
        core_drop_tensor(o->parameter[i]->grad);
        o->parameter[i]->grad = NULL;
    }
}

double tr_learning_rate(const tr_optim *o) { return o ? o->rule.number[0] : NAN; }

int(tr_set_learning_rate)(tr_optim *o, double lr)
{
    if (!o) return core_null_status("tr_set_learning_rate");
    if (!nn_not_negative(lr)) return core_fail_status("tr_set_learning_rate: %g", lr);
    o->rule.number[0] = lr;
    return 0;
}

/* ---- its own tensors ---- */

const char *tr_optim_state_kind(const tr_optim *o, int64_t i)
{
    for (int s = 0; o && s < NN_OPTIM_STATES; s++)
        if (o->rule.state[s] && i-- == 0) return o->rule.state[s];
    return NULL;
}

bool tr_optim_state(tr_optim *o, int64_t i, const char **name, tr_tensor **t)
{
    for (int64_t at = 0; o && at < NN_OPTIM_STATES * o->count; at++) {
        if (!o->state[at] || !o->rule.state[at / o->count] || i-- != 0) continue;
        snprintf(o->name, sizeof o->name, "%s.%lld", o->rule.state[at / o->count], (long long)(at % o->count));
        if (name) *name = o->name;
        if (t) *t = o->state[at];
        return true;
    }
    return false;
}

int nn_optim_began(const tr_optim *o, int64_t at)
{
    const tr_tensor *steps = o->state[NN_OPTIM_STEP * o->count + at % o->count];
    int64_t count;
    if (!steps || !counts_for_itself(o)) return 1;
    return core_receive(steps, &count, steps->data, sizeof count) < 0 ? -1 : count > 0;
}

int64_t nn_optim_state_at(const tr_optim *o, const char *name)
{
    const char *dot = strrchr(name, '.');
    long long i = dot ? strtoll(dot + 1, NULL, 10) : -1;
    for (int s = 0; s < NN_OPTIM_STATES && i >= 0 && i < o->count; s++) {
        char only[sizeof o->name];
        snprintf(only, sizeof only, "%s.%lld", o->rule.state[s] ? o->rule.state[s] : "", i);
        if (o->rule.state[s] && strcmp(name, only) == 0) return s * o->count + i;
    }
    return core_fail_status("%s, made with these options over %lld parameters, has no \"%s\"", o->rule.name, (long long)o->count, name);
}

tr_tensor *nn_optim_fit(const tr_optim *o, int64_t at, tr_tensor *t, const char *what, const char *name)
{
    tr_shape shape = shape_at(o, at);
    tr_device device = device_at(o, at);
    if (!core_same_shape(&t->shape, &shape) || t->dtype != dtype_at(o, at))
        return core_fail("%s: \"%s\" is %s, wanted %s %s", what, name, core_show(t), core_shape_text(&shape), tr_dtype_name(dtype_at(o, at)));
    if (!core_row_major_tensor(t) && !(t = (tr_clone)(t))) return NULL;
    if (at / o->count == NN_OPTIM_STEP) {
        if (!(t = (tr_to_device)(t, tr_cpu()))) return NULL;
        int64_t count = *(const int64_t *)t->data;
        if (count < 0 || count > INT64_MAX / 2) return core_fail("%s: \"%s\" is %lld, which is no number of steps", what, name, (long long)count);
    }
    return (tr_to_device)(t, device);
}

/* A handle that is there stays, with other memory: a recorded step sees that before it begins. */
void nn_optim_put(tr_optim *o, int64_t at, tr_tensor *t)
{
    if (o->state[at] == t) return;
    if (o->state[at] && t) {
        core_tensor_adopt(o->state[at], t);
        return;
    }
    core_keep_tensor(t);
    core_drop_tensor(o->state[at]);
    o->state[at] = t;
}

int(tr_optim_set_state)(tr_optim *o, const char *name, tr_tensor *t)
{
    if (!o || !name) return core_null_status("tr_optim_set_state");
    CORE_TOLD_AS("tr_optim_set_state");
    int64_t at = nn_optim_state_at(o, name);
    if (at < 0) return -1;
    if (!t) return 0;
    int depth = tr_scope_open();
    bool before = tr_set_grad_enabled(false);
    t = nn_optim_fit(o, at, t, "tr_optim_set_state", name);
    if (t) nn_optim_put(o, at, t);
    if (t && at < o->count && counts_for_itself(o)) nn_optim_put(o, NN_OPTIM_STEP * o->count + at, NULL); /* it has been through steps */
    tr_set_grad_enabled(before);
    tr_scope_close(depth);
    return t ? 0 : -1;
}
