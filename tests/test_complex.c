/* Complex numbers: values against C's own functions, parts as views, and what has no meaning for them. */
#include <complex.h>
#include <math.h>
#include <trireme/trireme.h>
#include "test.h"

typedef double _Complex number;

static number make(double re, double im)
{
    union {
        double part[2];
        number z;
    } z = {.part = {re, im}};
    return z.z;
}

static tr_tensor *tensor_of(const number *z, int64_t n, tr_dtype dtype) { return tr_from_data(z, TR_COMPLEX128, TR_SHAPE(n), .dtype = dtype); }
static tr_tensor *one(double re, double im) { return tensor_of((const number[]){make(re, im)}, 1, TR_COMPLEX128); }
static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

/* ---- values ---- */

static number square(number z) { return z * z; }
static number reciprocal(number z) { return 1 / z; }
static number sigmoid(number z) { return 1 / (1 + cexp(-z)); }
static number silu(number z) { return z / (1 + cexp(-z)); }
static number negative(number z) { return -z; }
static number log_2(number z) { return clog(z) / log(2); }
static number log_10(number z) { return clog(z) / log(10); }
static number exp_2(number z) { return cexp(z * log(2)); }

static const struct {
    const char *name;
    tr_tensor *(*ours)(tr_tensor *z);
    number (*theirs)(number z);
} rows[] = {
    {"neg", tr_neg, negative},
    {"square", tr_square, square},
    {"sqrt", tr_sqrt, csqrt},
    {"reciprocal", tr_reciprocal, reciprocal},
    {"exp", tr_exp, cexp},
    {"log", tr_log, clog},
    {"sin", tr_sin, csin},
    {"cos", tr_cos, ccos},
    {"tanh", tr_tanh, ctanh},
    {"sigmoid", tr_sigmoid, sigmoid},
    {"silu", tr_silu, silu},
    {"log2", tr_log2, log_2},
    {"log10", tr_log10, log_10},
    {"exp2", tr_exp2, exp_2},
    {"tan", tr_tan, ctan},
    {"asin", tr_asin, casin},
    {"acos", tr_acos, cacos},
    {"atan", tr_atan, catan},
    {"sinh", tr_sinh, csinh},
    {"cosh", tr_cosh, ccosh},
};

static bool near(double got, double want, double size, double tolerance) { return got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= tolerance * size; }

static const double special[] = {0.0, -0.0, 1, -1, 0.5, 1e-3, 30, -30, 1e-30, 100, -800, INFINITY, -INFINITY, NAN};
enum { SPECIAL = sizeof special / sizeof *special,
       GRID = SPECIAL * SPECIAL };

static void grid(number *z)
{
    for (int i = 0; i < GRID; i++) z[i] = make(special[i / SPECIAL], special[i % SPECIAL]);
}

TEST(every_row_gives_what_c_gives)
{
    number z[GRID], got[GRID];
    grid(z);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        TR_SCOPE;
        assert_int_equal(tr_to_data(rows[r].ours(tensor_of(z, GRID, TR_COMPLEX128)), TR_COMPLEX128, got), 0);
        for (int i = 0; i < GRID; i++) {
            number want = rows[r].theirs(z[i]);
            double size = isfinite(cabs(want)) ? cabs(want) : 0;
            if (!near(creal(got[i]), creal(want), size, 1e-14) || !near(cimag(got[i]), cimag(want), size, 1e-14))
                fail_msg("%s of %g%+gi is %g%+gi, not %g%+gi", rows[r].name, creal(z[i]), cimag(z[i]), creal(got[i]), cimag(got[i]), creal(want), cimag(want));
        }
    }
}

TEST(single_precision_agrees_with_double)
{
    number z[64], got[64];
    for (int i = 0; i < 64; i++) z[i] = make((float)(0.37 * (i / 8) - 1.3), (float)(0.41 * (i % 8) - 1.4));
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        TR_SCOPE;
        tr_tensor *y = rows[r].ours(tensor_of(z, 64, TR_COMPLEX64));
        assert_dtype(y, TR_COMPLEX64);
        assert_int_equal(tr_to_data(y, TR_COMPLEX128, got), 0);
        for (int i = 0; i < 64; i++) {
            number want = rows[r].theirs(z[i]);
            if (!(cabs(got[i] - want) <= 1e-6 * fmax(1, cabs(want)))) fail_msg("%s of %g%+gi is %g%+gi, not %g%+gi", rows[r].name, creal(z[i]), cimag(z[i]), creal(got[i]), cimag(got[i]), creal(want), cimag(want));
        }
    }
}

