/* Products of matrices, and steps of optimisers, of tensors that 31 bits do not count (huge.h). */
#include "../huge.h"

/* a (m, k) @ b (k, n), whose elements are i % 5: sums are whole. */
enum { FIVE = 5 };
static int64_t m, n, k;
static bool turned, wraps;
static double element_of_product(int64_t i)
{
    double sum = 0;
    for (int64_t l = 0; l < k; l++) sum += (double)((turned ? l * m + i / n : i / n * k + l) % FIVE) * (double)((l * n + i % n) % FIVE);
    return wraps ? fmod(sum, 256) : sum;
}

static tr_tensor *fives(int64_t rows, int64_t columns, tr_dtype type) { return tr_view(periodic(rows * columns, FIVE, type), TR_SHAPE(rows, columns)); }

TEST(a_product_may_be_large)
{
    static const tr_dtype types[] = {TR_UINT8, TR_FLOAT16, TR_FLOAT32}; /* our own kernel's, and the library's */
    n = scaled(32768, 128), m = rows_of(n), k = 8;
    for (int t = 0; t < 3; t++) {
        TR_SCOPE;
        needs((m * n + 8 * (m + n)) * tr_dtype_size(types[t]) + m * n / 8);
        turned = false, wraps = types[t] == TR_UINT8;
        assert_holds(tr_matmul(fives(m, k, types[t]), fives(k, n, types[t])), element_of_product);
    }
}

TEST(an_operand_may_be_large)
{
    k = scaled(4096, 64), m = rows_of(k);
    needs(4 * m * k + m * k / 4);
    for (int way = 0; way < 4; way++) {
        TR_SCOPE;
        turned = way % 2, wraps = false, n = way < 2 ? 8 : 1;
        tr_tensor *a = turned ? tr_t(fives(k, m, TR_FLOAT32)) : fives(m, k, TR_FLOAT32), *b = fives(k, n, TR_FLOAT32);
        assert_holds(tr_matmul(a, n == 1 ? tr_squeeze(b, 1) : b), element_of_product);
    }
}

TEST(a_batch_of_products_may_be_large)
{
    const int64_t side = scaled(64, 16), batch = edge() / (side * side) + 3;
    needs(2 * batch * side * side * 2);
    k = side, m = batch * side, n = 8, turned = false, wraps = false; /* one b for all */
    tr_tensor *a = tr_view(fives(m, k, TR_FLOAT16), TR_SHAPE(batch, side, side)), *b = fives(k, n, TR_FLOAT16);
    assert_holds(tr_matmul(a, b), element_of_product);
    assert_holds(tr_matmul(a, tr_contiguous(tr_expand(tr_unsqueeze(b, 0), TR_SHAPE(batch, k, n)))), element_of_product);
}

static double square_of_five(int64_t i) { return (double)(i % FIVE * (i % FIVE)); }

TEST(long_lines_have_a_dot_product)
{
    const int64_t count = long_line() / FIVE * FIVE;
    double turn = 0;
    for (int64_t i = 0; i < FIVE; i++) turn += square_of_five(i);
    needs(4 * count + count / 8);
    for (int t = 0; t < 2; t++) {
        TR_SCOPE;
        tr_tensor *x = periodic(count, FIVE, t ? TR_FLOAT32 : TR_UINT8);
        const double whole = (double)(count / FIVE) * turn;
        assert_true(tr_item(tr_dot(x, x)) == (t ? (float)whole : fmod(whole, 256)));
    }
}

static double factor;
static double scaled_digit(int64_t i) { return factor * digit(i); }
static double stepped(int64_t i) { return 100 - 0.5 * factor * digit(i); }
static double square(int64_t i) { return digit(i) * digit(i); }

static tr_tensor *parameter_of(int64_t count)
{
    tr_tensor *p = tr_full(TR_SHAPE(count), 100., .device = tr_cuda(0), .requires_grad = true);
    assert_int_equal(tr_set_grad(p, digits(count, TR_FLOAT32)), 0);
    return p;
}

TEST(a_large_parameter_has_its_gradient_clipped_and_takes_a_step)
{
    const int64_t count = long_line();
    needs(8 * count + count / 8);
    tr_tensor *p = parameter_of(count);
    const double norm = sqrt(sum_of(square, 0, 1, count));
    assert_true(fabs(tr_clip_grad_norm(TR_TENSORS(p), norm / 2) / norm - 1) < 1e-12);
    factor = 0.5;
    assert_holds_about(tr_grad(p), scaled_digit, 1e-6);
    assert_int_equal(tr_step(tr_sgd(TR_TENSORS(p), .lr = 0.5)), 0);
    assert_holds_about(tr_detach(p), stepped, 1e-6);
}

static double adam_stepped(int64_t i) { return digit(i) == 0 ? 100 : 99.75; }

TEST(a_large_parameter_has_its_moments)
{
    const int64_t count = long_line();
    needs(16 * count + count / 8);
    tr_tensor *p = parameter_of(count);
    assert_int_equal(tr_step(tr_adam(TR_TENSORS(p), .lr = 0.25)), 0);
    assert_holds_about(tr_detach(p), adam_stepped, 1e-6);
}
