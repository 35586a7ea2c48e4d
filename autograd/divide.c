/* Division that rounds, and what it leaves.
 *
 *     floor_divide: the whole number below a / b, no gradient
 *     remainder:    a - b floor(a / b), with b's sign as in Python      da = dy      db = -dy floor(a / b)
 *     fmod:         a - b trunc(a / b), with a's sign as in C           da = dy      db = -dy trunc(a / b)
 *     rounded:      a quotient in a derivative                          da = db = 0, and given, as in PyTorch */
#include <assert.h>
#include "autograd/operands.h"

static tr_tensor *divide(const char *function, int kernel, tr_tensor **a, tr_tensor **b)
{
    if (!*a || !*b) return core_null(function);
    tr_shape shape;
    tr_dtype type = core_result_type(*a, *b);
    if (autograd_no_complex(function, *a) || autograd_no_complex(function, *b)) return NULL;
    if (!autograd_meet(function, a, b, type, &shape)) return NULL;
    if (core_dtype_category[type] == 1 && tr_shape_numel(shape) > 0) {
        tr_tensor *zero = (tr_any)((tr_eq)(*b, tr_number_(0, TR_INT64)), (tr_reduce_options){0});
        if (!zero) return NULL;
        if ((tr_item)(zero) != 0) return core_fail("%s: %s: integers are not divided by zero", function, core_show(*b));
    }
    tr_tensor *in[2] = {*a, *b}, *y = core_tensor_new(type, core_device_at(*a), &shape, function);
    return y && autograd_pointwise(kernel, type, y, in, 2, 0) == 0 ? y : NULL;
}

typedef tr_tensor *quotient_of(tr_tensor *a, tr_tensor *b);

static tr_tensor *rounded(quotient_of *quotient, tr_tensor *a, tr_tensor *b);

static void give(autograd_node *n, tr_tensor *dy, quotient_of *quotient)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_sum_to(dy, &n->args.shape));
    if (!autograd_wants(n, 1)) return;
    tr_tensor *a = autograd_in(n, 0), *b = autograd_in(n, 1);
    tr_tensor *q = a && b ? rounded(quotient, a, b) : NULL;
    autograd_give(n, 1, q ? autograd_sum_to((tr_neg)((tr_mul)(dy, q)), &n->args.shape_b) : NULL);
}

static void rounded_derivative(autograd_node *n, tr_tensor *dq)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_zeros(dq, &n->args.shape));
    if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_zeros(dq, &n->args.shape_b));
}
static tr_tensor *rounded_sample(tr_tensor *const *x) { return rounded((tr_floor_divide), (tr_mul)(x[0], tr_number_(2.4, TR_FLOAT32)), x[1]); }
static const autograd_case rounded_cases[] = {
    {"a row", rounded_sample, 1.1, 1.3, 2, {{2, {3, 4}}, {1, {4}}}},
    {0}};
const autograd_op autograd_rounded = {"rounded", "DivBackward1", rounded_derivative, rounded_cases};
static tr_tensor *rounded(quotient_of *quotient, tr_tensor *a, tr_tensor *b)
{
    bool before = tr_set_grad_enabled(false);
    tr_tensor *q = quotient(a, b);
    tr_set_grad_enabled(before);
    assert(!q || (a && b));
    return q ? autograd_note(q, &autograd_rounded, a, b, NULL, 0, &(autograd_args){.shape = a->shape, .shape_b = b->shape}) : NULL;
}

static tr_tensor *truncated(tr_tensor *a, tr_tensor *b) { return (tr_trunc)((tr_div)(a, b)); }
static void remainder_derivative(autograd_node *n, tr_tensor *dy) { give(n, dy, (tr_floor_divide)); }
static void fmod_derivative(autograd_node *n, tr_tensor *dy) { give(n, dy, truncated); }
static tr_tensor *remainder_sample(tr_tensor *const *x) { return (tr_remainder)((tr_mul)(x[0], tr_number_(3, TR_INT64)), x[1]); }
static tr_tensor *fmod_sample(tr_tensor *const *x) { return (tr_fmod)((tr_neg)((tr_mul)(x[0], tr_number_(3, TR_INT64))), x[1]); }
static const autograd_case remainder_cases[] = {
    {"a row", remainder_sample, 1.1, 1.3, 2, {{2, {3, 4}}, {1, {4}}}},
    {0}};
static const autograd_case fmod_cases[] = {
    {"a row, negative", fmod_sample, 1.1, 1.3, 2, {{2, {3, 4}}, {1, {4}}}},
    {0}};
const autograd_op autograd_remainder = {"remainder", "RemainderBackward0", remainder_derivative, remainder_cases};
const autograd_op autograd_fmod = {"fmod", "FmodBackward0", fmod_derivative, fmod_cases};

static tr_tensor *note(tr_tensor *y, const autograd_op *op, tr_tensor *a, tr_tensor *b)
{
    unsigned saves = autograd_tracked(b) ? AUTOGRAD_A | AUTOGRAD_B : 0u;
    assert(!y || (a && b)); /* divide() made y from them */
    return y ? autograd_note(y, op, a, b, NULL, saves, &(autograd_args){.shape = a->shape, .shape_b = b->shape}) : NULL;
}

tr_tensor *(tr_floor_divide)(tr_tensor *a, tr_tensor *b) { return divide("tr_floor_divide", KERNEL_FLOOR_DIVIDE, &a, &b); }
tr_tensor *(tr_remainder)(tr_tensor *a, tr_tensor *b)
{
    bool by_number = b && b->flags & CORE_NUMBER;
    tr_tensor *y = divide("tr_remainder", KERNEL_REMAINDER, &a, &b);
    return autograd_named(note(y, &autograd_remainder, a, b), by_number ? "RemainderBackward0" : "RemainderBackward1");
}
tr_tensor *(tr_fmod)(tr_tensor *a, tr_tensor *b)
{
    bool by_number = b && b->flags & CORE_NUMBER;
    tr_tensor *y = divide("tr_fmod", KERNEL_FMOD, &a, &b);
    return autograd_named(note(y, &autograd_fmod, a, b), by_number ? "FmodBackward0" : "FmodBackward1");
}
