/* State that is shared out, and whole state: for checkpoints, which are to fit any number of ranks. */
#include "dist/check.h"
#include "dist/data_parallel.h"
#include "dist/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>

typedef dist_data_parallel data_parallel;

/* One kind of an optimiser's tensors, "exp_avg", by item. */
typedef struct {
    const char *kind;
    tr_tensor **of;  /* [items]: borrowed from the optimiser; NULL: it has none */
    int64_t *number; /* [2][items]: on how many ranks there is one; the sum of those that are a count */
} state;

/* Our parts are numbered as tr_shard_parameters() lists them, whole parameters as items. */
static void name_state(char *name, size_t bytes, const char *kind, int64_t i) { snprintf(name, bytes, "%s.%lld", kind, (long long)i); }

static tr_tensor *find(tr_optim *o, const char *wanted)
{
    const char *name;
    tr_tensor *t;
    for (int64_t i = 0; tr_optim_state(o, i, &name, &t); i++)
        if (strcmp(name, wanted) == 0) return t;
    return NULL;
}

/* All kinds but this one have a number for each of the parameter's. */
static bool counts(const char *kind) { return strcmp(kind, "step") == 0; }

static bool fits(const data_parallel *d, const char *kind, int64_t i, const tr_tensor *t, int64_t n)
{
    bool one = counts(kind);
    if (tr_numel(t) == (one ? 1 : n) && tr_dtype_of(t) == (one ? TR_INT64 : d->item[i].dtype)) return true;
    return tr_fail("the optimiser is not of tr_shard_parameters(): state of %lld numbers for a part of %lld", (long long)tr_numel(t), (long long)n);
}

static int collect(data_parallel *d, tr_optim *parts, state *s)
{
    int64_t listed = 0;
    memset(s->of, 0, (size_t)d->items * sizeof(tr_tensor *));
    memset(s->number, 0, 2 * (size_t)d->items * sizeof *s->number);
    for (int64_t i = 0; i < d->items; i++) {
        char name[64];
        if (d->mine[i].n == 0) continue;
        name_state(name, sizeof name, s->kind, listed++);
        tr_tensor *t = find(parts, name);
        if (!t) continue;
        if (!fits(d, s->kind, i, t, d->mine[i].n)) return -1;
        s->of[i] = t;
        s->number[i] = 1;
        if (counts(s->kind)) s->number[d->items + i] = (int64_t)(tr_item)(t);
    }
    return 0;
}

/* ---- gathering ---- */

static int give(tr_optim *whole, const char *kind, int64_t i, tr_tensor *t)
{
    char name[64];
    name_state(name, sizeof name, kind, i);
    return t ? (tr_optim_set_state)(whole, name, t) : -1;
}

/* A count of steps is the same on all ranks that have one. */
static tr_tensor *count_of(const state *s, int64_t items, int64_t i)
{
    tr_tensor *t = (tr_zeros)(tr_shape_of(0, NULL), (tr_tensor_options){.dtype = TR_INT64});
    if (t) *(int64_t *)tr_data(t) = s->number[items + i] / s->number[i];
    return t;
}

static tr_tensor *numbers_of(const data_parallel *d, const dist_bucket *b, const dist_slot *slot, const char *all)
{
    tr_tensor *t = (tr_empty)(tr_shape_of_tensor(d->gradient[slot->item].parameter), (tr_tensor_options){.dtype = b->dtype});
    if (t) memcpy(tr_data(t), all + ((char *)slot->place - (char *)b->memory), (size_t)(slot->n * tr_dtype_size(b->dtype)));
    return t;
}

/* In a buffer like the bucket each rank lays its numbers where their gradients lie, and all parts come together. */
static int gather_bucket(data_parallel *d, dist_transport *way, const state *s, const dist_bucket *b, tr_optim *whole)
{
    int64_t size = tr_dtype_size(b->dtype), bytes = b->part * size, of_all = way->world * bytes;
    char *all = calloc(1, (size_t)of_all + 1), *mine = all ? all + way->rank * bytes : NULL;
    if (!all) {
        tr_fail("out of memory: tr_gather_optim asked for %lld bytes", (long long)of_all);
        return -1;
    }
    for (const dist_slot *slot = b->slot; slot < b->slot + b->slots; slot++) {
        const dist_owned *o = &d->mine[slot->item];
        int64_t offset = (char *)slot->place - (char *)b->memory + o->first * size;
        tr_tensor *here = s->of[slot->item] ? (tr_to_device)(s->of[slot->item], tr_cpu()) : NULL;
        if (here) memcpy(all + offset, tr_data(here), (size_t)(o->n * size));
    }
    int status = tr_error_stands() ? -1 : dist_all_gather(way, mine, all, bytes);
    for (const dist_slot *slot = b->slot; slot < b->slot + b->slots && status == 0 && way->rank == 0; slot++)
        if (s->number[slot->item] > 0) status = give(whole, s->kind, slot->item, numbers_of(d, b, slot, all));
    free(all);
    return status;
}

