/* Comparisons and selections by condition. */
#include <math.h>
#include "autograd/operands.h"

static tr_tensor *compare(const char *function, int kernel, tr_tensor *a, tr_tensor *b)
{
    if (!a || !b) return core_null(function);
    tr_shape shape;
    tr_dtype type = core_result_type(a, b);
    bool ordered = kernel != KERNEL_EQ && kernel != KERNEL_NE;
    if (ordered && (autograd_no_complex(function, a) || autograd_no_complex(function, b))) return NULL;
    if (!autograd_join(function, &a, &b, type, &shape)) return NULL;
    tr_tensor *in[2] = {a, b}, *y = core_tensor_new(TR_BOOL, core_device_at(a->flags & CORE_NUMBER ? b : a), &shape, function);
    return y && autograd_pointwise(kernel, type, y, in, 2, 0) == 0 ? y : NULL;
}

tr_tensor *(tr_eq)(tr_tensor *a, tr_tensor *b) { return compare("tr_eq", KERNEL_EQ, a, b); }
tr_tensor *(tr_ne)(tr_tensor *a, tr_tensor *b) { return compare("tr_ne", KERNEL_NE, a, b); }
tr_tensor *(tr_lt)(tr_tensor *a, tr_tensor *b) { return compare("tr_lt", KERNEL_LT, a, b); }
tr_tensor *(tr_le)(tr_tensor *a, tr_tensor *b) { return compare("tr_le", KERNEL_LE, a, b); }
tr_tensor *(tr_gt)(tr_tensor *a, tr_tensor *b) { return compare("tr_gt", KERNEL_GT, a, b); }
tr_tensor *(tr_ge)(tr_tensor *a, tr_tensor *b) { return compare("tr_ge", KERNEL_GE, a, b); }

/* where: y = c ? a : b      da = c ? dy : 0      db = c ? 0 : dy */
static void where_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *condition = autograd_in(n, 2);
    if (!condition) return;
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_sum_to((tr_where)(condition, dy, tr_number_(0, TR_INT64)), &n->args.shape));
    if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_sum_to((tr_where)(condition, tr_number_(0, TR_INT64), dy), &n->args.shape_b));
}

static tr_tensor *where_sample(tr_tensor *const *x) { return (tr_where)((tr_gt)((tr_detach)(x[0]), tr_number_(0, TR_INT64)), x[0], x[1]); }
static const autograd_case where_cases[] = {
    {"matrix and row", where_sample, 0.1, 2, 2, {{2, {3, 4}}, {1, {4}}}},
    {"negative", where_sample, -2, -0.1, 2, {{2, {3, 4}}, {2, {3, 4}}}},
    {0},
};
const autograd_op autograd_where = {"where", "WhereBackward0", where_derivative, where_cases};

tr_tensor *(tr_where)(tr_tensor *condition, tr_tensor *a, tr_tensor *b)
{
    if (!condition || !a || !b) return core_null("tr_where");
    if (condition->dtype != TR_BOOL) return core_fail("tr_where: the condition must be bool, not %s", core_show(condition));
    tr_shape both, shape;
    tr_dtype type = core_result_type(a, b);
    if (!autograd_join("tr_where", &a, &b, type, &both)) return NULL;
    if (!core_broadcast(&condition->shape, &both, &shape))
        return core_fail("tr_where: the condition %s does not broadcast with %s", core_show(condition), core_shape_text(&both));
    bool numbers = a->flags & b->flags & CORE_NUMBER;
    if (!numbers && !autograd_one_device("tr_where", condition, a->flags & CORE_NUMBER ? b : a)) return NULL;
    tr_tensor *in[3] = {condition, a, b};
    tr_tensor *y = core_tensor_new(type, core_device_at(condition), &shape, "tr_where");
    if (!y || autograd_pointwise(KERNEL_WHERE, type, y, in, 3, 0) < 0) return NULL;
    return autograd_note(y, &autograd_where, a, b, condition, AUTOGRAD_C, &(autograd_args){.shape = a->shape, .shape_b = b->shape});
}

/* Is the distance within the bound around |y|?  Infinities are close to themselves alone. */
static int real_close(const tr_tensor *a, const tr_tensor *b, double rtol, double atol, bool equal_nan)
{
    const double *x = a->data, *y = b->data;
    for (int64_t i = 0; i < a->numel; i++) {
        if (x[i] == y[i] || (equal_nan && isnan(x[i]) && isnan(y[i]))) continue;
        if (isinf(y[i]) || !(fabs(x[i] - y[i]) <= atol + rtol * fabs(y[i]))) return 0;
    }
    return 1;
}

static int complex_close(const tr_tensor *a, const tr_tensor *b, double rtol, double atol, bool equal_nan)
{
    const double *x = a->data, *y = b->data;
    for (int64_t i = 0; i < 2 * a->numel; i += 2) {
        if (x[i] == y[i] && x[i + 1] == y[i + 1]) continue;
        if (equal_nan && (isnan(x[i]) || isnan(x[i + 1])) && (isnan(y[i]) || isnan(y[i + 1]))) continue;
        double size = hypot(y[i], y[i + 1]);
        if (isinf(size) || !(hypot(x[i] - y[i], x[i + 1] - y[i + 1]) <= atol + rtol * size)) return 0;
    }
    return 1;
}

int(tr_allclose)(tr_tensor *a, tr_tensor *b, tr_allclose_options options)
{
    if (!a || !b) return core_null_status("tr_allclose");
    double rtol = options.rtol != 0 ? options.rtol : 1e-5, atol = options.atol != 0 ? options.atol : 1e-8;
    tr_shape shape;
    int depth = tr_scope_open();
    bool before = tr_set_grad_enabled(false);
    int close = -1;
    tr_dtype type = core_result_type(a, b);
    tr_dtype wide = core_dtype_category[type] == 3 ? TR_COMPLEX128 : TR_FLOAT64;
    if (autograd_meet("tr_allclose", &a, &b, wide, &shape) && (a = (tr_contiguous)((tr_expand)(a, shape))) && (b = (tr_contiguous)((tr_expand)(b, shape))) &&
        (a = (tr_to_device)(a, tr_cpu())) && (b = (tr_to_device)(b, tr_cpu()))) {
        close = wide == TR_COMPLEX128 ? complex_close(a, b, rtol, atol, options.equal_nan) : real_close(a, b, rtol, atol, options.equal_nan);
    }
    tr_set_grad_enabled(before);
    tr_scope_close(depth);
    return close;
}
