/* Matrix products of every combination of dims, however the operands lie, against plain loops. */
#include <math.h>
#include <trireme/autograd.h>
#include <trireme/linalg.h>
#include "test.h"

/* m x n of the sum over k, by loops, for a (B, m, k) and b (B, k, n). */
static tr_tensor *products(tr_tensor *a, tr_tensor *b)
{
    int64_t B = tr_size(a, 0), m = tr_size(a, 1), k = tr_size(a, 2), n = tr_size(b, 2);
    tr_tensor *c = tr_zeros(TR_SHAPE(B, m, n), .dtype = TR_FLOAT64);
    double *out = tr_data(c);
    for (int64_t p = 0; p < B; p++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                for (int64_t l = 0; l < k; l++) out[(p * m + i) * n + j] += tr_get(a, (p * m + i) * k + l) * tr_get(b, (p * k + l) * n + j);
    return c;
}

enum { WAYS = 4 };

/* rows x columns, not always row-major. */
static tr_tensor *matrix(int way, int64_t rows, int64_t columns, tr_dtype type)
{
    switch (way) {
    case 0: return tr_randn(TR_SHAPE(rows, columns), .dtype = type);
    case 1: return tr_t(tr_randn(TR_SHAPE(columns, rows), .dtype = type));
    case 2: return tr_slice(tr_slice(tr_randn(TR_SHAPE(2 * rows, 3 * columns), .dtype = type), 0, 0, TR_END, 2), 1, 1, TR_END, 3);
    default: return tr_expand(tr_randn(TR_SHAPE(columns), .dtype = type), TR_SHAPE(rows, columns));
    }
}

TEST(matrices_multiply_however_they_lie)
{
    const int64_t sizes[][3] = {{1, 1, 1}, {3, 4, 2}, {1, 7, 5}, {5, 1, 3}, {17, 9, 1}, {33, 20, 31}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int ways = 0; ways < WAYS * WAYS; ways++)
            for (int wide = 0; wide < 2; wide++) {
                TR_SCOPE;
                tr_dtype type = wide ? TR_FLOAT64 : TR_FLOAT32;
                tr_tensor *a = matrix(ways / WAYS, sizes[s][0], sizes[s][1], type), *b = matrix(ways % WAYS, sizes[s][1], sizes[s][2], type);
                tr_tensor *want = tr_select(products(tr_unsqueeze(a, 0), tr_unsqueeze(b, 0)), 0, 0);
                assert_dtype(tr_matmul(a, b), type);
                assert_close(tr_matmul(a, b), want, wide ? 1e-12 : 2e-5);
                assert_close(tr_mm(a, b), want, wide ? 1e-12 : 2e-5);
                assert_close(tr_linear(a, tr_t(b), NULL), want, wide ? 1e-12 : 2e-5);
            }
}

TEST(every_number_of_dims_multiplies)
{
    /* the operands, as batches of matrices, and the shape of the product */
    const struct {
        tr_shape a, b, y;
    } of[] = {
        {TR_SHAPE(4), TR_SHAPE(4), TR_SHAPE()},
        {TR_SHAPE(3, 4), TR_SHAPE(4), TR_SHAPE(3)},
        {TR_SHAPE(4), TR_SHAPE(4, 2), TR_SHAPE(2)},
        {TR_SHAPE(3, 4), TR_SHAPE(4, 2), TR_SHAPE(3, 2)},
        {TR_SHAPE(5, 3, 4), TR_SHAPE(5, 4, 2), TR_SHAPE(5, 3, 2)},
        {TR_SHAPE(5, 3, 4), TR_SHAPE(4, 2), TR_SHAPE(5, 3, 2)},
        {TR_SHAPE(3, 4), TR_SHAPE(5, 4, 2), TR_SHAPE(5, 3, 2)},
        {TR_SHAPE(5, 3, 4), TR_SHAPE(4), TR_SHAPE(5, 3)},
        {TR_SHAPE(4), TR_SHAPE(5, 4, 2), TR_SHAPE(5, 2)},
        {TR_SHAPE(6, 1, 3, 4), TR_SHAPE(5, 4, 2), TR_SHAPE(6, 5, 3, 2)},
        {TR_SHAPE(1, 3, 4), TR_SHAPE(6, 5, 4, 2), TR_SHAPE(6, 5, 3, 2)},
        {TR_SHAPE(1, 1, 1, 1, 1, 4), TR_SHAPE(2, 4, 1), TR_SHAPE(1, 1, 1, 2, 1, 1)},
        {TR_SHAPE(2, 0, 4), TR_SHAPE(4, 3), TR_SHAPE(2, 0, 3)},
        {TR_SHAPE(0, 3, 4), TR_SHAPE(4, 3), TR_SHAPE(0, 3, 3)},
        {TR_SHAPE(3, 0), TR_SHAPE(0, 2), TR_SHAPE(3, 2)},
        {TR_SHAPE(0), TR_SHAPE(0), TR_SHAPE()},
    };
    for (size_t s = 0; s < sizeof of / sizeof *of; s++) {
        TR_SCOPE;
        tr_tensor *a = tr_randn(of[s].a, .dtype = TR_FLOAT64), *b = tr_randn(of[s].b, .dtype = TR_FLOAT64), *y = tr_matmul(a, b);
        harness_shape(y, of[s].y, __FILE__, __LINE__);
        /* both as (batch, rows, columns), the batches stretched to each other by adding zeros */
        if (tr_ndim(a) == 1) a = tr_unsqueeze(a, 0);
        if (tr_ndim(b) == 1) b = tr_unsqueeze(b, 1);
        tr_shape sa = tr_shape_of_tensor(a), sb = tr_shape_of_tensor(b);
        tr_shape batch = tr_shape_of_tensor(tr_matmul(tr_zeros(sa, .dtype = TR_FLOAT64), tr_zeros(sb, .dtype = TR_FLOAT64)));
        tr_shape full_a = batch, full_b = batch;
        full_a.size[full_a.ndim - 1] = sa.size[sa.ndim - 1];
        full_b.size[full_b.ndim - 2] = sb.size[sb.ndim - 2];
        int64_t m = sa.size[sa.ndim - 2], k = sa.size[sa.ndim - 1], n = sb.size[sb.ndim - 1], B = 1;
        for (int d = 0; d < batch.ndim - 2; d++) B *= batch.size[d];
        tr_tensor *want = products(tr_reshape(tr_expand(a, full_a), TR_SHAPE(B, m, k)), tr_reshape(tr_expand(b, full_b), TR_SHAPE(B, k, n)));
        assert_close(tr_flatten(y, 0, -1), tr_flatten(want, 0, -1), 1e-12);
    }
}

TEST(integers_multiply_too)
{
    tr_tensor *a = tr_to(tr_view(row(1, 2, 3, 4), TR_SHAPE(2, 2)), TR_INT64);
    tr_tensor *y = tr_matmul(a, a);
    if (!y) {
        assert_error_says("gemm: int64 is not served");
        return;
    }
    assert_dtype(y, TR_INT64);
    assert_close(tr_flatten(y, 0, -1), row(7, 10, 15, 22), 0);
}

TEST(nan_spreads_in_a_product_and_zero_does_not_stop_it)
{
    tr_tensor *a = tr_stack(TR_TENSORS(row(0, 1), row(1, 1)), 0), *b = tr_stack(TR_TENSORS(row(NAN, 1), row(2, INFINITY)), 0);
    assert_close_nan(tr_flatten(tr_matmul(a, b), 0, -1), row(NAN, INFINITY, NAN, INFINITY), 0);
}

TEST(dot_mm_and_outer_take_what_their_names_say)
{
    assert_item(tr_dot(row(1, 2, 3), row(4, 5, 6)), 32, 0);
    assert_close(tr_outer(row(1, 2), row(3, 4, 5)), tr_stack(TR_TENSORS(row(3, 4, 5), row(6, 8, 10)), 0), 0);
    tr_tensor *m = tr_zeros(TR_SHAPE(2, 2));
    assert_null(tr_dot(m, row(1, 2)));
    assert_error_says("tr_dot: (2, 2) float32 @ (2,) float32: both must be vectors");
    assert_null(tr_mm(m, row(1, 2)));
    assert_error_says("tr_mm: (2, 2) float32 @ (2,) float32: both must be matrices");
    assert_null(tr_outer(m, m));
    assert_error_says("tr_outer");
    assert_null(tr_dot(row(1, 2), row(1, 2, 3)));
    assert_error_says("inner sizes 2 and 3 differ");
}

TEST(products_that_do_not_fit_are_named)
{
    assert_null(tr_matmul(tr_zeros(TR_SHAPE(100, 2)), tr_zeros(TR_SHAPE(3, 1))));
    assert_error_says("tr_matmul: (100, 2) float32 @ (3, 1) float32: inner sizes 2 and 3 differ: mat1 and mat2 shapes cannot be multiplied (100x2 and 3x1) (test_matmul.c:");
    assert_null(tr_matmul(tr_zeros(TR_SHAPE(5, 2, 3)), tr_zeros(TR_SHAPE(2))));
    assert_error_says("inner sizes 3 and 2 differ");
    assert_null(tr_matmul(tr_zeros(TR_SHAPE(5, 2, 3)), tr_zeros(TR_SHAPE(4, 3, 2))));
    assert_error_says("the batches (5,) and (4,) do not broadcast");
    assert_null(tr_matmul(row(1), tr_tensor_of(2.)));
    assert_error_says("a scalar is no matrix; use tr_mul");
    assert_null(tr_matmul(row(1), row64(1)));
    assert_error_says("tr_matmul: (1,) float32 @ (1,) float64: the types differ; convert one with tr_to");
    assert_null(tr_matmul(NULL, row(1)));
    assert_error_says("tr_matmul");
}

/* ---- linear ---- */

TEST(linear_is_x_wt_plus_bias)
{
    tr_tensor *w = tr_randn(TR_SHAPE(2, 3)), *b = row(1, -1);
    const tr_shape shapes[] = {TR_SHAPE(3), TR_SHAPE(1, 3), TR_SHAPE(4, 3), TR_SHAPE(5, 4, 3), TR_SHAPE(0, 3), TR_SHAPE(2, 0, 3)};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        TR_SCOPE;
        tr_tensor *x = tr_randn(shapes[s]);
        assert_close(tr_linear(x, w, b), tr_add(tr_matmul(x, tr_t(w)), b), 1e-6);
        assert_close(tr_linear(x, w, NULL), tr_matmul(x, tr_t(w)), 1e-6);
    }
    tr_tensor *x = tr_transpose(tr_randn(TR_SHAPE(3, 4)), 0, 1);
    assert_close(tr_linear(x, tr_t(tr_clone(tr_t(w))), tr_slice(row(1, 0, -1), 0, 0, TR_END, 2)), tr_add(tr_matmul(x, tr_t(w)), b), 1e-6);
    assert_close(tr_linear(tr_zeros(TR_SHAPE(2, 0)), tr_zeros(TR_SHAPE(2, 0)), b), tr_expand(b, TR_SHAPE(2, 2)), 0);
}

