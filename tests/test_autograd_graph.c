/* How long the graph lives and what it holds: saved values, gradients under way, derivatives of derivatives. */
#include <pthread.h>
#include <trireme/autograd.h>
#include <trireme/random.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }
static int64_t reads(const tr_tensor *t) { return tr_memory(tr_device_of(t)).allocated_bytes; }

TEST(the_graph_goes_with_the_first_backward_unless_retained)
{
    tr_tensor *x = leaf(tr_tensor_of(2.0)), *y = tr_exp(tr_mul(x, x));
    assert_int_equal(tr_backward(y, .retain_graph = true), 0);
    assert_int_equal(tr_backward(y), 0);
    assert_true(tr_backward(y) < 0);
    assert_error_says("a second time: the saved values of ExpBackward0 are gone");

    tr_tensor *z = tr_sum(tr_sub(x, 1)); /* saved nothing */
    assert_int_equal(tr_backward(z), 0);
    assert_int_equal(tr_backward(z), 0);
}

TEST(backward_frees_the_saved_values_as_it_goes)
{
    tr_tensor *x = leaf(tr_rand(TR_SHAPE(1000))), *loss;
    {
        TR_SCOPE;
        loss = tr_pass_up(tr_sum(tr_exp(tr_exp(tr_exp(x)))));
    }
    int64_t held = reads(x);
    assert_int_equal(tr_backward(loss), 0);
    assert_true(reads(x) <= held - 3 * 4000 + 5000 /* x's gradient */);
}

TEST(a_gradient_that_dies_makes_room_for_the_next)
{
    enum { N = 1 << 18 }; /* more than any other test here */
    tr_tensor *x = leaf(tr_full(TR_SHAPE(N), 0.5)), *y = x;
    for (int i = 0; i < 8; i++) y = tr_sigmoid(y);
    tr_tensor *loss = tr_sum(y);
    int64_t held = reads(loss);
    assert_int_equal(tr_backward(loss, .retain_graph = true), 0);
    assert_true(tr_memory(tr_cpu()).peak_bytes - held < 2 * N * (int64_t)sizeof(float));
}

TEST(a_gradient_that_somebody_holds_is_not_written_over)
{
    tr_tensor *x = leaf(row(1, 2)), *given = row(3, 4);
    assert_int_equal(tr_backward(tr_exp(x), .gradient = given), 0);
    assert_close(given, row(3, 4), 0);
    tr_set_grad(x, NULL);

    tr_tensor *b = tr_neg(x), *both = tr_add(tr_exp(b), tr_sigmoid(b)); /* two take the same one */
    assert_int_equal(tr_backward(tr_sum(tr_mul(both, row(1, 2)))), 0);
    tr_tensor *s = tr_sigmoid(b);
    assert_close(tr_grad(x), tr_neg(tr_mul(row(1, 2), tr_add(tr_exp(b), tr_mul(s, tr_sub(1, s))))), 1e-6);
}

TEST(derivatives_can_be_differentiated_when_asked)
{
    tr_tensor *x = leaf(row64(2, 3));
    assert_int_equal(tr_backward(tr_sum(tr_mul(tr_square(x), x)), .create_graph = true), 0);
    tr_tensor *dx = tr_grad(x);
    assert_close(dx, row64(12, 27), 1e-12);
    assert_true(tr_requires_grad(dx));
    tr_tensor *sum = tr_sum(dx);
    assert_int_equal(tr_set_grad(x, NULL), 0);
    assert_int_equal(tr_backward(sum, .create_graph = true), 0);
    assert_close(tr_grad(x), row64(12, 18), 1e-12);
    sum = tr_sum(tr_grad(x));
    assert_int_equal(tr_set_grad(x, NULL), 0);
    assert_int_equal(tr_backward(sum), 0);
    assert_close(tr_grad(x), row64(6, 6), 1e-12);
    assert_false(tr_requires_grad(tr_grad(x)));
    assert_true(tr_grad_enabled());
}

enum { LONG = 100000 };

static void *walk_a_long_chain(void *data)
{
    tr_on_error(NULL, NULL);
    tr_tensor *x = leaf(tr_tensor_of(1.0)), *kept, *y;
    {
        TR_SCOPE;
        y = tr_mul(x, 1);
        for (int i = 1; i < LONG; i++) y = i % 2 ? tr_sin(y) : tr_add(y, 1);
        kept = tr_keep(y);
    }
    bool good = tr_backward(kept) == 0 && tr_grad(x) && tr_item(tr_grad(x)) == tr_item(tr_grad(x));
    tr_drop(kept);
    {
        TR_SCOPE; /* and one that nobody walks */
        y = x;
        for (int i = 0; i < LONG; i++) y = tr_mul(y, x);
    }
    return good && !tr_error_stands() && tr_finish() == 0 ? data : NULL;
}

TEST(a_chain_of_100000_operations_needs_little_stack)
{
    pthread_attr_t little;
    pthread_t thread;
    void *good = NULL;
    pthread_attr_init(&little);
    assert_int_equal(pthread_attr_setstacksize(&little, 256 << 10), 0);
    assert_int_equal(pthread_create(&thread, &little, walk_a_long_chain, &good), 0);
    pthread_attr_destroy(&little);
    assert_int_equal(pthread_join(thread, &good), 0);
    assert_non_null(good);
}

TEST(a_leaf_may_go_before_its_graph)
{
    tr_tensor *y, *z = leaf(row(1));
    {
        TR_SCOPE;
        tr_tensor *x = leaf(row(2));
        y = tr_pass_up(tr_sum(tr_add(tr_mul(x, 3), z)));
    }
    assert_int_equal(tr_backward(y), 0);
    assert_close(tr_grad(z), row(1), 0);
}
