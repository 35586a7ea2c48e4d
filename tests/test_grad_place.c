/* Places for gradients: what backward writes straight into, and when it must not. */
#include <trireme/autograd.h>
#include <trireme/record.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }

static tr_tensor *given_place(tr_tensor *leaf)
{
    tr_tensor *place = tr_full_like(leaf, 7);
    assert_int_equal(tr_set_grad_place(leaf, place), 0);
    return place;
}

/* y = sum((x w' + b)^2) */
static tr_tensor *loss_of(tr_tensor *x, tr_tensor *w, tr_tensor *b) { return tr_sum(tr_square(tr_linear(x, w, b))); }

static void equal(tr_tensor *a, tr_tensor *b) { assert_true(tr_item(tr_all(tr_eq(a, b))) != 0); }

TEST(a_gradient_lies_in_its_place)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4, 3)), *w = leaf(tr_randn(TR_SHAPE(2, 3))), *b = leaf(tr_randn(TR_SHAPE(2)));
    tr_tensor *want[2] = {NULL, NULL};
    assert_int_equal(tr_autograd_grad(TR_TENSORS(loss_of(x, w, b)), TR_TENSORS(w, b), want), 0);
    tr_tensor *in_w = given_place(w), *in_b = given_place(b);
    for (int pass = 0; pass < 3; pass++) { /* each time anew: 7, or what the last pass left, is written over */
        assert_int_equal(tr_backward(loss_of(x, w, b)), 0);
        assert_ptr_equal(tr_grad(w), in_w);
        assert_ptr_equal(tr_grad(b), in_b);
        equal(in_w, want[0]);
        equal(in_b, want[1]);
        tr_set_grad(w, NULL);
        tr_set_grad(b, NULL);
    }
}

TEST(every_product_may_write_there)
{
    tr_tensor *a = leaf(tr_randn(TR_SHAPE(3, 4))), *b = leaf(tr_randn(TR_SHAPE(4, 2))), *want[2];
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_square(tr_mm(a, b)))), TR_TENSORS(a, b), want), 0);
    tr_tensor *in_a = given_place(a), *in_b = given_place(b);
    assert_int_equal(tr_backward(tr_sum(tr_square(tr_mm(a, b)))), 0);
    assert_ptr_equal(tr_grad(a), in_a);
    equal(in_a, want[0]);
    equal(in_b, want[1]);
}

TEST(a_leaf_used_twice_gets_the_sum)
{
    tr_tensor *x = tr_randn(TR_SHAPE(3, 3)), *w = leaf(tr_randn(TR_SHAPE(3, 3))), *want;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(tr_sum(tr_mm(tr_mm(x, w), w))), TR_TENSORS(w), &want), 0);
    tr_tensor *place = given_place(w);
    assert_int_equal(tr_backward(tr_sum(tr_mm(tr_mm(x, w), w))), 0);
    assert_ptr_equal(tr_grad(w), place);
    equal(place, want);
}

TEST(a_gradient_that_is_there_is_added_to_where_it_is)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4, 3)), *w = leaf(tr_randn(TR_SHAPE(2, 3))), *before = tr_full_like(w, 1), *want;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(loss_of(x, w, NULL)), TR_TENSORS(w), &want), 0);
    tr_tensor *place = given_place(w);
    tr_set_grad(w, before);
    assert_int_equal(tr_backward(loss_of(x, w, NULL)), 0);
    assert_ptr_equal(tr_grad(w), before);
    equal(before, tr_add(want, 1));
    equal(place, tr_full_like(w, 7));
    tr_set_grad(w, place); /* and in the place itself */
    assert_int_equal(tr_backward(loss_of(x, w, NULL)), 0);
    equal(place, tr_add(want, 7));
}

TEST(what_is_handed_out_or_differentiated_again_lies_elsewhere)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4, 3)), *w = leaf(tr_randn(TR_SHAPE(2, 3))), *place = given_place(w), *g;
    assert_int_equal(tr_autograd_grad(TR_TENSORS(loss_of(x, w, NULL)), TR_TENSORS(w), &g), 0);
    equal(place, tr_full_like(w, 7));
    assert_int_equal(tr_backward(loss_of(x, w, NULL), .create_graph = true), 0);
    assert_ptr_not_equal(tr_grad(w), place);
    equal(place, tr_full_like(w, 7));
    equal(tr_detach(tr_grad(w)), g);
    tr_set_grad(w, NULL); /* the two hold each other */
}

TEST(without_a_place_it_lies_anywhere_again)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4, 3)), *w = leaf(tr_randn(TR_SHAPE(2, 3))), *place = given_place(w), *other = given_place(w);
    assert_int_equal(tr_backward(loss_of(x, w, NULL)), 0);
    assert_ptr_equal(tr_grad(w), other);
    equal(place, tr_full_like(w, 7));
    tr_set_grad(w, NULL);
    assert_int_equal(tr_set_grad_place(w, NULL), 0);
    assert_int_equal(tr_backward(loss_of(x, w, NULL)), 0);
    assert_ptr_not_equal(tr_grad(w), other);
}

TEST(replays_write_there)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4, 3)), *w = leaf(tr_randn(TR_SHAPE(2, 3))), *place = given_place(w), *want;
    tr_recording *step = NULL;
    assert_int_equal(tr_record(&step, .inputs = TR_TENSORS(x)), 0);
    assert_int_equal(tr_backward(loss_of(x, w, NULL)), 0);
    tr_set_grad(w, NULL);
    assert_int_equal(tr_record_end(), 0);
    tr_copy_(x, tr_randn(TR_SHAPE(4, 3)));
    assert_int_equal(tr_autograd_grad(TR_TENSORS(loss_of(x, w, NULL)), TR_TENSORS(w), &want), 0);
    assert_int_equal(tr_replay(step), 0);
    equal(place, want);
}

TEST(a_place_that_does_not_fit_is_refused)
{
    tr_tensor *w = leaf(tr_randn(TR_SHAPE(2, 3)));
    struct {
        tr_tensor *leaf, *place;
        const char *words;
    } cases[] = {
        {w, tr_zeros(TR_SHAPE(3, 2)), "the place is (3, 2) float32, but the leaf is (2, 3) float32"},
        {w, tr_zeros(TR_SHAPE(2, 3), .dtype = TR_FLOAT64), "(2, 3) float64"},
        {w, tr_t(tr_zeros(TR_SHAPE(3, 2))), "row-major"},
        {w, leaf(tr_zeros(TR_SHAPE(2, 3))), "in no graph"},
        {tr_zeros(TR_SHAPE(2, 3)), tr_zeros(TR_SHAPE(2, 3)), "not a leaf that requires grad"},
        {tr_mul(w, 2), tr_zeros(TR_SHAPE(2, 3)), "not a leaf that requires grad"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal((tr_set_grad_place)(cases[i].leaf, cases[i].place), -1);
        assert_error_says(cases[i].words);
    }
}