/* log1p and expm1 keep the digits that 1 + z and exp(z) - 1 lose, and are the same elsewhere. */
TEST(log1p_and_expm1_are_right_near_zero)
{
    for (int i = 0; i < 40; i++) {
        TR_SCOPE;
        double size = pow(10, -i / 2.0);
        number z = make(0.6 * size, -0.8 * size), back;
        assert_int_equal(tr_to_data(tr_expm1(tr_log1p(tensor_of(&z, 1, TR_COMPLEX128))), TR_COMPLEX128, &back), 0);
        assert_true(cabs(back - z) <= 1e-15 * fmax(cabs(z), size));
        assert_int_equal(tr_to_data(tr_log1p(tensor_of(&z, 1, TR_COMPLEX128)), TR_COMPLEX128, &back), 0);
        if (size > 0.1) assert_true(cabs(back - clog(1 + z)) <= 4e-16);
        if (size < 1e-9) assert_true(cabs(back - z) <= size * size);
    }
}

TEST(powers_are_products_where_c_takes_logarithms)
{
    assert_close(tr_pow(one(0, 0), 2), one(0, 0), 0);
    assert_close(tr_pow(one(0, 0), 0), one(1, 0), 0);
    assert_close(tr_pow(one(0, 0), 0.5), one(0, 0), 0);
    assert_close(tr_pow(one(1, 2), 2), one(-3, 4), 0);
    number w = cpow(make(1, 2), make(0.5, -1));
    assert_close(tr_pow(one(1, 2), one(0.5, -1)), one(creal(w), cimag(w)), 1e-15);
}

TEST(lengths_do_not_overflow)
{
    assert_close(tr_abs(one(3e200, 4e200)), row64(5e200), 1e186);
    assert_close(tr_abs(one(-INFINITY, NAN)), row64(INFINITY), 0);
    assert_dtype(tr_abs(tr_to(one(3, 4), TR_COMPLEX64)), TR_FLOAT32);
    assert_close(tr_angle(one(-1, 0)), row64(3.14159265358979323846), 0);
    assert_close(tr_angle(row(-2, 3)), row(3.14159274, 0), 0);
    assert_close(tr_sgn(tr_complex(row64(0, 3), row64(0, -4))), tr_complex(row64(0, 0.6), row64(0, -0.8)), 1e-16);
    assert_close(tr_polar(row64(2), row64(0.5)), one(2 * cos(0.5), 2 * sin(0.5)), 1e-15);
    assert_null(tr_polar(row(1), row64(1)));
    assert_error_says("tr_polar: (1,) float32 and (1,) float64");
}

TEST(truth_is_told_of_both_parts)
{
    tr_tensor *z = tr_complex(row(1, NAN, 0, 2), row(0, 1, -INFINITY, 3));
    assert_close(tr_to(tr_isnan(z), TR_FLOAT32), row(0, 1, 0, 0), 0);
    assert_close(tr_to(tr_isinf(z), TR_FLOAT32), row(0, 0, 1, 0), 0);
    assert_close(tr_to(tr_isfinite(z), TR_FLOAT32), row(1, 0, 0, 1), 0);
    assert_int_equal(tr_allclose(one(3, 4), one(3 + 4e-5, 4 + 2e-5)), 1); /* the bound is 5e-5 */
    assert_int_equal(tr_allclose(one(3, 4), one(3 + 4e-5, 4 + 4e-5)), 0);
    assert_int_equal(tr_allclose(one(1, NAN), one(1, NAN)), 0);
    assert_int_equal(tr_allclose(one(1, NAN), one(NAN, 1), .equal_nan = true), 1);
    assert_int_equal(tr_allclose(one(INFINITY, 0), one(INFINITY, 0)), 1);
    assert_int_equal(tr_allclose(one(1, 0), one(INFINITY, 0)), 0);
    assert_int_equal(tr_allclose(one(2, 0), row64(2)), 1);
}

