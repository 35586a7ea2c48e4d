/* Square matrices, one or a batch of them.
 *
 *     inv:   y = a^-1                da = -y' dy y'
 *     solve: a x = b                 db = a'^-1 dx      da = -db x'
 *     det:   y = |a|                 da = dy y' (a^-1)', which are the cofactors: where y is 0 they stand for themselves
 *
 * a' is the transpose, of complex matrices its conjugate.
 * see  Giles, Collected Matrix Derivative Results for Forward and Reverse Mode AD, 2008 */
#include "autograd/operands.h"

static tr_tensor *adjoint(tr_tensor *t) { return (tr_conj)((tr_transpose)(t, -2, -1)); }

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
static tr_tensor *regular(tr_tensor *x) { return (tr_add)(x, (tr_mul)((tr_eye)(x->shape.size[x->shape.ndim - 1], (tr_tensor_options){.dtype = TR_FLOAT64, .device = core_device_at(x)}), tr_number_(4, TR_INT64))); }

/* ---- inv ---- */

static void inverse_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *turned = adjoint(autograd_out(n));
    autograd_give(n, 0, (tr_neg)((tr_matmul)((tr_matmul)(turned, dy), turned)));
}
static tr_tensor *complex_of(tr_tensor *const *x) { return (tr_complex)(regular(x[0]), x[1]); }
static tr_tensor *inverse_sample(tr_tensor *const *x) { return (tr_inv)(regular(x[0])); }
static tr_tensor *inverse_complex(tr_tensor *const *x) { return (tr_view_as_real)((tr_inv)(complex_of(x))); }
static const autograd_case inverse_cases[] = {
    {"complex", inverse_complex, -1, 1, 2, {{2, {2, 2}}, {2, {2, 2}}}},
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
        if (autograd_run(&call, y, dense, NULL, NULL) < 0) return NULL;
    }
    return autograd_note(y, &autograd_inverse, a, NULL, NULL, AUTOGRAD_Y | AUTOGRAD_CONJUGATES, NULL);
}

/* ---- solve ---- */

static void solve_derivative(autograd_node *n, tr_tensor *dx)
{
    tr_tensor *a = autograd_in(n, 0), *x = autograd_out(n);
    tr_tensor *db = a && x ? (tr_solve)(adjoint(a), dx) : NULL;
    if (!db) return;
    if (autograd_wants(n, 0)) autograd_give(n, 0, (tr_neg)((tr_matmul)(db, adjoint(x))));
    if (autograd_wants(n, 1)) autograd_give(n, 1, db);
}
static tr_tensor *solve_sample(tr_tensor *const *x) { return (tr_solve)(regular(x[0]), x[1]); }
static tr_tensor *solve_complex(tr_tensor *const *x) { return (tr_view_as_real)((tr_solve)(complex_of(x), (tr_complex)(x[2], (tr_neg)(x[2])))); }
static const autograd_case solve_cases[] = {
    {"complex", solve_complex, -1, 1, 3, {{2, {2, 2}}, {2, {2, 2}}, {1, {2}}}},
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
    if (x->numel && autograd_run(&call, x, dense_a, dense_b, NULL) < 0) return NULL;
    return autograd_note(x, &autograd_solve, a, b, NULL, AUTOGRAD_A | AUTOGRAD_Y | AUTOGRAD_CONJUGATES, NULL);
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

/* y_ij = (-1)^(i+j) |a without row i and column j|: right for every matrix, at n^2 determinants of it. */
static tr_tensor *cofactors(tr_tensor *a)
{
    int last = a->shape.ndim - 1;
    int64_t n = a->shape.size[last];
    tr_tensor *y = (tr_zeros_like)(a, (tr_tensor_options){0});
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n && y; j++) {
            tr_tensor *rows[2] = {(tr_narrow)(a, last - 1, 0, i), (tr_narrow)(a, last - 1, i + 1, n - i - 1)};
            tr_tensor *left = rows[0] && rows[1] ? (tr_cat)((tr_tensors){rows, 2}, last - 1) : NULL;
            tr_tensor *columns[2] = {left ? (tr_narrow)(left, last, 0, j) : NULL, left ? (tr_narrow)(left, last, j + 1, n - j - 1) : NULL};
            tr_tensor *minor = columns[0] && columns[1] ? (tr_det)((tr_cat)((tr_tensors){columns, 2}, last)) : NULL;
            tr_tensor *place = minor ? (tr_select)((tr_select)(y, last - 1, i), last - 1, j) : NULL;
            if (!place || !(tr_copy_)(place, (i + j) % 2 ? (tr_neg)(minor) : minor)) return NULL;
        }
    return y;
}

static void det_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *a = autograd_in(n, 0), *y = autograd_out(n);
    tr_tensor *singular = a && y ? (tr_any)((tr_eq)((tr_detach)(y), tr_number_(0, TR_INT64)), (tr_reduce_options){0}) : NULL;
    if (!singular) return;
    tr_tensor *scale = dy, *slope;
    if ((tr_item)(singular) != 0)
        slope = (tr_conj)(cofactors(a));
    else {
        scale = (tr_mul)(dy, (tr_conj)(y));
        slope = adjoint((tr_inv)(a));
    }
    autograd_give(n, 0, slope ? (tr_mul)((tr_unsqueeze)((tr_unsqueeze)(scale, -1), -1), slope) : NULL);
}
static tr_tensor *det_sample(tr_tensor *const *x) { return (tr_det)(regular(x[0])); }
static tr_tensor *det_complex(tr_tensor *const *x) { return (tr_view_as_real)((tr_det)(complex_of(x))); }
/* A row of zeros: singular wherever the rest is. */
static tr_tensor *det_singular(tr_tensor *const *x)
{
    tr_tensor *mask = (tr_from_data)((const double[]){1, 1, 1, 0, 0, 0, 1, 1, 1}, TR_FLOAT64, (tr_shape){2, {3, 3}}, (tr_tensor_options){.device = core_device_at(x[0])});
    return (tr_det)((tr_mul)(x[0], mask));
}
static const autograd_case det_cases[] = {
    {"complex", det_complex, -0.5, 0.5, 2, {{2, {2, 2}}, {2, {2, 2}}}},
    {"singular", det_singular, -1, 1, 1, {{2, {3, 3}}}},
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
    if (y->numel && autograd_run(&call, y, dense, NULL, NULL) < 0) return NULL;
    return autograd_note(y, &autograd_det, a, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y | AUTOGRAD_CONJUGATES, NULL);
}
