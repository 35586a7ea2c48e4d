/* Random tensors.  MT19937 draws on the host, number after number, whatever the device; Philox counts, so that the
 * device's own kernel gives element i the same value anywhere. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <trireme/ops.h>
#include "autograd/autograd.h"
#include "core/random.h"
#include "core/tensor.h"
#include "kernels/kernels.h"

typedef struct {
    enum { UNIFORM,
           NORMAL } kind;
    double a, b; /* low, high | mean, standard deviation */
} distribution;

/* The type that is drawn: complex numbers are pairs of these. */
static tr_dtype part_type(tr_dtype dtype)
{
    return dtype == TR_COMPLEX64 ? TR_FLOAT32 : dtype == TR_COMPLEX128 ? TR_FLOAT64
                                                                       : dtype;
}

/* ---- filling what is there ---- */

static void fill_dense(const distribution *d, tr_generator *g, tr_dtype part, void *data, int64_t n)
{
    if (d->kind == UNIFORM)
        core_fill_uniform(g, part, data, n, d->a, d->b);
    else
        core_fill_normal(g, part, data, n, d->a, d->b);
}

/* Strided memory is filled in the order in which it lies, whatever the dims are called, one number at a time. */
static void fill_strided(const distribution *d, tr_generator *g, tr_tensor *t)
{
    tr_dtype part = part_type((tr_dtype)t->dtype);
    int64_t pair = part != t->dtype ? 2 : 1, size[TR_MAX_DIMS], stride[TR_MAX_DIMS];
    int ndim = 0;
    for (int i = 0; i < t->shape.ndim; i++) { /* sorted, the longest step first */
        int at = ndim++;
        for (; at > 0 && llabs(stride[at - 1]) < llabs(t->stride[i]); at--) {
            size[at] = size[at - 1];
            stride[at] = stride[at - 1];
        }
        size[at] = t->shape.size[i];
        stride[at] = t->stride[i];
    }
    for (int64_t i = 0; i < t->numel; i++) {
        int64_t at = 0, left = i;
        for (int k = ndim - 1; k >= 0; k--) {
            at += left % size[k] * stride[k];
            left /= size[k];
        }
        for (int64_t p = 0; p < pair; p++) {
            double x = d->kind == UNIFORM ? core_draw_uniform(g, part, d->a, d->b) : fma(core_draw_normal(g), d->b, d->a);
            core_element_set(t->data, part, at * pair + p, x);
        }
    }
}

static int fill_counted(const distribution *d, tr_generator *g, tr_tensor *t, const char *what)
{
    TR_SCOPE;
    tr_tensor *dense = core_row_major_tensor(t) ? t : core_tensor_new((tr_dtype)t->dtype, core_device_at(t), &t->shape, what);
    if (!dense) return -1;
    tr_dtype part = part_type((tr_dtype)t->dtype);
    int64_t n = t->numel * (part != t->dtype ? 2 : 1);
    kernel_call call = {
        .kernel = d->kind == UNIFORM ? KERNEL_PHILOX_UNIFORM : KERNEL_PHILOX_NORMAL,
        .type = (uint8_t)part,
        .n = n,
        .at = {dense->data},
        .number = { d->a,       d->b},
        .word = { g->seed,  g->offset}
    };
    if (kernel_run(core_device_at(t), &call) < 0) return -1;
    g->offset += (uint64_t)n;
    return dense == t ? 0 : autograd_pointwise(KERNEL_COPY, (tr_dtype)t->dtype, t, &dense, 1, 0);
}

/* Memory of t from row-major memory of the host. */
static int send(tr_tensor *t, const void *host, const char *what)
{
    if (!core_row_major_tensor(t)) return core_fail_status("%s: %s is not row-major", what, core_show(t));
    return t->storage->device->to_device(t->data, host, t->numel * core_dtype_bytes[t->dtype]);
}

static int fill(distribution d, tr_generator *generator, tr_tensor *t, const char *what)
{
    tr_generator *g = core_generator_or_default(generator);
    if (!g) return -1;
    tr_dtype part = part_type((tr_dtype)t->dtype);
    if (part != t->dtype && d.kind == NORMAL) d.b /= sqrt(2); /* each half has half of the variance */
    if (t->numel == 0) return 0;
    if (g->kind == TR_PHILOX) return fill_counted(&d, g, t, what);
    int64_t n = t->numel * (part != t->dtype ? 2 : 1);
    if (core_device_at(t).type == TR_CPU) {
        if (core_row_major_tensor(t))
            fill_dense(&d, g, part, t->data, n);
        else
            fill_strided(&d, g, t);
        return 0;
    }
    TR_SCOPE;
    tr_tensor *host = core_tensor_new((tr_dtype)t->dtype, tr_cpu(), &t->shape, what);
    if (!host) return -1;
    fill_dense(&d, g, part, host->data, n);
    return send(t, host->data, what);
}

/* ---- in place ---- */

static int fill_in_place(distribution d, tr_generator *generator, tr_tensor *t, const char *what)
{
    if (core_dtype_category[t->dtype] < 2)
        return core_fail_status("%s: %s: only floating and complex tensors can hold these numbers", what, core_show(t));
    if (autograd_check_in_place(t, what) < 0) return -1;
    core_written(t);
    return fill(d, generator, t, what);
}

