/* Reductions over every set of dims, however the operand lies, against plain loops; ties, NaN and nothing at all. */
#include <math.h>
#include <stdint.h>
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *all(tr_tensor *(*f)(tr_tensor *, tr_reduce_options), tr_tensor *x) { return f(x, (tr_reduce_options){0}); }

/* ---- against plain loops ---- */

typedef double fold(double so_far, double x);
static double plus(double a, double b) { return a + b; }
static double larger(double a, double b) { return b > a ? b : a; }
static double smaller(double a, double b) { return b < a ? b : a; }

/* x reduced over the dims in the set, sizes of 1 left for them. */
static tr_tensor *reduced(tr_tensor *x, unsigned set, fold *f, double start)
{
    tr_shape shape = tr_shape_of_tensor(x), kept = shape;
    int64_t step[TR_MAX_DIMS], n = 1;
    for (int d = 0; d < shape.ndim; d++)
        if (set >> d & 1) kept.size[d] = 1;
    for (int d = shape.ndim - 1; d >= 0; d--) {
        step[d] = kept.size[d] == 1 ? 0 : n;
        n *= kept.size[d];
    }
    tr_tensor *y = tr_full(kept, start, .dtype = TR_FLOAT64);
    double *out = tr_data(y);
    for (int64_t i = 0; i < tr_numel(x); i++) {
        int64_t left = i, at = 0;
        for (int d = shape.ndim - 1; d >= 0; d--) {
            at += left % shape.size[d] * step[d];
            left /= shape.size[d];
        }
        out[at] = f(out[at], tr_get(x, i));
    }
    return y;
}

enum { WAYS = 4 };

static tr_tensor *lying(int way, tr_dtype type) /* (3, 4, 5) */
{
    tr_tensor *x = tr_to(tr_randn(TR_SHAPE(6, 8, 10)), type);
    switch (way) {
    case 0: return tr_clone(tr_slice(tr_slice(tr_slice(x, 0, 0, 3, 1), 1, 0, 4, 1), 2, 0, 5, 1));
    case 1: return tr_slice(tr_slice(tr_slice(x, 0, 0, TR_END, 2), 1, 1, TR_END, 2), 2, 0, TR_END, 2);
    case 2: return tr_permute(tr_reshape(tr_slice(tr_flatten(x, 0, -1), 0, 0, 60, 1), TR_SHAPE(5, 3, 4)), TR_SHAPE(1, 2, 0));
    default: return tr_expand(tr_slice(tr_select(x, 1, 0), 1, 0, 5, 1), TR_SHAPE(3, 6, 5)) /* one row for all of a dim */;
    }
}

TEST(every_set_of_dims_reduces_to_the_loops_values)
{
    for (int way = 0; way < WAYS; way++)
        for (unsigned set = 0; set < 8; set++)
            for (int wide = 0; wide < 2; wide++) {
                TR_SCOPE;
                tr_tensor *x = lying(way, wide ? TR_FLOAT64 : TR_FLOAT32);
                int dims[3], n = 0;
                int64_t count = 1;
                for (int d = 0; d < 3; d++)
                    if (set >> d & 1) {
                        dims[n++] = d - (way % 2 ? 3 : 0); /* negative dims too */
                        count *= tr_size(x, d);
                    }
                double tolerance = wide ? 1e-13 : 4e-6;
                tr_reduce_options keep = {.dims = dims, .ndims = n, .keepdim = true}, drop = {.dims = dims, .ndims = n};
                tr_tensor *sum = reduced(x, set, plus, 0);
                assert_close((tr_sum)(x, keep), sum, tolerance);
                assert_close((tr_mean)(x, keep), tr_div(sum, count), tolerance);
                assert_close((tr_max)(x, keep), reduced(x, set, larger, -INFINITY), 0);
                assert_close((tr_min)(x, keep), reduced(x, set, smaller, INFINITY), 0);
                tr_tensor *dropped = (tr_sum)(x, drop);
                assert_int_equal(tr_ndim(dropped), 3 - n);
                assert_close(tr_flatten(dropped, 0, -1), tr_flatten(sum, 0, -1), tolerance);
            }
}

TEST(without_dims_all_is_reduced_to_a_scalar)
{
    tr_tensor *x = tr_view(row(1, 2, 3, 4, 5, 6), TR_SHAPE(2, 3));
    assert_item(tr_sum(x), 21, 0);
    assert_shape(tr_sum(x));
    assert_shape(tr_sum(x, .keepdim = true), 1, 1);
    assert_item(tr_mean(x), 3.5, 0);
    assert_item(tr_max(x), 6, 0);
    assert_item(tr_min(x), 1, 0);
    assert_close(tr_sum(x, TR_DIM(0)), row(5, 7, 9), 0);
    assert_close(tr_sum(x, TR_DIM(1)), row(6, 15), 0);
    assert_close(tr_mean(x, TR_DIM(-1), .keepdim = true), tr_view(row(2, 5), TR_SHAPE(2, 1)), 0);
    tr_tensor *scalar = tr_tensor_of(3.);
    assert_item(tr_sum(scalar), 3, 0);
    assert_item(tr_max(scalar, TR_DIM(-1)), 3, 0);
    assert_item(tr_argmax(scalar, TR_DIM(0)), 0, 0);
}

