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
