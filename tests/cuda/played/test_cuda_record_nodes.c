/* What of a recorded step is one node of its graph: little calls, chains of longer ones, and what a product does in passing. */
#include "trained_there.h"

/* ---- little calls are nodes together ---- */

static tr_tensor *parabola(tr_tensor *x) { return tr_add(tr_sub(tr_pow(x, 2), tr_mul(3, x)), 1); }

static tr_recording *minimum_recorded(tr_tensor *x, tr_optim *sgd, bool separate)
{
    tr_recording *r;
    assert_int_equal(tr_record(&r, .separate = separate), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(parabola(x)), 0);
        assert_int_equal(tr_step(sgd), 0);
        tr_zero_grad(sgd);
    }
    assert_int_equal(tr_record_end(), 0);
    return r;
}

/* A learning rate that changes reaches it. */
TEST(a_little_step_is_one_node)
{
    needs_played_device();
    for (int separate = 0; separate < 2; separate++) {
        TR_SCOPE;
        tr_tensor *x = tr_requires_grad_(there(tr_zeros(TR_SHAPE())), true);
        tr_optim *sgd = tr_sgd(TR_TENSORS(x), .lr = 0.25);
        tr_recording *r = minimum_recorded(x, sgd, separate);
        assert_item(x, 0.75, 0);
        for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r), 0);
        assert_item(x, 1.3125, 0);
        assert_int_equal(counted().nodes, separate ? 4 : 1);
        assert_int_equal(tr_recording_info_of(r).joined, separate ? 0 : 4);
        assert_int_equal(tr_set_learning_rate(sgd, 0.5), 0);
        assert_int_equal(tr_replay(r), 0);
        assert_item(x, 1.5, 0); /* x - 0.5 (2 x - 3) */
    }
}

/* Of numbers that one block does not do: those that go element by element are nodes together all the same. */
TEST(a_chain_of_longer_calls_is_one_node)
{
    enum { N = 5000 };
    needs_played_device();
    int64_t nodes[2];
    tr_tensor *after[2];
    for (int separate = 0; separate < 2; separate++) {
        tr_tensor *x = tr_requires_grad_(there(tr_linspace(-1, 1, N)), true);
        tr_optim *sgd = tr_sgd(TR_TENSORS(x), .lr = 0.125);
        tr_recording *r;
        assert_int_equal(tr_record(&r, .separate = separate), 0);
        {
            TR_SCOPE;
            assert_int_equal(tr_backward(tr_sum(tr_tanh(parabola(x)))), 0);
            assert_int_equal(tr_step(sgd), 0);
            tr_zero_grad(sgd);
        }
        assert_int_equal(tr_record_end(), 0);
        for (int i = 0; i < 4; i++) assert_int_equal(tr_replay(r), 0);
        nodes[separate] = counted().nodes;
        after[separate] = tr_detach(x);
    }
    assert_true(nodes[0] + 4 <= nodes[1]);
    assert_close(after[0], after[1], 0);
}

/* Products of matrices, sums and dropout's numbers stand among them. */
TEST(a_network_is_a_few_nodes)
{
    needs_played_device();
    training t = made();
    tr_recording *r = recorded(&t);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r), 0);
    assert_true(counted().nodes <= 8);
}

/* ---- what a product does in passing ---- */

/* z = relu(x w + b): y = x w + b is seen, or not; relu in place. */
static tr_tensor *rectified(tr_module *layer, tr_tensor *x, int way, tr_tensor **seen)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *y = tr_forward(layer, x);
    if (way == 1) *seen = tr_keep(y);
    if (way == 2) return tr_pass_up(tr_relu(tr_mul(y, 1)));
    if (way == 3) return tr_pass_up(tr_add(tr_relu(y), y));
    return tr_pass_up(tr_relu(y));
}

TEST(relu_of_a_linear_layer_is_part_of_its_product_where_nobody_sees_what_is_between)
{
    static const int calls[2][4] = {{1, 2, 3, 3}, {2, 2, 3, 3}};
    for (int separate = 0; separate < 2; separate++)
        for (int way = 0; way < 4; way++) {
            TR_SCOPE;
            tr_module *layer = tr_linear_layer(6, 5);
            tr_tensor *x = there(tr_randn(TR_SHAPE(ROWS, 6))), *seen = NULL, *again = NULL;
            tr_recording *r;
            assert_int_equal(tr_module_to(layer, tr_cuda(0)), 0);
            assert_int_equal(tr_record(&r, .separate = separate), 0);
            tr_tensor *z = rectified(layer, x, way, &seen);
            assert_int_equal(tr_record_end(), 0);
            assert_int_equal(tr_recording_info_of(r).calls, calls[separate][way]);
            for (int i = 0; i < 3; i++) {
                TR_SCOPE;
                assert_non_null(tr_copy_(x, there(tr_randn(TR_SHAPE(ROWS, 6)))));
                assert_int_equal(tr_replay(r), 0);
                assert_close(z, rectified(layer, x, way, &again), 0);
                if (again) assert_close(seen, again, 0);
                if (again) tr_drop(again);
            }
            if (seen) tr_drop(seen);
        }
}
