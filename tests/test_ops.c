/* Pointwise operations against plain loops: values, strides, broadcasting, sizes 0 and 1, NaN and infinities. */
#include <math.h>
#include <trireme/autograd.h>
#include <trireme/linalg.h>
#include <trireme/reduce.h>
#include "test.h"

/* ---- operands that lie awkwardly, all of shape (3, 4) ---- */

enum { WAYS = 6 };

static tr_tensor *lying(int way, tr_dtype type, double low, double high)
{
    tr_tensor *flat = tr_to(tr_add(low, tr_mul(tr_rand(TR_SHAPE(120), .dtype = TR_FLOAT64), high - low)), type);
    tr_tensor *twelve = tr_slice(flat, 0, 0, 12, 1);
    switch (way) {
    case 0: return tr_view(twelve, TR_SHAPE(3, 4));
    case 1: return tr_t(tr_view(twelve, TR_SHAPE(4, 3)));
    case 2: return tr_slice(tr_slice(tr_view(flat, TR_SHAPE(12, 10)), 0, 1, 10, 3), 1, 2, TR_END, 2); /* every third row, every second column */
    case 3: return tr_expand(tr_slice(flat, 0, 0, 4, 1), TR_SHAPE(3, 4));
    case 4: return tr_expand(tr_view(tr_slice(flat, 0, 0, 3, 1), TR_SHAPE(3, 1)), TR_SHAPE(3, 4));
    default: return tr_select(tr_permute(tr_view(flat, TR_SHAPE(4, 10, 3)), TR_SHAPE(1, 2, 0)), 0, 7);
    }
}

/* ---- one operand ---- */

static double sigmoid_of(double x) { return 1 / (1 + exp(-x)); }
static double relu_of(double x) { return x <= 0 ? 0 : x; }
static double sign_of(double x) { return (x > 0) - (x < 0); } /* 0 of NaN */
static double square_of(double x) { return x * x; }
static double neg_of(double x) { return -x; }
static double reciprocal_of(double x) { return 1 / x; }

static const struct {
    const char *name;
    tr_tensor *(*ours)(tr_tensor *);
    double (*theirs)(double);
    double low, high;
} unary[] = {
    {"neg", (tr_neg), neg_of, -3, 3},
    {"abs", (tr_abs), fabs, -3, 3},
    {"sign", (tr_sign), sign_of, -3, 3},
    {"square", (tr_square), square_of, -3, 3},
    {"sqrt", (tr_sqrt), sqrt, 0, 9},
    {"reciprocal", (tr_reciprocal), reciprocal_of, 0.1, 3},
    {"exp", (tr_exp), exp, -20, 20},
    {"log", (tr_log), log, 0, 9},
    {"sin", (tr_sin), sin, -9, 9},
    {"cos", (tr_cos), cos, -9, 9},
    {"tanh", (tr_tanh), tanh, -9, 9},
    {"sigmoid", (tr_sigmoid), sigmoid_of, -20, 20},
    {"relu", (tr_relu), relu_of, -3, 3},
};
enum { UNARY = sizeof unary / sizeof *unary };

/* Is y = f(x), to a few ulps of the type? */
static void assert_is(const char *name, tr_tensor *y, tr_tensor *x, double (*f)(double))
{
    if (!y) fail_msg("%s: %s", name, tr_error_message());
    double ulps = tr_dtype_of(y) == TR_FLOAT64 ? 1e-14 : 6e-7;
    assert_int_equal(tr_numel(y), tr_numel(x));
    for (int64_t i = 0; i < tr_numel(x); i++) {
        double got = tr_get(y, i), want = f(tr_get(x, i));
        if (got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= ulps * fmax(fabs(want), 1e-3)) continue;
        fail_msg("%s(%.9g) is %.17g, not %.17g", name, tr_get(x, i), got, want);
    }
}

