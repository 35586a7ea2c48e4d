/* Stochastic gradient descent, all parameters in one kernel call.
 *
 *     g = grad + weight_decay p,  v = g first, momentum v + (1 - dampening) g later,  p = p - lr (v, or g + momentum v) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernels/kernels.h"
#include "nn/optim.h"

static void optim_destroy(core_object *object)
{
    tr_optim *o = (tr_optim *)object;
    for (int64_t i = 0; i < o->count; i++) {
        if (o->parameter) core_drop_tensor(o->parameter[i]);
        if (o->momentum) core_drop_tensor(o->momentum[i]);
    }
    core_free(o->parameter);
    core_free(o->momentum);
    core_free(o->first);
    core_free(o->items);
    core_free(o);
}

static const core_class optim_class = {"optimiser", optim_destroy};

static bool number_ok(double x) { return x >= 0 && isfinite(x); }

static int check(tr_tensors parameters, const tr_sgd_options *o)
{
    if (!number_ok(o->lr) || !number_ok(o->momentum) || !number_ok(o->weight_decay) || !isfinite(o->dampening))
        return core_fail_status("tr_sgd: lr %g, momentum %g, dampening %g, weight decay %g: all must be finite and not negative", o->lr, o->momentum, o->dampening, o->weight_decay);
    if (o->nesterov && (o->momentum == 0 || o->dampening != 0)) return core_fail_status("tr_sgd: Nesterov needs a momentum and no dampening");
    if (parameters.count < 1 || !parameters.tensor) return core_null_status("tr_sgd: the list of parameters");
    for (int64_t i = 0; i < parameters.count; i++) {
        const tr_tensor *p = parameters.tensor[i];
        if (!p) return core_null_status("tr_sgd");
        for (int64_t j = 0; j < i; j++)
            if (p == parameters.tensor[j]) return core_fail_status("tr_sgd: parameters %lld and %lld are one tensor", (long long)j, (long long)i);
        if (p->origin) return core_fail_status("tr_sgd: parameter %lld is the result of %s; only leaves can be optimised", (long long)i, p->origin->name);
        if (!core_row_major_tensor(p)) return core_fail_status("tr_sgd: parameter %lld, %s, is not contiguous", (long long)i, core_show(p));
        kernel_call nothing = {.kernel = KERNEL_SGD, .type = p->dtype};
        if (kernel_run(core_device_at(p), &nothing) < 0) return -1; /* a type that is not served is an error now, not in the middle of a step */
    }
    return 0;
}

