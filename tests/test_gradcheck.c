/* Every operation with a derivative, at every sample that stands beside it, against central differences in float64.
 *
 *     loss = sum(r f(x))      d loss / d x[i]  ~  (loss(x + h e_i) - loss(x - h e_i)) / 2h
 *
 * r is random: with sum(f(x)) a softmax whose derivative is 0 would pass. Second derivatives are those of sum(s dx),
 * by x and by r, so that a derivative that ignores what came from above fails too. */
#include <math.h>
#include "autograd/autograd.h"
#include "test.h"

extern const autograd_op autograd_to_device;

enum { MOST = AUTOGRAD_INPUTS + 1 }; /* the inputs, and r */
static const double step = 1e-6, tolerance = 1e-6;

typedef struct {
    const autograd_op *op;
    const autograd_case *sample;
    tr_tensor *x[MOST]; /* leaves; the last one is r */
    int n;
} probe;

static tr_tensor *uniform(tr_shape shape, double low, double high)
{
    tr_tensor *t = tr_rand(shape, .dtype = TR_FLOAT64, .device = harness_device());
    return tr_add(low, tr_mul(t, high - low));
}

static tr_tensor *f(const probe *p) { return p->sample->apply(p->x); }
static tr_tensor *r(const probe *p) { return p->x[p->n - 1]; }

static probe begin(const autograd_op *op, const autograd_case *sample)
{
    probe p = {.op = op, .sample = sample, .n = sample->inputs + 1};
    for (int i = 0; i < sample->inputs; i++)
        p.x[i] = tr_requires_grad_(uniform(sample->shape[i], sample->low, sample->high), true);
    tr_tensor *y = f(&p);
    if (!y) fail_msg("%s, %s: %s", op->name, sample->what, tr_error_message());
    assert_dtype(y, TR_FLOAT64);
    if (!tr_grad_fn(y)) fail_msg("%s, %s: the result is in no graph", op->name, sample->what);
    p.x[p.n - 1] = tr_requires_grad_(uniform(tr_shape_of_tensor(y), -1, 1), true);
    return p;
}

static void backward(const probe *p, tr_tensor *loss, bool differentiable)
{
    if (tr_backward(loss, .create_graph = differentiable) < 0) fail_msg("%s, %s: %s", p->op->name, p->sample->what, tr_error_message());
}

static void forget_gradients(const probe *p)
{
    for (int i = 0; i < p->n; i++) assert_int_equal(tr_set_grad(p->x[i], NULL), 0);
}

/* sum(r f(x)) */
static tr_tensor *loss_of(const probe *p) { return tr_sum(tr_mul(r(p), f(p))); }

/* The gradient that has come to input i, zeros where none has. */
static tr_tensor *gradient(const probe *p, int i)
{
    tr_tensor *g = tr_grad(p->x[i]);
    if (!g) return tr_zeros(tr_shape_of_tensor(p->x[i]), .dtype = TR_FLOAT64, .device = harness_device());
    harness_shape(g, tr_shape_of_tensor(p->x[i]), __FILE__, __LINE__);
    assert_dtype(g, TR_FLOAT64);
    return g;
}

/* sum over the inputs of sum(s dx), dx by backward. */
static tr_tensor *sum_of_gradients(const probe *p, tr_tensor *const *s, bool differentiable)
{
    forget_gradients(p);
    if (tr_backward(loss_of(p), .create_graph = differentiable) < 0) return NULL;
    tr_tensor *sum = NULL;
    for (int i = 0; i < p->n - 1; i++) {
        tr_tensor *term = tr_sum(tr_mul(s[i], gradient(p, i)));
        sum = sum ? tr_add(sum, term) : term;
    }
    forget_gradients(p); /* a differentiable one and its leaf would hold each other */
    return sum;
}

static double loss_value(const probe *p, tr_tensor *const *s)
{
    (void)s;
    TR_SCOPE;
    TR_NO_GRAD;
    return tr_item(loss_of(p));
}

static double gradient_value(const probe *p, tr_tensor *const *s)
{
    TR_SCOPE;
    return tr_item(sum_of_gradients(p, s, false));
}

/* A write that the graph does not see. */
static void put(tr_tensor *x, int64_t i, double value)
{
    assert_int_equal(x->storage->device->to_device(x->storage->at.index, (double *)x->data + i, &value, sizeof value), 0);
}

