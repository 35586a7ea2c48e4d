/* Derivatives by complex numbers: dL/dx + i dL/dy, as PyTorch has them. */
#include <math.h>
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }
static tr_tensor *complex_of(double re, double im) { return tr_complex(row64(re), row64(im)); }

TEST(parts_make_numbers_and_come_back)
{
    tr_tensor *z = tr_complex(row(1, 2, 3), row(4, 5, 6)), *turned = tr_t(tr_view(z, TR_SHAPE(1, 3)));
    assert_dtype(z, TR_COMPLEX64);
    assert_close(tr_real(z), row(1, 2, 3), 0);
    assert_close(tr_imag(tr_conj(z)), row(-4, -5, -6), 0);
    assert_close(tr_imag(tr_slice(z, 0, 1, TR_END, 1)), row(5, 6), 0);
    assert_shape(tr_imag(turned), 3, 1);
    assert_close(tr_abs(tr_complex(row(3, 0), row(4, 0))), row(5, 0), 1e-6);
    assert_close(tr_abs(tr_complex(row64(3e200), row64(4e200))), row64(5e200), 1e186);
    assert_null(tr_imag(row(1)));
    assert_error_says("imag is not implemented for tensors with non-complex dtypes");
    assert_null(tr_complex(row(1), row64(1)));
    assert_error_says("tr_complex: (1,) float32 and (1,) float64");
}

TEST(the_gradient_points_uphill)
{
    tr_tensor *z = leaf(complex_of(1, 2));
    assert_int_equal(tr_backward(tr_sum(tr_real(tr_mul(z, tr_conj(z))))), 0);
    assert_close(tr_grad(z), complex_of(2, 4), 0);
    tr_set_grad(z, NULL);
    assert_int_equal(tr_backward(tr_sum(tr_real(tr_mul(z, z)))), 0);
    assert_close(tr_grad(z), complex_of(2, -4), 0);
    tr_set_grad(z, NULL);
    assert_int_equal(tr_backward(tr_sum(tr_imag(z))), 0);
    assert_close(tr_grad(z), complex_of(0, 1), 0);
    tr_set_grad(z, NULL);
    assert_int_equal(tr_backward(tr_sum(tr_abs(tr_mul(z, 0)))), 0);
    assert_close(tr_grad(z), complex_of(0, 0), 0);
}

TEST(a_real_operand_gets_a_real_gradient)
{
    tr_tensor *z = leaf(complex_of(1, 2)), *x = leaf(row64(3));
    assert_int_equal(tr_backward(tr_sum(tr_imag(tr_mul(z, x)))), 0);
    assert_dtype(tr_grad(x), TR_FLOAT64);
    assert_close(tr_grad(x), row64(2), 0);
    assert_close(tr_grad(z), complex_of(0, 3), 0);
}

/* Every operation that serves complex numbers, of a (3, 3) and b (3, 3), as real numbers that see both parts. */
static tr_tensor *operation(int which, tr_tensor *a, tr_tensor *b)
{
    switch (which) {
    case 0: return tr_add(a, tr_mul(b, b));
    case 1: return tr_sub(tr_mul(a, b), b);
    case 2: return tr_div(a, b);
    case 3: return tr_neg(tr_div(tr_mul(a, a), b));
    case 4: return tr_matmul(a, b);
    case 5: return tr_matmul(a, tr_select(b, 0, 1));
    case 6: return tr_dot(tr_select(a, 1, 0), tr_select(b, 0, 0));
    case 7: return tr_matmul(tr_unsqueeze(a, 0), tr_expand(tr_unsqueeze(b, 0), TR_SHAPE(2, 3, 3)));
    case 8: return tr_mean(tr_mul(tr_conj(a), b), TR_DIM(0));
    case 9: return tr_mul(tr_abs(a), tr_sum(b));
    default: return NULL;
    }
}

static tr_tensor *loss_of(int which, tr_tensor *const *x)
{
    tr_tensor *y = tr_flatten(operation(which, tr_complex(x[0], x[1]), tr_complex(x[2], x[3])), 0, -1);
    tr_tensor *r = tr_cos(tr_to(tr_arange(0, (double)tr_numel(y), 1), TR_FLOAT64));
    return tr_add(tr_sum(tr_mul(tr_real(y), r)), tr_sum(tr_mul(tr_imag(y), tr_add(r, 0.7))));
}

TEST(derivatives_by_both_parts_agree_with_differences)
{
    for (int which = 0; which < 10; which++) {
        TR_SCOPE;
        tr_tensor *x[4];
        for (int i = 0; i < 4; i++) x[i] = leaf(tr_add(tr_rand(TR_SHAPE(3, 3), .dtype = TR_FLOAT64), 0.3));
        if (tr_backward(loss_of(which, x)) < 0) fail_msg("operation %d: %s", which, tr_error_message());
        for (int e = 0; e < 4 * 9; e++) {
            TR_SCOPE;
            TR_NO_GRAD;
            double *at = (double *)tr_data(x[e / 9]) + e % 9, there = *at, step = 1e-6;
            *at = there + step;
            double above = tr_item(loss_of(which, x));
            *at = there - step;
            double below = tr_item(loss_of(which, x));
            *at = there;
            double difference = (above - below) / (2 * step), ours = tr_get(tr_grad(x[e / 9]), e % 9);
            if (!(fabs(ours - difference) <= 1e-6 * fmax(1, fabs(difference))))
                fail_msg("operation %d, part %d, element %d: %.10g, differences say %.10g", which, e / 9, e % 9, ours, difference);
        }
    }
}
