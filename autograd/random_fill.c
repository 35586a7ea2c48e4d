/* Filling with random numbers.  MT19937 draws on the host, number after number, whatever the device; Philox counts, so that the
 * device's own kernel gives element i the same value anywhere. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <trireme/ops.h>
#include "autograd/operands.h"
#include "autograd/random.h"
#include "core/random.h"

/* The type that is drawn: complex numbers are pairs of these. */
static tr_dtype part_type(tr_dtype dtype)
{
    return dtype == TR_COMPLEX64 ? TR_FLOAT32 : dtype == TR_COMPLEX128 ? TR_FLOAT64
                                                                       : dtype;
}

/* ---- filling what is there ---- */

static void fill_dense(const autograd_distribution *d, tr_generator *g, tr_dtype part, void *data, int64_t n)
{
    if (d->kind == AUTOGRAD_UNIFORM)
        core_fill_uniform(g, part, data, n, d->a, d->b);
    else
        core_fill_normal(g, part, data, n, d->a, d->b);
}

/* t's dims as they lie in memory: the longest step first. */
static void by_steps(const tr_tensor *t, int *order)
{
    for (int i = 0; i < t->shape.ndim; i++) {
        int at = i;
        for (; at > 0 && llabs(t->stride[order[at - 1]]) < llabs(t->stride[i]); at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

/* Strided memory is filled in the order in which it lies, whatever the dims are called, one number at a time. */
static void fill_strided(const autograd_distribution *d, tr_generator *g, tr_tensor *t)
{
    tr_dtype part = part_type((tr_dtype)t->dtype);
    int64_t pair = part != t->dtype ? 2 : 1;
    int order[TR_MAX_DIMS] = {0};
    by_steps(t, order);
    for (int64_t i = 0; i < t->numel; i++) {
        int64_t at = 0, left = i;
        for (int k = t->shape.ndim - 1; k >= 0; k--) {
            at += left % t->shape.size[order[k]] * t->stride[order[k]];
            left /= t->shape.size[order[k]];
        }
        for (int64_t p = 0; p < pair; p++) {
            double x = d->kind == AUTOGRAD_UNIFORM ? core_draw_uniform(g, part, d->a, d->b) : fma(core_draw_normal(g), d->b, d->a);
            core_element_set(t->data, part, at * pair + p, x);
        }
    }
}

/* The generator counts 32-bit words.  The kernel counts elements, of one word or (float64) two, and makes normal ones in
 * pairs; starting at a whole pair, no word serves twice. */
static int count(core_object *generator, kernel_call *call)
{
    tr_generator *g = (tr_generator *)generator;
    uint64_t words = call->type == TR_FLOAT64 ? 2 : 1, unit = call->kernel == KERNEL_PHILOX_NORMAL ? 2 * words : words;
    uint64_t start = (g->offset + unit - 1) / unit * unit;
    call->word[0] = g->seed;
    call->word[1] = start / words;
    g->offset = start + ((uint64_t)call->n * words + unit - 1) / unit * unit;
    return 0;
}

static int fill_counted(const autograd_distribution *d, tr_generator *g, tr_tensor *t, const char *what)
{
    TR_SCOPE;
    tr_tensor *dense = core_row_major_tensor(t) ? t : core_tensor_new((tr_dtype)t->dtype, core_device_at(t), &t->shape, what);
    if (!dense) return -1;
    tr_dtype part = part_type((tr_dtype)t->dtype);
    int64_t n = t->numel * (part != t->dtype ? 2 : 1);
    kernel_call call = {.kernel = d->kind == AUTOGRAD_UNIFORM ? KERNEL_PHILOX_UNIFORM : KERNEL_PHILOX_NORMAL, .type = (uint8_t)part, .n = n};
    call.at[0] = dense->data;
    call.number[0] = d->a;
    call.number[1] = d->b;
    count(&g->object, &call);
    const tr_tensor *view[KERNEL_VIEWS] = {dense};
    if ((core_here()->recording ? autograd_run_recorded(&call, view, &g->object, count) : kernel_run(core_device_at(t), &call)) < 0) return -1;
    return dense == t ? 0 : autograd_pointwise(KERNEL_COPY, (tr_dtype)t->dtype, t, &dense, 1, 0);
}

int autograd_send(tr_tensor *t, const void *host, const char *what)
{
    if (!core_row_major_tensor(t)) return core_fail_status("%s: %s is not row-major", what, core_show(t));
    return core_send(t, host);
}

/* A tensor of the CPU, dense, whose dims lie in the order of t's: so numbers come in the order in which the CPU has them. */
static tr_tensor *lying_alike(const tr_tensor *t, const char *what)
{
    int64_t stride[TR_MAX_DIMS], step = 1;
    int order[TR_MAX_DIMS] = {0};
    by_steps(t, order);
    for (int k = t->shape.ndim - 1; k >= 0; step *= t->shape.size[order[k--]]) stride[order[k]] = step;
    tr_tensor *memory = core_tensor_new((tr_dtype)t->dtype, tr_cpu(), &t->shape, what);
    return memory ? core_tensor_alias(memory, &t->shape, stride, 0, what) : NULL;
}

int autograd_draw(autograd_distribution d, tr_generator *generator, tr_tensor *t, const char *what)
{
    tr_generator *g = core_generator_or_default(generator);
    if (!g) return -1;
    tr_dtype part = part_type((tr_dtype)t->dtype);
    if (part != t->dtype && d.kind == AUTOGRAD_NORMAL) d.b /= sqrt(2); /* each half has half of the variance */
    if (t->numel == 0) return 0;
    if (g->kind == TR_PHILOX) return fill_counted(&d, g, t, what);
    core_not_recorded(what, "the numbers of a Mersenne Twister come one after the other (take a generator of TR_PHILOX)");
    int64_t n = t->numel * (part != t->dtype ? 2 : 1);
    if (core_device_at(t).type == TR_CPU) {
        if (core_row_major_tensor(t))
            fill_dense(&d, g, part, t->data, n);
        else
            fill_strided(&d, g, t);
        return 0;
    }
    TR_SCOPE;
    tr_tensor *host = lying_alike(t, what);
    if (!host) return -1;
    if (core_row_major_tensor(t)) {
        fill_dense(&d, g, part, host->data, n);
        return autograd_send(t, host->data, what);
    }
    fill_strided(&d, g, host);
    tr_tensor *there = (tr_to_device)(host, core_device_at(t));
    return there ? autograd_pointwise(KERNEL_COPY, (tr_dtype)t->dtype, t, &there, 1, 0) : -1;
}

/* ---- in place: t = random      dt = 0 ---- */

static void derivative(autograd_node *n, tr_tensor *dy)
{
    (void)n, (void)dy;
}

static tr_tensor *uniform_sample(tr_tensor *const *x)
{
    return (tr_add)((tr_uniform_)((tr_clone)(x[0]), 0, 1, (tr_generator_new)(TR_MT19937, 0)), x[0]);
}
static tr_tensor *normal_sample(tr_tensor *const *x)
{
    return (tr_add)((tr_normal_)((tr_clone)(x[0]), 0, 1, (tr_generator_new)(TR_MT19937, 0)), x[0]);
}
static const autograd_case uniform_cases[] = {
    {"and used once more", uniform_sample, -1, 1, 1, {{1, {4}}}},
    {0}};
static const autograd_case normal_cases[] = {
    {"and used once more", normal_sample, -1, 1, 1, {{1, {4}}}},
    {0}};
const autograd_op autograd_uniform = {"uniform_", "UniformBackward0", derivative, uniform_cases};
const autograd_op autograd_normal = {"normal_", "NormalBackward0", derivative, normal_cases};

static tr_tensor *draw_in_place(autograd_distribution d, tr_generator *generator, tr_tensor *t, const autograd_op *op, const char *what)
{
    if (core_dtype_category[t->dtype] < 2)
        return core_fail("%s: %s: only floating and complex tensors can hold these numbers", what, core_show(t));
    if (autograd_writable(t, NULL, what) < 0 || autograd_draw(d, generator, t, what) < 0) return NULL;
    tr_tensor *y = autograd_note(t, op, t, NULL, NULL, 0, NULL);
    core_written(t);
    return y;
}

tr_tensor *(tr_uniform_)(tr_tensor *t, double low, double high, tr_generator *generator)
{
    static const double largest[TR_DTYPES] = {[TR_FLOAT16] = 65504, [TR_BFLOAT16] = 0x1.fep127, [TR_FLOAT32] = FLT_MAX, [TR_FLOAT64] = DBL_MAX};
    if (!t) return core_null("tr_uniform_");
    double limit = largest[part_type((tr_dtype)t->dtype)];
    if (limit > 0 && !(low >= -limit && low <= high && high <= limit && high - low <= limit))
        return core_fail("tr_uniform_: %s: low %g and high %g are not the ends of a range of this type", core_show(t), low, high);
    return draw_in_place((autograd_distribution){AUTOGRAD_UNIFORM, low, high}, generator, t, &autograd_uniform, "tr_uniform_");
}

tr_tensor *(tr_normal_)(tr_tensor *t, double mean, double std, tr_generator *generator)
{
    if (!t) return core_null("tr_normal_");
    if (!(std >= 0)) return core_fail("tr_normal_: a standard deviation is not negative, this one is %g", std);
    return draw_in_place((autograd_distribution){AUTOGRAD_NORMAL, mean, std}, generator, t, &autograd_normal, "tr_normal_");
}
