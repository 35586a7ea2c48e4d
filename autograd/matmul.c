/* Matrix products.
 *
 *     mm, bmm: c = a b            da = dc b'      db = a' dc      (' of complex numbers: transposed and conjugated)
 *     mv:      y = a v            da = dy v'      dv = a' dy
 *     dot:     y = sum a_i b_i    da = dy b       db = dy a
 *
 * tr_matmul brings every pair of shapes to one of these by views. */
#include "autograd/autocast.h"
#include "autograd/operands.h"
#include "autograd/product.h"
#include "autograd/say.h"

static tr_tensor *swapped(tr_tensor *t) { return t ? (tr_transpose)(t, -2, -1) : NULL; }

static tr_tensor *adjoint(tr_tensor *t) { return t ? swapped((tr_conj)(t)) : NULL; }

static tr_tensor *times_adjoint(const autograd_node *n, tr_tensor *dc, tr_tensor *b)
{
    return autograd_products_plain(dc) ? autograd_product_for(n, 0, (autograd_operand){dc, false}, (autograd_operand){b, true}) : (tr_matmul)(dc, adjoint(b));
}

static tr_tensor *adjoint_times(const autograd_node *n, tr_tensor *a, tr_tensor *dc)
{
    return autograd_products_plain(dc) ? autograd_product_for(n, 1, (autograd_operand){a, true}, (autograd_operand){dc, false}) : (tr_matmul)(adjoint(a), dc);
}

static void product_derivative(autograd_node *n, tr_tensor *dc)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, times_adjoint(n, dc, autograd_in(n, 1)));
    if (autograd_wants(n, 1)) autograd_give(n, 1, adjoint_times(n, autograd_in(n, 0), dc));
}

static tr_tensor *matmul_sample(tr_tensor *const *x) { return (tr_matmul)(x[0], x[1]); }
static tr_tensor *matmul_sample_t(tr_tensor *const *x) { return (tr_matmul)((tr_t)(x[0]), x[1]); }
static const autograd_case mm_cases[] = {
    {"3x4 @ 4x2", matmul_sample, -1, 1, 2, {{2, {3, 4}}, {2, {4, 2}}}},
    {"transposed", matmul_sample_t, -1, 1, 2, {{2, {4, 3}}, {2, {4, 2}}}},
    {"vector @ matrix", matmul_sample, -1, 1, 2, {{1, {4}}, {2, {4, 3}}}},
    {0},
};
static const autograd_case mv_cases[] = {
    {"matrix @ vector", matmul_sample, -1, 1, 2, {{2, {3, 4}}, {1, {4}}}},
    {"transposed", matmul_sample_t, -1, 1, 2, {{2, {4, 3}}, {1, {4}}}},
    {0}};
static const autograd_case dot_cases[] = {
    {"two vectors", matmul_sample, -1, 1, 2, {{1, {4}}, {1, {4}}}},
    {0}};
static const autograd_case bmm_cases[] = {
    {"2 of 3x4 @ 4x2", matmul_sample, -1, 1, 2, {{3, {2, 3, 4}}, {3, {2, 4, 2}}}},
    {"batches that broadcast", matmul_sample, -1, 1, 2, {{4, {2, 1, 3, 4}}, {3, {3, 4, 2}}}},
    {"a batch and a vector", matmul_sample, -1, 1, 2, {{3, {2, 3, 4}}, {1, {4}}}},
    {0},
};

/* A vector stands as a column, or as a row. */
static void place_vector(kernel_call *call, int view, const tr_tensor *v, bool row)
{
    call->at[view] = v->data;
    call->stride[view][0] = 0;
    call->stride[view][1] = row ? 1 : v->stride[0];
    call->stride[view][2] = row ? v->stride[0] : 1;
}

static tr_tensor *outer(tr_tensor *dy, tr_tensor *v)
{
    if (!v) return NULL;
    if (!autograd_products_plain(dy)) return (tr_mul)((tr_unsqueeze)(dy, 1), (tr_conj)(v));
    int64_t m = dy->shape.size[0], n = v->shape.size[0];
    tr_tensor *c = core_tensor_new((tr_dtype)dy->dtype, core_device_at(dy), &(tr_shape){2, {m, n}}, "backward");
    kernel_call call;
    if (!c) return NULL;
    autograd_product_place(&call, 0, (autograd_operand){c, false});
    place_vector(&call, 1, dy, false);
    place_vector(&call, 2, v, true);
    return autograd_product_run(c, dy, v, NULL, &call, 1, m, n, 1) == 0 ? c : NULL;
}