/* Do these derivatives of g by each element of each input agree with its differences? */
static void compare(const probe *p, tr_tensor *const *derivative, double (*g)(const probe *, tr_tensor *const *), tr_tensor *const *s,
                    const char *order)
{
    for (int i = 0; i < p->n; i++) {
        for (int64_t e = 0; e < tr_numel(p->x[i]); e++) {
            double there = tr_get(p->x[i], e);
            put(p->x[i], e, there + step);
            double above = g(p, s);
            put(p->x[i], e, there - step);
            double below = g(p, s);
            put(p->x[i], e, there);
            double difference = (above - below) / (2 * step), ours = tr_get(derivative[i], e);
            if (!(fabs(ours - difference) <= tolerance * fmax(1, fabs(difference))))
                fail_msg("%s, %s: the %s derivative by element %d of input %d is %.10g, differences say %.10g", p->op->name,
                         p->sample->what, order, (int)e, i, ours, difference);
        }
    }
}

static void check_first(const autograd_op *op, const autograd_case *sample)
{
    TR_SCOPE;
    probe p = begin(op, sample);
    backward(&p, loss_of(&p), false);
    tr_tensor *dx[MOST] = {NULL};
    for (int i = 0; i < p.n; i++) dx[i] = gradient(&p, i);
    compare(&p, dx, loss_value, NULL, "first");
}

static void check_second(const autograd_op *op, const autograd_case *sample)
{
    TR_SCOPE;
    probe p = begin(op, sample);
    tr_tensor *s[MOST] = {NULL}, *ddx[MOST] = {NULL};
    for (int i = 0; i < p.n; i++) s[i] = uniform(tr_shape_of_tensor(p.x[i]), -1, 1);
    tr_tensor *sum = sum_of_gradients(&p, s, true);
    if (!sum) fail_msg("%s, %s: %s", op->name, sample->what, tr_error_message());
    if (tr_requires_grad(sum)) backward(&p, sum, false);
    for (int i = 0; i < p.n; i++) ddx[i] = tr_clone(gradient(&p, i));
    compare(&p, ddx, gradient_value, s, "second");
}

static void check_fused(const autograd_op *op, const autograd_case *sample)
{
    TR_SCOPE;
    probe p = begin(op, sample);
    backward(&p, loss_of(&p), false);
    tr_tensor *plain[MOST] = {NULL};
    for (int i = 0; i < p.n; i++) plain[i] = tr_clone(gradient(&p, i));
    forget_gradients(&p);
    backward(&p, loss_of(&p), true);
    for (int i = 0; i < p.n; i++) {
        TR_NO_GRAD;
        if (tr_allclose(gradient(&p, i), plain[i], .rtol = 1e-12, .atol = 1e-13) != 1)
            fail_msg("%s, %s: backward and differentiable backward give input %d other gradients", op->name, sample->what, i);
    }
    forget_gradients(&p);
}

static void for_every_sample(void (*check)(const autograd_op *op, const autograd_case *sample))
{
    for (const autograd_op *const *op = autograd_ops; *op; op++)
        for (const autograd_case *sample = (*op)->cases; sample && sample->apply; sample++) check(*op, sample);
}

/* Is a node of this operation in the graph that leads to n? Samples are small: no node is met often. */
static bool leads_to(const autograd_node *n, const autograd_op *op)
{
    if (!n || n->op == op) return n != NULL;
    for (int i = 0; i < n->inputs; i++)
        if (leads_to(n->to[i], op)) return true;
    return false;
}

TEST(every_operation_has_samples_that_use_it)
{
    for (const autograd_op *const *op = autograd_ops; *op; op++) {
        if (!(*op)->cases || !(*op)->cases->apply) {
            fail_msg("%s (%s) has no samples", (*op)->name, (*op)->grad_name);
            continue;
        }
        if (*op == &autograd_to_device && harness_device().type == TR_CPU) continue; /* is noted between two devices only, and here is one */
        bool met = false;
        for (const autograd_case *sample = (*op)->cases; sample->apply; sample++) {
            TR_SCOPE;
            probe p = begin(*op, sample);
            met |= leads_to((const autograd_node *)f(&p)->origin, *op);
        }
        if (!met) fail_msg("no sample of %s makes its node, %s", (*op)->name, (*op)->grad_name);
    }
}

TEST(first_derivatives_agree_with_differences) { for_every_sample(check_first); }
TEST(second_derivatives_agree_with_differences) { for_every_sample(check_second); }
TEST(backward_gives_one_gradient_fused_or_not) { for_every_sample(check_fused); }
