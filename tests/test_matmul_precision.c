/* TR_MATMUL_PRECISION on the CPU: one switch per thread, which changes no bit there.  What it does on a CUDA device is tested in
 * cuda/played/test_cuda_products.c. */
#include <pthread.h>
#include <trireme/trireme.h>
#include "test.h"

static void *precision_here(void *seen)
{
    *(tr_precision *)seen = tr_get_float32_matmul_precision();
    return NULL;
}

TEST(blocks_nest_and_give_back_what_was)
{
    assert_int_equal(tr_get_float32_matmul_precision(), TR_PRECISION_HIGHEST);
    {
        TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
        assert_int_equal(tr_get_float32_matmul_precision(), TR_PRECISION_HIGH);
        {
            TR_MATMUL_PRECISION(TR_PRECISION_HIGHEST);
            assert_int_equal(tr_get_float32_matmul_precision(), TR_PRECISION_HIGHEST);
        }
        assert_int_equal(tr_get_float32_matmul_precision(), TR_PRECISION_HIGH);
    }
    assert_int_equal(tr_get_float32_matmul_precision(), TR_PRECISION_HIGHEST);
}

TEST(another_thread_feels_nothing_of_it)
{
    TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
    tr_precision seen = TR_PRECISION_HIGH;
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, precision_here, &seen), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(seen, TR_PRECISION_HIGHEST);
}

TEST(an_unknown_precision_is_an_error_and_changes_nothing)
{
    TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
    assert_int_equal(tr_set_float32_matmul_precision((tr_precision)7), TR_PRECISION_HIGH);
    assert_error_says("tr_set_float32_matmul_precision: 7");
    assert_int_equal(tr_get_float32_matmul_precision(), TR_PRECISION_HIGH);
}

/* Products, a linear layer, one with a vector, and their gradients. */
static void products(const tr_tensor *from, tr_tensor *got[4])
{
    tr_tensor *a = tr_requires_grad_(tr_clone((tr_tensor *)from), true), *v = tr_select(a, 0, 3);
    got[0] = tr_matmul(a, tr_t(a));
    got[1] = tr_linear(a, a, v);
    got[2] = tr_matmul(a, v);
    assert_int_equal(tr_backward(tr_add(tr_add(tr_sum(tr_square(got[0])), tr_sum(tr_square(got[1]))), tr_sum(tr_square(got[2])))), 0);
    got[3] = tr_grad(a);
}

TEST(on_the_cpu_no_bit_changes)
{
    for (int64_t side = 5; side < 200; side *= 3) {
        TR_SCOPE;
        tr_tensor *a = tr_randn(TR_SHAPE(side, side)), *want[4], *got[4];
        products(a, want);
        TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
        products(a, got);
        for (int i = 0; i < 4; i++) assert_memory_equal(tr_data(got[i]), tr_data(want[i]), (size_t)tr_numel(want[i]) * sizeof(float));
    }
}
