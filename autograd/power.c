/* Powers with a number for exponent.
 *
 *     y = x^p      dx = dy (p x^(p-1)), 0 for p = 0
 *
 * As in PyTorch a power of 0.5 is the square root and one of -0.5 its reciprocal, which differ from libm's pow for -infinity
 * (NaN) and -0 (which keeps its sign); where the exponent is a tensor they are powers like others. */
#include <math.h>
#include "autograd/operands.h"
#include "core/whole.h"

static tr_tensor *number(double x) { return tr_number_(x, TR_FLOAT32); }

static tr_tensor *slope(tr_tensor *x, double p) { return (tr_mul)(number(p), (tr_pow)(x, number(p - 1))); }

static double value_of(const tr_tensor *exponent)
{
    return exponent->dtype == TR_FLOAT64 ? *(const double *)exponent->data : core_element_get(exponent->data, (tr_dtype)exponent->dtype, 0);
}

/* Where x lies in row-major memory of the CPU, and dy lies so, too, or is one number for all. */
static tr_tensor *fused_here(tr_tensor *dx, tr_tensor *dy, tr_tensor *x, tr_tensor *exponent)
{
    kernel_call call;
    autograd_begin_flat_(&call, KERNEL_POW_BACKWARD, (tr_dtype)x->dtype, dx);
    call.at[1] = dy->data;
    call.at[2] = x->data;
    autograd_operand_(&call, 3, exponent);
    if (dy->flags & CORE_UNIFORM) call.ones |= 1u << 1;
    return kernel_run_here(KERNEL_POW_BACKWARD, (tr_dtype)x->dtype, &call) == 0 ? dx : NULL;
}

static tr_tensor *fused(tr_tensor *dy, tr_tensor *x, tr_tensor *exponent)
{
    bool usual = exponent->flags & CORE_NUMBER && dy->kind == x->kind && (dy->size_class == x->size_class || dy->flags & CORE_UNIFORM);
    tr_tensor *dx = usual ? core_whole_like(core_here(), x) : NULL;
    if (dx) return fused_here(dx, dy, x, exponent);
    dx = core_tensor_like(x, (tr_dtype)x->dtype, "backward");
    return dx && autograd_flat(KERNEL_POW_BACKWARD, (tr_dtype)x->dtype, dx, dy, x, exponent) == 0 ? dx : NULL;
}

static void power_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *x = autograd_in(n, 0), *exponent = autograd_in(n, 1);
    if (!x || !exponent) return;
    double p = value_of(exponent);
    if (p == 0)
        autograd_give(n, 0, (tr_zeros_like)(x, (tr_tensor_options){0}));
    else
        autograd_give(n, 0, autograd_plain() ? fused(dy, x, exponent) : (tr_mul)(dy, slope(x, p)));
}

static tr_tensor *square(tr_tensor *const *x) { return (tr_pow)(x[0], tr_number_(2, TR_INT64)); }
static tr_tensor *cube(tr_tensor *const *x) { return (tr_pow)(x[0], tr_number_(3, TR_INT64)); }
static tr_tensor *root(tr_tensor *const *x) { return (tr_pow)(x[0], number(-0.5)); }
static const autograd_case cases[] = {
    {"squares", square, -2, 2, 1, {{2, {3, 4}}}},
    {"cubes", cube, -2, 2, 1, {{1, {5}}}},
    {"1 over roots", root, 0.5, 2, 1, {{0}}},
    {0}};
const autograd_op autograd_pow_number = {"pow", "PowBackward0", power_derivative, cases};

/* x's square root, or 1 over it, rounded once. */
static tr_tensor *root_of(tr_tensor *x, bool over)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_dtype type = (tr_dtype)x->dtype;
    tr_tensor *y = (tr_sqrt)(over && core_dtype_bytes[type] == 2 ? (tr_to)(x, TR_FLOAT32) : x);
    if (over) y = y ? (tr_reciprocal)(y) : NULL;
    return tr_pass_up(y ? (tr_to)(y, type) : NULL);
}

tr_tensor *autograd_power(tr_tensor *x, tr_tensor *exponent)
{
    tr_dtype type = (tr_dtype)x->dtype;
    if (core_is_floating(exponent) && fabs(value_of(exponent)) == 0.5) {
        tr_tensor *y = root_of(x, value_of(exponent) < 0);
        return autograd_note(y, &autograd_pow_number, x, exponent, NULL, AUTOGRAD_A | AUTOGRAD_B, NULL);
    }
    tr_tensor *y = core_whole_like(core_here(), x);
    if (y ? autograd_pair_here(KERNEL_POW, type, y, x, exponent) < 0
          : !(y = core_tensor_like(x, type, "tr_pow")) || autograd_pair(KERNEL_POW, type, y, x, exponent) < 0) return NULL;
    return autograd_note(y, &autograd_pow_number, x, exponent, NULL, AUTOGRAD_A | AUTOGRAD_B, NULL);
}