/* ---- types ---- */

TEST(sums_of_integers_and_bools_are_int64)
{
    assert_dtype(tr_sum(tr_to(row(200, 200), TR_UINT8)), TR_INT64);
    assert_item(tr_sum(tr_to(row(200, 200), TR_UINT8)), 400, 0);
    assert_item(tr_sum(tr_gt(row(1, -1, 2), 0)), 2, 0);
    assert_item(tr_sum(tr_full(TR_SHAPE(4), 2e9, .dtype = TR_INT32)), 8e9, 0);
    int64_t value;
    assert_int_equal(tr_to_data(tr_sum(tr_add(tr_full(TR_SHAPE(1), 0), ((int64_t)1 << 53) + 1)), TR_INT64, &value), 0);
    assert_true(value == ((int64_t)1 << 53) + 1);
    assert_dtype(tr_max(tr_to(row(1, 2), TR_INT32)), TR_INT32);
    assert_null(tr_mean(tr_tensor_of(1)));
    assert_error_says("tr_mean: the mean of () int64 needs a floating or complex type");
}

TEST(float32_sums_keep_what_double_keeps)
{
    tr_tensor *x = tr_full(TR_SHAPE(1 << 20), 0.1);
    assert_item(tr_sum(x), (float)(0.1f * 1048576.0), 0);
    assert_item(tr_sum(tr_cat(TR_TENSORS(row(1e8), tr_ones(TR_SHAPE(1000)), row(-1e8)), 0)), 1000, 0);
    assert_close(tr_sum(tr_view(x, TR_SHAPE(-1, 2)), TR_DIM(0)), tr_full(TR_SHAPE(2), (float)(0.1f * 524288.0)), 0);
}

TEST(the_mean_of_equal_values_is_their_value)
{
    for (int64_t n = 1; n < 200; n++) {
        TR_SCOPE;
        assert_item(tr_mean(tr_ones(TR_SHAPE(n), .dtype = TR_FLOAT64)), 1, 0); /* n (1/n) is not 1 for 49, 98 ... */
    }
}

/* ---- nothing, NaN, ties ---- */

TEST(nothing_sums_to_zero_and_has_no_largest)
{
    tr_tensor *none = tr_zeros(TR_SHAPE(0, 3));
    assert_item(tr_sum(none), 0, 0);
    assert_true(isnan(tr_item(tr_mean(none))));
    assert_close(tr_sum(none, TR_DIM(0)), row(0, 0, 0), 0);
    assert_shape(tr_sum(none, TR_DIM(1)), 0);
    assert_shape(tr_max(none, TR_DIM(1)), 0);
    assert_null(tr_max(none));
    assert_error_says("tr_max: (0, 3) float32 has no elements to choose from");
    assert_null(tr_argmin(none, TR_DIM(0)));
    assert_error_says("tr_argmin: (0, 3) float32 has no elements");
}

TEST(nan_wins)
{
    tr_tensor *x = row(1, NAN, 3, NAN);
    assert_true(isnan(tr_item(tr_max(x))));
    assert_true(isnan(tr_item(tr_min(x))));
    assert_true(isnan(tr_item(tr_sum(x))));
    assert_item(tr_argmax(x), 1, 0);
    assert_item(tr_argmin(x), 1, 0);
    assert_item(tr_max(row(-INFINITY, -INFINITY)), -INFINITY, 0);
    assert_item(tr_argmax(row(-INFINITY, -INFINITY)), 0, 0);
    for (int64_t n = 1; n < 70; n += 3) /* wherever it stands */
        for (int64_t at = 0; at < n; at++) {
            TR_SCOPE;
            tr_tensor *y = tr_rand(TR_SHAPE(n));
            tr_fill_(tr_select(y, 0, at), NAN);
            assert_true(isnan(tr_item(tr_max(y))) && isnan(tr_item(tr_min(y))));
            assert_item(tr_argmax(y), (double)at, 0);
        }
}

