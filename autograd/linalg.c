/* Square matrices, one or a batch of them.
 *
 *     inv:   y = a^-1                da = -y' dy y'
 *     solve: a x = b                 db = a'^-1 dx      da = -db x'
 *     det:   y = |a|                 da = dy y (a^-1)'
 *
 * see  Giles, Collected Matrix Derivative Results for Forward and Reverse Mode AD, 2008 */
#include "autograd/operands.h"

static tr_tensor *swapped(tr_tensor *t) { return (tr_transpose)(t, -2, -1); }

static bool square(const char *function, const tr_tensor *a)
{
    int n = a->shape.ndim;
    if (n >= 2 && a->shape.size[n - 1] == a->shape.size[n - 2]) return true;
    core_fail("%s: %s is not a square matrix", function, core_show(a));
    return false;
}

static int64_t batch_of(const tr_tensor *a)
{
    int64_t batch = 1;
    for (int d = 0; d < a->shape.ndim - 2; d++) batch *= a->shape.size[d];
    return batch;
}

/* Samples stay far from singular: what is drawn, plus 4 on the diagonal. */
static tr_tensor *regular(tr_tensor *x) { return (tr_add)(x, (tr_mul)((tr_eye)(x->shape.size[x->shape.ndim - 1], (tr_tensor_options){.dtype = TR_FLOAT64}), tr_number_(4, TR_INT64))); }

/* ---- inv ---- */

static void inverse_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *turned = swapped(autograd_out(n));
    autograd_give(n, 0, (tr_neg)((tr_matmul)((tr_matmul)(turned, dy), turned)));
}
static tr_tensor *inverse_sample(tr_tensor *const *x) { return (tr_inv)(regular(x[0])); }
static const autograd_case inverse_cases[] = {
    {"3x3", inverse_sample, -1, 1, 1, {{2, {3, 3}}}},
    {"two of 2x2", inverse_sample, -1, 1, 1, {{3, {2, 2, 2}}}},
    {0}};
const autograd_op autograd_inverse = {"inv", "LinalgInvExBackward0", inverse_derivative, inverse_cases};

tr_tensor *(tr_inv)(tr_tensor *a)
{
    if (!a) return core_null("tr_inv");
    if (!square("tr_inv", a)) return NULL;
    tr_tensor *dense = autograd_plain_copy(a, (tr_dtype)a->dtype);
    tr_tensor *y = dense ? core_tensor_new((tr_dtype)a->dtype, core_device_at(a), &a->shape, "tr_inv") : NULL;
    if (!y) return NULL;
    int64_t n = a->shape.size[a->shape.ndim - 1], bytes = n * n * core_dtype_bytes[a->dtype], batch = y->numel ? batch_of(a) : 0;
    for (int64_t i = 0; i < batch; i++) {
        kernel_call call = {
            .kernel = KERNEL_INVERSE, .type = a->dtype, .n = n * n, .at = {(char *)y->data + i * bytes, (char *)dense->data + i * bytes}, .size = {n}};
        if (kernel_run(core_device_at(a), &call) < 0) return NULL;
    }
    return autograd_note(y, &autograd_inverse, a, NULL, NULL, AUTOGRAD_Y, NULL);
}

/* ---- solve ---- */

static void solve_derivative(autograd_node *n, tr_tensor *dx)
{
    tr_tensor *a = autograd_in(n, 0), *x = autograd_out(n);
    tr_tensor *db = a && x ? (tr_solve)(swapped(a), dx) : NULL;
    if (!db) return;
    if (autograd_wants(n, 0)) autograd_give(n, 0, (tr_neg)((tr_matmul)(db, swapped(x))));
    if (autograd_wants(n, 1)) autograd_give(n, 1, db);
}
static tr_tensor *solve_sample(tr_tensor *const *x) { return (tr_solve)(regular(x[0]), x[1]); }
static const autograd_case solve_cases[] = {
    {"two columns", solve_sample, -1, 1, 2, {{2, {3, 3}}, {2, {3, 2}}}},
    {"a vector", solve_sample, -1, 1, 2, {{2, {3, 3}}, {1, {3}}}},
    {"one matrix, two right sides", solve_sample, -1, 1, 2, {{2, {2, 2}}, {3, {2, 2, 1}}}},
    {0}};
const autograd_op autograd_solve = {"solve", "LinalgSolveExBackward0", solve_derivative, solve_cases};

