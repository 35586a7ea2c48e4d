/* Scaling the loss for float16: up before backward, down before the step; smaller after an overflow, larger after many steps
 * without one.
 *
 *     state    scale, steps, found     where the losses and gradients are
 *     check    overflow, factor        of an optimiser, from unscaling to the update
 *
 * Whether a step was skipped, and so the scale of the next, is known to the device alone, and nobody waits for it: gradients are
 * multiplied by `factor`, an optimiser's kernel looks at `overflow`, and the update changes the state.  So all of it can be
 * recorded, too. */
#include <math.h>
#include <trireme/autocast.h>
#include "kernels/formulas_scaler.h"
#include "nn/optim.h"

enum { MOST_OPTIMS = 16 };

struct tr_grad_scaler {
    core_object object;
    double growth, backoff;
    int64_t interval;
    tr_tensor *state; /* owns one count: float64[SCALER_NUMBERS] */
    int unscaled;     /* optimisers since the last update; borrowed, compared and no more */
    struct {
        const tr_optim *optim;
        tr_tensor *check; /* owns one count */
        bool stepped;
    } of[MOST_OPTIMS];
};

static void forget_checks(tr_grad_scaler *s)
{
    while (s->unscaled > 0) core_drop_tensor(s->of[--s->unscaled].check);
}

static void destroy(core_object *object)
{
    tr_grad_scaler *s = (tr_grad_scaler *)object;
    forget_checks(s);
    core_drop_tensor(s->state);
    core_free(s);
}
static const core_class class = {"gradient scaler", destroy};

static bool positive(double x) { return x > 0 && isfinite(x); }

static tr_tensor *doubles(tr_device at, int64_t n, const char *function)
{
    const tr_shape shape = {.ndim = 1, .size = {n}};
    return core_tensor_new(TR_FLOAT64, at, &shape, function);
}

/* Into the memory that recorded steps know.  0, or -1 with an error noted. */
static int put(tr_grad_scaler *s, double scale, int64_t steps)
{
    const double number[SCALER_NUMBERS] = {[SCALER_SCALE] = scale, [SCALER_STEPS] = (double)steps};
    core_written(s->state);
    return core_send(s->state, number);
}

/* ---- making ---- */

static bool make_state(tr_grad_scaler *s, double scale)
{
    int depth = tr_scope_open();
    s->state = core_keep_tensor(doubles(tr_cpu(), SCALER_NUMBERS, "tr_grad_scaler_new"));
    tr_scope_close(depth);
    return s->state && put(s, scale, 0) == 0;
}

