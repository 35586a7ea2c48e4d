/* Large products on a CUDA device: cuBLASLt's, which a fake stands for where the device is played. */
#include "../fake_cublaslt.h"
#include "on_played.h"

static fake_cublaslt *fake_there(void)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = named ? dlopen(named, RTLD_NOLOAD | RTLD_LAZY) : NULL;
    return object ? dlsym(object, "fake") : NULL;
}

/* (a b) (c a), some of whose memory is given back while it waits to be computed. */
static tr_tensor *products(tr_tensor *a, tr_tensor *b, tr_tensor *c, tr_device device)
{
    tr_tensor *left, *right;
    {
        TR_SCOPE;
        tr_tensor *there = tr_to_device(a, device);
        left = tr_pass_up(tr_matmul(there, tr_to_device(b, device)));
        right = tr_pass_up(tr_matmul(tr_to_device(c, device), there));
    }
    return tr_to_device(tr_matmul(left, right), tr_cpu());
}

/* With its bias it is one product, small by our own kernel and large by the library. */
TEST(a_linear_layer_is_one_launch)
{
    fake_cublaslt *lt = fake_there();
    if (lt) lt->here = true;
    for (int64_t side = 20; side <= 100; side += 80) {
        TR_SCOPE;
        TR_NO_GRAD;
        tr_tensor *x = tr_randn(TR_SHAPE(side, side)), *w = tr_randn(TR_SHAPE(side, side)), *bias = tr_randn(TR_SHAPE(2 * side));
        tr_tensor *dense = tr_narrow(bias, 0, 1, side), *gaps = tr_slice(bias, 0, 0, TR_END, 2);
        tr_tensor *x_there = tr_to_device(x, tr_cuda(0)), *w_there = tr_to_device(w, tr_cuda(0)), *there = tr_to_device(bias, tr_cuda(0));
        tr_tensor *dense_there = tr_narrow(there, 0, 1, side), *gaps_there = tr_slice(there, 0, 0, TR_END, 2);
        const int64_t before = counted().launches;
        tr_tensor *y = tr_linear(x_there, w_there, dense_there);
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
        if (played.count) assert_int_equal(counted().launches - before, 1);
        assert_close(tr_to_device(y, tr_cpu()), tr_linear(x, w, dense), 1e-4);
        assert_close(tr_to_device(tr_linear(x_there, w_there, gaps_there), tr_cpu()), tr_linear(x, w, gaps), 1e-4);
    }
}

/* How many products may have been TF32 since the last look. */
static int tf32_of(fake_cublaslt *lt)
{
    int count = lt->tf32;
    lt->tf32 = 0;
    return count;
}

TEST(tf32_arrives_in_its_block_and_not_outside)
{
    fake_cublaslt *lt = fake_there();
    if (!lt) skip_because("this device is a real one");
    lt->here = true, lt->tf32 = 0;
    TR_SCOPE;
    tr_tensor *a = tr_to_device(tr_randn(TR_SHAPE(80, 80)), tr_cuda(0)), *half = tr_to(a, TR_BFLOAT16);
    assert_non_null(tr_matmul(a, a));
    assert_int_equal(tf32_of(lt), 0);
    {
        TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
        assert_non_null(tr_matmul(a, a));
        assert_non_null(tr_linear(a, a, tr_ones(TR_SHAPE(80), .device = tr_cuda(0))));
        assert_int_equal(tf32_of(lt), 2);
        assert_non_null(tr_matmul(half, half));
        assert_int_equal(tf32_of(lt), 0);
        {
            TR_MATMUL_PRECISION(TR_PRECISION_HIGHEST);
            assert_non_null(tr_matmul(a, a));
            assert_int_equal(tf32_of(lt), 0);
        }
        assert_non_null(tr_matmul(a, a));
        assert_int_equal(tf32_of(lt), 1);
    }
    assert_non_null(tr_matmul(a, a));
    assert_int_equal(tf32_of(lt), 0);
    assert_null(lt->wrong);
}

TEST(backward_has_the_precision_that_stands_where_it_is_called)
{
    fake_cublaslt *lt = fake_there();
    if (!lt) skip_because("this device is a real one");
    lt->here = true, lt->tf32 = 0;
    TR_SCOPE;
    tr_tensor *a = tr_requires_grad_(tr_to_device(tr_randn(TR_SHAPE(80, 80)), tr_cuda(0)), true), *y;
    {
        TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
        y = tr_sum(tr_square(tr_matmul(a, a)));
    }
    assert_int_equal(tf32_of(lt), 1);
    assert_int_equal(tr_backward(y), 0);
    assert_int_equal(tf32_of(lt), 0);
    y = tr_sum(tr_square(tr_matmul(a, a)));
    TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
    assert_int_equal(tr_backward(y), 0);
    assert_int_equal(tf32_of(lt), 2);
}

/* The first replay asks the library again, the second as it is captured, both outside the block. */
TEST(a_recorded_product_keeps_its_precision)
{
    fake_cublaslt *lt = fake_there();
    if (!lt) skip_because("this device is a real one");
    lt->here = true;
    TR_SCOPE;
    tr_tensor *a = tr_to_device(tr_randn(TR_SHAPE(80, 80)), tr_cuda(0)), *loose = tr_zeros_like(a), *exact = tr_zeros_like(a);
    tr_recording *step;
    assert_int_equal(tr_record(&step), 0);
    {
        TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
        tr_copy_(loose, tr_matmul(a, a));
    }
    tr_copy_(exact, tr_matmul(a, a));
    assert_int_equal(tr_record_end(), 0);
    lt->tf32 = lt->products = 0;
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(step), 0);
    assert_int_equal(lt->products, 4);
    assert_int_equal(lt->tf32, 2);
}

TEST(large_products_are_right_whatever_the_order)
{
    fake_cublaslt *lt = fake_there();
    if (lt) lt->here = true;
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *a = tr_randn(TR_SHAPE(70, 65)), *b = tr_randn(TR_SHAPE(65, 90)), *c = tr_randn(TR_SHAPE(90, 70));
        assert_close(products(a, b, c, tr_cuda(0)), products(a, b, c, tr_cpu()), 1e-2);
    }
    if (!lt) return;
    assert_true(lt->products >= 3 * PLAYED_ORDERS);
    assert_null(lt->wrong);
}