tr_optim *(tr_sgd)(tr_tensors parameters, tr_sgd_options options)
{
    if (check(parameters, &options) < 0) return NULL;
    tr_optim *o = core_alloc(sizeof *o, "tr_sgd");
    if (!o) return NULL;
    o->kind = "SGD";
    o->sgd = options;
    o->lr = options.lr != 0 ? options.lr : 1e-3;
    o->count = parameters.count;
    int64_t bytes = o->count * (int64_t)sizeof(tr_tensor *);
    o->parameter = core_alloc(bytes, "tr_sgd");
    o->momentum = core_alloc(bytes, "tr_sgd");
    o->first = core_alloc(2 * o->count * (int64_t)sizeof(bool), "tr_sgd");
    o->items = core_alloc(o->count * (int64_t)sizeof(kernel_sgd_item), "tr_sgd");
    if (!o->parameter || !o->momentum || !o->first || !o->items) {
        optim_destroy(&o->object);
        return NULL;
    }
    o->done = o->first + o->count;
    for (int64_t i = 0; i < o->count; i++) o->parameter[i] = core_keep_tensor(parameters.tensor[i]);
    return core_object_begin(&o->object, &optim_class);
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

/* One call for all parameters alike in type and device with `like`, and in whether this is their first step. */
static int step_alike(tr_optim *o, const tr_tensor *like, bool is_first)
{
    kernel_sgd_item *item = o->items;
    kernel_call call = {.kernel = KERNEL_SGD, .type = like->dtype, .at = {item}, .number = {o->lr, o->sgd.momentum, o->sgd.dampening, o->sgd.weight_decay}};
    call.flags = (o->sgd.nesterov ? KERNEL_SGD_NESTEROV : 0u) | (o->sgd.maximize ? KERNEL_SGD_MAXIMIZE : 0u) | (is_first ? KERNEL_SGD_FIRST : 0u);
    for (int64_t i = 0; i < o->count; i++) {
        tr_tensor *p = o->parameter[i];
        if (!p->grad || o->first[i] != is_first || p->dtype != like->dtype || !core_same_device(p, like)) continue;
        item[call.n++] = (kernel_sgd_item){p->data, o->momentum[i] ? o->momentum[i]->data : NULL, p->grad->data, p->numel};
        core_written(p);
    }
    return call.n ? kernel_run(core_device_at(like), &call) : 0;
}

/* What parameter i needs for a step: a dense gradient, and a momentum where one is asked for. */
static int prepare(tr_optim *o, int64_t i)
{
    tr_tensor *p = o->parameter[i];
    if (!core_row_major_tensor(p->grad)) { /* the program set it so */
        tr_tensor *dense = (tr_clone)(p->grad);
        if (!dense || (tr_set_grad)(p, dense) < 0) return -1;
    }
    if (o->sgd.momentum == 0 || o->momentum[i]) return 0;
    o->momentum[i] = core_keep_tensor(core_tensor_new((tr_dtype)p->dtype, core_device_at(p), &p->shape, "tr_step"));
    return o->momentum[i] ? 0 : -1;
}

/* Everything that can fail comes before the first number changes. */
static int prepare_all(tr_optim *o)
{
    int status = 0;
    for (int64_t i = 0; i < o->count; i++) {
        o->first[i] = !o->momentum[i];
        o->done[i] = !o->parameter[i]->grad;
        if (!o->done[i] && status == 0) status = prepare(o, i);
    }
    for (int64_t i = 0; i < o->count && status < 0; i++) {
        if (!o->first[i]) continue; /* made a moment ago it holds nothing: the next try begins again */
        core_drop_tensor(o->momentum[i]);
        o->momentum[i] = NULL;
    }
    return status;
}

int(tr_step)(tr_optim *o)
{
    if (!o) return core_null_status("tr_step");
    if (tr_error_stands()) return -1; /* never step on what went wrong */
    bool before = tr_set_grad_enabled(false);
    int depth = tr_scope_open();
    int status = prepare_all(o);
    for (int64_t i = 0; i < o->count && status == 0; i++) {
        const tr_tensor *like = o->parameter[i];
        if (o->done[i]) continue;
        status = step_alike(o, like, true);
        if (status == 0) status = step_alike(o, like, false);
        for (int64_t j = i; j < o->count; j++) o->done[j] |= o->parameter[j]->dtype == like->dtype && core_same_device(o->parameter[j], like);
    }
    tr_scope_close(depth);
    tr_set_grad_enabled(before);
    return status;
}

void tr_zero_grad(tr_optim *o)
{
    for (int64_t i = 0; o && i < o->count; i++) (tr_set_grad)(o->parameter[i], NULL);
}

double tr_learning_rate(const tr_optim *o) { return o ? o->lr : NAN; }

int(tr_set_learning_rate)(tr_optim *o, double lr)
{
    if (!o) return core_null_status("tr_set_learning_rate");
    if (!number_ok(lr)) return core_fail_status("tr_set_learning_rate: %g", lr);
    o->lr = lr;
    return 0;
}

bool tr_optim_state(tr_optim *o, int64_t i, const char **name, tr_tensor **t)
{
    for (int64_t at = 0; o && at < o->count; at++)
        if (o->momentum[at] && i-- == 0) {
            snprintf(o->name, sizeof o->name, "momentum.%lld", (long long)at);
            if (name) *name = o->name;
            if (t) *t = o->momentum[at];
            return true;
        }
    return false;
}

int64_t nn_optim_state_at(const tr_optim *o, const char *name)
{
    long long i = strncmp(name, "momentum.", 9) == 0 ? strtoll(name + 9, NULL, 10) : -1;
    char only[32];
    snprintf(only, sizeof only, "momentum.%lld", i);
    if (o->sgd.momentum != 0 && i >= 0 && i < o->count && strcmp(name, only) == 0) return i;
    return core_fail_status("%s with momentum %g over %lld parameters has no \"%s\"", o->kind, o->sgd.momentum, (long long)o->count, name);
}

int(tr_optim_set_state)(tr_optim *o, const char *name, tr_tensor *t)
{
    if (!o || !name) return core_null_status("tr_optim_set_state");
    int64_t i = nn_optim_state_at(o, name);
    if (i < 0) return -1;
    if (!t) return 0;
    const tr_tensor *p = o->parameter[i];
    if (!core_same_shape(&t->shape, &p->shape) || t->dtype != p->dtype || !core_same_device(t, p) || !core_row_major_tensor(t))
        return core_fail_status("tr_optim_set_state: \"%s\" is %s, but its parameter is %s", name, core_show(t), core_show(p));
    core_keep_tensor(t);
    core_drop_tensor(o->momentum[i]);
    o->momentum[i] = t;
    return 0;
}