static int gather_kind(data_parallel *d, dist_transport *way, tr_optim *parts, state *s, tr_optim *whole)
{
    if (collect(d, parts, s) < 0) return -1;
    if (dist_all_reduce(way, s->number, 2 * d->items, TR_INT64) < 0) return -1;
    bool one = counts(s->kind);
    int status = 0;
    for (int64_t i = 0; i < d->items && status == 0 && one && way->rank == 0; i++)
        if (s->number[i] > 0) status = give(whole, s->kind, i, count_of(s, d->items, i));
    for (int64_t i = 0; i < d->reducer.plan.buckets && status == 0 && !one; i++)
        status = gather_bucket(d, way, s, &d->reducer.plan.bucket[i], whole);
    return status;
}

static int gather_kinds(data_parallel *d, tr_optim *parts, tr_optim *whole)
{
    TR_NO_GRAD;
    state s = {.of = calloc((size_t)d->items, sizeof(tr_tensor *)), .number = calloc((size_t)d->items, 2 * sizeof *s.number)};
    dist_transport *way = dist_way();
    int status = way && s.of && s.number ? 0 : -1;
    if (!s.of || !s.number) tr_fail("out of memory: tr_gather_optim");
    for (int64_t k = 0; status == 0 && (s.kind = tr_optim_state_kind(parts, k)); k++) {
        TR_SCOPE;
        status = gather_kind(d, way, parts, &s, whole);
    }
    free(s.of);
    free(s.number);
    return dist_done(status);
}

tr_optim *(tr_gather_optim)(tr_module *m, tr_optim *parts)
{
    data_parallel *d = dist_own_sharded(m, "tr_gather_optim");
    if (!d || !parts) return d ? tr_fail("tr_gather_optim: NULL instead of an optimiser") : NULL;
    if (!d->mine) return parts;
    dist_stop_if_failed();
    if (dist_check("tr_gather_optim", "gather an optimiser's state") < 0) return NULL;
    tr_tensor **all = calloc((size_t)d->items, sizeof(tr_tensor *));
    for (int64_t i = 0; i < d->items && all; i++) all[i] = d->gradient[i].parameter;
    tr_optim *whole = all ? (tr_optim_like)(parts, (tr_tensors){all, d->items}) : tr_fail("out of memory: tr_gather_optim");
    free(all);
    return whole && gather_kinds(d, parts, whole) == 0 ? whole : NULL;
}

/* ---- scattering ---- */

static int take_part(data_parallel *d, tr_optim *whole, tr_optim *parts, const char *kind, int64_t i, int64_t listed)
{
    char name[64];
    name_state(name, sizeof name, kind, i);
    tr_tensor *t = find(whole, name);
    if (!t) return 0;
    if (!fits(d, kind, i, t, d->item[i].n)) return -1;
    if (!counts(kind)) {
        int64_t n = tr_numel(t);
        t = (tr_narrow)((tr_view)(t, tr_shape_of(1, &n)), 0, d->mine[i].first, d->mine[i].n);
    }
    return give(parts, kind, listed, (tr_clone)(t));
}

int(tr_scatter_optim)(tr_module *m, tr_optim *whole, tr_optim *parts)
{
    TR_SCOPE;
    TR_NO_GRAD;
    const char *kind;
    data_parallel *d = dist_own_sharded(m, "tr_scatter_optim");
    if (!d) return -1;
    if (!whole || !parts) {
        tr_fail("tr_scatter_optim: NULL instead of an optimiser");
        return -1;
    }
    if (whole == parts || !d->mine) return 0;
    for (int64_t k = 0; (kind = tr_optim_state_kind(parts, k)); k++)
        for (int64_t i = 0, listed = 0; i < d->items; i++) {
            if (d->mine[i].n == 0) continue;
            if (take_part(d, whole, parts, kind, i, listed++) < 0) return -1;
        }
    return (tr_set_learning_rate)(parts, tr_learning_rate(whole));
}
