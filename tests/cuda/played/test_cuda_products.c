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
