#include "dist/gradients.h"

#include "dist/sum.h"

#include <stdlib.h>
#include <trireme/dlpack.h>
#include <trireme/record.h>

/* ---- places ---- */

/* A tensor over memory that is not ours. */
typedef struct {
    DLManagedTensorVersioned dl; /* first */
    int64_t n;
    tr_tensor *in; /* kept: whose memory it is; NULL: the transport's */
} loan;

static void end_loan(DLManagedTensorVersioned *dl)
{
    tr_drop(((loan *)dl)->in);
    free(dl);
}

static tr_tensor *lend(void *memory, tr_dtype dtype, int64_t n, tr_tensor *in)
{
    loan *l = calloc(1, sizeof *l);
    if (!l) return tr_fail("out of memory: a bucket");
    uint8_t code = tr_dtype_is_complex(dtype) ? kDLComplex : kDLFloat;
    DLDevice at = in ? (DLDevice){kDLCUDA, tr_device_of(in).index} : (DLDevice){kDLCPU, 0};
    l->n = n;
    l->in = in ? tr_keep(in) : NULL;
    l->dl = (DLManagedTensorVersioned){
        .version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION},
        .deleter = end_loan,
        .dl_tensor = {.data = memory, .device = at, .ndim = 1, .dtype = {code, (uint8_t)(8 * tr_dtype_size(dtype)), 1}, .shape = &l->n},
    };
    return (tr_from_dlpack)(&l->dl);
}

static bool lives_there(const dist_gradient *g) { return g->shown == g->place; }

/* What is gathered must not be written over: backward lays gradients into the place only while nothing is. */
static int say_place(dist_gradient *g)
{
    if (!g->direct || !lives_there(g)) return 0;
    return (tr_set_grad_place)(g->parameter, g->gathers ? NULL : g->place);
}

int dist_gradient_gather(dist_gradient *g, bool gathers)
{
    if (g->gathers == gathers) return 0;
    g->gathers = gathers;
    return say_place(g);
}

int dist_gradient_place(dist_gradient *g, void *memory, tr_tensor *in)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_dtype dtype = tr_dtype_of(g->parameter), sum = dist_sum_type(dtype);
    tr_shape shape = tr_shape_of_tensor(g->parameter);
    tr_tensor *before = g->shown, *place = tr_keep((tr_view)(lend(memory, sum, tr_numel(g->parameter), in), shape));
    bool lies_here = dtype == sum && (in || tr_device_of(g->parameter).type == TR_CPU);
    tr_tensor *shown = !place ? NULL : lies_here ? tr_keep(place)
                                   : before      ? tr_keep(before)
                                                 : tr_keep((tr_zeros)(shape, (tr_tensor_options){.dtype = dtype, .device = tr_device_of(g->parameter)}));
    if (!shown || (in && g->place && !(tr_copy_)(place, g->place))) {
        tr_drop(shown);
        tr_drop(place);
        return -1;
    }
    bool moves = before && tr_grad(g->parameter) == before;
    tr_drop(g->place);
    g->place = place;
    g->shown = shown;
    if (moves) (tr_set_grad)(g->parameter, shown);
    tr_drop(before);
    return say_place(g);
}

void dist_gradient_drop(dist_gradient *g)
{
    if (g->hook > 0) tr_remove_hook(g->parameter, g->hook);
    if (g->direct && g->place) (tr_set_grad_place)(g->parameter, NULL);
    tr_drop(g->aside);
    tr_drop(g->marker);
    tr_drop(g->shown);
    tr_drop(g->place);
    tr_drop(g->parameter);
    *g = (dist_gradient){0};
}

/* ---- before and after a backward ---- */

int dist_gradient_mark(dist_gradient *g)
{
    TR_SCOPE;
    TR_NO_GRAD;
    if (!g->gathers) return 0;
    tr_tensor *gradient = tr_grad(g->parameter);
    if (gradient != g->shown && gradient != g->marker) {
        return dist_gradient_gather(g, false); /* the program has set it to zero, or to something of its own */
    }
    if (!g->marker)
        g->marker = tr_keep((tr_zeros)(tr_shape_of_tensor(g->parameter), (tr_tensor_options){.dtype = tr_dtype_of(g->parameter), .device = tr_device_of(g->parameter)}));
    else if (!(tr_zero_)(g->marker))
        return -1;
    return g->marker ? (tr_set_grad)(g->parameter, g->marker) : -1;
}

static int set_aside(dist_gradient *g, tr_tensor *gradient)
{
    tr_drop(g->aside);
    g->aside = tr_keep(gradient == g->shown ? (tr_clone)(gradient) : gradient);
    return g->aside ? 0 : -1;
}

