/* Memory of a training loop: after two iterations nothing is asked of the system any more, and nothing grows. */
#include <trireme/data.h>
#ifdef __GLIBC__
# include <malloc.h>
#endif
#include "mlp.h"

static tr_memory_stats memory(void) { return tr_memory(tr_cpu()); }

TEST(after_two_iterations_training_asks_the_system_for_nothing)
{
    tr_tensor *x = inputs(32), *y = classes(32);
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    for (int i = 0; i < 2; i++) train(m, o, x, y);
    tr_memory_stats before = memory();
    for (int i = 0; i < 1000; i++) train(m, o, x, y);
    tr_memory_stats after = memory();
    assert_int_equal(after.system_requests, before.system_requests);
    assert_int_equal(after.peak_bytes, before.peak_bytes);
    assert_int_equal(after.allocated_bytes, before.allocated_bytes);
    assert_int_equal(after.cached_bytes, before.cached_bytes);
}

/* The largest layers' products go through libraries and threads with buffers of their own. */
TEST(wide_layers_ask_for_nothing_either)
{
    tr_module *m = tr_sequential(tr_linear_layer(300, 200), tr_relu_layer(), tr_linear_layer(200, 100), tr_sigmoid_layer(), tr_linear_layer(100, 10));
    tr_optim *o = sgd_of(m);
    tr_tensor *x = tr_rand(TR_SHAPE(64, 300)), *y = tr_randint(0, 10, TR_SHAPE(64));
    for (int i = 0; i < 2; i++) train(m, o, x, y);
    tr_memory_stats before = memory();
    for (int i = 0; i < 20; i++) train(m, o, x, y);
    assert_int_equal(memory().system_requests, before.system_requests);
    assert_int_equal(memory().peak_bytes, before.peak_bytes);
}

/* Not only what the library counts: all that the process has taken from malloc. */
TEST(the_process_holds_no_more_after_a_thousand_steps)
{
#ifdef __GLIBC__
    tr_tensor *x = inputs(32), *y = classes(32);
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    for (int i = 0; i < 10; i++) train(m, o, x, y);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 1000; i++) train(m, o, x, y);
    assert_true(mallinfo2().uordblks < before + 4096); /* a byte lost in each step would be 32000 */
#else
    skip_because("mallinfo2 is glibc's");
#endif
}

/* Samples from a loader, in shuffled batches, the last one of each epoch smaller. */
static void epochs(tr_module *m, tr_optim *o, tr_loader *l, int64_t from, int64_t to)
{
    for (int64_t epoch = from; epoch < to; epoch++) {
        assert_int_equal(tr_loader_start(l, epoch), 0);
        for (tr_batch b; tr_loader_next(l, &b);) assert_true(train(m, o, b.input, b.target) < 100);
    }
}

static void check_loader(int workers)
{
    TR_SCOPE;
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    tr_loader *l = tr_loader_new(tr_dataset_tensors(inputs(100), classes(100)), .batch_size = 16, .shuffle = true, .workers = workers);
    epochs(m, o, l, 0, 2); /* in which every size of batch comes twice */
    tr_memory_stats before = memory();
    epochs(m, o, l, 2, 50);
    tr_memory_stats after = memory();
    assert_int_equal(after.system_requests, before.system_requests);
    assert_int_equal(after.peak_bytes, before.peak_bytes);
    assert_int_equal(after.allocated_bytes, before.allocated_bytes);
}

TEST(with_a_loader_it_asks_for_nothing_either)
{
    check_loader(-1);
    check_loader(1);
    check_loader(2);
}

TEST(measuring_and_printing_the_loss_asks_for_nothing)
{
    tr_tensor *x = inputs(32), *y = classes(32);
    tr_module *m = mlp();
    int64_t requests = 0;
    for (int i = 0; i < 20; i++) {
        if (i == 2) requests = memory().system_requests;
        TR_SCOPE;
        TR_NO_GRAD;
        tr_train(m, false);
        tr_tensor *logits = tr_forward(m, x);
        double right = tr_item(tr_sum(tr_eq(tr_argmax(logits, TR_DIM(1)), y)));
        char line[64];
        snprintf(line, sizeof line, "loss %.4f, %.0f right", tr_item(tr_cross_entropy(logits, y)), right);
        assert_true(*line);
    }
    assert_int_equal(memory().system_requests, requests);
}

TEST(all_memory_comes_back_when_the_scope_closes)
{
    int64_t before = memory().allocated_bytes;
    {
        TR_SCOPE;
        tr_module *m = mlp();
        tr_optim *o = sgd_of(m);
        tr_loader *l = tr_loader_new(tr_dataset_tensors(inputs(100), classes(100)), .batch_size = 16);
        epochs(m, o, l, 0, 2);
        tr_tensor *left = tr_forward(m, inputs(5)); /* a graph that nobody walks */
        assert_true(tr_requires_grad(left));
        assert_true(memory().allocated_bytes > before);
    }
    assert_int_equal(memory().allocated_bytes, before);
}

TEST(what_an_epoch_leaves_open_comes_back_too)
{
    int64_t before = memory().allocated_bytes;
    {
        TR_SCOPE;
        tr_loader *l = tr_loader_new(tr_dataset_tensors(inputs(100), classes(100)), .batch_size = 16, .workers = 2);
        tr_batch b;
        assert_int_equal(tr_loader_start(l, 0), 0);
        assert_true(tr_loader_next(l, &b));
    }
    assert_int_equal(memory().allocated_bytes, before);
}

TEST(cached_memory_can_be_given_back)
{
    {
        TR_SCOPE;
        tr_zeros(TR_SHAPE(1000000));
    }
    assert_true(memory().cached_bytes >= 4000000);
    int64_t allocated = memory().allocated_bytes;
    tr_empty_cache();
    assert_int_equal(memory().cached_bytes, 0);
    assert_int_equal(memory().allocated_bytes, allocated);
}

TEST(memory_of_a_device_that_is_not_there_is_none)
{
    tr_memory_stats none = tr_memory(tr_cuda(0));
    assert_true(none.allocated_bytes == 0 && none.peak_bytes == 0 && none.cached_bytes == 0 && none.system_requests == 0);
}

/* A step holds what its backward needs and no more: each forward's own scope lets its intermediate results go. */
TEST(a_step_holds_what_the_graph_holds)
{
    enum { B = 64,
           WIDTH = 64 };
    tr_module *m = tr_sequential(tr_linear_layer(WIDTH, WIDTH), tr_relu_layer(), tr_linear_layer(WIDTH, WIDTH), tr_relu_layer());
    tr_tensor *x = tr_rand(TR_SHAPE(B, WIDTH));
    int64_t before = memory().allocated_bytes, each = B * WIDTH * (int64_t)sizeof(float);
    TR_SCOPE;
    tr_tensor *y = tr_forward(m, x);
    int64_t held = memory().allocated_bytes - before;
    assert_shape(y, B, WIDTH);
    assert_in_range(held, 2 * each, 3 * each); /* relu saves its result, linear its input: two between and y, one of them shared */
}