/* ---- C's complex numbers as operands ---- */

TEST(a_complex_number_makes_complex_but_not_wide)
{
    tr_tensor *y = tr_mul(row(1, 2), I);
    assert_dtype(y, TR_COMPLEX64);
    assert_close(y, tr_complex(row(0, 0), row(1, 2)), 0);
    assert_dtype(tr_add(row64(1), 1 + 2 * I), TR_COMPLEX128);
    assert_dtype(tr_sub(2.0f * I, tr_to(row(1), TR_INT64)), TR_COMPLEX64);
    assert_dtype(tr_mul(tr_to(one(1, 1), TR_COMPLEX64), (long double _Complex)I), TR_COMPLEX64);
    assert_close(tr_div(one(1, 2), I), one(2, -1), 0);
    assert_close(tr_where(tr_eq(row64(0, 1), 0), tr_complex(row64(1, 1), row64(0, 0)), 3 * I), tr_complex(row64(1, 0), row64(0, 3)), 0);
    assert_int_equal(tr_allclose(tr_exp(tr_mul(row64(3.14159265358979), I)), -1 + 0 * I), 1);
    assert_null(tr_lt(row(1), I));
    assert_error_says("\"lt_cpu\" not implemented for 'ComplexDouble'");
}

TEST(a_complex_number_has_its_part_in_gradients)
{
    tr_tensor *z = leaf(tr_reshape(tr_to(one(1, 2), TR_COMPLEX64), (tr_shape){0}));
    assert_int_equal(tr_backward(tr_real(tr_mul(z, 3 - 4 * I))), 0);
    assert_dtype(tr_grad(z), TR_COMPLEX64);
    assert_close(tr_grad(z), tr_reshape(one(3, 4), (tr_shape){0}), 0);
    tr_tensor *x = leaf(row64(2)), *w = leaf(one(1, 2));
    assert_int_equal(tr_backward(tr_sum(tr_imag(tr_div(I, x)))), 0);
    assert_close(tr_grad(x), row64(-0.25), 0);
    assert_int_equal(tr_backward(tr_sum(tr_real(tr_pow(w, 2 + 0 * I)))), 0);
    assert_close(tr_grad(w), one(2, -4), 1e-15);
}

/* ---- views ---- */

TEST(parts_share_memory)
{
    tr_tensor *z = tr_complex(row(1, 2, 3), row(4, 5, 6)), *y = tr_imag(z), *pairs = tr_view_as_real(z);
    assert_int_equal(tr_stride(y, 0), 2);
    assert_ptr_equal(tr_data(y), (float *)tr_data(z) + 1);
    assert_non_null(tr_fill_(tr_real(z), 7));
    assert_non_null(tr_mul_(tr_slice(y, 0, 1, TR_END, 1), 10));
    assert_close(z, tr_complex(row(7, 7, 7), row(4, 50, 60)), 0);
    assert_shape(pairs, 3, 2);
    assert_close(tr_select(pairs, 1, 1), row(4, 50, 60), 0);
    assert_non_null(tr_fill_(tr_select(pairs, 0, 0), -1));
    assert_close(tr_slice(y, 0, 0, 1, 1), row(-1), 0);
    tr_tensor *w = tr_view_as_complex(pairs);
    assert_ptr_equal(tr_data(w), tr_data(z));
    assert_non_null(tr_mul_(w, 2));
    assert_close(tr_real(z), row(-2, 14, 14), 0);
    assert_close(tr_imag(tr_t(tr_view(z, TR_SHAPE(1, 3)))), tr_view(row(-2, 100, 120), TR_SHAPE(3, 1)), 0);
}