tr_tensor *(tr_uniform_)(tr_tensor *t, double low, double high, tr_generator *generator)
{
    static const double largest[TR_DTYPES] = {[TR_FLOAT16] = 65504, [TR_BFLOAT16] = 0x1.fep127, [TR_FLOAT32] = FLT_MAX, [TR_FLOAT64] = DBL_MAX};
    if (!t) return core_null("tr_uniform_");
    double limit = largest[part_type((tr_dtype)t->dtype)];
    if (limit > 0 && !(low >= -limit && low <= high && high <= limit && high - low <= limit))
        return core_fail("tr_uniform_: %s: low %g and high %g are not the ends of a range of this type", core_show(t), low, high);
    return fill_in_place((distribution){UNIFORM, low, high}, generator, t, "tr_uniform_") < 0 ? NULL : t;
}

tr_tensor *(tr_normal_)(tr_tensor *t, double mean, double std, tr_generator *generator)
{
    if (!t) return core_null("tr_normal_");
    if (!(std >= 0)) return core_fail("tr_normal_: a standard deviation is not negative, this one is %g", std);
    return fill_in_place((distribution){NORMAL, mean, std}, generator, t, "tr_normal_") < 0 ? NULL : t;
}

/* ---- new ones ---- */

static tr_tensor *make(const tr_shape *shape, const tr_tensor_options *options, tr_dtype fallback, const char *what)
{
    tr_dtype dtype;
    if (core_check_options(options, fallback, &dtype, what) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options->device, shape, what);
    if (t && options->requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

static tr_tensor *make_filled(const tr_shape *shape, const tr_tensor_options *options, distribution d, const char *what)
{
    if (core_dtype_ok(options->dtype) && core_dtype_category[options->dtype] < 2)
        return core_fail("%s: gives floating and complex numbers, not %s (tr_randint gives whole ones)", what, tr_dtype_name(options->dtype));
    tr_tensor *t = make(shape, options, TR_FLOAT32, what);
    return t && fill(d, options->generator, t, what) == 0 ? t : NULL;
}

tr_tensor *(tr_rand)(tr_shape shape, tr_tensor_options options)
{
    return make_filled(&shape, &options, (distribution){UNIFORM, 0, 1}, "tr_rand");
}

tr_tensor *(tr_randn)(tr_shape shape, tr_tensor_options options)
{
    return make_filled(&shape, &options, (distribution){NORMAL, 0, 1}, "tr_randn");
}

/* All whole numbers up to here, either sign, are elements of the type; 0 for complex types, which hold none. */
static int64_t whole_up_to(tr_dtype dtype)
{
    static const int64_t limit[TR_DTYPES] = {
        [TR_BOOL] = 1,
        [TR_UINT8] = UINT8_MAX,
        [TR_INT32] = INT32_MAX,
        [TR_INT64] = INT64_MAX,
        [TR_FLOAT16] = 1 << 11,
        [TR_BFLOAT16] = 1 << 8,
        [TR_FLOAT32] = 1 << 24,
        [TR_FLOAT64] = INT64_C(1) << 53};
    return limit[dtype];
}

static int64_t whole_down_to(tr_dtype dtype)
{
    if (dtype == TR_INT32) return INT32_MIN;
    if (dtype == TR_INT64) return INT64_MIN;
    return dtype == TR_BOOL || dtype == TR_UINT8 ? 0 : -whole_up_to(dtype);
}

tr_tensor *(tr_randint)(int64_t low, int64_t high, tr_shape shape, tr_tensor_options options)
{
    tr_tensor *t = make(&shape, &options, TR_INT64, "tr_randint");
    if (!t) return NULL;
    tr_dtype dtype = (tr_dtype)t->dtype;
    if (core_dtype_category[dtype] == 3) return core_fail("tr_randint: %s holds no whole numbers", tr_dtype_name(dtype));
    if (low >= high) return core_fail("tr_randint: there is no number from %lld up to, and without, %lld", (long long)low, (long long)high);
    if (low < whole_down_to(dtype) || high - 1 > whole_up_to(dtype))
        return core_fail("tr_randint: %s does not hold all numbers from %lld up to %lld", tr_dtype_name(dtype), (long long)low, (long long)high - 1);
    tr_generator *g = core_generator_or_default(options.generator);
    if (!g) return NULL;
    TR_SCOPE;
    tr_tensor *host = options.device.type == TR_CPU ? t : core_tensor_new(dtype, tr_cpu(), &shape, "tr_randint");
    if (!host) return NULL;
    core_fill_integers(g, dtype, host->data, t->numel, low, (uint64_t)high - (uint64_t)low);
    return host == t || send(t, host->data, "tr_randint") == 0 ? t : NULL;
}

tr_tensor *(tr_randperm)(int64_t n, tr_tensor_options options)
{
    tr_shape shape = {1, {n}};
    if (n < 0) return core_fail("tr_randperm: a permutation of %lld numbers", (long long)n);
    tr_tensor *t = make(&shape, &options, TR_INT64, "tr_randperm");
    if (!t) return NULL;
    tr_dtype dtype = (tr_dtype)t->dtype;
    if (n - 1 > whole_up_to(dtype) || core_dtype_category[dtype] == 3)
        return core_fail("tr_randperm: %s does not hold all numbers up to %lld", tr_dtype_name(dtype), (long long)n - 1);
    tr_generator *g = core_generator_or_default(options.generator);
    if (!g) return NULL;
    TR_SCOPE;
    bool direct = dtype == TR_INT64 && options.device.type == TR_CPU;
    tr_tensor *order = direct ? t : core_tensor_new(TR_INT64, tr_cpu(), &shape, "tr_randperm");
    tr_tensor *host = options.device.type == TR_CPU ? t : core_tensor_new(dtype, tr_cpu(), &shape, "tr_randperm");
    if (!order || !host) return NULL;
    tr_random_permutation(g, n, order->data);
    if (order != host) core_convert(host->data, dtype, order->data, TR_INT64, n);
    return host == t || send(t, host->data, "tr_randperm") == 0 ? t : NULL;
}
