/* NumPy's legacy random numbers, bit for bit. */
#include <trireme/random.h>
#include "test.h"

/* numpy.random.seed(1234); uniform(size=100) and then randn(100): the tutorial's own data set */
TEST(numpy_numbers_are_bit_for_bit_numpys)
{
    double x[100], noise[100], y[100];
    tr_generator *g = tr_generator_new(TR_MT19937, 1234);
    assert_int_equal(tr_numpy_uniform(g, 0, 1, 100, x), 0);
    assert_int_equal(tr_numpy_randn(g, 100, noise), 0);
    for (int i = 0; i < 100; i++) y[i] = 0.3 + 0.1 * x[i] + 0.01 * noise[i];
    assert_true(x[0] == 0.1915194503788923 && x[1] == 0.6221087710398319 && x[99] == 0.6694217430745488);
    assert_true(y[0] == 0.32682563239541335 && y[1] == 0.3720600755230822 && y[99] == 0.352446508218821);
}

TEST(numpy_normal_numbers_come_in_pairs_across_calls)
{
    double whole[5], part[5];
    tr_generator *g = tr_generator_new(TR_MT19937, 0);
    assert_int_equal(tr_numpy_randn(g, 5, whole), 0);
    tr_seed(g, 0);
    assert_int_equal(tr_numpy_randn(g, 3, part), 0);
    uint8_t state[TR_GENERATOR_STATE_BYTES]; /* the fourth one is waiting: a saved generator remembers it */
    tr_generator_save(g, state);
    tr_generator *other = tr_generator_new(TR_MT19937, 7);
    assert_int_equal(tr_generator_restore(other, state), 0);
    assert_int_equal(tr_numpy_randn(other, 2, part + 3), 0);
    assert_memory_equal(whole, part, sizeof whole);
    assert_true(whole[0] == 1.764052345967664 && whole[4] == 1.8675579901499675);
    double shifted;
    tr_seed(g, 1234);
    assert_int_equal(tr_numpy_uniform(g, -2, 2, 1, &shifted), 0);
    assert_true(shifted == -2 + 4 * 0.1915194503788923);
}

TEST(numpy_numbers_refuse_what_cannot_be)
{
    double x;
    assert_int_equal(tr_numpy_uniform(tr_generator_new(TR_PHILOX, 1), 0, 1, 1, &x), -1);
    assert_error_says("TR_MT19937");
    assert_int_equal(tr_numpy_randn(tr_generator_new(TR_MT19937, 1), -1, &x), -1);
    assert_error_says("-1 numbers");
    assert_int_equal(tr_numpy_randn(NULL, 1, &x), -1);
    assert_error_says("NULL");
    assert_int_equal(tr_numpy_randn(tr_generator_new(TR_MT19937, 1), 0, NULL), 0);
}
