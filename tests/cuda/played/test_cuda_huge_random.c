/* Counted random numbers of tensors that 31 and 32 bits do not count (huge.h): each is what it is in a shorter request, and
 * what the CPU draws. */
#include "../huge.h"

static tr_tensor *drawn(int64_t n, tr_dtype type, bool normal, tr_device device, tr_generator *g)
{
    return normal ? tr_randn(TR_SHAPE(n), .dtype = type, .device = device, .generator = g) : tr_rand(TR_SHAPE(n), .dtype = type, .device = device, .generator = g);
}

/* Another one that stands where g does. */
static tr_generator *another(const tr_generator *g)
{
    uint8_t state[TR_GENERATOR_STATE_BYTES];
    tr_generator *other = tr_generator_new(TR_PHILOX, 0);
    tr_generator_save(g, state);
    assert_int_equal(tr_generator_restore(other, state), 0);
    return other;
}

TEST(a_long_request_has_the_numbers_of_shorter_ones_and_of_the_cpu)
{
    for (int normal = 0; normal < 2; normal++)
        for (int t = 0; t < 2; t++) {
            TR_SCOPE;
            const tr_dtype type = t ? TR_FLOAT32 : TR_FLOAT16;
            const int64_t n = t ? long_line() : longer_line(), piece = edge() / 4;
            const double tolerance = !normal ? 0 : t ? 1e-6
                                                     : 2e-3;
            needs((n + piece) * tr_dtype_size(type) + 2 * piece);
            tr_generator *g = tr_generator_new(TR_PHILOX, 7), *h = tr_generator_new(TR_PHILOX, 7);
            tr_tensor *x = drawn(n, type, normal, tr_cuda(0), g);
            for (int64_t i = 0; i < n; i += piece) {
                TR_SCOPE;
                tr_tensor *cpus = drawn(64, type, normal, tr_cpu(), another(h));
                assert_close(tr_to_device(tr_narrow(x, 0, i, 64), tr_cpu()), cpus, tolerance);
                const int64_t length = n - i < piece ? n - i : piece;
                assert_same(tr_narrow(x, 0, i, length), drawn(length, type, normal, tr_cuda(0), h));
            }
        }
}

TEST(a_long_request_moves_its_generator_as_far)
{
    const int64_t n = longer_line();
    needs(2 * n);
    tr_generator *g = tr_generator_new(TR_PHILOX, 7);
    {
        TR_SCOPE;
        drawn(n, TR_FLOAT16, false, tr_cuda(0), g);
    }
    tr_tensor *next = drawn(64, TR_FLOAT32, false, tr_cuda(0), another(g));
    assert_close(tr_to_device(next, tr_cpu()), drawn(64, TR_FLOAT32, false, tr_cpu(), g), 0);
}

static tr_tensor *ones(int64_t n, tr_device device) { return tr_ones(TR_SHAPE(n), .dtype = TR_FLOAT16, .device = device); }

TEST(dropout_of_a_long_line_drops_what_it_drops_of_a_short_one)
{
    const int64_t n = long_line();
    needs(15 * n);
    tr_generator *g = tr_generator_new(TR_PHILOX, 11), *h = tr_generator_new(TR_PHILOX, 11);
    tr_tensor *y = tr_dropout(ones(n, tr_cuda(0)), 0.25, g);
    assert_close(tr_to_device(tr_narrow(y, 0, 0, 64), tr_cpu()), tr_dropout(ones(64, tr_cpu()), 0.25, another(h)), 0);
    {
        TR_SCOPE;
        drawn(edge(), TR_FLOAT32, false, tr_cuda(0), h);
    }
    assert_close(tr_to_device(tr_narrow(y, 0, edge(), 64), tr_cpu()), tr_dropout(ones(64, tr_cpu()), 0.25, h), 0);
    const double kept = tr_item(tr_sum(tr_ne(y, 0))) / (double)n;
    assert_true(fabs(kept - 0.75) < 4 / sqrt((double)n));
}
