/* Writing through views of tensors in a graph: every view sees the values, and every gradient is right. */
#include <math.h>
#include <trireme/autograd.h>
#include <trireme/arrange.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

TEST(a_write_through_a_view_is_in_the_history_of_its_base)
{
    tr_tensor *x = leaf(row(1, 2, 3)), *y = tr_mul(x, 1), *v = tr_slice(y, 0, 0, 2, 1), *other = tr_unsqueeze(y, 0);
    tr_mul_(v, 10);
    assert_string_equal(tr_grad_fn(y), "CopySlices");
    assert_string_equal(tr_grad_fn(v), "AsStridedBackward0");
    assert_string_equal(tr_grad_fn(other), "AsStridedBackward0");
    assert_close(y, row(10, 20, 3), 0);
    assert_int_equal(tr_backward(tr_sum(other)), 0);
    assert_close(tr_grad(x), row(10, 10, 1), 0);
}

TEST(a_diagonal_is_a_view_like_any_other)
{
    tr_tensor *x = leaf(tr_ones(TR_SHAPE(2, 3))), *y = tr_mul(x, 1), *d = tr_diagonal(y, 1, 0, 1);
    tr_mul_(d, 5);
    assert_string_equal(tr_grad_fn(y), "CopySlices");
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    assert_close(tr_grad(x), tr_add(tr_mul(tr_triu(tr_ones(TR_SHAPE(2, 3)), 1), tr_tril(tr_full(TR_SHAPE(2, 3), 4), 1)), 1), 0);
    assert_null(tr_fill_(tr_diagonal(x, 0, 0, 1), 0));
    assert_error_says("a view of a leaf Variable that requires grad is being used in an in-place operation.");
}

TEST(a_buffer_filled_row_by_row_is_differentiable)
{
    tr_tensor *x = leaf(row(1, 2)), *buffer = tr_zeros(TR_SHAPE(3, 2));
    for (int i = 0; i < 3; i++) tr_copy_(tr_select(buffer, 0, i), tr_mul(x, i + 1));
    assert_close(buffer, tr_outer(row(1, 2, 3), tr_detach(x)), 0);
    tr_zero_(tr_select(buffer, 0, 1));
    assert_int_equal(tr_backward(tr_sum(buffer)), 0);
    assert_close(tr_grad(x), row(4, 4), 0);
}

TEST(a_write_to_the_base_is_in_the_history_of_its_views)
{
    tr_tensor *x = leaf(row(1, 2, 3)), *y = tr_mul(x, 1), *v = tr_select(y, 0, 1);
    tr_mul_(y, x);
    assert_item(v, 4, 0);
    assert_int_equal(tr_backward(v), 0);
    assert_close(tr_grad(x), row(0, 4, 0), 0);
}

TEST(a_view_of_a_leaf_is_written_only_where_nothing_is_noted)
{
    tr_tensor *x = leaf(row(1, 2, 3)), *v = tr_select(x, 0, 2);
    assert_null(tr_fill_(v, 0));
    assert_error_says("a view of a leaf Variable that requires grad is being used in an in-place operation.");
    assert_null(tr_add_(tr_slice(tr_unsqueeze(x, 0), 1, 0, 1, 1), 1));
    assert_error_says("a view of a leaf Variable");
    {
        TR_NO_GRAD;
        assert_non_null(tr_fill_(v, 0));
        assert_non_null(tr_add_(tr_select(x, 0, 0), 1));
    }
    assert_close(x, row(2, 2, 0), 0);
    assert_true(tr_is_leaf(x));
}

TEST(a_view_made_while_nothing_was_noted_is_not_written_with_a_history)
{
    tr_tensor *x = leaf(row(1)), *y = tr_zeros(TR_SHAPE(2)), *v;
    {
        TR_NO_GRAD;
        v = tr_select(y, 0, 0);
    }
    assert_non_null(tr_fill_(v, 1)); /* nothing to note */
    assert_null(tr_copy_(v, tr_select(x, 0, 0)));
    assert_error_says("A view was created in no_grad mode and is being modified inplace with grad mode enabled");
}