/* a (..., n, n) and b (..., n, m) of one type and batch. */
static tr_tensor *solve(tr_tensor *a, tr_tensor *b)
{
    tr_tensor *dense_a = autograd_plain_copy(a, (tr_dtype)a->dtype), *dense_b = dense_a ? autograd_plain_copy(b, (tr_dtype)b->dtype) : NULL;
    tr_tensor *x = dense_b ? core_tensor_new((tr_dtype)b->dtype, core_device_at(b), &b->shape, "tr_solve") : NULL;
    if (!x) return NULL;
    int last = b->shape.ndim - 1;
    kernel_call call = {
        .kernel = KERNEL_SOLVE, .type = a->dtype, .n = x->numel, .at = {x->data, dense_a->data, dense_b->data}, .size = {batch_of(a), b->shape.size[last - 1], b->shape.size[last]}};
    if (x->numel && kernel_run(core_device_at(a), &call) < 0) return NULL;
    return autograd_note(x, &autograd_solve, a, b, NULL, AUTOGRAD_A | AUTOGRAD_Y, NULL);
}

tr_tensor *(tr_solve)(tr_tensor *a, tr_tensor *b)
{
    if (!a || !b) return core_null("tr_solve");
    if (!square("tr_solve", a)) return NULL;
    int na = a->shape.ndim;
    bool vector = b->shape.ndim == 1;
    tr_tensor *right = vector ? (tr_unsqueeze)(b, 1) : b;
    if (!right) return NULL;
    int nb = right->shape.ndim;
    if (nb < 2 || right->shape.size[nb - 2] != a->shape.size[na - 1]) return core_fail("tr_solve: %s x = %s: the rows do not agree", core_show(a), core_show(b));
    tr_dtype type = tr_promote_types((tr_dtype)a->dtype, (tr_dtype)b->dtype);
    if (!autograd_one_device("tr_solve", a, b)) return NULL;
    tr_shape lead_a = a->shape, lead_b = right->shape, lead;
    lead_a.ndim -= 2;
    lead_b.ndim -= 2;
    if (!core_broadcast(&lead_a, &lead_b, &lead)) return core_fail("tr_solve: %s x = %s: the batches do not broadcast", core_show(a), core_show(b));
    tr_shape full_a = lead, full_b = lead;
    for (int d = 0; d < 2; d++) {
        full_a.size[full_a.ndim++] = a->shape.size[na - 2 + d];
        full_b.size[full_b.ndim++] = right->shape.size[nb - 2 + d];
    }
    a = (tr_expand)((tr_to)(a, type), full_a);
    right = (tr_expand)((tr_to)(right, type), full_b);
    tr_tensor *x = a && right ? solve(a, right) : NULL;
    return x && vector ? autograd_named((tr_squeeze)(x, -1), autograd_solve.grad_name) : x;
}

/* ---- det ---- */

static void det_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *a = autograd_in(n, 0), *y = autograd_out(n);
    tr_tensor *inverse = a && y ? (tr_inv)(a) : NULL; /* a singular matrix is an error here */
    if (!inverse) return;
    tr_tensor *scale = (tr_unsqueeze)((tr_unsqueeze)((tr_mul)(dy, y), -1), -1);
    autograd_give(n, 0, (tr_mul)(scale, swapped(inverse)));
}
static tr_tensor *det_sample(tr_tensor *const *x) { return (tr_det)(regular(x[0])); }
static const autograd_case det_cases[] = {
    {"3x3", det_sample, -0.5, 0.5, 1, {{2, {3, 3}}}},
    {"two of 2x2", det_sample, -0.5, 0.5, 1, {{3, {2, 2, 2}}}},
    {0}};
const autograd_op autograd_det = {"det", "LinalgDetBackward0", det_derivative, det_cases};

tr_tensor *(tr_det)(tr_tensor *a)
{
    if (!a) return core_null("tr_det");
    if (!square("tr_det", a)) return NULL;
    tr_shape shape = a->shape;
    shape.ndim -= 2;
    tr_tensor *dense = autograd_plain_copy(a, (tr_dtype)a->dtype);
    tr_tensor *y = dense ? core_tensor_new((tr_dtype)a->dtype, core_device_at(a), &shape, "tr_det") : NULL;
    if (!y) return NULL;
    kernel_call call = {
        .kernel = KERNEL_DET, .type = a->dtype, .n = y->numel, .at = {y->data, dense->data}, .size = {y->numel, a->shape.size[a->shape.ndim - 1]}};
    if (y->numel && kernel_run(core_device_at(a), &call) < 0) return NULL;
    return autograd_note(y, &autograd_det, a, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y, NULL);
}