TEST(linear_names_what_does_not_fit)
{
    tr_tensor *w = tr_zeros(TR_SHAPE(2, 3));
    assert_null(tr_linear(tr_zeros(TR_SHAPE(4, 2)), w, NULL));
    assert_error_says("tr_linear: (4, 2) float32 into (2, 3) float32: the input's last size must be 3");
    assert_null(tr_linear(tr_zeros(TR_SHAPE(4, 3)), row(1, 2, 3), NULL));
    assert_error_says("tr_linear: the weight must be (out, in), not (3,) float32");
    assert_null(tr_linear(tr_zeros(TR_SHAPE(4, 3)), w, row(1, 2, 3)));
    assert_error_says("tr_linear: the bias must be (2,), not (3,) float32");
    assert_null(tr_linear(tr_zeros(TR_SHAPE(4, 3), .dtype = TR_FLOAT64), w, NULL));
    assert_error_says("the types differ");
    assert_null(tr_linear(tr_tensor_of(1.), w, NULL));
    assert_error_says("tr_linear");
    assert_null(tr_linear(NULL, w, NULL));
    assert_error_says("tr_linear");
}

/* ---- inverse ---- */

TEST(an_inverse_times_its_matrix_is_one)
{
    for (int64_t n = 0; n < 8; n++)
        for (int wide = 0; wide < 2; wide++) {
            TR_SCOPE;
            tr_tensor *eye = tr_zeros(TR_SHAPE(n, n), .dtype = wide ? TR_FLOAT64 : TR_FLOAT32);
            for (int64_t i = 0; i < n; i++) tr_fill_(tr_select(tr_select(eye, 0, i), 0, i), 1);
            tr_tensor *a = tr_t(tr_add(tr_mul(eye, 3), tr_rand(TR_SHAPE(n, n), .dtype = tr_dtype_of(eye))));
            assert_close(tr_matmul(tr_inv(a), a), eye, wide ? 1e-13 : 1e-5);
            assert_close(tr_matmul(a, tr_inv(a)), eye, wide ? 1e-13 : 1e-5);
        }
}

TEST(a_matrix_without_inverse_is_named)
{
    tr_tensor *a = tr_stack(TR_TENSORS(row(1, 2), row(2, 4)), 0);
    assert_null(tr_inv(a));
    assert_error_says("2"); /* the diagonal that is 0 */
    assert_null(tr_inv(tr_zeros(TR_SHAPE(2, 3))));
    assert_error_says("tr_inv: (2, 3) float32 is not a square matrix");
    assert_null(tr_inv(row(1)));
    assert_error_says("tr_inv: (1,) float32 is not a square matrix");
    assert_null(tr_inv(tr_zeros(TR_SHAPE(2, 2), .dtype = TR_INT64)));
    assert_error_says("int64");
}