TEST(a_value_that_a_view_changed_is_refused)
{
    tr_tensor *x = leaf(row(1, 2, 3)), *y = tr_mul(x, 1), *z = tr_mul(y, y);
    tr_add_(tr_select(y, 0, 0), 1);
    assert_true(tr_backward(tr_sum(z)) < 0);
    assert_error_says("[torch.FloatTensor [3]], which is output 0 of MulBackward0, is at version 1; expected version 0 instead");
}

TEST(what_is_detached_has_a_history_of_its_own)
{
    tr_tensor *x = leaf(row(1, 2)), *y = tr_mul(x, 3), *d = tr_detach(y);
    tr_mul_(d, 2);
    assert_close(y, row(6, 12), 0);
    assert_string_equal(tr_grad_fn(y), "MulBackward0");
    tr_mul_(y, 2);
    assert_true(tr_is_leaf(d));
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    assert_close(tr_grad(x), row(6, 6), 0);
}

TEST(every_kind_of_write_through_a_view_is_told)
{
    tr_tensor *x = leaf(row(1, 2, 3)), *mask = tr_gt(row(1, 0, 1), 0);
    for (int kind = 0; kind < 5; kind++) {
        tr_tensor *y = tr_mul(x, 1), *v = tr_unsqueeze(y, 0), *done = NULL;
        switch (kind) {
        case 0: done = tr_uniform_(v, 0, 1, NULL); break;
        case 1: done = tr_fill_(v, 1); break;
        case 2: done = tr_masked_fill_(v, mask, 1); break;
        case 3: done = tr_copy_(v, row(1, 1, 1)); break;
        default: done = tr_normal_(v, 0, 1, NULL);
        }
        assert_ptr_equal(done, v);
        assert_string_equal(tr_grad_fn(y), "CopySlices");
        tr_set_grad(x, NULL);
        assert_int_equal(tr_backward(tr_sum(y)), 0);
        assert_close(tr_grad(x), kind == 2 ? row(0, 1, 0) : row(0, 0, 0), 0);
    }
}

TEST(views_outlive_their_base)
{
    tr_tensor *x = leaf(row(1, 2)), *v, *w;
    {
        TR_SCOPE;
        tr_tensor *y = tr_mul(x, 3);
        v = tr_keep(tr_unsqueeze(y, 0));
        w = tr_keep(tr_slice(y, 0, 0, 1, 1));
    }
    tr_mul_(w, 5);
    assert_int_equal(tr_backward(tr_sum(v)), 0);
    assert_close(tr_grad(x), row(15, 3), 0);
    tr_drop(w);
    tr_drop(v);
}

TEST(second_derivatives_go_through_writes)
{
    tr_tensor *x = leaf(row64(2, 3)), *y = tr_mul(x, x);
    tr_mul_(tr_select(y, 0, 0), tr_select(x, 0, 0)); /* x0^3, x1^2 */
    assert_int_equal(tr_backward(tr_sum(y), .create_graph = true), 0);
    assert_close(tr_grad(x), row64(12, 6), 0);
    tr_tensor *dx = tr_keep(tr_grad(x));
    tr_set_grad(x, NULL);
    assert_int_equal(tr_backward(tr_sum(dx)), 0);
    assert_close(tr_grad(x), row64(12, 2), 0);
    tr_drop(dx);
}

/* ---- random programs against central differences ----
 * A program is its seed: up to 8 steps on a growing list of tensors, each a view of one, a write into one, or a new one
 * made of one.  What it computes is a weighted sum of everything on the list. */

enum { PROGRAMS = 1000,
       STEPS = 8,
       MOST = 3 + STEPS };