TEST(of_equals_the_first_is_the_largest)
{
    tr_tensor *x = tr_stack(TR_TENSORS(row(1, 3, 3, 0), row(5, 5, 0, 0)), 0);
    assert_dtype(tr_argmax(x), TR_INT64);
    assert_item(tr_argmax(x), 4, 0);
    assert_close(tr_argmax(x, TR_DIM(1)), row(1, 0), 0);
    assert_close(tr_argmax(x, TR_DIM(0)), row(1, 1, 0, 0), 0);
    assert_close(tr_argmin(x, TR_DIM(-1)), row(3, 2), 0);
    assert_shape(tr_argmin(x, TR_DIM(-1), .keepdim = true), 2, 1);
    assert_item(tr_argmax(tr_t(x)), 1, 0); /* counted in the order one sees */
    assert_null(tr_argmax(x, TR_DIM(0, 1)));
    assert_error_says("tr_argmax: one dim, or none for all of them");
    for (int64_t n = 1; n < 200; n += 13) {
        TR_SCOPE;
        assert_item(tr_argmax(tr_ones(TR_SHAPE(n))), 0, 0);
        assert_item(tr_argmin(tr_ones(TR_SHAPE(n), .dtype = TR_INT64)), 0, 0);
    }
}

TEST(ties_share_the_gradient)
{
    tr_tensor *x = tr_requires_grad_(row(0, 2, 2), true);
    assert_int_equal(tr_backward(tr_max(x)), 0);
    assert_close(tr_grad(x), row(0, 0.5, 0.5), 0);
}

/* ---- refusals ---- */

TEST(dims_that_are_not_there_are_named)
{
    tr_tensor *x = tr_zeros(TR_SHAPE(2, 3));
    assert_null(tr_sum(x, TR_DIM(2)));
    assert_error_says("tr_sum: (2, 3) float32 has no dim 2");
    assert_null(tr_mean(x, TR_DIM(0, -3)));
    assert_error_says("tr_mean: (2, 3) float32 has no dim -3");
    assert_null(tr_max(x, TR_DIM(1, -1)));
    assert_error_says("tr_max: dim -1 is named twice");
    assert_null(tr_var(x, TR_DIM(1, -1)));
    assert_error_says("tr_var: dim -1 is named twice");
    assert_null(tr_norm(x, TR_DIM(0, 0)));
    assert_error_says("tr_norm: dim 0 is named twice");
    assert_null(tr_logsumexp(x, TR_DIM(0, 1, 0)));
    assert_error_says("tr_logsumexp: dim 0 is named twice");
    assert_null(tr_argmax(x, TR_DIM(7)));
    assert_error_says("tr_argmax: (2, 3) float32 has no dim 7");
    tr_tensor *(*f[])(tr_tensor *, tr_reduce_options) = {(tr_sum), (tr_mean), (tr_max), (tr_min), (tr_argmax), (tr_argmin)};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++) {
        assert_null(all(f[i], NULL));
        assert_error_says("an argument is NULL");
    }
}

/* ---- softmax ---- */

TEST(softmax_survives_huge_logits)
{
    assert_close(tr_softmax(row(1000, 1001), -1), row(0.268941, 0.731059), 1e-6);
    assert_close(tr_log_softmax(row(1000, 1001), -1), row(-1.313262, -0.313262), 1e-6);
    assert_close(tr_softmax(row(-1e30, 0, -INFINITY), -1), row(0, 1, 0), 0);
    assert_close(tr_log_softmax(row(0, -INFINITY), 0), row(0, -INFINITY), 0);
    assert_true(isnan(tr_get(tr_softmax(row(1, NAN), 0), 0)));
}

TEST(softmax_sums_to_one_along_any_dim_of_anything)
{
    for (int way = 0; way < WAYS; way++)
        for (int dim = -3; dim < 3; dim++) {
            TR_SCOPE;
            tr_tensor *x = lying(way, TR_FLOAT64), *y = tr_softmax(x, dim), *e = tr_exp(x);
            assert_close(tr_sum(y, TR_DIM(dim)), tr_ones(tr_shape_of_tensor(tr_select(x, dim, 0)), .dtype = TR_FLOAT64), 1e-14);
            assert_close(y, tr_div(e, tr_sum(e, TR_DIM(dim), .keepdim = true)), 1e-14);
            assert_close(tr_log_softmax(x, dim), tr_log(y), 1e-13);
        }
    assert_item(tr_softmax(tr_tensor_of(5.), 0), 1, 0);
    assert_shape(tr_softmax(tr_zeros(TR_SHAPE(0, 3)), 0), 0, 3);
}

TEST(softmax_names_the_bad_dim)
{
    assert_null(tr_softmax(row(1, 2), 5));
    assert_error_says("tr_softmax: (2,) float32 has no dim 5");
    assert_null(tr_log_softmax(tr_to(row(1, 2), TR_INT64), 0));
    assert_error_says("tr_log_softmax: (2,) int64 is not of a floating type");
    assert_null(tr_softmax(NULL, 0));
    assert_error_says("tr_softmax");
}