TEST(pairs_must_lie_as_complex_numbers_do)
{
    assert_null(tr_view_as_complex(row(1, 2, 3)));
    assert_error_says("Tensor must have a last dimension of size 2");
    assert_null(tr_view_as_complex(tr_t(tr_zeros(TR_SHAPE(2, 3)))));
    assert_error_says("Tensor must have a last dimension with stride 1");
    assert_null(tr_view_as_complex(tr_slice(tr_zeros(TR_SHAPE(3, 3)), 1, 0, 2, 1)));
    assert_error_says("Tensor must have a stride divisible by 2 for all but last dimension");
    assert_null(tr_view_as_complex(tr_slice(tr_zeros(TR_SHAPE(3)), 0, 1, 3, 1)));
    assert_error_says("Tensor must have a storage_offset divisible by 2");
    assert_null(tr_view_as_complex(tr_zeros(TR_SHAPE(2), .dtype = TR_INT64)));
    assert_error_says("got a tensor of scalar type: Long");
    assert_null(tr_view_as_real(row(1)));
    assert_error_says("view_as_real is only supported for complex tensors");
}

/* z w with z's real part replaced by 3 x, and its imaginary part doubled. */
TEST(the_graph_learns_what_is_written_to_a_part)
{
    tr_tensor *z = leaf(one(1, 2)), *x = leaf(row64(5)), *y = tr_mul(z, 1);
    tr_tensor *re = tr_real(y), *im = tr_imag(y);
    assert_non_null(tr_copy_(re, tr_mul(x, 3)));
    assert_non_null(tr_mul_(im, 2));
    assert_close(y, one(15, 4), 0);
    assert_string_equal(tr_grad_fn(y), "CopySlices");
    tr_tensor *loss = tr_sum(tr_add(tr_square(tr_real(y)), tr_mul(im, 10)));
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), row64(2 * 15 * 3), 0);
    assert_close(tr_grad(z), one(0, 20), 0);
}

TEST(a_leaf_is_not_written_through_its_parts)
{
    tr_tensor *z = leaf(one(1, 2));
    assert_null(tr_mul_(tr_real(z), 2));
    assert_error_says("a view of a leaf Variable that requires grad is being used in an in-place operation");
    tr_tensor *y = tr_exp(z), *loss = tr_sum(tr_abs(y));
    assert_non_null(tr_zero_(tr_imag(tr_detach(y))));
    assert_true(tr_backward(loss) < 0);
    assert_error_says("modified by an inplace operation");
}

/* ---- what needs an order ---- */

static void refused(tr_tensor *y, const char *sentence)
{
    assert_null(y);
    assert_error_says(sentence);
}

TEST(what_needs_an_order_is_refused_in_pytorchs_words)
{
    tr_tensor *z = tr_to(one(1, 2), TR_COMPLEX64);
    refused(tr_lt(z, z), "tr_lt: (1,) complex64: \"lt_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_ge(row(1), one(1, 1)), "\"ge_cpu\" not implemented for 'ComplexDouble'");
    refused(tr_sort(z, 0), "\"sorting_kernel_method_name\" not implemented for 'ComplexFloat'");
    refused(tr_topk(z, 1, 0), "\"topk_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_median(z), "\"median_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_max(z), "\"max_all\" not implemented for 'ComplexFloat'");
    refused(tr_max_dim(z, 0), "max(): does not support complex input");
    refused(tr_argmin(z), "\"argmin_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_maximum(z, 1), "maximum not implemented for complex tensors.");
    refused(tr_clamp(z, 0, 1), "clamp is not supported for complex types");
    refused(tr_clamp(row(1), z, NULL), "clamp is not supported for complex types");
    refused(tr_sign(z), "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.");
    refused(tr_floor(z), "floor is not supported for complex inputs");
    refused(tr_round(z), "\"round_vml_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_relu(z), "clamp is not supported for complex types");
    refused(tr_erf(z), "\"erf_vml_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_softplus(z), "\"softplus_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_leaky_relu(z, 0.1), "\"leaky_relu_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_remainder(z, z), "\"remainder_cpu\" not implemented for 'ComplexFloat'");
    refused(tr_softmax(z, 0), "\"softmax_lastdim_kernel_impl\" not implemented for 'ComplexFloat'");
    refused(tr_logsumexp(z), "logsumexp(): Expected floating point type for result tensor, but got: ComplexFloat");
    refused(tr_mse_loss(z, z), "\"mse_cpu\" not implemented for 'ComplexFloat'");
}