TEST(functions_of_one_operand_have_the_values_of_the_c_library)
{
    for (int i = 0; i < UNARY; i++)
        for (int way = 0; way < WAYS; way++)
            for (int wide = 0; wide < 2; wide++) {
                TR_SCOPE;
                tr_tensor *x = lying(way, wide ? TR_FLOAT64 : TR_FLOAT32, unary[i].low, unary[i].high), *y = unary[i].ours(x);
                assert_is(unary[i].name, y, x, unary[i].theirs);
                assert_dtype(y, tr_dtype_of(x));
                assert_true(tr_is_contiguous(y));
            }
}

TEST(functions_of_one_operand_survive_nan_infinity_and_zero)
{
    for (int i = 0; i < UNARY; i++)
        for (int wide = 0; wide < 2; wide++) {
            TR_SCOPE;
            tr_tensor *x = tr_to(row(NAN, INFINITY, -INFINITY, 0, -0.0, 1, -1), wide ? TR_FLOAT64 : TR_FLOAT32);
            if (unary[i].theirs == sin || unary[i].theirs == cos) x = tr_slice(x, 0, 0, TR_END, 3);
            assert_is(unary[i].name, unary[i].ours(x), x, unary[i].theirs);
        }
}

TEST(functions_of_one_operand_serve_size_0_and_1)
{
    for (int i = 0; i < UNARY; i++) {
        TR_SCOPE;
        assert_shape(unary[i].ours(tr_zeros(TR_SHAPE(3, 0, 2))), 3, 0, 2);
        tr_tensor *x = tr_full(TR_SHAPE(), 0.5);
        assert_shape(unary[i].ours(x));
        assert_is(unary[i].name, unary[i].ours(x), x, unary[i].theirs);
        assert_null(unary[i].ours(NULL));
        assert_error_says(unary[i].name);
    }
}

TEST(integers_stay_integers_where_values_do)
{
    tr_tensor *x = tr_to(row(-3, 0, 2), TR_INT32);
    assert_dtype(tr_neg(x), TR_INT32);
    assert_close(tr_neg(x), row(3, 0, -2), 0);
    assert_close(tr_abs(x), row(3, 0, 2), 0);
    assert_close(tr_sign(x), row(-1, 0, 1), 0);
    assert_close(tr_square(x), row(9, 0, 4), 0);
    assert_dtype(tr_relu(x), TR_INT32);
    assert_close(tr_relu(x), row(0, 0, 2), 0);
    assert_dtype(tr_exp(x), TR_FLOAT32);
    assert_close(tr_exp(x), row(exp(-3), 1, exp(2)), 1e-6);
    assert_dtype(tr_reciprocal(x), TR_FLOAT32);
    assert_close(tr_sqrt(tr_to(row(4, 9), TR_UINT8)), row(2, 3), 0);
    assert_dtype(tr_sigmoid(tr_to(x, TR_BOOL)), TR_FLOAT32);
}

/* ---- two operands ---- */

static double add_of(double a, double b) { return a + b; }
static double sub_of(double a, double b) { return a - b; }
static double mul_of(double a, double b) { return a * b; }
static double div_of(double a, double b) { return a / b; }
static double max_of(double a, double b) { return isnan(a) || isnan(b) ? NAN : fmax(a, b); }
static double min_of(double a, double b) { return isnan(a) || isnan(b) ? NAN : fmin(a, b); }
static double eq_of(double a, double b) { return a == b; }
static double ne_of(double a, double b) { return a != b; }
static double lt_of(double a, double b) { return a < b; }
static double le_of(double a, double b) { return a <= b; }
static double gt_of(double a, double b) { return a > b; }
static double ge_of(double a, double b) { return a >= b; }

static const struct {
    const char *name;
    tr_tensor *(*ours)(tr_tensor *, tr_tensor *);
    double (*theirs)(double, double);
    bool compares;
} binary[] = {
    {"add", (tr_add), add_of, false},
    {"sub", (tr_sub), sub_of, false},
    {"mul", (tr_mul), mul_of, false},
    {"div", (tr_div), div_of, false},
    {"pow", (tr_pow), pow, false},
    {"maximum", (tr_maximum), max_of, false},
    {"minimum", (tr_minimum), min_of, false},
    {"eq", (tr_eq), eq_of, true},
    {"ne", (tr_ne), ne_of, true},
    {"lt", (tr_lt), lt_of, true},
    {"le", (tr_le), le_of, true},
    {"gt", (tr_gt), gt_of, true},
    {"ge", (tr_ge), ge_of, true},
};
enum { BINARY = sizeof binary / sizeof *binary };