/* a' dy, without noting it. */
static tr_tensor *turned_times_vector(tr_tensor *a, tr_tensor *dy)
{
    if (!a) return NULL;
    int64_t m = a->shape.size[1];
    tr_tensor *y = core_tensor_new((tr_dtype)a->dtype, core_device_at(a), &(tr_shape){1, {m}}, "backward");
    kernel_call call;
    if (!y) return NULL;
    place_vector(&call, 0, y, false);
    autograd_product_place(&call, 1, (autograd_operand){a, true});
    place_vector(&call, 2, dy, false);
    return autograd_product_run(y, a, dy, NULL, &call, 1, m, 1, dy->shape.size[0]) == 0 ? y : NULL;
}

static void mv_derivative(autograd_node *n, tr_tensor *dy)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, outer(dy, autograd_in(n, 1)));
    if (autograd_wants(n, 1)) autograd_give(n, 1, autograd_products_plain(dy) ? turned_times_vector(autograd_in(n, 0), dy) : (tr_matmul)(adjoint(autograd_in(n, 0)), dy));
}

static void dot_derivative(autograd_node *n, tr_tensor *dy)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, (tr_mul)(dy, (tr_conj)(autograd_in(n, 1))));
    if (autograd_wants(n, 1)) autograd_give(n, 1, (tr_mul)(dy, (tr_conj)(autograd_in(n, 0))));
}

const autograd_op autograd_mv = {"mv", "MvBackward0", mv_derivative, mv_cases};
const autograd_op autograd_dot = {"dot", "DotBackward0", dot_derivative, dot_cases};
const autograd_op autograd_mm = {"mm", "MmBackward0", product_derivative, mm_cases};
const autograd_op autograd_bmm = {"bmm", "BmmBackward0", product_derivative, bmm_cases};

/* PyTorch's sentence, which depends on how many dims met. */
static const char *say_inner(const tr_tensor *a, const tr_tensor *b, int64_t inner_a, int64_t inner_b)
{
    int na = a->shape.ndim, nb = b->shape.ndim;
    if (na == 2 && nb == 1)
        return core_text("size mismatch, got %lld, %s,%lld", (long long)a->shape.size[0], autograd_say_product(&a->shape), (long long)inner_b);
    if (na == 1 && nb == 1)
        return core_text("inconsistent tensor size, expected tensor %s and src %s to have the same number of elements", autograd_say_sizes(&a->shape), autograd_say_sizes(&b->shape));
    if (na > 2 || nb > 2) return core_text("Expected size for first two dimensions of batch2 tensor to have %lld but got: %lld.", (long long)inner_a, (long long)inner_b);
    return core_text("mat1 and mat2 shapes cannot be multiplied (%s%s and %s)", na == 1 ? "1x" : "", autograd_say_product(&a->shape), autograd_say_product(&b->shape));
}

static tr_tensor *no_inner(const char *function, const tr_tensor *a, const tr_tensor *b, int64_t inner_a, int64_t inner_b)
{
    return core_fail("%s: %s @ %s: inner sizes %lld and %lld differ: %s", function, core_show(a), core_show(b), (long long)inner_a, (long long)inner_b,
                     say_inner(a, b, inner_a, inner_b));
}

static tr_tensor *multiply(tr_tensor *c, tr_tensor *a, tr_tensor *b, const autograd_op *op)
{
    if (!c || autograd_product(c, (autograd_operand){a, false}, (autograd_operand){b, false}, NULL) < 0) return NULL;
    unsigned saves = AUTOGRAD_CONJUGATES | (autograd_tracked(a) ? AUTOGRAD_B : 0u) | (autograd_tracked(b) ? AUTOGRAD_A : 0u);
    return autograd_note(c, op, a, b, NULL, saves, NULL);
}

static tr_tensor *mm(const char *function, tr_tensor *a, tr_tensor *b)
{
    if (!autograd_products_agree(function, a, b)) return NULL;
    if (a->shape.size[1] != b->shape.size[0]) return no_inner(function, a, b, a->shape.size[1], b->shape.size[0]);
    return multiply(core_tensor_matrix(a, a->shape.size[0], b->shape.size[1], "tr_matmul"), a, b, &autograd_mm);
}

tr_tensor *(tr_mm)(tr_tensor *a, tr_tensor *b)
{
    if (core_here()->autocast) a = autograd_narrow(a), b = autograd_narrow(b);
    if (!a || !b) return core_null("tr_mm");
    if (a->shape.ndim != 2 || b->shape.ndim != 2) return core_fail("tr_mm: %s @ %s: both must be matrices", core_show(a), core_show(b));
    return mm("tr_mm", a, b);
}

tr_tensor *(tr_dot)(tr_tensor *a, tr_tensor *b)
{
    if (!a || !b) return core_null("tr_dot");
    CORE_TOLD_AS("tr_dot");
    if (a->shape.ndim != 1 || b->shape.ndim != 1) return core_fail("tr_dot: %s @ %s: both must be vectors", core_show(a), core_show(b));
    return (tr_matmul)(a, b);
}

