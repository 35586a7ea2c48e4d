/* What all schedulers share. */
#include "nn/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/fail.h"
#include "nn/manifest.h"

static void scheduler_destroy(core_object *object)
{
    tr_scheduler *s = (tr_scheduler *)object;
    tr_optim_drop(s->optim);
    core_free((void *)(uintptr_t)s->milestones.step);
    core_free(s);
}

static const core_class scheduler_class = {"scheduler", scheduler_destroy};

/* Where somebody else has changed the rate since, another scheduler or the program, it moves by the part that the formula
 * moves by, as PyTorch's do that go from rate to rate.  From a formula's zero, which has no such part, by what is added; to
 * the first from `base`, which the optimiser's first scheduler found. */
static double chained(tr_scheduler *s, double lr)
{
    bool first = isnan(s->set);
    double stands = tr_learning_rate(s->optim);
    s->shared |= s->chains && stands != (first ? s->base : s->set);
    if (!s->shared) return lr;
    double begins = first ? s->base : s->at(s, s->t).lr, from = begins - s->eta_min;
    return from != 0 ? s->eta_min + (stands - s->eta_min) * ((lr - s->eta_min) / from) : stands + (lr - begins);
}

/* The rate for step t; all is as it was if there is none. */
static int go_to(tr_scheduler *s, int64_t t)
{
    if (t < 0 || t > s->last) return core_fail_status("%s: step %lld is none of the %lld that it was made for", s->function, (long long)t, (long long)s->last);
    nn_setting now = s->at(s, t);
    if (!nn_not_negative(now.lr)) return core_fail_status("%s: the learning rate for step %lld would be %g", s->function, (long long)t, now.lr);
    s->optim->rule.number[0] = s->set = chained(s, now.lr);
    if (!isnan(now.momentum)) s->optim->rule.number[1] = now.momentum;
    s->t = t;
    return 0;
}

tr_scheduler *nn_scheduler_new(tr_optim *o, const tr_scheduler *made)
{
    if (!o) return core_null(made->function);
    tr_scheduler *s = core_alloc(sizeof *s, made->function);
    if (!s) return NULL;
    *s = *made;
    if (isnan(o->initial)) o->initial = tr_learning_rate(o);
    s->base = o->initial;
    s->set = NAN;
    if (!s->last) s->last = INT64_MAX;
    s->optim = tr_optim_keep(o);
    s->milestones = (tr_milestones){NULL, 0};
    if (made->milestones.count) {
        int64_t bytes = made->milestones.count * (int64_t)sizeof(int64_t);
        int64_t *step = core_alloc(bytes, made->function);
        if (!step) return scheduler_destroy(&s->object), NULL;
        for (int64_t i = 0; i < made->milestones.count; i++) step[i] = made->milestones.step[i];
        s->milestones = (tr_milestones){step, made->milestones.count};
    }
    if (!(s = core_object_begin(&s->object, &scheduler_class))) return NULL;
    return go_to(s, 0) < 0 ? NULL : s;
}

int(tr_scheduler_step)(tr_scheduler *s)
{
    if (!s) return core_null_status("tr_scheduler_step");
    return go_to(s, s->t < INT64_MAX ? s->t + 1 : s->t);
}

int64_t tr_scheduler_state(const tr_scheduler *s) { return s ? s->t : -1; }

int(tr_scheduler_set_state)(tr_scheduler *s, int64_t steps)
{
    if (!s) return core_null_status("tr_scheduler_set_state");
    if (steps < 0) return core_fail_status("tr_scheduler_set_state: there is no step %lld", (long long)steps);
    return go_to(s, steps);
}

/* ---- checkpoints ---- */

const char *nn_scheduler_text(const tr_scheduler *s)
{
    char base[NN_NUMBER_ROOM], set[NN_NUMBER_ROOM];
    return core_text("%s %lld %s %s %d", s->function, (long long)s->t, nn_number_text(s->base, base), nn_number_text(s->set, set), s->shared);
}

bool nn_scheduler_read(const tr_scheduler *s, const char *text, nn_scheduler_place *place)
{
    size_t name = strlen(s->function);
    if (strncmp(text, s->function, name) != 0 || text[name] != ' ' || text[name + 1] < '0' || text[name + 1] > '9') return false;
    char *end;
    errno = 0;
    place->t = strtoll(text + name + 1, &end, 10);
    if (errno || *end != ' ' || place->t > s->last) return false;
    const char *at = end + 1;
    if (!nn_number_read(&at, &place->base) || !nn_not_negative(place->base)) return false;
    if (!nn_number_read(&at, &place->set) || (!isnan(place->set) && !nn_not_negative(place->set))) return false;
    place->shared = *at == '1';
    tr_scheduler there = *s;
    there.base = place->base;
    return (*at == '0' || *at == '1') && !at[1] && nn_not_negative(s->at(&there, place->t).lr);
}

void nn_scheduler_put(tr_scheduler *s, const nn_scheduler_place *place)
{
    s->t = place->t;
    s->base = place->base;
    s->set = place->set;
    s->shared = place->shared;
    double momentum = s->at(s, s->t).momentum;
    if (!isnan(momentum)) s->optim->rule.number[1] = momentum;
}

/* ---- holding ---- */

tr_scheduler *tr_scheduler_keep(tr_scheduler *s)
{
    if (s) core_keep(&s->object);
    return s;
}

void tr_scheduler_drop(tr_scheduler *s)
{
    if (s) core_release(&s->object);
}