/* Is y = f(a, b), the operands stretched to y's shape? */
static void assert_is2(const char *name, tr_tensor *y, tr_tensor *a, tr_tensor *b, double (*f)(double, double))
{
    if (!y) fail_msg("%s: %s", name, tr_error_message());
    tr_shape shape = tr_shape_of_tensor(y);
    double ulps = tr_dtype_of(y) == TR_FLOAT64 ? 1e-14 : 3e-7;
    a = tr_expand(a, shape);
    b = tr_expand(b, shape);
    for (int64_t i = 0; i < tr_numel(y); i++) {
        double got = tr_get(y, i), want = f(tr_get(a, i), tr_get(b, i));
        if (got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= ulps * fabs(want)) continue;
        fail_msg("%s(%.9g, %.9g) is %.17g, not %.17g", name, tr_get(a, i), tr_get(b, i), got, want);
    }
}

TEST(functions_of_two_operands_have_their_values_however_these_lie)
{
    for (int i = 0; i < BINARY; i++)
        for (int ways = 0; ways < WAYS * WAYS; ways++) {
            TR_SCOPE;
            tr_dtype type = ways % 2 ? TR_FLOAT64 : TR_FLOAT32;
            tr_tensor *a = lying(ways / WAYS, type, 0.5, 3), *b = lying(ways % WAYS, type, -3, 3), *y = binary[i].ours(a, b);
            assert_is2(binary[i].name, y, a, b, binary[i].theirs);
            assert_dtype(y, binary[i].compares ? TR_BOOL : type);
        }
}

TEST(operands_broadcast_from_the_right)
{
    const struct {
        tr_shape a, b, y;
    } of[] = {
        {TR_SHAPE(2, 3), TR_SHAPE(3), TR_SHAPE(2, 3)},
        {TR_SHAPE(2, 1), TR_SHAPE(3), TR_SHAPE(2, 3)},
        {TR_SHAPE(), TR_SHAPE(2, 3), TR_SHAPE(2, 3)},
        {TR_SHAPE(1), TR_SHAPE(), TR_SHAPE(1)},
        {TR_SHAPE(4, 1, 3), TR_SHAPE(2, 1), TR_SHAPE(4, 2, 3)},
        {TR_SHAPE(1, 1), TR_SHAPE(2, 3), TR_SHAPE(2, 3)},
        {TR_SHAPE(2, 3), TR_SHAPE(1), TR_SHAPE(2, 3)},
        {TR_SHAPE(1, 1), TR_SHAPE(3), TR_SHAPE(1, 3)}, /* one element, but of more dims */
        {TR_SHAPE(3), TR_SHAPE(1, 1), TR_SHAPE(1, 3)},
        {TR_SHAPE(2, 3, 2), TR_SHAPE(2, 3, 1), TR_SHAPE(2, 3, 2)},
        {TR_SHAPE(2, 3, 1, 2), TR_SHAPE(2, 3, 1, 2), TR_SHAPE(2, 3, 1, 2)},
        {TR_SHAPE(0, 3), TR_SHAPE(1, 3), TR_SHAPE(0, 3)},
        {TR_SHAPE(0), TR_SHAPE(1), TR_SHAPE(0)},
        {TR_SHAPE(5, 1, 1, 2), TR_SHAPE(3, 4, 1), TR_SHAPE(5, 3, 4, 2)},
        {TR_SHAPE(1, 2, 1, 2, 1, 2, 1, 2), TR_SHAPE(2, 1, 2, 1, 2, 1, 2, 1), TR_SHAPE(2, 2, 2, 2, 2, 2, 2, 2)},
    };
    for (size_t s = 0; s < sizeof of / sizeof *of; s++)
        for (int i = 0; i < BINARY; i++) {
            TR_SCOPE;
            tr_tensor *a = tr_rand(of[s].a), *b = tr_rand(of[s].b), *y = binary[i].ours(a, b);
            harness_shape(y, of[s].y, __FILE__, __LINE__);
            assert_is2(binary[i].name, y, a, b, binary[i].theirs);
        }
}