static uint64_t state;
static int pick(int n) { return (int)((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % n; }

static tr_tensor *some_view(tr_tensor *t)
{
    int n = tr_ndim(t), d = n ? pick(n) : 0;
    switch (n ? pick(8) : 7) {
    case 0: return tr_select(t, d, pick((int)tr_size(t, d)));
    case 1: return tr_slice(t, d, pick(2), TR_END, 1 + pick(2));
    case 2: return tr_narrow(t, d, 0, (tr_size(t, d) + 1) / 2);
    case 3: return tr_transpose(t, d, pick(n));
    case 4: return tr_is_contiguous(t) ? tr_view(t, TR_SHAPE(-1)) : tr_squeeze(t, d);
    case 5: return n == 2 ? tr_permute(t, TR_SHAPE(1, 0)) : tr_squeeze(t, d);
    case 6: return n < 3 ? tr_expand(tr_unsqueeze(t, 0), n == 1 ? TR_SHAPE(2, -1) : TR_SHAPE(2, -1, -1)) : tr_squeeze(t, d);
    default: return n < 4 ? tr_unsqueeze(t, n ? pick(n + 1) : 0) : t;
    }
}

static tr_tensor *some_write(tr_tensor *t, tr_tensor *w)
{
    tr_tensor *number = tr_select(w, 0, pick(4));
    switch (pick(7)) {
    case 0: return tr_mul_(t, number);
    case 1: return tr_add_(t, number);
    case 2: return tr_copy_(t, number);
    case 3: return tr_mul_(t, 0.5);
    case 4: return tr_sub_(t, tr_sin(tr_clone(t)));
    case 5: return tr_div_(t, tr_add(tr_square(number), 1));
    default: return tr_fill_(t, 0.25);
    }
}

static tr_tensor *program(uint64_t seed, tr_tensor *x, tr_tensor *w)
{
    tr_tensor *list[MOST] = {tr_mul(x, 1.5), tr_zeros(TR_SHAPE(3, 4), .dtype = TR_FLOAT64), tr_clone(tr_t(x))};
    int n = 3, steps = 3 + (int)(seed % (STEPS - 2));
    state = seed * 7919 + 1;
    for (int i = 0; i < steps; i++) {
        tr_tensor *t = list[pick(n)];
        switch (pick(5)) {
        case 0:
        case 1: list[n++] = some_view(t); break;
        case 2:
        case 3:
            if (!some_write(t, w)) assert_error_says("more than one element of the written-to tensor refers to a single memory location");
            break;
        default: list[n++] = pick(3) ? tr_mul(t, 1.5) : pick(2) ? tr_sin(t)
                                                                : tr_mul(t, tr_select(w, 0, 0));
        }
    }
    tr_tensor *loss = tr_zeros(TR_SHAPE(), .dtype = TR_FLOAT64);
    for (int i = 0; i < n; i++) {
        tr_tensor *flat = tr_flatten(tr_clone(list[i]), 0, -1);
        tr_tensor *weights = tr_cos(tr_add(tr_to(tr_arange(0, (double)tr_numel(flat), 1), TR_FLOAT64), 1.3 * i));
        loss = tr_add(loss, tr_sum(tr_mul(flat, weights)));
    }
    return loss;
}

static double value(uint64_t seed, tr_tensor *x, tr_tensor *w)
{
    TR_SCOPE;
    TR_NO_GRAD;
    return tr_item(program(seed, x, w));
}

static void compare(uint64_t seed, tr_tensor *by, tr_tensor *x, tr_tensor *w)
{
    double *at = tr_data(by);
    for (int64_t e = 0; e < tr_numel(by); e++) {
        double there = at[e], step = 1e-6;
        at[e] = there + step;
        double above = value(seed, x, w);
        at[e] = there - step;
        double below = value(seed, x, w);
        at[e] = there;
        double difference = (above - below) / (2 * step), ours = tr_grad(by) ? tr_get(tr_grad(by), e) : 0;
        if (!(fabs(ours - difference) <= 1e-6 * fmax(1, fabs(difference))))
            fail_msg("program %d: the derivative by element %d of %s is %.10g, differences say %.10g", (int)seed, (int)e, by == x ? "x" : "w", ours, difference);
    }
}

TEST(random_programs_of_views_and_writes_have_right_gradients)
{
    int walked = 0;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        TR_SCOPE;
        tr_tensor *x = leaf(tr_rand(TR_SHAPE(3, 4), .dtype = TR_FLOAT64)), *w = leaf(tr_rand(TR_SHAPE(4), .dtype = TR_FLOAT64));
        tr_tensor *loss = program(seed, x, w);
        if (!loss) fail_msg("program %d: %s", (int)seed, tr_error_message());
        if (tr_backward(loss) < 0) { /* a value that was needed has been written over */
            assert_error_says("modified by an inplace operation");
            continue;
        }
        walked++;
        compare(seed, x, x, w);
        compare(seed, w, x, w);
    }
    if (walked < PROGRAMS / 2) fail_msg("only %d programs could be walked", walked);
}