tr_tensor *(tr_outer)(tr_tensor *a, tr_tensor *b)
{
    if (!a || !b) return core_null("tr_outer");
    CORE_TOLD_AS("tr_outer");
    if (a->shape.ndim != 1 || b->shape.ndim != 1) return core_fail("tr_outer: %s and %s: both must be vectors", core_show(a), core_show(b));
    return (tr_mul)((tr_unsqueeze)(a, 1), b);
}

/* a (m, k) or (k,), times the vector b (k,): the vector stands as a column, a vector before it as a row. */
static tr_tensor *times_vector(tr_tensor *a, tr_tensor *b)
{
    bool dot = a->shape.ndim == 1;
    int64_t m = dot ? 1 : a->shape.size[0];
    tr_tensor *y = core_tensor_new((tr_dtype)a->dtype, core_device_at(a), &(tr_shape){!dot, {m}}, "tr_matmul");
    if (!y) return NULL;
    kernel_call call = {.at = {y->data, a->data, b->data}, .stride = {{0, 1, 1}, {0, dot ? 1 : a->stride[0], a->stride[!dot]}, {0, b->stride[0], 1}}};
    if (autograd_product_run(y, a, b, NULL, &call, 1, m, 1, b->shape.size[0]) < 0) return NULL;
    unsigned saves = AUTOGRAD_CONJUGATES | (autograd_tracked(a) ? AUTOGRAD_B : 0u) | (autograd_tracked(b) ? AUTOGRAD_A : 0u);
    return autograd_note(y, dot ? &autograd_dot : &autograd_mv, a, b, NULL, saves, NULL);
}

/* Batches: a (..., m, k), b (..., k, n) with leading dims that broadcast, joined to one batch dim. */
static tr_tensor *batched(tr_tensor *a, tr_tensor *b)
{
    int na = a->shape.ndim, nb = b->shape.ndim;
    int64_t m = a->shape.size[na - 2], k = a->shape.size[na - 1], n = b->shape.size[nb - 1];
    if (k != b->shape.size[nb - 2]) return no_inner("tr_matmul", a, b, k, b->shape.size[nb - 2]);
    tr_shape lead_a = a->shape, lead_b = b->shape, lead;
    lead_a.ndim -= 2;
    lead_b.ndim -= 2;
    if (!core_broadcast(&lead_a, &lead_b, &lead) || lead.ndim > TR_MAX_DIMS - 2)
        return core_fail("tr_matmul: %s @ %s: the batches %s and %s do not broadcast", core_show(a), core_show(b), core_shape_text(&lead_a), core_shape_text(&lead_b));
    int64_t batch = tr_shape_numel(lead);
    tr_shape full_a = lead, full_b = lead, full = lead;
    full_a.size[full_a.ndim++] = m, full_a.size[full_a.ndim++] = k;
    full_b.size[full_b.ndim++] = k, full_b.size[full_b.ndim++] = n;
    full.size[full.ndim++] = m, full.size[full.ndim++] = n;
    a = (tr_reshape)((tr_expand)(a, full_a), (tr_shape){
                                                 3, {batch, m, k}});
    b = (tr_reshape)((tr_expand)(b, full_b), (tr_shape){
                                                 3, {batch, k, n}});
    if (!a || !b) return NULL;
    const tr_shape shape = {3, {batch, m, n}};
    tr_tensor *c = multiply(core_tensor_new((tr_dtype)a->dtype, core_device_at(a), &shape, "tr_matmul"), a, b, &autograd_bmm);
    return full.ndim == 3 ? c : autograd_reshaped(c, &full);
}

tr_tensor *(tr_matmul)(tr_tensor *a, tr_tensor *b)
{
    if (core_here()->autocast) a = autograd_narrow(a), b = autograd_narrow(b);
    if (!a || !b) return core_null("tr_matmul");
    int na = a->shape.ndim, nb = b->shape.ndim;
    if (na == 2 && nb == 2) return mm("tr_matmul", a, b);
    if (na == 0 || nb == 0) return core_fail("tr_matmul: %s @ %s: a scalar is no matrix; use tr_mul", core_show(a), core_show(b));
    if (!autograd_products_agree("tr_matmul", a, b)) return NULL;
    int64_t inner_a = a->shape.size[na - 1], inner_b = b->shape.size[nb > 1 ? nb - 2 : 0];
    if (inner_a != inner_b) return no_inner("tr_matmul", a, b, inner_a, inner_b);
    if (na <= 2 && nb == 1) return times_vector(a, b);
    if (na == 1) a = (tr_unsqueeze)(a, 0); /* a vector is a row on the left, a column on the right, and goes again */
    if (nb == 1) b = (tr_unsqueeze)(b, 1);
    if (!a || !b) return NULL;
    tr_tensor *c = na <= 2 && nb <= 2 ? mm("tr_matmul", a, b) : batched(a, b);
    if (nb == 1 && c) c = (tr_squeeze)(c, -1);
    if (na == 1 && c) c = autograd_named((tr_squeeze)(c, -2), "SqueezeBackward3");
    return c;
}