TEST(functions_of_two_operands_survive_nan_infinity_and_zero)
{
    const double values[] = {NAN, INFINITY, -INFINITY, 0, 1, -1, 0.5, 2};
    tr_tensor *a = tr_from_data(values, TR_FLOAT64, TR_SHAPE(8, 1)), *b = tr_from_data(values, TR_FLOAT64, TR_SHAPE(8));
    for (int i = 0; i < BINARY; i++) {
        TR_SCOPE;
        assert_is2(binary[i].name, binary[i].ours(a, b), a, b, binary[i].theirs);
        tr_tensor *c = tr_to(a, TR_FLOAT32), *d = tr_to(b, TR_FLOAT32);
        assert_is2(binary[i].name, binary[i].ours(c, d), c, d, binary[i].theirs);
    }
}

TEST(shapes_that_do_not_broadcast_are_named)
{
    for (int i = 0; i < BINARY; i++) {
        assert_null(binary[i].ours(tr_zeros(TR_SHAPE(2, 3)), tr_zeros(TR_SHAPE(2))));
        assert_non_null(strstr(tr_error_message(), binary[i].name));
        assert_error_says(": (2, 3) float32 and (2,) float32 do not broadcast to one shape");
        assert_null(binary[i].ours(tr_zeros(TR_SHAPE(0)), tr_zeros(TR_SHAPE(2))));
        assert_error_says("(0,) float32 and (2,) float32");
        assert_null(binary[i].ours(NULL, tr_zeros(TR_SHAPE(2))));
        assert_error_says(binary[i].name);
        assert_null(binary[i].ours(tr_zeros(TR_SHAPE(2)), NULL));
        assert_error_says("an argument is NULL");
    }
}

/* ---- selecting ---- */

TEST(where_takes_one_or_the_other)
{
    tr_tensor *c = tr_gt(row(1, -1, 2), 0);
    assert_close(tr_where(c, row(1, 2, 3), row(10, 20, 30)), row(1, 20, 3), 0);
    assert_close(tr_where(c, 1, 0), row(1, 0, 1), 0);
    assert_dtype(tr_where(c, 1, 0), TR_INT64);
    assert_dtype(tr_where(c, 1.5, 0), TR_FLOAT32);
    assert_dtype(tr_where(c, row64(1), 0), TR_FLOAT64);
    assert_close_nan(tr_where(c, row(NAN, 0, 1), row(0, INFINITY, NAN)), row(NAN, INFINITY, 1), 0);
    assert_shape(tr_where(tr_view(c, TR_SHAPE(3, 1)), row(1, 2), tr_zeros(TR_SHAPE(2, 1, 1))), 2, 3, 2);
    assert_close(tr_where(tr_t(tr_expand(c, TR_SHAPE(2, 3))), row(1, 2), 0), tr_stack(TR_TENSORS(row(1, 2), row(0, 0), row(1, 2)), 0), 0);
    assert_null(tr_where(row(1), 1, 0));
    assert_error_says("tr_where: the condition must be bool, not (1,) float32");
    assert_null(tr_where(c, row(1, 2), 0));
    assert_error_says("tr_where: the condition (3,) bool does not broadcast with (2,)");
    assert_null(tr_where(NULL, 1, 0));
    assert_error_says("tr_where");
}