/* Of what lies elsewhere.  While a step is recorded the copy is recorded too, since the memory it comes from is the
 * recording's to lay out. */
static int look_elsewhere(dist_gradient *g, tr_tensor *gradient, dist_load *how, const void **from)
{
    bool plain = tr_device_of(gradient).type == TR_CPU && tr_dtype_of(gradient) == tr_dtype_of(g->place) && tr_is_contiguous(gradient);
    if (plain && !tr_is_recording()) {
        *how = DIST_LOAD_WEIGH;
        *from = tr_data(gradient);
        return 0;
    }
    *how = DIST_LOAD_SCALE;
    return (tr_copy_)(g->place, gradient) ? 0 : -1;
}

static int look_at_marker(dist_gradient *g, bool used, dist_load *how, const void **from)
{
    *how = used ? DIST_LOAD_GATHER : DIST_LOAD_KEEP;
    if (!used) return 0;
    tr_tensor *added = (tr_to)(g->marker, tr_dtype_of(g->place));
    if (added != g->marker && added) { /* of a half type: it lives as long as the marker does */
        tr_drop(g->aside);
        g->aside = tr_keep(added);
    }
    *from = added ? tr_data(added) : NULL;
    return added ? 0 : -1;
}

int dist_gradient_look(dist_gradient *g, bool used, dist_load *how, const void **from)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *gradient = tr_grad(g->parameter);
    *from = NULL;
    *how = DIST_LOAD_ZERO;
    if (g->gathers && gradient && gradient == g->marker) return look_at_marker(g, used, how, from);
    if (g->gathers && used && gradient == g->shown) {
        tr_fail("a second backward of one forward after TR_NO_SYNC: what was gathered cannot be told from what is new");
        return -1;
    }
    if (dist_gradient_gather(g, false) < 0) return -1;
    if (!gradient) return 0;
    if (!used && tr_is_recording()) {
        tr_fail("a parameter that this step does not use has a gradient, which a recorded step cannot keep; call tr_zero_grad() before");
        return -1;
    }
    if (!used && set_aside(g, gradient) < 0) return -1;
    if (gradient != g->place) return look_elsewhere(g, gradient, how, from);
    *how = DIST_LOAD_SCALE;
    return 0;
}

void dist_gradient_load(const dist_item *item, void *place, dist_load how, const void *from, double weight)
{
    tr_dtype type = dist_sum_type(item->dtype);
    switch (how) {
    case DIST_LOAD_ZERO: dist_scale(type, place, place, item->n, 0); break;
    case DIST_LOAD_SCALE: dist_scale(type, place, place, item->n, weight); break;
    case DIST_LOAD_WEIGH: dist_scale(type, place, from, item->n, weight); break;
    case DIST_LOAD_GATHER: dist_add_scaled(type, place, from, item->n, weight); break;
    case DIST_LOAD_KEEP: break;
    }
}

int dist_gradient_load_there(dist_gradient *g, dist_load how, double weight)
{
    TR_SCOPE;
    TR_NO_GRAD;
    if (how == DIST_LOAD_KEEP) return 0;
    if (how == DIST_LOAD_GATHER)
        return weight == 0 || tr_add_(g->place, tr_mul((tr_to)(g->marker, tr_dtype_of(g->place)), weight)) ? 0 : -1;
    if (how == DIST_LOAD_ZERO || weight == 0) return (tr_zero_)(g->place) ? 0 : -1;
    return weight == 1 || tr_mul_(g->place, weight) ? 0 : -1;
}

int dist_gradient_show(dist_gradient *g)
{
    TR_SCOPE;
    TR_NO_GRAD;
    if (!lives_there(g) && !(tr_copy_)(g->shown, g->place)) return -1;
    return tr_grad(g->parameter) == g->shown ? 0 : (tr_set_grad)(g->parameter, g->shown);
}

int dist_gradient_store(dist_gradient *g, bool used)
{
    TR_SCOPE;
    TR_NO_GRAD;
    int status = 0;
    if (used)
        status = dist_gradient_show(g);
    else if (g->aside && tr_grad(g->parameter) == g->shown)
        status = (tr_copy_)(g->shown, g->aside) ? 0 : -1;
    tr_drop(g->aside);
    g->aside = NULL;
    return dist_gradient_gather(g, false) < 0 ? -1 : status;
}

int dist_gradient_leave(dist_gradient *g)
{
    TR_SCOPE;
    TR_NO_GRAD;
    if (g->direct && g->place) (tr_set_grad_place)(g->parameter, NULL);
    g->direct = false;
    if (!g->place || tr_grad(g->parameter) != g->place) return 0;
    tr_tensor *copy = (tr_clone)(g->place);
    return copy ? (tr_set_grad)(g->parameter, copy) : -1;
}