tr_grad_scaler *(tr_grad_scaler_new)(tr_grad_scaler_options options)
{
    const double scale = nn_option(options.init_scale, 65536);
    tr_grad_scaler made = {
        .growth = nn_option(options.growth_factor, 2), .backoff = nn_option(options.backoff_factor, 0.5), .interval = options.growth_interval ? options.growth_interval : 2000};
    if (!positive(scale)) return core_fail("tr_grad_scaler_new: init_scale %g", scale);
    if (!(made.growth > 1) || !isfinite(made.growth)) return core_fail("tr_grad_scaler_new: growth_factor %g is not above 1", made.growth);
    if (!(made.backoff > 0 && made.backoff < 1)) return core_fail("tr_grad_scaler_new: backoff_factor %g is not between 0 and 1", made.backoff);
    if (made.interval < 1) return core_fail("tr_grad_scaler_new: growth_interval %lld", (long long)made.interval);
    tr_grad_scaler *s = core_alloc(sizeof *s, "tr_grad_scaler_new");
    if (!s) return NULL;
    *s = made;
    if (make_state(s, scale)) return core_object_begin(&s->object, &class);
    destroy(&s->object);
    return NULL;
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

/* ---- scaling ---- */

/* The state goes where it is asked for next; recorded steps see it. */
static int follow(tr_grad_scaler *s, tr_device at)
{
    if (s->state->storage->at.type == at.type && s->state->storage->at.index == at.index) return 0;
    int depth = tr_scope_open();
    bool recording = autograd_record_pause(); /* it goes there once */
    tr_tensor *there = (tr_to_device)(s->state, at);
    autograd_record_resume(recording);
    if (there) core_tensor_adopt(s->state, there);
    tr_scope_close(depth);
    return there ? 0 : -1;
}

/* A copy of the scale, since the state changes while a graph may still hold it. */
static tr_tensor *scale_as(const tr_grad_scaler *s, tr_dtype dtype)
{
    const tr_shape scalar = {0};
    tr_tensor *scale = core_tensor_alias(s->state, &scalar, NULL, SCALER_SCALE, "tr_scale");
    return dtype == TR_FLOAT64 ? (tr_clone)(scale) : (tr_to)(scale, dtype);
}

tr_tensor *(tr_scale)(tr_grad_scaler *s, tr_tensor *loss)
{
    if (!s || !loss) return core_null("tr_scale");
    if (loss->dtype == TR_FLOAT16 || loss->dtype == TR_BFLOAT16) loss = (tr_to)(loss, TR_FLOAT32);
    if (!loss || follow(s, core_device_at(loss)) < 0) return NULL;
    return (tr_mul)(loss, scale_as(s, loss->dtype == TR_FLOAT64 ? TR_FLOAT64 : TR_FLOAT32));
}

/* Where o stands among those unscaled since the last update; -1: it does not. */
static int place_of(const tr_grad_scaler *s, const tr_optim *o)
{
    for (int i = 0; i < s->unscaled; i++)
        if (s->of[i].optim == o) return i;
    return -1;
}

/* Overflow and factor of these gradients; NULL with an error noted. */
static tr_tensor *check(tr_grad_scaler *s, tr_tensors parameters, const char *function)
{
    tr_tensor *squares = nn_gradient_squares(parameters);
    if (!squares || follow(s, core_device_at(squares)) < 0) return NULL;
    tr_tensor *out = doubles(core_device_at(squares), 2, function);
    if (!out) return NULL;
    kernel_call call = {.kernel = KERNEL_SCALER_CHECK, .type = TR_FLOAT64, .flags = s->unscaled == 0, .n = squares->numel, .at = {out->data, s->state->data, squares->data}};
    core_written(s->state);
    return autograd_run(&call, out, s->state, squares, NULL) < 0 ? NULL : out;
}

/* The new place, or -1 with an error noted. */
static int unscale(tr_grad_scaler *s, tr_optim *o, const char *function)
{
    if (tr_error_stands()) return -1;
    if (s->unscaled == MOST_OPTIMS) return core_fail_status("%s: %d optimisers since tr_scaler_update, the most there may be", function, MOST_OPTIMS);
    const tr_tensors parameters = {o->parameter, o->count};
    bool before = tr_set_grad_enabled(false);
    int depth = tr_scope_open(), at = -1;
    tr_tensor *found = check(s, parameters, function);
    if (found && nn_scale_gradients(parameters, found) == 0) {
        at = s->unscaled++;
        s->of[at].optim = o;
        s->of[at].check = core_keep_tensor(found);
        s->of[at].stepped = false;
    }
    tr_scope_close(depth);
    tr_set_grad_enabled(before);
    return at;
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
    if (nn_step_unless(o, s->of[at].check) < 0) return -1;
    s->of[at].stepped = true;
    return 0;
}

int(tr_scaler_update)(tr_grad_scaler *s)
{
    if (!s) return core_null_status("tr_scaler_update");
    if (s->unscaled == 0) return core_fail_status("tr_scaler_update: No inf checks were recorded prior to update.");
    kernel_call call = {.kernel = KERNEL_SCALER_UPDATE, .type = TR_FLOAT64, .n = 1, .at = {s->state->data}, .number = {s->growth, s->backoff, (double)s->interval}};
    core_written(s->state);
    forget_checks(s);
    return autograd_run(&call, s->state, NULL, NULL, NULL);
}

/* ---- what the program asks ---- */

/* Waits for the state's device.  0 or -1. */
static int read_state(const tr_grad_scaler *s, double number[SCALER_NUMBERS])
{
    return core_receive(s->state, number, s->state->data, SCALER_NUMBERS * (int64_t)sizeof *number);
}

double tr_scaler_scale(const tr_grad_scaler *s, int64_t *steps)
{
    double number[SCALER_NUMBERS];
    if (s) core_value_leaves("tr_scaler_scale");
    const bool known = s && read_state(s, number) == 0;
    if (steps) *steps = known ? (int64_t)number[SCALER_STEPS] : 0;
    return known ? number[SCALER_SCALE] : NAN;
}

int(tr_scaler_skipped)(const tr_grad_scaler *s)
{
    double number[SCALER_NUMBERS];
    if (!s) return core_null_status("tr_scaler_skipped");
    core_value_leaves("tr_scaler_skipped");
    return read_state(s, number) < 0 ? -1 : number[SCALER_FOUND] != 0;
}

int(tr_scaler_set_scale)(tr_grad_scaler *s, double scale, int64_t steps)
{
    if (!s) return core_null_status("tr_scaler_set_scale");
    if (!positive(scale) || steps < 0) return core_fail_status("tr_scaler_set_scale: a scale of %g after %lld steps", scale, (long long)steps);
    core_not_recorded("tr_scaler_set_scale", "the scale is set (between replays it may be)");
    return put(s, scale, steps);
}
