/* Scaling the loss for float16: up before backward, down before the step; smaller after an overflow, larger after many steps
 * without one. */
#include <math.h>
#include <trireme/autocast.h>
#include "nn/optim.h"

enum { MOST_OPTIMS = 16 };

struct tr_grad_scaler {
    core_object object;
    double scale, growth, backoff;
    int64_t interval, steps; /* without an overflow, so far */
    int unscaled;            /* optimisers since then, and whether theirs overflowed; borrowed, compared and no more */
    struct {
        const tr_optim *optim;
        bool overflow, stepped;
    } of[MOST_OPTIMS];
};

static void destroy(core_object *object) { core_free(object); }
static const core_class class = {"gradient scaler", destroy};

static bool positive(double x) { return x > 0 && isfinite(x); }

tr_grad_scaler *(tr_grad_scaler_new)(tr_grad_scaler_options options)
{
    tr_grad_scaler made = {
        .scale = nn_option(options.init_scale, 65536), .growth = nn_option(options.growth_factor, 2), .backoff = nn_option(options.backoff_factor, 0.5), .interval = options.growth_interval ? options.growth_interval : 2000};
    if (!positive(made.scale)) return core_fail("tr_grad_scaler_new: init_scale %g", made.scale);
    if (!(made.growth > 1) || !isfinite(made.growth)) return core_fail("tr_grad_scaler_new: growth_factor %g is not above 1", made.growth);
    if (!(made.backoff > 0 && made.backoff < 1)) return core_fail("tr_grad_scaler_new: backoff_factor %g is not between 0 and 1", made.backoff);
    if (made.interval < 1) return core_fail("tr_grad_scaler_new: growth_interval %lld", (long long)made.interval);
    tr_grad_scaler *s = core_alloc(sizeof *s, "tr_grad_scaler_new");
    if (!s) return NULL;
    *s = made;
    return core_object_begin(&s->object, &class);
}

tr_grad_scaler *tr_grad_scaler_keep(tr_grad_scaler *s)
{
    if (s) core_keep(&s->object);
    return s;
}

void tr_grad_scaler_drop(tr_grad_scaler *s)
{
    if (s) core_release(&s->object);
}

tr_tensor *(tr_scale)(tr_grad_scaler *s, tr_tensor *loss)
{
    if (!s || !loss) return core_null("tr_scale");
    return (tr_mul)(loss, tr_number_(s->scale, TR_FLOAT64));
}

/* Where o stands among those unscaled since the last update; -1: it does not. */
static int place_of(const tr_grad_scaler *s, const tr_optim *o)
{
    for (int i = 0; i < s->unscaled; i++)
        if (s->of[i].optim == o) return i;
    return -1;
}

/* The new place, or -1 with an error noted. */
static int unscale(tr_grad_scaler *s, tr_optim *o, const char *function)
{
    if (s->unscaled == MOST_OPTIMS) return core_fail_status("%s: %d optimisers since tr_scaler_update, the most there may be", function, MOST_OPTIMS);
    core_value_leaves(function);
    const tr_tensors parameters = {o->parameter, o->count};
    double norm = (tr_clip_grad_norm)(parameters, INFINITY, (tr_clip_grad_norm_options){0}); /* only measured, in double */
    if (tr_error_stands()) return -1;
    bool overflow = !isfinite(norm);
    if (!overflow && nn_scale_gradients(parameters, 1 / s->scale) < 0) return -1;
    s->of[s->unscaled].optim = o;
    s->of[s->unscaled].overflow = overflow;
    s->of[s->unscaled].stepped = false;
    return s->unscaled++;
}

int(tr_unscale_)(tr_grad_scaler *s, tr_optim *o)
{
    if (!s || !o) return core_null_status("tr_unscale_");
    if (place_of(s, o) >= 0) return core_fail_status("tr_unscale_: unscale_() has already been called on this optimizer since the last update().");
    return unscale(s, o, "tr_unscale_") < 0 ? -1 : 0;
}

int(tr_scaler_step)(tr_grad_scaler *s, tr_optim *o)
{
    if (!s || !o) return core_null_status("tr_scaler_step");
    int at = place_of(s, o);
    if (at >= 0 && s->of[at].stepped) return core_fail_status("tr_scaler_step: step() has already been called since the last update().");
    if (at < 0 && (at = unscale(s, o, "tr_scaler_step")) < 0) return -1;
    if (!s->of[at].overflow && (tr_step)(o) < 0) return -1;
    s->of[at].stepped = true;
    return !s->of[at].overflow;
}

int(tr_scaler_update)(tr_grad_scaler *s)
{
    if (!s) return core_null_status("tr_scaler_update");
    if (s->unscaled == 0) return core_fail_status("tr_scaler_update: No inf checks were recorded prior to update.");
    bool overflow = false;
    for (int i = 0; i < s->unscaled; i++) overflow |= s->of[i].overflow;
    if (overflow) {
        s->scale *= s->backoff;
        s->steps = 0;
    } else if (++s->steps == s->interval) {
        if (isfinite(s->scale * s->growth)) s->scale *= s->growth;
        s->steps = 0;
    }
    s->unscaled = 0;
    return 0;
}

double tr_scaler_scale(const tr_grad_scaler *s, int64_t *steps)
{
    if (steps) *steps = s ? s->steps : 0;
    return s ? s->scale : NAN;
}

int(tr_scaler_set_scale)(tr_grad_scaler *s, double scale, int64_t steps)
{
    if (!s) return core_null_status("tr_scaler_set_scale");
    if (!positive(scale) || steps < 0) return core_fail_status("tr_scaler_set_scale: a scale of %g after %lld steps", scale, (long long)steps);
    s->scale = scale;
    s->steps = steps;
    return 0;
}
