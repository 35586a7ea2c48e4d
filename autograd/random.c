/* New tensors of random numbers. */
#include <trireme/tensor.h>
#include "autograd/random.h"
#include "core/random.h"

static tr_tensor *make(const tr_shape *shape, const tr_tensor_options *options, tr_dtype fallback, const char *what)
{
    tr_dtype dtype;
    if (core_check_options(options, fallback, &dtype, what) < 0) return NULL;
    tr_tensor *t = core_tensor_new(dtype, options->device, shape, what);
    if (t && options->requires_grad) t->flags |= CORE_REQUIRES_GRAD;
    return t;
}

static tr_tensor *make_filled(const tr_shape *shape, const tr_tensor_options *options, autograd_distribution d, const char *what)
{
    if (core_dtype_ok(options->dtype) && core_dtype_category[options->dtype] < 2)
        return core_fail("%s: gives floating and complex numbers, not %s (tr_randint gives whole ones)", what, tr_dtype_name(options->dtype));
    tr_tensor *t = make(shape, options, TR_DEFAULT_DTYPE, what);
    return t && autograd_draw(d, options->generator, t, what) == 0 ? t : NULL;
}

tr_tensor *(tr_rand)(tr_shape shape, tr_tensor_options options)
{
    return make_filled(&shape, &options, (autograd_distribution){AUTOGRAD_UNIFORM, 0, 1}, "tr_rand");
}

tr_tensor *(tr_randn)(tr_shape shape, tr_tensor_options options)
{
    return make_filled(&shape, &options, (autograd_distribution){AUTOGRAD_NORMAL, 0, 1}, "tr_randn");
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
    core_not_recorded("tr_randint", "whole numbers are drawn one after the other");
    tr_generator *g = core_generator_or_default(options.generator);
    if (!g) return NULL;
    TR_SCOPE;
    tr_tensor *host = options.device.type == TR_CPU ? t : core_tensor_new(dtype, tr_cpu(), &shape, "tr_randint");
    if (!host) return NULL;
    core_fill_integers(g, dtype, host->data, t->numel, low, (uint64_t)high - (uint64_t)low);
    return host == t || autograd_send(t, host->data, "tr_randint") == 0 ? t : NULL;
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
    core_not_recorded("tr_randperm", "whole numbers are drawn one after the other");
    tr_generator *g = core_generator_or_default(options.generator);
    if (!g) return NULL;
    TR_SCOPE;
    bool direct = dtype == TR_INT64 && options.device.type == TR_CPU;
    tr_tensor *order = direct ? t : core_tensor_new(TR_INT64, tr_cpu(), &shape, "tr_randperm");
    tr_tensor *host = options.device.type == TR_CPU ? t : core_tensor_new(dtype, tr_cpu(), &shape, "tr_randperm");
    if (!order || !host) return NULL;
    tr_random_permutation(g, n, order->data);
    if (order != host) core_convert(host->data, dtype, order->data, TR_INT64, n);
    return host == t || autograd_send(t, host->data, "tr_randperm") == 0 ? t : NULL;
}