TEST(allclose_has_pytorchs_tolerances)
{
    tr_tensor *a = row64(1, 1000, 0);
    assert_int_equal(tr_allclose(a, row64(1 + 0.9e-5, 1000 + 0.9e-2, 0.9e-8)), 1);
    assert_int_equal(tr_allclose(a, row64(1 + 1.2e-5, 1000, 0)), 0);
    assert_int_equal(tr_allclose(a, row64(1, 1000, 1.1e-8)), 0);
    assert_int_equal(tr_allclose(a, row64(1.05, 1050, 0), .rtol = 0.1), 1);
    assert_int_equal(tr_allclose(row(1, 1), 1), 1);
    assert_int_equal(tr_allclose(row(NAN), row(NAN)), 0);
    assert_int_equal(tr_allclose(row(NAN), row(NAN), .equal_nan = true), 1);
    assert_int_equal(tr_allclose(row(NAN), row(1), .equal_nan = true), 0);
    assert_int_equal(tr_allclose(row(INFINITY, -INFINITY), row(INFINITY, -INFINITY)), 1);
    assert_int_equal(tr_allclose(row(INFINITY), row(-INFINITY)), 0);
    assert_int_equal(tr_allclose(row(1), row(INFINITY)), 0);
    assert_int_equal(tr_allclose(row(INFINITY), row(1)), 0);
    assert_int_equal(tr_allclose(tr_zeros(TR_SHAPE(0)), tr_zeros(TR_SHAPE(0))), 1);
    assert_int_equal(tr_allclose(tr_requires_grad_(row(1), true), row(1)), 1);
    assert_true(tr_grad_enabled());
    assert_true(tr_allclose(row(1, 2), row(1, 2, 3)) < 0);
    assert_error_says("tr_allclose: (2,) float32 and (3,) float32");
    assert_true(tr_allclose(NULL, 1) < 0);
    assert_error_says("tr_allclose");
}

TEST(a_singular_determinant_has_its_cofactors_as_gradient)
{
    tr_tensor *a = tr_requires_grad_(tr_from_data(((double[]){1, 2, 2, 4, 3, 0, 0, 5}), TR_FLOAT64, TR_SHAPE(2, 2, 2)), true);
    assert_int_equal(tr_backward(tr_sum(tr_det(a))), 0);
    assert_close(tr_flatten(tr_grad(a), 0, -1), row64(4, -2, -2, 1, 5, 0, 0, 3), 1e-15);
    tr_tensor *nothing = tr_requires_grad_(tr_zeros(TR_SHAPE(1, 1)), true);
    assert_int_equal(tr_backward(tr_det(nothing)), 0);
    assert_true(tr_item(tr_grad(nothing)) == 1);
}

/* The derivative of x y z by x is y z, and by y after that z, wherever zeros stand. */
TEST(a_product_is_curved_at_its_zeros)
{
    tr_tensor *x = tr_requires_grad_(row64(0, 0, 3), true);
    tr_tensor *slope = NULL;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_prod(x)), TR_TENSORS(x), &slope, .create_graph = true), 0);
    assert_close(tr_detach(slope), row64(0, 0, 0), 0);
    assert_int_equal(tr_backward(tr_select(slope, 0, 0)), 0);
    assert_close(tr_grad(x), row64(0, 3, 0), 0);
}

/* ---- C numbers: a thread keeps those that it made lately ---- */

TEST(a_number_is_itself_whatever_came_between)
{
    tr_tensor *x = row64(2), *kept = tr_keep(TR_T(0.3)), *graph = tr_pow(tr_requires_grad_(x, true), 3);
    for (int i = 0; i < 1000; i++) {
        TR_SCOPE;
        assert_true(tr_item(tr_mul(row64(1), 0.1 * i)) == 0.1 * i);
        assert_true(tr_item(tr_mul(row64(1), i)) == i);
    }
    assert_true(tr_item(kept) == 0.3);
    assert_int_equal(tr_backward(graph), 0);
    assert_close(tr_grad(x), row64(12), 0);
    tr_drop(kept);
    assert_true(signbit(tr_item(tr_mul(row64(1), 0.0))) != signbit(tr_item(tr_mul(row64(1), -0.0))));
    assert_int_equal(tr_dtype_of(tr_mul(tr_to(row(1), TR_INT32), 1)), TR_INT32); /* 1 and 4.9e-324 have the same bits */
    assert_int_equal(tr_dtype_of(tr_mul(tr_to(row(1), TR_INT32), 4.9406564584124654e-324)), TR_FLOAT32);
}

TEST(a_number_that_was_written_to_is_none_any_more)
{
    tr_tensor *two = TR_T(2.0);
    tr_add_(two, 1);
    assert_close(tr_mul(row(1), 2.0), row(2), 0);
}
