#include "dist/owned.h"

/* A view without a graph: a leaf, which an optimiser takes. */
static tr_tensor *part_of(tr_tensor *t, int64_t first, int64_t n)
{
    int64_t all = tr_numel(t);
    return tr_keep((tr_narrow)((tr_view)(t, tr_shape_of(1, &all)), 0, first, n));
}

int dist_owned_make(dist_owned *o, const dist_gradient *g, int64_t first, int64_t n)
{
    TR_SCOPE;
    TR_NO_GRAD;
    *o = (dist_owned){.first = first, .n = n};
    o->part = part_of(g->parameter, first, n);
    o->gradient = part_of(g->place, first, n);
    return o->part && o->gradient ? 0 : -1;
}

void dist_owned_drop(dist_owned *o)
{
    tr_drop(o->part);
    tr_drop(o->gradient);
    *o = (dist_owned){0};
}

int dist_owned_store(dist_owned *o, dist_gradient *g, bool used)
{
    if (!used) return dist_gradient_store(g, false);
    tr_drop(g->aside);
    g->aside = NULL;
    if (dist_gradient_gather(g, false) < 0 || (tr_set_grad)(g->parameter, NULL) < 0) return -1;
    return o->n > 0 ? (tr_set_grad)(o->part, o->gradient) : 0;
}

int dist_owned_leave(dist_owned *o)
{
    TR_SCOPE;
    TR_NO_GRAD;
    if (!o->part || tr_grad(o->part) != o->gradient) return 0;
    tr_tensor *copy = (tr_clone)(o->gradient);
    return copy ? (tr_set_grad)(o->part, copy) : -1;
}
